//! Which media type an answer takes, and whether a body's is the one that we read.

use async_graphql::parser::types::OperationType;
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

/// The media types of answers that stay open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamType {
    /// `text/event-stream`: server-sent events.
    EventStream,
    /// `multipart/mixed;subscriptionSpec=1.0`: what Apollo's clients read.
    Multipart,
}

impl StreamType {
    /// The transport's name in the log.
    pub(super) const fn name(self) -> &'static str {
        match self {
            StreamType::EventStream => "sse",
            StreamType::Multipart => "multipart",
        }
    }

    /// The value of the answer's Content-Type.
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            StreamType::EventStream => "text/event-stream; charset=utf-8",
            StreamType::Multipart => "multipart/mixed; boundary=\"graphql\"; subscriptionSpec=1.0",
        }
    }
}

/// The form that an answer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One document.
    Single(MediaType),
    /// Pieces, one after the other.
    Stream(StreamType),
}

/// What the Accept headers like best of either kind, with its quality.
#[derive(Debug)]
pub(super) struct Accepted {
    single: Option<(MediaType, u16)>,
    stream: Option<(StreamType, u16)>,
}

impl Accepted {
    /// Reads the Accept headers.
    ///
    /// Without the header, and where only a wildcard matches, the answer is `application/json`, which every client
    /// reads. A stream must be named: who names none would wait for its end.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let values: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
        let ranges: Vec<Range<'_>> =
            values.iter().flat_map(|value| value.split(',')).filter_map(Range::parse).collect();
        if ranges.is_empty() {
            return Accepted { single: Some((MediaType::Json, 1000)), stream: None };
        }
        Accepted { single: single(&ranges), stream: stream(&ranges) }
    }

    /// The form of an operation's answer; none where none will do. Only a stream can tell what a subscription has to
    /// tell; otherwise it goes before the single document where it is liked better.
    pub(super) fn form(&self, kind: OperationType) -> Option<Form> {
        match (self.single, self.stream) {
            (_, Some((stream, _))) if kind == OperationType::Subscription => Some(Form::Stream(stream)),
            (_, None) if kind == OperationType::Subscription => None,
            (Some((_, single)), Some((stream, quality))) if quality > single => Some(Form::Stream(stream)),
            (Some((single, _)), _) => Some(Form::Single(single)),
            (None, stream) => stream.map(|(stream, _)| Form::Stream(stream)),
        }
    }

    /// Whether there is any form in which the request can be answered.
    pub(super) fn is_possible(&self) -> bool {
        self.single.is_some() || self.stream.is_some()
    }

    /// The media type in which a request is refused that never became an operation.
    pub(super) fn refusal(&self) -> MediaType {
        self.single.map_or(MediaType::Json, |(media_type, _)| media_type)
    }
}

fn single(ranges: &[Range<'_>]) -> Option<(MediaType, u16)> {
    let [new, old] = [MediaType::GraphqlResponse, MediaType::Json].map(|media_type| liking(ranges, media_type));
    // Of two that are liked alike, the one that is named goes before the one that a wildcard covers.
    let (best, quality) = match (new.0, new.1) > (old.0, old.1) || (new == old && new.1 == Range::EXACT) {
        true => (MediaType::GraphqlResponse, new.0),
        false => (MediaType::Json, old.0),
    };
    (quality > 0).then_some((best, quality))
}

fn stream(ranges: &[Range<'_>]) -> Option<(StreamType, u16)> {
    let quality =
        |stream: StreamType| ranges.iter().filter(|range| range.names(stream)).map(|range| range.quality).max();
    let [events, parts] = [StreamType::EventStream, StreamType::Multipart].map(|stream| quality(stream).unwrap_or(0));
    let (best, quality) =
        if parts > events { (StreamType::Multipart, parts) } else { (StreamType::EventStream, events) };
    (quality > 0).then_some((best, quality))
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
    /// Whether it asks for the one protocol of subscriptions in parts: others, such as that of `@defer`, use the same
    /// media type.
    is_for_subscriptions: bool,
}

impl<'a> Range<'a> {
    const EXACT: u8 = 3;

    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let essence = parts.next().filter(|essence| essence.contains('/'))?;
        let parameters: Vec<(&str, &str)> = parts.filter_map(|parameter| parameter.split_once('=')).collect();
        let parameter = |wanted: &str| {
            let found = parameters.iter().find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value.trim().trim_matches('"'))
        };
        let quality = parameter("q")
            .map_or(Some(1.0), |value| value.parse::<f32>().ok())
            // What is no quality says nothing.
            .filter(|quality| (0.0..=1.0).contains(quality))?;
        let is_for_subscriptions = parameter("subscriptionSpec").is_some_and(|version| version == "1.0");
        Some(Range { essence, quality: (quality * 1000.0) as u16, is_for_subscriptions })
    }

    fn names(&self, stream: StreamType) -> bool {
        match stream {
            StreamType::EventStream => self.essence.eq_ignore_ascii_case("text/event-stream"),
            StreamType::Multipart => self.is_for_subscriptions && self.essence.eq_ignore_ascii_case("multipart/mixed"),
        }
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
            let accepted = Accepted::of(&headers(ACCEPT, accept));
            assert_eq!(accepted.form(OperationType::Query), expected.map(Form::Single), "{accept}");
            assert_eq!(accepted.form(OperationType::Subscription), None, "{accept}");
            assert_eq!(accepted.is_possible(), expected.is_some(), "{accept}");
        }
        assert_eq!(Accepted::of(&HeaderMap::new()).form(OperationType::Mutation), Some(Form::Single(Json)));
    }

    #[test]
    fn a_stream_is_chosen_for_subscriptions_and_where_it_is_liked_better() {
        use MediaType::{GraphqlResponse, Json};
        use StreamType::{EventStream, Multipart};
        for (accept, subscription, query) in [
            ("text/event-stream", Some(EventStream), Form::Stream(EventStream)),
            ("Text/Event-Stream, */*;q=0.1", Some(EventStream), Form::Stream(EventStream)),
            // As urql asks for queries, and Apollo's client for subscriptions.
            (
                "application/graphql-response+json, application/json, text/event-stream, multipart/mixed",
                Some(EventStream),
                Form::Single(GraphqlResponse),
            ),
            (
                "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json",
                Some(Multipart),
                Form::Single(Json),
            ),
            ("multipart/mixed; subscriptionSpec=\"1.0\"", Some(Multipart), Form::Stream(Multipart)),
            ("multipart/mixed;deferSpec=20220824, application/json", None, Form::Single(Json)),
            ("multipart/mixed;subscriptionSpec=2.0, application/json", None, Form::Single(Json)),
            ("multipart/mixed;subscriptionSpec=1.0, text/event-stream;q=0.9", Some(Multipart), Form::Stream(Multipart)),
            ("text/event-stream;q=0, application/json", None, Form::Single(Json)),
        ] {
            let accepted = Accepted::of(&headers(ACCEPT, accept));
            assert_eq!(accepted.form(OperationType::Subscription), subscription.map(Form::Stream), "{accept}");
            assert_eq!(accepted.form(OperationType::Query), Some(query), "{accept}");
        }
        assert!(!Accepted::of(&headers(ACCEPT, "multipart/mixed, text/html")).is_possible());
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
