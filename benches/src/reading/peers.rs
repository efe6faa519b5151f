//! The servers that others would put over such a table.

use std::process::Command;
use std::sync::Arc;

use serde_json::json;
use tempfile::TempDir;

use super::question::{Draw, Question};
use super::sql::TABLE;
use crate::child::Process;
use crate::dice::Dice;
use crate::load::{self, Maker, post};
use crate::{keeper, peers};

/// What PostGraphile is asked of each entry.
const FIELDS: &str = "rowId timestamp action tableName recordId previousRecordId userId username oldValues newValues \
    description ipAddress correlationId transactionId metadata source databaseRole recordedBy";
/// What Directus lets an administrator in with.
const DIRECTUS_TOKEN: &str = "token-of-the-benchmarks";

/// PostGraphile in one process; why not, where it does not start.
pub fn postgraphile(url: &str) -> Result<(Process, String), String> {
    let node = peers::node().ok_or("it is not installed")?;
    let mut command = Command::new(node);
    command.current_dir(peers::FOLDER).env("NODE_ENV", "production").args(["postgraphile.mjs", url]);
    Process::start(&mut command)
}

/// Directus in a folder of its own, which goes with the guard; why not, where it does not start.
pub fn directus(url: &str) -> Result<(Process, String, TempDir), String> {
    let node = peers::node().ok_or("it is not installed")?;
    let folder = keeper::folder();
    let program = std::env::current_dir().map_err(|error| error.to_string())?.join(peers::FOLDER);
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let port = port.map_err(|error| error.to_string())?.port().to_string();
    let command = |word: &str| {
        let mut command = Command::new(&node);
        command.arg(program.join("node_modules/directus/cli.js")).arg(word).current_dir(folder.path());
        command.envs([
            ("NODE_ENV", "production"),
            ("DB_CLIENT", "pg"),
            ("DB_CONNECTION_STRING", url),
            ("DB_POOL__MAX", "32"),
            ("SECRET", "a secret of the benchmarks, 32 bytes or more"),
            ("ADMIN_EMAIL", "admin@example.com"),
            ("ADMIN_PASSWORD", "a password of the benchmarks"),
            ("ADMIN_TOKEN", DIRECTUS_TOKEN),
            ("HOST", "127.0.0.1"),
            ("PORT", &port),
            ("PUBLIC_URL", "http://127.0.0.1"),
            ("SERVE_APP", "false"),
            ("TELEMETRY", "false"),
            ("CACHE_ENABLED", "false"),
            ("LOG_STYLE", "raw"),
        ]);
        command
    };
    let output = command("bootstrap").output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        let last = String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_owned();
        return Err(format!("its database could not be made: {last}"));
    }
    let (process, _) = Process::start(&mut command("start"))?;
    Ok((process, format!("127.0.0.1:{port}"), folder))
}

/// Requests of PostGraphile for the question.
pub fn postgraphile_maker(address: &str, question: Question, entries: usize) -> Maker {
    let address = address.to_owned();
    let page = format!("nodes {{ {FIELDS} }} pageInfo {{ hasNextPage endCursor }}");
    let order = "orderBy: [TIMESTAMP_DESC, ROW_ID_DESC]";
    Arc::new(move |dice: &mut Dice| {
        let Draw { user, start, end, table, record, id } = Draw::new(dice, entries);
        let (query, variables) = match question {
            Question::Newest => (format!("{{ allEntries(first: 50, {order}) {{ {page} }} }}"), json!({})),
            Question::UserAndDates => (
                format!(
                    "query ($filter: EntryFilter) {{ allEntries(first: 50, {order}, filter: $filter) {{ {page} }} }}"
                ),
                json!({"filter": {"userId": {"equalTo": user}, "timestamp": {
                    "greaterThanOrEqualTo": format!("{start}T00:00:00Z"), "lessThan": format!("{end}T00:00:00Z")}}}),
            ),
            Question::History => (
                format!(
                    "query ($filter: EntryFilter) {{ allEntries(first: 50, {order}, filter: $filter) {{ {page} }} }}"
                ),
                json!({"filter": {"tableName": {"equalTo": table}, "recordId": {"equalTo": record}}}),
            ),
            Question::One => (
                format!("query ($id: BigInt!) {{ entryByRowId(rowId: $id) {{ {FIELDS} }} }}"),
                json!({"id": id.to_string()}),
            ),
            Question::Offset => {
                let offset = 100_000.min(entries / 2);
                (format!("{{ allEntries(first: 50, offset: {offset}, {order}) {{ {page} }} }}"), json!({}))
            }
        };
        post(&address, "/graphql", "", &json!({"query": query, "variables": variables}).to_string())
    })
}

/// Requests of Directus for the question: by its REST, which is the faster of its two.
pub fn directus_maker(address: &str, question: Question, entries: usize) -> Maker {
    let address = address.to_owned();
    let headers = format!("authorization: Bearer {DIRECTUS_TOKEN}\r\n");
    Arc::new(move |dice: &mut Dice| {
        let Draw { user, start, end, table, record, id } = Draw::new(dice, entries);
        let page = format!("/items/{TABLE}?limit=50&sort=-timestamp,-id&fields=*");
        let path = match question {
            Question::Newest => page,
            Question::UserAndDates => format!(
                "{page}&filter[user_id][_eq]={user}&filter[timestamp][_gte]={start}T00:00:00Z\
                 &filter[timestamp][_lt]={end}T00:00:00Z"
            ),
            Question::History => format!("{page}&filter[table_name][_eq]={table}&filter[record_id][_eq]={record}"),
            Question::One => format!("/items/{TABLE}/{id}?fields=*"),
            Question::Offset => format!("{page}&offset={}", 100_000.min(entries / 2)),
        };
        load::get(&address, &path, &headers)
    })
}
