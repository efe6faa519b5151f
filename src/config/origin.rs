//! An origin of web pages, as browsers write it.

use std::fmt;
use std::str::FromStr;

/// A scheme, a host and maybe a port: `https://app.example:8443`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// The origin as browsers send it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let origin = text.trim().to_ascii_lowercase();
        if origin == "*" {
            return Err("every origin is no origin: name those whose pages may read the log, such as \
                        https://app.example"
                .to_owned());
        }
        let wrong =
            || format!("{text:?} is no origin: those have the form https://app.example or http://localhost:3000");
        let (scheme, authority) = origin.split_once("://").ok_or_else(wrong)?;
        let (host, port) = match authority.rsplit_once(':') {
            // In an IPv6 address without a port the last colon stands inside the brackets.
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let is_name =
            |host: &str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
        let is_address = |host: &str| {
            let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            inner.is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok())
        };
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        if !is_scheme || host.is_empty() || !(is_name(host) || is_address(host)) {
            return Err(wrong());
        }
        if let Some(port) = port {
            let number: u16 = port.parse().map_err(|_| wrong())?;
            // Browsers leave these out, and an origin that is never sent would allow nobody.
            if (scheme, number) == ("https", 443) || (scheme, number) == ("http", 80) {
                return Ok(Origin(format!("{scheme}://{host}")));
            }
            return Ok(Origin(format!("{scheme}://{host}:{number}")));
        }
        Ok(Origin(origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_do() {
        for (text, expected) in [
            ("https://app.example:8443", "https://app.example:8443"),
            (" HTTPS://App.Example ", "https://app.example"),
            ("https://app.example:443", "https://app.example"),
            ("http://localhost:80", "http://localhost"),
            ("http://localhost:443", "http://localhost:443"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("http://[::1]", "http://[::1]"),
            ("capacitor://localhost", "capacitor://localhost"),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().as_str(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "",
            "*",
            "null",
            "app.example",
            "https://",
            "https://*",
            "https://*.example",
            "https://app.example/",
            "https://app.example/path",
            "https://user@app.example",
            "https://app.example:x",
            "https://app.example:",
            "https://app.example:99999",
            "https://a b",
            "https://[::1",
            "://x",
            "https://a,b",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
        assert!("*".parse::<Origin>().unwrap_err().contains("every origin"));
    }
}
