//! The parameters of a GraphQL request, the same wherever they come from: a POST's body, a GET's query string, or a
//! `subscribe` message.

use async_graphql::Variables;

use crate::audit::{Error, Result};

use super::json::{self, Members};
use super::persisted::Digest;

/// A GraphQL request as its transport brought it.
#[derive(Debug)]
pub(super) struct Params {
    /// The document; it may be missing where its digest is given.
    pub query: Option<String>,
    /// The digest of a document that the client has registered before, or registers now.
    pub persisted: Option<Digest>,
    /// Which of its operations is meant.
    pub operation_name: Option<String>,
    /// The variables, with every digit.
    pub variables: Variables,
}

/// Why parameters cannot be taken.
#[derive(Debug)]
pub(super) enum Unusable {
    /// They are no GraphQL request at all.
    Malformed(Error),
    /// The variables hold something that may not be sent.
    Refused(Error),
}

impl Unusable {
    pub(super) fn into_error(self) -> Error {
        match self {
            Unusable::Malformed(error) | Unusable::Refused(error) => error,
        }
    }
}

impl Params {
    /// Reads the JSON of a body or of a payload.
    pub(super) fn from_json(text: &str) -> Result<Self, Unusable> {
        if text.trim_start().starts_with('[') {
            return Err(malformed(
                "batches are not taken: send one operation per request, over HTTP/2 as many at once as you like",
            ));
        }
        let members = Members::of(text).map_err(Unusable::Malformed)?;
        let query = text_of(&members, "query")?;
        let operation_name = text_of(&members, "operationName")?;
        let persisted = persisted(members.get("extensions"))?;
        let variables = variables(members.get("variables"))?;
        Params { query, persisted, operation_name, variables }.whole()
    }

    /// Reads the query string of a GET.
    pub(super) fn from_query_string(text: &str) -> Result<Self, Unusable> {
        let [mut query, mut operation_name, mut variables_text, mut extensions] = [const { None }; 4];
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let slot = match &*name {
                "query" => &mut query,
                "operationName" => &mut operation_name,
                "variables" => &mut variables_text,
                "extensions" => &mut extensions,
                _ => continue,
            };
            if slot.replace(value.into_owned()).is_some() {
                return Err(malformed(format!("the parameter `{name}` stands in the query string twice")));
            }
        }
        // An empty parameter is one that is not given, as a form sends it.
        let given = |value: &Option<String>| value.clone().filter(|text| !text.is_empty() && text != "null");
        let persisted = persisted(given(&extensions).as_deref())?;
        let operation_name = operation_name.filter(|name| !name.is_empty());
        let variables = variables(given(&variables_text).as_deref())?;
        Params { query, persisted, operation_name, variables }.whole()
    }

    fn whole(self) -> Result<Self, Unusable> {
        match (&self.query, self.persisted) {
            (None, None) => Err(malformed("the parameter `query` is missing: it holds the GraphQL document")),
            _ => Ok(self),
        }
    }
}

fn text_of(members: &Members<'_>, key: &str) -> Result<Option<String>, Unusable> {
    let Some(text) = members.get(key) else { return Ok(None) };
    serde_json::from_str(text).map(Some).map_err(|_| malformed(format!("`{key}` must be a string")))
}

fn variables(text: Option<&str>) -> Result<Variables, Unusable> {
    let Some(text) = text else { return Ok(Variables::default()) };
    must_be_object("variables", text)?;
    json::read(text).map(Variables::from_value).map_err(Unusable::Refused)
}

/// Of the extensions only persisted queries mean something to this server, yet the specification wants them to be an
/// object.
fn persisted(extensions: Option<&str>) -> Result<Option<Digest>, Unusable> {
    let Some(text) = extensions else { return Ok(None) };
    must_be_object("extensions", text)?;
    let members = Members::of(text).map_err(Unusable::Malformed)?;
    members.get("persistedQuery").map(Digest::of_extension).transpose().map_err(Unusable::Malformed)
}

fn must_be_object(key: &str, text: &str) -> Result<(), Unusable> {
    if text.trim_start().starts_with('{') { Ok(()) } else { Err(malformed(format!("`{key}` must be a JSON object"))) }
}

fn malformed(message: impl Into<String>) -> Unusable {
    Unusable::Malformed(Error::bad_input(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables_json(params: &Params) -> String {
        serde_json::to_string(&params.variables).unwrap()
    }

    #[test]
    fn a_body_gives_all_parameters_and_keeps_digits() {
        let params = Params::from_json(
            r#"{"query":"{ a }","operationName":"Q","variables":{"v":1.10,"w":[1e400]},"extensions":{},"more":1}"#,
        )
        .unwrap();
        assert_eq!(params.query.as_deref(), Some("{ a }"));
        assert_eq!(params.operation_name.as_deref(), Some("Q"));
        assert_eq!(variables_json(&params), r#"{"v":1.10,"w":[1e400]}"#);
    }

    #[test]
    fn null_is_as_good_as_absent() {
        let params = Params::from_json(r#"{"query":"{ a }","operationName":null,"variables":null,"extensions":null}"#);
        let params = params.unwrap();
        assert_eq!(params.operation_name, None);
        assert_eq!(variables_json(&params), "{}");
    }

    #[test]
    fn a_body_of_another_shape_is_malformed() {
        for body in [
            "",
            "null",
            "7",
            r#""{ a }""#,
            "[]",
            r#"[{"query":"{ a }"}]"#,
            "{}",
            r#"{"query":null}"#,
            r#"{"query":7}"#,
            r#"{"query":"{ a }","operationName":7}"#,
            r#"{"query":"{ a }","variables":"{}"}"#,
            r#"{"query":"{ a }","variables":[]}"#,
            r#"{"query":"{ a }","extensions":[]}"#,
            r#"{"query":"{ a }","extensions":{"persistedQuery":7}}"#,
            r#"{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"abc"}}}"#,
            r#"{"extensions":{"other":{}}}"#,
            r#"{"query":"{ a }","query":"{ b }"}"#,
            r#"{"query":"{ a }"} {}"#,
        ] {
            assert!(matches!(Params::from_json(body), Err(Unusable::Malformed(_))), "{body}");
        }
    }

    #[test]
    fn variables_that_may_not_be_sent_are_refused() {
        for variables in [r#"{"a":1,"a":2}"#, r#"{"a":"\u0000"}"#, r#"{"$serde_json::private::Number":"1"}"#] {
            let body = format!(r#"{{"query":"{{ a }}","variables":{variables}}}"#);
            assert!(matches!(Params::from_json(&body), Err(Unusable::Refused(_))), "{body}");
        }
    }

    #[test]
    fn a_query_string_is_percent_decoded() {
        let params = Params::from_query_string(
            "query=query+Q%7Ba%7D&operationName=Q&variables=%7B%22v%22%3A1.10%2C%22%C3%BC%22%3A%22%2B%22%7D&x=1",
        )
        .unwrap();
        assert_eq!(params.query.as_deref(), Some("query Q{a}"));
        assert_eq!(params.operation_name.as_deref(), Some("Q"));
        assert_eq!(variables_json(&params), r#"{"v":1.10,"ü":"+"}"#);
    }

    #[test]
    fn a_query_string_without_query_or_with_two_is_malformed() {
        for text in ["", "variables={}", "query={a}&query={b}", "query={a}&variables=7", "query={a}&extensions=7"] {
            assert!(matches!(Params::from_query_string(text), Err(Unusable::Malformed(_))), "{text}");
        }
        Params::from_query_string("query={a}&variables=&operationName=&extensions=").unwrap();
    }
}
