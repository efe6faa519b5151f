//! The messages of `graphql-transport-ws`.

use async_graphql::{Response, ServerError};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::http::answer;
use crate::http::json::Members;
use crate::http::params::{Params, Unusable};

use super::close::Close;

/// What a client says.
#[derive(Debug)]
pub(super) enum ClientMessage {
    /// It introduces itself, with the value of `authorization` where the payload has one.
    Init { authorization: Option<String> },
    /// It asks whether the server lives; the payload goes back.
    Ping { payload: Option<Box<RawValue>> },
    /// It answers a ping.
    Pong,
    /// It starts an operation; or means to, with variables that may not be sent.
    Subscribe { id: String, params: Result<Params, crate::audit::Error> },
    /// It wants no more of an operation.
    Complete { id: String },
}

impl ClientMessage {
    /// Reads a message; one that cannot be read ends the socket.
    pub(super) fn read(text: &str) -> Result<Self, Close> {
        let members = Members::of(text).map_err(|error| bad(error.message()))?;
        let kind = string(&members, "type")?.ok_or_else(|| bad("the message has no type"))?;
        match kind.as_str() {
            "connection_init" => Ok(ClientMessage::Init { authorization: authorization(object(&members)?)? }),
            "ping" => {
                let payload = object(&members)?.map(|text| RawValue::from_string(text.to_owned()));
                let payload = payload.transpose().map_err(|_| bad("the payload is no JSON"))?;
                Ok(ClientMessage::Ping { payload })
            }
            "pong" => object(&members).map(|_| ClientMessage::Pong),
            "subscribe" => {
                let id = id(&members)?;
                let payload = object(&members)?.ok_or_else(|| bad("the subscribe message has no payload"))?;
                let params = match Params::from_json(payload) {
                    Ok(params) => Ok(params),
                    Err(Unusable::Refused(error)) => Err(error),
                    Err(Unusable::Malformed(error)) => return Err(bad(error.message())),
                };
                Ok(ClientMessage::Subscribe { id, params })
            }
            "complete" => id(&members).map(|id| ClientMessage::Complete { id }),
            _ => Err(bad("the message has an unknown type")),
        }
    }
}

fn string(members: &Members<'_>, key: &str) -> Result<Option<String>, Close> {
    let Some(text) = members.get(key) else { return Ok(None) };
    serde_json::from_str(text).map(Some).map_err(|_| bad(&format!("the member {key} of the message is no string")))
}

fn id(members: &Members<'_>) -> Result<String, Close> {
    string(members, "id")?.filter(|id| !id.is_empty()).ok_or_else(|| bad("the message has no id"))
}

fn object<'a>(members: &Members<'a>) -> Result<Option<&'a str>, Close> {
    match members.get("payload") {
        Some(text) if !text.starts_with('{') => Err(bad("the payload is no object")),
        payload => Ok(payload),
    }
}

fn authorization(payload: Option<&str>) -> Result<Option<String>, Close> {
    let Some(payload) = payload else { return Ok(None) };
    let members = Members::of(payload).map_err(|error| bad(error.message()))?;
    let Some((key, _)) = members.0.iter().find(|(key, _)| key.eq_ignore_ascii_case("authorization")) else {
        return Ok(None);
    };
    string(&members, key)
}

fn bad(reason: &str) -> Close {
    Close::bad_message(reason.to_owned())
}

/// What the server says.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ServerMessage<'a> {
    /// The caller is known.
    ConnectionAck,
    /// An answer to a ping.
    Pong {
        /// What came with the ping.
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<&'a RawValue>,
    },
    /// A result of an operation.
    Next {
        /// The operation's.
        id: &'a str,
        /// Data, errors, or both.
        payload: &'a Response,
    },
    /// The operation was refused.
    Error {
        /// The operation's.
        id: &'a str,
        /// Why.
        payload: &'a [ServerError],
    },
    /// There is no more.
    Complete {
        /// The operation's.
        id: &'a str,
    },
}

impl ServerMessage<'_> {
    /// The message as it is sent.
    pub(super) fn text(&self) -> String {
        answer::json(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_break_the_protocol_are_refused() {
        for text in [
            "",
            "hello",
            "[]",
            "{}",
            r#"{"type":7}"#,
            r#"{"type":"start"}"#,
            r#"{"type":"connection_init","payload":7}"#,
            r#"{"type":"connection_init","payload":{"authorization":7}}"#,
            r#"{"type":"ping","payload":"x"}"#,
            r#"{"type":"subscribe","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":7,"payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":{}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","variables":7}}"#,
            r#"{"type":"complete"}"#,
        ] {
            assert!(ClientMessage::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_authorization_is_found_in_any_case() {
        for key in ["authorization", "Authorization", "AUTHORIZATION"] {
            let text = format!(r#"{{"type":"connection_init","payload":{{"a":1,"{key}":"Bearer x"}}}}"#);
            let ClientMessage::Init { authorization } = ClientMessage::read(&text).unwrap() else { panic!("no init") };
            assert_eq!(authorization.as_deref(), Some("Bearer x"));
        }
    }

    #[test]
    fn server_messages_are_spelt_as_the_protocol_wants() {
        assert_eq!(ServerMessage::ConnectionAck.text(), r#"{"type":"connection_ack"}"#);
        assert_eq!(ServerMessage::Pong { payload: None }.text(), r#"{"type":"pong"}"#);
        assert_eq!(ServerMessage::Complete { id: "1" }.text(), r#"{"type":"complete","id":"1"}"#);
    }
}
