//! GraphiQL, served from the binary: nothing on the page loads from another host.

use axum::body::Body;
use axum::extract::Path;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH,
};
use axum::http::{Response, StatusCode};
use axum::response::{Html, IntoResponse as _};
use rust_embed::{EmbeddedFile, RustEmbed};

/// What `npm run build` made; nothing, where the server was built without it.
#[derive(RustEmbed)]
#[folder = "web/graphiql/dist"]
#[allow_missing = true]
struct Files;

/// As little as the page works with: the editor sets styles of its own while it runs, GraphiQL's style sheet holds its
/// fonts, and the editor's the wave under a mistake, as `data:`.
const CONTENT_SECURITY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; \
     img-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);

const NOT_BUILT: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<title>Afterimage</title>
<h1>GraphiQL is not in this build</h1>
<p>The API itself is at <code>/graphql</code> and works.
<p>To have GraphiQL here, run <code>make graphiql</code> with Node 20.19 or later, or by hand:
<pre>cd web/graphiql
npm ci
npm run build</pre>
<p>and then build the server again.
</html>
";

/// `/graphiql`
pub(super) async fn page(headers: HeaderMap) -> Response<Body> {
    let mut answer = match Files::get("index.html") {
        Some(file) => answer(&headers, file, "no-cache"),
        None => Html(NOT_BUILT).into_response(),
    };
    answer.headers_mut().insert(CONTENT_SECURITY_POLICY, CONTENT_SECURITY);
    answer
}

/// `/graphiql/…`: the page's scripts, styles and fonts.
pub(super) async fn file(Path(path): Path<String>, headers: HeaderMap) -> Response<Body> {
    match Files::get(&path) {
        // The build writes a digest of the content into each name.
        Some(file) => {
            let mut answer = answer(&headers, file, "public, max-age=31536000, immutable");
            // A worker is bound by the policy that its own script came with.
            answer.headers_mut().insert(CONTENT_SECURITY_POLICY, CONTENT_SECURITY);
            answer
        }
        None => super::no_such_path().await,
    }
}

fn answer(request: &HeaderMap, file: EmbeddedFile, caching: &'static str) -> Response<Body> {
    let digest: String = file.metadata.sha256_hash().iter().map(|byte| format!("{byte:02x}")).collect();
    // Weak, since the answer may be compressed on its way.
    let tag = format!("W/\"{digest}\"");
    let is_known = request.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let headers =
        [(CONTENT_TYPE, file.metadata.mimetype().to_owned()), (CACHE_CONTROL, caching.to_owned()), (ETAG, tag)];
    match is_known {
        true => (StatusCode::NOT_MODIFIED, headers).into_response(),
        false => (headers, file.data).into_response(),
    }
}
