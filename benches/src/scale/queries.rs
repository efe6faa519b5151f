//! What the small and the large log are asked.

use std::time::Instant;

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::load::{Client, Maker, post};
use crate::reading::ours;
use crate::reading::question::{Draw, Question, day};
use crate::seed::{DAYS, LONG, TABLES};
use crate::server::Server;
use crate::size::scaled;

/// All fields of a page's entries that are values.
const FIELDS: &str = "id timestamp action tableName recordId userId username oldValues newValues description ipAddress \
    correlationId transactionId source databaseRole";
const PAGE: &str = "pageInfo { hasNextPage endCursor }";
/// Everything that a summary has.
const SUMMARY: &str = "total byTable { tableName count } byUser(first: 20) { userId count } byAction { action count } \
    timeline(bucket: MONTH) { count }";

/// A query, what is wanted of it in the large log, and whether it must take as long as in the small one.
pub struct Query {
    pub name: String,
    pub goal: Option<&'static str>,
    pub compared: bool,
    pub maker: Maker,
}

fn query(server: &Server, name: &str, goal: Option<&'static str>, text: String) -> Query {
    with(server, name, goal, text, |_| json!({}))
}

/// A query whose variables are drawn anew each time.
fn with(
    server: &Server,
    name: &str,
    goal: Option<&'static str>,
    text: String,
    variables: impl Fn(&mut Dice) -> Value + Send + Sync + 'static,
) -> Query {
    let (address, headers) = (server.address.clone(), format!("authorization: Bearer {}\r\n", server.token));
    let maker = std::sync::Arc::new(move |dice: &mut Dice| {
        post(&address, "/graphql", &headers, &json!({"query": text, "variables": variables(dice)}).to_string())
    });
    Query { name: name.to_owned(), goal, compared: false, maker }
}

/// The queries of `reading`, which must take as long in a large log as in a small one.
pub fn plain(server: &Server, entries: usize) -> Vec<Query> {
    let one = |question: Question| Query {
        name: question.name().to_owned(),
        goal: if question == Question::Offset { Some("at most 10 (at 1,000,000)") } else { None },
        compared: question != Question::Offset,
        maker: ours::maker(server, question, "", entries, Draw::long),
    };
    Question::ALL.into_iter().map(one).collect()
}

/// Counts, which are the same at any size.
pub fn summaries(server: &Server) -> Vec<Query> {
    let ranges = format!("query ($filter: AuditLogFilter) {{ summary(filter: $filter) {{ {SUMMARY} }} }}");
    let range = |precise: bool| {
        move |dice: &mut Dice| {
            let from = dice.below(DAYS - 1);
            let to = from + 1 + dice.below(DAYS - from);
            let clock = if precise {
                format!("{:02}:{:02}:{:02}.123456", dice.below(24), dice.below(60), dice.below(60))
            } else {
                String::from("00:00:00")
            };
            json!({"filter": {"start": format!("{}T{clock}Z", day(from)), "end": format!("{}T{clock}Z", day(to))}})
        }
    };
    vec![
        query(server, "summary of everything", Some("at most 20"), format!("{{ summary {{ {SUMMARY} }} }}")),
        query(server, "summary of everything, total alone", Some("at most 20"), String::from("{ summary { total } }")),
        with(server, "summary of a range of days", Some("at most 50"), ranges.clone(), range(false)),
        with(server, "summary of a range of odd instants", Some("at most 50"), ranges, range(true)),
    ]
}

/// Trash, a long history, and pages far down.
pub async fn pages(server: &Server, entries: usize) -> Vec<Query> {
    let (table, record) = LONG;
    let of_long = |rest: &str| {
        format!(
            "{{ objectHistory(tableName: \"{table}\", recordId: \"{record}\", {rest}) {{ nodes {{ {FIELDS} }} {PAGE} }} }}"
        )
    };
    let deep = format!(
        "{{ objectHistory(tableName: \"{table}\", recordId: \"{record}\", first: 1, offset: {}) {{ {PAGE} }} }}",
        entries / 100 * 9 / 10
    );
    let deep = cursor(server, &deep, "objectHistory").await;
    let depth = scaled(1_000_000).min(entries / 2);
    let far = cursor(server, &format!("{{ auditLogs(first: 1, offset: {depth}) {{ {PAGE} }} }}"), "auditLogs").await;
    let trash = |rest: &str| format!("{{ trash({rest}) {{ nodes {{ {FIELDS} }} {PAGE} }} }}");
    let by_table = format!(
        "query ($filter: AuditLogFilter) {{ trash(first: 50, filter: $filter) {{ nodes {{ {FIELDS} }} {PAGE} }} }}"
    );
    let offset = 10_000.min(entries / 10 / 100 / 2);
    let mut far = query(
        server,
        &format!("auditLogs: keyset page at depth {depth}"),
        Some("as the first page"),
        format!("{{ auditLogs(first: 50, after: \"{far}\") {{ nodes {{ {FIELDS} }} {PAGE} }} }}"),
    );
    far.compared = false;
    vec![
        far,
        query(server, "trash: first page", Some("at most 10"), trash("first: 50")),
        with(
            server,
            "trash: first page of a table",
            Some("at most 10"),
            by_table,
            |dice| json!({"filter": {"tableName": [format!("table_{}", dice.below(TABLES))]}}),
        ),
        query(
            server,
            &format!("trash: offset {offset}"),
            Some("at most 100"),
            trash(&format!("first: 50, offset: {offset}")),
        ),
        query(server, "trash: totalCount", Some("at most 100"), String::from("{ trash(first: 1) { totalCount } }")),
        query(server, "objectHistory of the long one: first page", Some("at most 5"), of_long("first: 50")),
        query(
            server,
            "objectHistory of the long one: keyset page at nine tenths",
            Some("at most 5"),
            of_long(&format!("first: 50, after: \"{deep}\"")),
        ),
    ]
}

/// Filters that look into the entries.
pub fn filters(server: &Server) -> Vec<Query> {
    let text = format!(
        "query ($filter: AuditLogFilter) {{ auditLogs(first: 50, filter: $filter) {{ nodes {{ {FIELDS} }} {PAGE} }} }}"
    );
    let one = |name: &str, goal, filter: fn(&mut Dice) -> Value| {
        with(server, name, goal, text.clone(), move |dice| json!({"filter": filter(dice)}))
    };
    let goal = Some("at most 300, or what it costs is told");
    vec![
        one("changedField that many have", goal, |_| json!({"changedField": ["price"]})),
        one("changedField that none has, one day", goal, |dice| {
            let first = dice.below(DAYS - 1);
            json!({"changedField": ["margin"], "start": format!("{}T00:00:00Z", day(first)), "end": format!("{}T00:00:00Z", day(first + 1))})
        }),
        one("search for what is there once, in a user's month", goal, |dice| {
            let first = dice.below(DAYS - 30);
            json!({"search": "no such words", "userId": [format!("u{}", 100 + dice.below(400))],
                "start": format!("{}T00:00:00Z", day(first)), "end": format!("{}T00:00:00Z", day(first + 30))})
        }),
        one("search for what many have", goal, |_| json!({"search": "supplier 31"})),
    ]
}

/// Those that look into everything and find nothing.
pub const EVERYTHING: [(&str, &str); 2] = [
    (
        "changedField that none has, everything",
        "{ auditLogs(first: 50, filter: {changedField: [\"margin\"]}) { nodes { id } } }",
    ),
    (
        "search for what none has, everything",
        "{ auditLogs(first: 50, filter: {search: \"no such words\"}) { nodes { id } } }",
    ),
];

async fn cursor(server: &Server, query: &str, field: &str) -> String {
    let answer = server.ask(query).await;
    answer[field]["pageInfo"]["endCursor"].as_str().expect("a cursor").to_owned()
}

/// Asks for a while, one after the other: how long each took, in milliseconds, and what the server said where it refused.
pub async fn time(server: &Server, query: &Query, at_most: usize, seconds: f64) -> (Vec<f64>, Option<String>) {
    let mut client = Client::connect(&server.address).await;
    let mut dice = Dice::new(7);
    let begin = Instant::now();
    let mut times = Vec::new();
    // The first is not counted: plans are made, pages come from the disk. Nor is it asked again for long what takes long.
    while times.len() <= at_most && (times.len() < 2 || begin.elapsed().as_secs_f64() < seconds) {
        let request = (query.maker)(&mut dice);
        let asked = Instant::now();
        let answer = client.try_ask(&request).await;
        times.push(asked.elapsed().as_secs_f64() * 1_000.0);
        if answer.contains("\"errors\"") {
            return (times, Some(answer));
        }
    }
    times.remove(0);
    (times, None)
}
