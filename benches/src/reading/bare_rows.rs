//! The practical limit: a handler that fetches typed rows and writes the JSON itself. It knows no GraphQL, no caller and
//! no filter but these.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use chrono::{DateTime, Utc};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row, Statement};

use super::question::{Draw, Question};
use super::sql::{COLUMNS, TABLE};
use crate::child::Process;
use crate::dice::Dice;
use crate::load::{self, Maker};

/// How many connections to the database it shares among its callers.
const CONNECTIONS: usize = 8;

/// The word by which this program becomes the handler.
pub const COMMAND: &str = "bare-rows";

/// Starts it in a process of its own, over a database.
pub fn start(url: &str) -> (Process, String) {
    let program = std::env::current_exe().expect("this program is a file");
    Process::start(Command::new(program).arg(COMMAND).arg(url)).expect("it starts")
}

/// Requests for the question.
pub fn maker(address: &str, question: Question, entries: usize) -> Maker {
    let address = address.to_owned();
    Arc::new(move |dice: &mut Dice| {
        let Draw { user, start, end, table, record, id } = Draw::new(dice, entries);
        let path = match question {
            Question::Newest => String::from("/newest"),
            Question::UserAndDates => format!("/user?user={user}&start={start}T00:00:00Z&end={end}T00:00:00Z"),
            Question::History => format!("/history?table={table}&record={record}"),
            Question::One => format!("/one?id={id}"),
            Question::Offset => format!("/offset?offset={}", 100_000.min(entries / 2)),
        };
        load::get(&address, &path, "")
    })
}

struct Session {
    client: Client,
    newest: Statement,
    user: Statement,
    history: Statement,
    one: Statement,
    offset: Statement,
}

struct Limit {
    sessions: Vec<Session>,
    turn: AtomicUsize,
}

impl Limit {
    fn session(&self) -> &Session {
        &self.sessions[self.turn.fetch_add(1, Ordering::Relaxed) % self.sessions.len()]
    }
}

/// Serves until it is killed.
pub async fn serve(url: &str) {
    let mut sessions = Vec::new();
    for _ in 0..CONNECTIONS {
        sessions.push(session(url).await);
    }
    let state = Arc::new(Limit { sessions, turn: AtomicUsize::new(0) });
    let app = Router::new()
        .route("/newest", get(newest))
        .route("/user", get(user))
        .route("/history", get(history))
        .route("/one", get(one))
        .route("/offset", get(offset))
        .with_state(state);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    println!("listening on http://{}", listener.local_addr().expect("an address"));
    axum::serve(listener, app).await.expect("it serves");
}

async fn session(url: &str) -> Session {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("PostgreSQL answers");
    tokio::spawn(connection);
    let columns = COLUMNS.replace("old_values", "old_values::text").replace("new_values", "new_values::text");
    let select = format!("select {} from {TABLE}", columns.replace("metadata", "metadata::text"));
    let prepare = async |rest: &str| client.prepare(&format!("{select} {rest}")).await.expect("a statement");
    let order = "order by \"timestamp\" desc, id desc limit 50";
    let newest = prepare(order).await;
    let user = prepare(&format!("where user_id = $1 and \"timestamp\" >= $2 and \"timestamp\" < $3 {order}")).await;
    let history = prepare(&format!("where table_name = $1 and record_id = $2 {order}")).await;
    let one = prepare("where id = $1").await;
    let offset = prepare(&format!(
        "where id = any (array(select id from {TABLE} order by \"timestamp\" desc, id desc limit 50 offset $1)) {order}"
    ))
    .await;
    Session { client, newest, user, history, one, offset }
}

type Arguments = Query<HashMap<String, String>>;

async fn newest(State(limit): State<Arc<Limit>>) -> impl IntoResponse {
    let session = limit.session();
    answer(session, &session.newest, &[]).await
}

async fn user(State(limit): State<Arc<Limit>>, Query(given): Arguments) -> impl IntoResponse {
    let session = limit.session();
    let instant = |name: &str| given[name].parse::<DateTime<Utc>>().expect("an instant");
    answer(session, &session.user, &[&given["user"], &instant("start"), &instant("end")]).await
}

async fn history(State(limit): State<Arc<Limit>>, Query(given): Arguments) -> impl IntoResponse {
    let session = limit.session();
    answer(session, &session.history, &[&given["table"], &given["record"]]).await
}

async fn one(State(limit): State<Arc<Limit>>, Query(given): Arguments) -> impl IntoResponse {
    let session = limit.session();
    answer(session, &session.one, &[&given["id"].parse::<i64>().expect("a number")]).await
}

async fn offset(State(limit): State<Arc<Limit>>, Query(given): Arguments) -> impl IntoResponse {
    let session = limit.session();
    answer(session, &session.offset, &[&given["offset"].parse::<i64>().expect("a number")]).await
}

async fn answer(session: &Session, statement: &Statement, given: &[&(dyn ToSql + Sync)]) -> impl IntoResponse + use<> {
    let rows = session.client.query(statement, given).await.expect("PostgreSQL answers");
    let mut body = String::with_capacity(64 + rows.len() * 700);
    body.push('[');
    for (index, row) in rows.iter().enumerate() {
        body.push_str(if index == 0 { "{" } else { ",{" });
        write(&mut body, row);
        body.push('}');
    }
    body.push(']');
    ([(CONTENT_TYPE, "application/json")], body)
}

/// One row as the fields of an object.
fn write(body: &mut String, row: &Row) {
    let time: DateTime<Utc> = row.get(1);
    let _ = write!(body, "\"id\":\"{}\",\"timestamp\":\"{}\"", row.get::<_, i64>(0), time.format("%FT%T%.6fZ"));
    for (index, column) in row.columns().iter().enumerate().skip(2) {
        body.push_str(",\"");
        body.push_str(column.name());
        body.push_str("\":");
        match row.get::<_, Option<&str>>(index) {
            None => body.push_str("null"),
            Some(text) if matches!(column.name(), "old_values" | "new_values" | "metadata") => body.push_str(text),
            Some(text) => body.push_str(&serde_json::to_string(text).expect("text is JSON")),
        }
    }
}
