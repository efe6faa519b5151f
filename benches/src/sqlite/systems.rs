//! The bare table, ours, and triggers as one writes them by hand.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _};

use crate::server;

/// How many rows the table has.
pub const ROWS: usize = 100_000;

/// The columns that a new row is given.
pub const COLUMNS: &str = "name, sku, description, price, stock, attributes, updated_at";

const TABLE: &str = "create table products (
    id integer primary key, name text not null, sku text not null, description text not null,
    price numeric not null, stock integer not null, attributes text not null, updated_at text not null)";

/// A row made of a number `n`.
pub const VALUES: &str = r#"'Product ' || n, 'SKU-' || n, 'A lamp for the desk, with a foot of oak and a shade of green glass
    that is blown by hand; the cable is two metres long, its plug earthed. ' || n, n % 10000 / 100.0, n % 500,
    '{"tags":["new","lamp","shelf 7"],"maker":"Maker 31","colour":"green","batch":"b14ba5ba' || n || '","weight":977}',
    '2026-11-22T09:30:00.123Z'"#;

/// A log and triggers that put the whole row before and after into it, with the indexes that ours has.
const BY_HAND: &str = "
create table history (
    id integer primary key autoincrement,
    timestamp text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    action text not null, table_name text not null, record_id text, user_id text, correlation_id text,
    old_values text, new_values text);
create index history_timestamp on history (timestamp, id);
create index history_user on history (user_id, timestamp, id) where user_id is not null;
create index history_object on history (table_name, record_id, id);
create index history_deletion on history (timestamp, id) where action = 'DELETE';
create index history_correlation on history (correlation_id) where correlation_id is not null;
create trigger products_insert after insert on products begin
    insert into history (action, table_name, record_id, new_values) values ('CREATE', 'products', new.id, NEW_ROW);
end;
create trigger products_update after update on products begin
    insert into history (action, table_name, record_id, old_values, new_values)
    values ('UPDATE', 'products', new.id, OLD_ROW, NEW_ROW);
end;
create trigger products_delete after delete on products begin
    insert into history (action, table_name, record_id, old_values) values ('DELETE', 'products', old.id, OLD_ROW);
end";

/// A system: whose triggers are on the table, and what surrounds a transaction's statements.
#[derive(Clone, Copy, PartialEq)]
pub struct System {
    pub name: &'static str,
    pub file: &'static str,
    pub log: Option<&'static str>,
    /// First and last in each transaction.
    pub first: &'static str,
    pub last: &'static str,
}

pub const BARE: System = System { name: "bare table", file: "bare.db", log: None, first: "", last: "" };
pub const HAND: System = System { name: "json_object triggers by hand", file: "hand.db", log: Some("history"), ..BARE };
pub const OURS: System = System { name: "ours, no context", file: "ours.db", log: Some("afterimage_log"), ..BARE };
pub const OURS_AND_WHO: System = System {
    name: "ours, with context",
    first: "insert into afterimage_context (user_id, username, ip_address, correlation_id) values ('42', 'ann', \
            '10.0.0.7', 'req-8a1f')",
    last: "delete from afterimage_context",
    ..OURS
};

/// In the order in which they take turns.
pub const ALL: [System; 4] = [BARE, OURS, HAND, OURS_AND_WHO];

/// Makes the files to copy.
pub async fn make(folder: &Path) {
    for system in [BARE, HAND, OURS] {
        let path = folder.join(system.file);
        let mut connection = open(&path).await;
        let fill = format!(
            "begin; insert into products ({COLUMNS}) with recursive numbers (n) as (select 1 union all select n + 1 from \
             numbers where n < {ROWS}) select {VALUES} from numbers; commit"
        );
        run(&mut connection, TABLE).await;
        run(&mut connection, &fill).await;
        if system == HAND {
            let row = |word: &str| {
                let columns = ["id"].into_iter().chain(COLUMNS.split(", "));
                let pairs: Vec<String> = columns.map(|column| format!("'{column}', {word}.{column}")).collect();
                format!("json_object({})", pairs.join(", "))
            };
            run(&mut connection, &BY_HAND.replace("NEW_ROW", &row("new")).replace("OLD_ROW", &row("old"))).await;
        }
        drop(connection);
        if system == OURS {
            let url = format!("sqlite://{}", path.display());
            server::run(&url, &["migrate"]);
            server::run(&url, &["track", "products"]);
        }
        run(&mut open(&path).await, "pragma wal_checkpoint(truncate)").await;
    }
}

/// Opens a file as an application in production does.
pub async fn open(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true).foreign_keys(true);
    let options = options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Normal);
    options.connect().await.expect("the file opens")
}

/// Runs one or more statements.
pub async fn run(connection: &mut SqliteConnection, sql: &str) {
    let begin: String = sql.chars().take(500).collect();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.unwrap_or_else(|error| panic!("{error}\nin: {begin}"));
}
