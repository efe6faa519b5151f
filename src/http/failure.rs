//! Every error that leaves carries a code, and none carries more than a client may know.

use async_graphql::{ErrorExtensionValues, Response, ServerError};
use serde::Serialize;

use crate::audit::{Code, Error};

use super::json::unwrap_numbers;

/// How async-graphql begins its messages about values that do not fit: in documents and variables, and in resolvers.
const INPUT_MESSAGES: [&str; 3] = ["Invalid value for argument ", "Failed to parse \"", "Expected input type \""];

/// The answer to a request that was not executed: there is no key `data` in it.
#[derive(Serialize)]
pub(super) struct Refusal<'a> {
    /// Why it was not executed.
    pub errors: &'a [ServerError],
}

/// An error as GraphQL spells it.
pub(super) fn to_graphql(error: &Error) -> ServerError {
    if error.code() == Code::Internal {
        tracing::error!(%error, "a request failed");
    }
    coded(ServerError::new(error.message(), None), error.code())
}

/// Parse errors of async-graphql.
pub(super) fn parse_failed(error: ServerError) -> ServerError {
    coded(error, Code::GraphqlParseFailed)
}

/// The response that consists of one error.
pub(super) fn response_of(error: &Error) -> Response {
    Response::from_errors(vec![to_graphql(error)])
}

/// Whether the request was refused before its execution began.
pub(super) fn is_refused(response: &Response) -> bool {
    response.data == async_graphql::Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(|error| error.path.is_empty())
}

/// Gives a code to every error that has none.
pub(super) fn settle(mut response: Response) -> Response {
    response.errors = response.errors.into_iter().map(settle_error).collect();
    response
}

/// The codes of a response's errors, each once, for the log.
pub(super) fn codes(errors: &[ServerError]) -> Vec<String> {
    let mut codes: Vec<String> = errors.iter().filter_map(code_of).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

fn code_of(error: &ServerError) -> Option<String> {
    match error.extensions.as_ref()?.get("code")? {
        async_graphql::Value::String(code) => Some(code.clone()),
        _ => None,
    }
}

fn settle_error(mut error: ServerError) -> ServerError {
    if code_of(&error).is_some() {
        return error;
    }
    if INPUT_MESSAGES.iter().any(|start| error.message.starts_with(start)) {
        error.message = unwrap_numbers(&error.message);
        return coded(error, Code::BadUserInput);
    }
    if error.path.is_empty() {
        return coded(error, Code::GraphqlValidationFailed);
    }
    // A resolver failed with something that is not ours; what it says may name tables, paths or types.
    let internal = Error::internal(error.message);
    ServerError { locations: error.locations, path: error.path, ..to_graphql(&internal) }
}

fn coded(mut error: ServerError, code: Code) -> ServerError {
    error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("code", code.as_str());
    error
}

#[cfg(test)]
mod tests {
    use async_graphql::PathSegment;

    use super::*;

    fn settled(message: &str, in_resolver: bool) -> (String, String) {
        let mut error = ServerError::new(message, None);
        if in_resolver {
            error.path.push(PathSegment::Field("auditLogs".to_owned()));
        }
        let error = settle(Response::from_errors(vec![error])).errors.remove(0);
        (code_of(&error).unwrap(), error.message)
    }

    #[test]
    fn values_that_do_not_fit_are_bad_user_input_wherever_they_are_found() {
        let document = "Invalid value for argument \"filter.action\", enumeration type \"AuditAction\" …";
        let variable = "Expected input type \"Int\", found {$serde_json::private::RawValue: \"1e3\"}.";
        assert_eq!(settled(document, false).0, "BAD_USER_INPUT");
        assert_eq!(settled("Failed to parse \"Instant\": no such day", true).0, "BAD_USER_INPUT");
        let expected = ("BAD_USER_INPUT".to_owned(), "Expected input type \"Int\", found 1e3.".to_owned());
        assert_eq!(settled(variable, true), expected);
    }

    #[test]
    fn what_validation_finds_is_a_validation_error() {
        assert_eq!(settled("Unknown field \"x\" on type \"Query\".", false).0, "GRAPHQL_VALIDATION_FAILED");
    }

    #[test]
    fn a_foreign_error_of_a_resolver_does_not_leak() {
        let expected = ("INTERNAL_SERVER_ERROR".to_owned(), "an internal error occurred".to_owned());
        assert_eq!(settled("no such table: secrets", true), expected);
    }

    #[test]
    fn a_code_that_is_there_stays() {
        let response = settle(response_of(&Error::forbidden("this needs the role ADMIN")));
        assert_eq!(codes(&response.errors), ["FORBIDDEN"]);
        assert!(is_refused(&response));
    }
}
