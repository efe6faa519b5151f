//! Which media type an answer takes, and whether a body's is the one that we read.

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};

/// The media types of GraphQL over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MediaType {
    /// `application/graphql-response+json`: the HTTP status tells how the request fared.
    GraphqlResponse,
    /// `application/json`: a well-formed request is answered with 200, whatever came of it.
    Json,
}

impl MediaType {
    const fn essence(self) -> &'static str {
        match self {
            MediaType::GraphqlResponse => "application/graphql-response+json",
            MediaType::Json => "application/json",
        }
    }

    /// The value of the answer's Content-Type.
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            MediaType::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            MediaType::Json => "application/json; charset=utf-8",
        }
    }
}

/// The media type that the Accept headers like best; `None` where they like neither.
///
/// Without the header, and where only a wildcard matches, that is `application/json`, which every client reads.
pub(super) fn negotiate(headers: &HeaderMap) -> Option<MediaType> {
    let values: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let ranges: Vec<Range<'_>> = values.iter().flat_map(|value| value.split(',')).filter_map(Range::parse).collect();
    if ranges.is_empty() {
        return Some(MediaType::Json);
    }
    let [new, old] = [MediaType::GraphqlResponse, MediaType::Json].map(|media_type| liking(&ranges, media_type));
    // Of two that are liked alike, the one that is named goes before the one that a wildcard covers.
    let (best, quality) = match (new.0, new.1) > (old.0, old.1) || (new == old && new.1 == Range::EXACT) {
        true => (MediaType::GraphqlResponse, new.0),
        false => (MediaType::Json, old.0),
    };
    (quality > 0).then_some(best)
}

/// Whether the body is JSON in UTF-8. Only such a body is read: no form of a web page elsewhere can send it.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let mut parts = value.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    essence.eq_ignore_ascii_case(MediaType::Json.essence())
        && parts.filter_map(|parameter| parameter.split_once('=')).all(|(name, value)| {
            let value = value.trim_matches('"');
            !name.eq_ignore_ascii_case("charset")
                || ["utf-8", "utf8"].iter().any(|utf8| value.eq_ignore_ascii_case(utf8))
        })
}

/// One media range of an Accept header.
struct Range<'a> {
    essence: &'a str,
    /// In thousandths.
    quality: u16,
}

impl<'a> Range<'a> {
    const EXACT: u8 = 3;

    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let essence = parts.next().filter(|essence| essence.contains('/'))?;
        let quality = parts
            .filter_map(|parameter| parameter.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
            .map_or(Some(1.0), |(_, value)| value.trim().parse::<f32>().ok())
            // What is no quality says nothing.
            .filter(|quality| (0.0..=1.0).contains(quality))?;
        Some(Range { essence, quality: (quality * 1000.0) as u16 })
    }

    /// How closely the range names the type; 0 where it does not cover it.
    fn closeness(&self, media_type: MediaType) -> u8 {
        match self.essence {
            "*/*" => 1,
            essence if essence.eq_ignore_ascii_case("application/*") => 2,
            essence if essence.eq_ignore_ascii_case(media_type.essence()) => Range::EXACT,
            _ => 0,
        }
    }
}

/// The quality that the closest range gives to the type, and how close that range is.
fn liking(ranges: &[Range<'_>], media_type: MediaType) -> (u16, u8) {
    ranges
        .iter()
        .map(|range| (range.closeness(media_type), range.quality))
        .filter(|(closeness, _)| *closeness > 0)
        .max()
        .map_or((0, 0), |(closeness, quality)| (quality, closeness))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: axum::http::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn the_best_liked_type_is_chosen() {
        use MediaType::{GraphqlResponse, Json};
        for (accept, expected) in [
            ("application/graphql-response+json", Some(GraphqlResponse)),
            ("application/json", Some(Json)),
            ("*/*", Some(Json)),
            ("application/*", Some(Json)),
            ("application/graphql-response+json, application/json", Some(GraphqlResponse)),
            ("application/json, application/graphql-response+json", Some(GraphqlResponse)),
            ("application/graphql-response+json;q=0.5, application/json;q=0.9", Some(Json)),
            ("application/graphql-response+json; charset=utf-8, application/json;q=0.9", Some(GraphqlResponse)),
            ("application/graphql-response+json, */*;q=0.1", Some(GraphqlResponse)),
            ("application/json;q=0, */*", Some(GraphqlResponse)),
            ("application/json;q=0, application/graphql-response+json;q=0, */*", None),
            ("text/html, application/xhtml+xml, */*;q=0.8", Some(Json)),
            ("text/html", None),
            ("APPLICATION/JSON", Some(Json)),
            ("", Some(Json)),
        ] {
            assert_eq!(negotiate(&headers(ACCEPT, accept)), expected, "{accept}");
        }
        assert_eq!(negotiate(&HeaderMap::new()), Some(Json));
    }

    #[test]
    fn only_json_in_utf8_is_a_body() {
        for content_type in
            ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=\"UTF-8\""]
        {
            assert!(is_json(&headers(CONTENT_TYPE, content_type)), "{content_type}");
        }
        for content_type in
            ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "json"]
        {
            assert!(!is_json(&headers(CONTENT_TYPE, content_type)), "{content_type}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
