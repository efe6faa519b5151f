//! Automatic persisted queries: a client that has sent a document once may from then on send its SHA-256 instead.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::audit::{Code, Error, Result};
use crate::generations::Generations;

use super::json::Members;

/// What all kept documents may take, in bytes.
const CAPACITY: usize = 16 * 1024 * 1024;

/// What a document takes beside its text: its digest, the entry of the map, two pointers.
const OVERHEAD: usize = 128;

/// The version of the protocol, and there is no other.
const VERSION: &str = "1";

/// The SHA-256 of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    /// The digest of a text.
    pub(super) fn of(text: &str) -> Self {
        Digest(Sha256::digest(text).into())
    }

    fn parse(text: &str) -> Option<Self> {
        let digits: Vec<u8> =
            text.chars().map(|digit| digit.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
        let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        (digits.len() == 64).then_some(bytes)?.try_into().ok().map(Digest)
    }

    /// Reads the member `persistedQuery` of a request's extensions.
    pub(super) fn of_extension(text: &str) -> Result<Self> {
        let members = Members::of(text).map_err(|_| Error::bad_input("`persistedQuery` must be a JSON object"))?;
        if members.get("version") != Some(VERSION) {
            return Err(Error::bad_input("`persistedQuery` must have the version 1"));
        }
        let hash: Option<String> = members.get("sha256Hash").and_then(|hash| serde_json::from_str(hash).ok());
        hash.as_deref().and_then(Digest::parse).ok_or_else(|| {
            Error::bad_input("`sha256Hash` must be the SHA-256 of the document, in 64 hexadecimal digits")
        })
    }
}

/// The documents that clients have registered. Only known callers get here, and a document can only be had by who knows
/// its digest; what it holds is the same for all of them. Clones share it.
#[derive(Clone, Debug)]
pub struct PersistedQueries(Arc<Generations<Digest, Arc<str>>>);

impl Default for PersistedQueries {
    fn default() -> Self {
        PersistedQueries(Arc::new(Generations::of(CAPACITY)))
    }
}

impl PersistedQueries {
    /// The document that was registered under the digest.
    ///
    /// # Errors
    /// PERSISTED_QUERY_NOT_FOUND where there is none: the client then sends digest and document together.
    pub(super) fn find(&self, digest: Digest) -> Result<String> {
        // Clients look for this very message, or for the code.
        let unknown = || Error::new(Code::PersistedQueryNotFound, "PersistedQueryNotFound");
        self.0.find(&digest).map(|text| text.to_string()).ok_or_else(unknown)
    }

    /// Registers a document, which is of bounded length.
    pub(super) fn keep(&self, digest: Digest, text: &str) {
        self.0.keep(digest, text.into(), text.len() + OVERHEAD);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(digest: Digest) -> String {
        digest.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_extension_names_version_and_digest() {
        let digest = Digest::of("{__typename}");
        let read = |version: &str, hash: &str| {
            Digest::of_extension(&format!(r#"{{"version":{version},"sha256Hash":{hash}}}"#)).ok()
        };
        let quoted = format!("\"{}\"", hex(digest));
        // What Apollo's documentation gives for this document.
        assert_eq!(hex(digest), "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38");
        assert_eq!(read("1", &quoted), Some(digest));
        assert_eq!(read("1", &quoted.to_uppercase()), Some(digest));
        for (version, hash) in [
            ("2", quoted.as_str()),
            ("\"1\"", &quoted),
            ("null", &quoted),
            ("1", "\"abc\""),
            ("1", "7"),
            ("1", "\"ü\""),
        ] {
            assert_eq!(read(version, hash), None, "{version} {hash}");
        }
        assert!(Digest::of_extension("7").is_err());
    }

    #[test]
    fn documents_are_found_by_their_digest() {
        let queries = PersistedQueries::default();
        let digest = Digest::of("{ a }");
        assert_eq!(queries.find(digest).unwrap_err().code(), Code::PersistedQueryNotFound);
        queries.keep(digest, "{ a }");
        assert_eq!(queries.find(digest).unwrap(), "{ a }");
    }
}
