//! The API over transports that stay open, and the shape of its failures.

use std::time::Duration;

use afterimage::auth::Role;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::{Api, both};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

const LIVE: &str = "subscription { auditLogAdded(filter: {tableName: [\"patients\"]}) { auditLog { recordId } } }";

const POSITIONS: &str = "subscription { auditLogAdded(filter: {tableName: [\"patients\"]}, positions: true) { \
                         auditLog { recordId } } }";

/// An answer that stays open.
struct Stream {
    response: Response<Body>,
    text: String,
}

impl Stream {
    async fn open(api: &Api, roles: &[Role], accept: &str, query: &str, last_event_id: Option<&str>) -> Stream {
        let mut request = Request::post("http://localhost/graphql")
            .header("host", "localhost")
            .header("content-type", "application/json")
            .header("accept", accept)
            .header("authorization", format!("Bearer {}", api.token(roles)));
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let request = request.body(Body::from(json!({"query": query}).to_string())).expect("a request");
        let response = api.server.router.clone().oneshot(request).await.expect("a router always answers");
        assert_eq!(response.status(), StatusCode::OK);
        Stream { response, text: String::new() }
    }

    /// What comes up to the next of these ends.
    async fn until(&mut self, end: &str) -> String {
        loop {
            if let Some((found, rest)) = self.text.split_once(end) {
                let (found, rest) = (found.to_owned(), rest.to_owned());
                self.text = rest;
                return found;
            }
            let frame = tokio::time::timeout(PATIENCE, self.response.body_mut().frame()).await.expect("it comes");
            let data = frame.expect("there is more").expect("it can be read").into_data().expect("data");
            self.text += std::str::from_utf8(&data).expect("text");
        }
    }

    /// The next event, without signs of life: its id, and its data.
    async fn event(&mut self) -> (Option<String>, Value) {
        loop {
            let event = self.until("\n\n").await;
            let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
            if field("event: ").as_deref() == Some("next") {
                let data = field("data: ").expect("data");
                return (field("id: "), serde_json::from_str(&data).expect("JSON"));
            }
        }
    }
}

async fn record(api: &Api, ids: &[&str]) {
    let mutation = "mutation($i: [CreateAuditLogInput!]!) { createAuditLogs(inputs: $i) { auditLogs { id } } }";
    let input = |id: &&str| json!({"userId": "1", "action": "READ", "tableName": "patients", "recordId": id});
    api.ask(mutation, json!({"i": ids.iter().map(input).collect::<Vec<Value>>()})).await;
}

fn entry(id: &str) -> Value {
    json!({"data": {"auditLogAdded": {"auditLog": {"recordId": id}}}})
}

both! {
    async fn an_event_stream_is_live_and_goes_on_where_its_client_left_it(world: World) {
        let api = Api::start(&world).await;
        let read = [Role::Auditor];
        let mut stream = Stream::open(&api, &read, "text/event-stream", POSITIONS, None).await;
        // The bare position says that the feed has let us in.
        let (id, data) = stream.event().await;
        assert_eq!((id.is_some(), &data["data"]["auditLogAdded"]["auditLog"]), (true, &Value::Null));
        record(&api, &["0"]).await;
        let first = stream.event().await;
        assert_eq!(first.1, entry("0"));
        let cursor = first.0.expect("a cursor, though the client has not selected it");
        drop(stream);

        record(&api, &["1", "2"]).await;
        let mut stream = Stream::open(&api, &read, "text/event-stream", LIVE, Some(&cursor)).await;
        for expected in ["1", "2"] {
            let (id, data) = stream.event().await;
            assert_eq!((id.is_some(), data), (true, entry(expected)));
        }
        record(&api, &["3"]).await;
        assert_eq!(stream.event().await.1, entry("3"));
    }

    async fn a_subscription_may_keep_its_field_in_a_fragment(world: World) {
        let api = Api::start(&world).await;
        let query = "subscription { ...Live } fragment Live on Subscription { auditLogAdded(positions: true) { ...Id } } \
                     fragment Id on AuditLogEvent { auditLog { recordId } }";
        let mut stream = Stream::open(&api, &[Role::Auditor], "text/event-stream", query, None).await;
        let (id, _) = stream.event().await;
        record(&api, &["0"]).await;
        let (next, data) = stream.event().await;
        assert_eq!((id.is_some() && next.is_some() && id != next, data), (true, entry("0")));
    }

    async fn an_id_that_is_no_cursor_is_refused(world: World) {
        let api = Api::start(&world).await;
        let mut stream = Stream::open(&api, &[Role::Admin], "text/event-stream", LIVE, Some("x")).await;
        let (_, data) = stream.event().await;
        assert_eq!(data["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{data}");
        assert!(data.get("data").is_none(), "{data}");
    }

    async fn who_may_not_read_is_told_so_by_every_transport(world: World) {
        let api = Api::start(&world).await;
        let mut stream = Stream::open(&api, &[Role::Writer], "text/event-stream", LIVE, None).await;
        assert_eq!(stream.event().await.1["errors"][0]["extensions"]["code"], "FORBIDDEN");
        assert_eq!(stream.until("\n\n").await, "event: complete\ndata:");
        let accept = "multipart/mixed;subscriptionSpec=1.0, application/json";
        let mut stream = Stream::open(&api, &[Role::Writer], accept, LIVE, None).await;
        assert!(stream.until("--graphql--\r\n").await.contains("FORBIDDEN"));
    }

    async fn a_failure_takes_with_it_what_cannot_be_null(world: World) {
        let api = Api::start(&world).await;
        let error = |message: &str, code: &str, column: u32, path: Value| {
            json!([{"message": message, "locations": [{"line": 1, "column": column}], "path": path,
                    "extensions": {"code": code}}])
        };
        let forbidden = "reading the audit log needs the role ADMIN or AUDITOR";

        // A nullable field that fails, by its arguments or by the caller's role, takes nothing with it.
        let query = "{ viewer { userId } entry: auditLog(id: \"x\") { id } }";
        let answer = api.answer_as(&[Role::Admin], query, json!({})).await;
        let message = "\"x\" is no id of an entry: those are positive whole numbers";
        assert_eq!(answer["data"], json!({"viewer": {"userId": "42"}, "entry": null}));
        assert_eq!(answer["errors"], error(message, "BAD_USER_INPUT", 21, json!(["entry"])));
        let answer = api.answer_as(&[Role::Writer], query, json!({})).await;
        assert_eq!(answer["data"], json!({"viewer": {"userId": "42"}, "entry": null}));
        assert_eq!(answer["errors"], error(forbidden, "FORBIDDEN", 21, json!(["entry"])));

        // One that cannot be null takes all data with it.
        let query = "{ viewer { userId } auditLogs { edges { cursor } } }";
        let answer = api.answer_as(&[Role::Writer], query, json!({})).await;
        assert_eq!(answer["data"], Value::Null);
        assert_eq!(answer["errors"], error(forbidden, "FORBIDDEN", 21, json!(["auditLogs"])));

        // Keys come as they were asked for.
        let body = json!({"query": "{ b: viewer { username userId } a: __typename trackedTables { tableName } }"});
        let (_, text) = api.post(&api.token(&[Role::Admin]), &body.to_string()).await;
        assert_eq!(text, r#"{"data":{"b":{"username":"ann","userId":"42"},"a":"Query","trackedTables":[]}}"#);
    }
}
