//! The OpenAPI document: what is common to all paths. What is particular stands beside each handler, and the routes are
//! made of the same annotations.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::response::{Response as Described, ResponseBuilder};
use utoipa::openapi::schema::{Array, ArrayBuilder, ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{ComponentsBuilder, Content, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr};
use utoipa::{IntoResponses, ToSchema};

use super::entry::EntryJson;
use crate::audit::{Error, Result};
use crate::http::{Problem, ProblemCode};

const JSON: &str = "application/json";
pub(super) const PROBLEM: &str = "application/problem+json";
const SCHEME: &str = "bearer";

const DESCRIPTION: &str = "Afterimage records who changed what in a database. This is its REST API: entries of the log by \
    user, by action and by object, the trash, counts, entries recorded by hand, and undo. It is a thin layer over the same \
    services as the GraphQL API at `/graphql`, which can do more: filters of any depth, pages by cursor, objects as they \
    were, previews of an undo, whole transactions, and entries live as they are committed.\n\n\
    Every path needs a bearer token. ADMIN may do everything, AUDITOR may read, WRITER may record entries by hand.\n\n\
    What is out of bounds is refused and not clipped: a parameter that a path does not know, or that stands there twice, \
    is an error. Every failure is a problem by RFC 9457.\n\n\
    Numbers in the values of rows are written with every digit that the database has: a client that reads JSON into \
    doubles finds the exact text in `changes`. Values in paths are percent-encoded: the record `a/b` of the table \
    `my table` is `/api/auditLog/my%20table/a%2Fb`. A name or key that is `.` or `..` cannot stand in a path, since \
    clients take it for a step; the filters of the GraphQL API take it.";

/// The document without its paths.
pub(super) fn frame() -> OpenApi {
    let license = LicenseBuilder::new().name(env!("CARGO_PKG_LICENSE")).identifier(Some(env!("CARGO_PKG_LICENSE")));
    let info = InfoBuilder::new()
        .title("Afterimage")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(license.build()));
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").description(Some(
        "A JSON Web Token with `sub`, `exp` and `roles`, an array of `admin`, `auditor` and `writer`. \
         `afterimage token` issues one.",
    ));
    let components = ComponentsBuilder::new()
        .security_scheme(SCHEME, SecurityScheme::Http(token.build()))
        .schema(Problem::name(), <Problem as utoipa::PartialSchema>::schema())
        .schema(ProblemCode::name(), <ProblemCode as utoipa::PartialSchema>::schema());
    let tag = |name: &str, description: &str| TagBuilder::new().name(name).description(Some(description)).build();
    OpenApiBuilder::new()
        .info(info.build())
        .components(Some(components.build()))
        .security(Some([SecurityRequirement::new(SCHEME, [] as [&str; 0])]))
        .tags(Some([
            tag("Entries", "Reading the log; for ADMIN and AUDITOR."),
            tag("By hand", "Recording what no trigger sees; for ADMIN and WRITER."),
            tag("Undo", "Undoing what an entry records; for ADMIN."),
        ]))
        .build()
}

/// The whole document, as `openapi.json` holds it.
///
/// # Errors
/// Where it cannot be written as JSON.
pub fn document() -> Result<String> {
    let mut text = super::described().into_openapi().to_pretty_json().map_err(Error::internal)?;
    text.push('\n');
    Ok(text)
}

/// The document, as it is served: to everyone, since it tells nothing of what the log holds.
pub(super) fn answer(text: Bytes) -> Response {
    let mut answer = text.into_response();
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    answer
}

type Responses = BTreeMap<String, RefOr<Described>>;

fn problem(description: &str) -> ResponseBuilder {
    let content = Content::new(Some(Ref::from_schema_name(Problem::name())));
    ResponseBuilder::new().description(description).content(PROBLEM, content)
}

fn text_header(description: &str) -> utoipa::openapi::header::Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .description(Some(description))
        .build()
}

fn common() -> Responses {
    let challenge =
        text_header("The scheme that is needed: `Bearer`; with `error` where a token came and is no good (RFC 6750).");
    [
        ("400", problem("A parameter is unknown, stands there twice, or is out of bounds; the sentence says which.")),
        (
            "401",
            problem("No valid token came with the request; the sentence says why.")
                .header("WWW-Authenticate", challenge),
        ),
        ("403", problem("The token does not give the role, or the server's database role lacks a right.")),
        ("421", problem("The request names a host that the server does not answer for (`--allowed-host`).")),
        ("500", problem("A fault of the server. Its log has the details, under the id in the sentence.")),
        ("503", problem("The database cannot answer now, or the request took longer than it may.")),
    ]
    .into_iter()
    .map(|(status, response)| (status.to_owned(), response.build().into()))
    .collect()
}

/// How any request can fail.
pub(super) struct CommonProblems;

impl IntoResponses for CommonProblems {
    fn responses() -> Responses {
        common()
    }
}

/// How a request with a body can fail.
pub(super) struct BodyProblems;

impl IntoResponses for BodyProblems {
    fn responses() -> Responses {
        let mut responses = common();
        for (status, description) in [
            (
                "400",
                "The body is no JSON object, a part of it is unknown or out of bounds, or parts do not fit together; the \
                     sentence says which.",
            ),
            ("408", "The body did not come to its end in the time that a request may take."),
            ("413", "The body is larger than the server takes (`--body-limit`)."),
            ("415", "The body is not JSON in UTF-8, by its Content-Type, or is compressed."),
        ] {
            responses.insert(status.to_owned(), problem(description).build().into());
        }
        responses
    }
}

/// What a list answers with.
pub(super) struct ListResponses;

impl IntoResponses for ListResponses {
    fn responses() -> Responses {
        let mut responses = common();
        let entries: Array = ArrayBuilder::new().items(Ref::from_schema_name(EntryJson::name())).build();
        let links = text_header(
            "The pages that follow (`rel=\"next\"`) and precede (`rel=\"prev\"`), where there are such (RFC 8288): the \
             same query with another `offset`.",
        );
        let page = ResponseBuilder::new()
            .description("The entries of the page, the most recent first.")
            .content(JSON, Content::new(Some(entries)))
            .header("Link", links);
        responses.insert("200".to_owned(), page.build().into());
        responses
    }
}
