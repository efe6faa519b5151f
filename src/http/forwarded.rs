//! The two headers in which proxies tell whom they speak for: `Forwarded` (RFC 7239) and `X-Forwarded-For`.

use std::net::IpAddr;

/// One hop; none where the header does not tell its address: an identifier of the proxy's own making, `unknown`, or
/// what cannot be read.
pub(super) type Hop = Option<IpAddr>;

/// The hops of a line of `X-Forwarded-For`.
pub(super) fn customary(line: &str) -> Vec<Hop> {
    line.split(',').map(str::trim).filter(|hop| !hop.is_empty()).map(address).collect()
}

/// The hops of a line of `Forwarded`.
pub(super) fn standard(line: &str) -> Vec<Hop> {
    split(line, ',').into_iter().filter(|text| !text.trim().is_empty()).map(element).collect()
}

/// The address in the `for` of one element; an element that has several, or breaks the grammar, tells none.
fn element(text: &str) -> Hop {
    let mut found = None;
    for pair in split(text, ';').into_iter().map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=')?;
        let value = unquoted(value)?;
        if name.eq_ignore_ascii_case("for") && found.replace(value).is_some() {
            return None;
        }
    }
    address(&found?)
}

/// Cuts at each separator that stands in no quoted string. A string without an end reaches to the end of the text, so
/// that nothing behind it is taken for a word of the proxy's.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |character: char| {
        let cuts = character == separator && !quoted;
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        cuts
    })
    .collect()
}

/// A token as it is, a quoted string without its quotes; none where it is neither.
fn unquoted(value: &str) -> Option<String> {
    let Some(rest) = value.strip_prefix('"') else {
        return (!value.contains('"') && !value.is_empty()).then(|| value.to_owned());
    };
    let inner = rest.strip_suffix('"')?;
    let mut text = String::new();
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return None,
            '\\' => text.push(characters.next()?),
            _ => text.push(character),
        }
    }
    Some(text)
}

/// The address of a hop: with or without a port, one of IPv6 in brackets or bare.
fn address(text: &str) -> Hop {
    let is_port = |port: &str| !port.is_empty() && port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((inner, port)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let has_no_other_rest = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        let address = inner.parse().ok().filter(IpAddr::is_ipv6)?;
        return has_no_other_rest.then(|| address.to_canonical());
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    let (address, port) = text.split_once(':')?;
    address.parse().ok().filter(|_| is_port(port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(hops: &[Hop]) -> Vec<String> {
        hops.iter().map(|hop| hop.map_or_else(|| "-".to_owned(), |address| address.to_string())).collect()
    }

    #[test]
    fn an_address_may_have_a_port_and_brackets() {
        for (text, expected) in [
            ("192.0.2.60", "192.0.2.60"),
            ("192.0.2.60:4711", "192.0.2.60"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:DB8::1]:4711", "2001:db8::1"),
            ("::ffff:192.0.2.60", "192.0.2.60"),
            ("[::ffff:192.0.2.60]:1", "192.0.2.60"),
        ] {
            assert_eq!(told(&customary(text)), [expected], "{text}");
        }
        for text in [
            "unknown",
            "_hidden",
            "192.0.2.60:",
            "192.0.2.60:x",
            "192.0.2.60:123456",
            "192.0.2.260",
            "[192.0.2.60]",
            "[2001:db8::1",
            "[2001:db8::1]x",
            "[2001:db8::1]:",
            "192.0.2.60 x",
            "example.com",
            "\"192.0.2.60\"",
        ] {
            assert_eq!(told(&customary(text)), ["-"], "{text}");
        }
    }

    #[test]
    fn the_customary_header_is_a_list() {
        assert_eq!(told(&customary("1.1.1.1,2.2.2.2:80 ,, x,[::2],")), ["1.1.1.1", "2.2.2.2", "-", "::2"]);
    }

    #[test]
    fn the_standard_header_is_a_list_of_pairs() {
        for (text, expected) in [
            ("for=192.0.2.43", vec!["192.0.2.43"]),
            ("For=\"[2001:db8:cafe::17]:4711\"", vec!["2001:db8:cafe::17"]),
            ("for=192.0.2.60;proto=http;by=203.0.113.43", vec!["192.0.2.60"]),
            ("proto=https; FOR=\"192.0.2.60:80\" ;by=_x", vec!["192.0.2.60"]),
            ("for=192.0.2.43, for=198.51.100.17", vec!["192.0.2.43", "198.51.100.17"]),
            ("for=_hidden, for=unknown, proto=http", vec!["-", "-", "-"]),
            ("for=\"1.1.1.1\\:80\"", vec!["1.1.1.1"]),
            ("by=\"a,b;for=6.6.6.6\";for=1.1.1.1", vec!["1.1.1.1"]),
            ("for=1.1.1.1;for=2.2.2.2", vec!["-"]),
            ("for=1.1.1.1,, ", vec!["1.1.1.1"]),
            ("for", vec!["-"]),
            ("for=", vec!["-"]),
            ("1.1.1.1", vec!["-"]),
        ] {
            assert_eq!(told(&standard(text)), expected, "{text}");
        }
    }

    #[test]
    fn a_quote_that_a_client_left_open_hides_nothing_behind_it() {
        // What a proxy appends to the client's own line.
        for appended in ["for=1.1.1.1", "for=\"1.1.1.1:80\"", "for=\"[2001:db8::1]\""] {
            for forged in ["for=6.6.6.6, for=\"", "for=\"6.6.6.6", "for=6.6.6.6;by=\"\\", "\""] {
                let hops = told(&standard(&format!("{forged}, {appended}")));
                assert_eq!(hops.last().unwrap(), "-", "{forged}, {appended}");
            }
        }
    }
}
