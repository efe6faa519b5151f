//! The key that signs and checks tokens, and the file that holds it where none is configured.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The least length of a secret, in bytes: that of the HS256 digest (RFC 7518, 3.2).
const MIN_LENGTH: usize = 32;

/// A shared secret for HS256. It is never printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes a configured secret.
    ///
    /// # Errors
    /// Where it is shorter than 32 bytes.
    pub fn new(text: String) -> Result<Self, String> {
        if text.len() < MIN_LENGTH {
            return Err(format!(
                "the JWT secret has {} bytes; HS256 needs at least {MIN_LENGTH}. `openssl rand -base64 48` makes one",
                text.len()
            ));
        }
        Ok(Secret(text))
    }

    /// Reads the secret of a file, or makes the file with a new one. Others must not be able to read it.
    ///
    /// # Errors
    /// Where the file can neither be read nor made, is readable by others, or holds no usable secret.
    pub fn of_file(path: &Path) -> Result<Self, String> {
        let failed =
            |what: &str, error: io::Error| format!("cannot {what} the secret file {}: {error}", path.display());
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(mut file) => {
                let mut bytes = [0u8; 48];
                getrandom::fill(&mut bytes).map_err(|error| format!("no random bytes for a secret: {error}"))?;
                let text = URL_SAFE_NO_PAD.encode(bytes);
                file.write_all(text.as_bytes()).map_err(|error| failed("write", error))?;
                Ok(Secret(text))
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let mode = fs::metadata(path).map_err(|error| failed("look at", error))?.permissions().mode();
                if mode & 0o077 != 0 {
                    return Err(format!(
                        "the secret file {} can be read by others; `chmod 600` it, or delete it for a new one",
                        path.display()
                    ));
                }
                let text = fs::read_to_string(path).map_err(|error| failed("read", error))?;
                Secret::new(text.trim().to_owned())
            }
            Err(error) => Err(failed("make", error)),
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_the_secret() {
        let secret = Secret::new("0123456789abcdef0123456789abcdef".to_owned()).unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(***)");
    }

    #[test]
    fn a_short_secret_is_refused() {
        assert!(Secret::new("too short".to_owned()).unwrap_err().contains("at least 32"));
    }

    #[test]
    fn a_secret_file_is_made_once_and_refused_when_others_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let made = Secret::of_file(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Secret::of_file(&path).unwrap().as_bytes(), made.as_bytes());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Secret::of_file(&path).unwrap_err().contains("can be read by others"));
    }
}
