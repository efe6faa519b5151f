//! The pieces of `text/event-stream`, by the protocol of `graphql-sse` in its mode of distinct connections.

use serde::Serialize;

use crate::http::answer;

/// What says nothing, and keeps the connection in use.
pub(super) fn comment() -> String {
    String::from(":\n\n")
}

/// A result. The id is what a client sends as `Last-Event-ID` when it comes again.
pub(super) fn next(payload: &impl Serialize, id: Option<&str>) -> String {
    // JSON columns come as they were written, maybe over several lines. Beyond strings, where it is escaped, a line's
    // end is mere space.
    let data = answer::json(payload).replace(['\n', '\r'], " ");
    match id {
        Some(id) => format!("event: next\nid: {id}\ndata: {data}\n\n"),
        None => format!("event: next\ndata: {data}\n\n"),
    }
}

/// There is no more. A browser's `EventSource` passes over events without data, hence the empty line of it.
pub(super) fn complete() -> String {
    String::from("event: complete\ndata:\n\n")
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    #[test]
    fn data_is_one_line_whatever_its_json_looks_like() {
        let json = "{\r\n\t\"a\": \"x\\ny\"\n}";
        let raw = RawValue::from_string(json.to_owned()).unwrap();
        assert_eq!(next(&raw, Some("c1")), "event: next\nid: c1\ndata: {  \t\"a\": \"x\\ny\" }\n\n");
        assert_eq!(next(&7, None), "event: next\ndata: 7\n\n");
    }
}
