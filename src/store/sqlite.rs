//! The log on SQLite: tables in the user's own file, under the prefix `afterimage_`.

mod interrupt;
mod row;

use chrono::{DateTime, Datelike, Utc};
use ipnet::IpNet;
use sea_orm::sea_query::{Expr, IntoColumnRef};
use sea_orm::{ColumnTrait, DbBackend, ExprTrait, SqliteTransactionMode, Statement, TransactionOptions};

use super::dialect::{Dialect, TimeBucket, just_after, like_pattern, rounded_up};
use super::log::Beyond;
use super::rollup::{self, RollupDialect};
use afterimage_entity::log::Column;

pub(super) use interrupt::interrupt_at_limits;

/// After every instant that the log can hold. Spelled out, a year of five digits would sort before all others.
const END_OF_TIME: &str = "9999-12-31T24:00:00.000Z";

/// So many addresses make a network a common one.
const MANY_ADDRESSES: usize = 1_000;

pub(super) struct Sqlite;

impl Dialect for Sqlite {
    fn table(&self, name: &str) -> String {
        format!("afterimage_{name}")
    }

    fn sql(&self, text: &str, parts: Vec<Expr>) -> Expr {
        Expr::cust_with_exprs(text.to_owned(), parts)
    }

    fn instant(&self, instant: DateTime<Utc>) -> Expr {
        let rounded = rounded_up(instant, 3);
        match rounded.year() {
            ..=9999 => Expr::val(rounded.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()),
            _ => Expr::val(END_OF_TIME),
        }
    }

    fn place(&self, instant: DateTime<Utc>, _side: Beyond) -> Expr {
        self.instant(instant)
    }

    fn recorded_by(&self, instant: DateTime<Utc>) -> Expr {
        // The plus keeps SQLite from the index of times, whose statistics it has not: it would walk the whole log in it.
        Expr::cust_with_exprs("+? < ?", [column(Column::Timestamp), self.instant(just_after(instant))])
    }

    fn json(&self, text: Option<String>) -> Expr {
        Expr::val(text)
    }

    fn has_field(&self, image: Column, names: &[&str]) -> Expr {
        let names = Expr::tuple(names.iter().map(|name| Expr::val(*name)));
        Expr::cust_with_exprs(
            "EXISTS (SELECT 1 FROM json_each(?) AS field WHERE field.key IN ?)",
            [column(image), names],
        )
    }

    fn contains(&self, searched: Column, text: &str) -> Expr {
        // SQLite's LIKE folds ASCII letters, and no others.
        Expr::cust_with_exprs(r"? LIKE ? ESCAPE '\'", [column(searched), Expr::val(like_pattern(text))])
    }

    fn image_contains(&self, image: Column, text: &str) -> Expr {
        // `->` gives a value's own text: a number keeps its digits.
        Expr::cust_with_exprs(
            r"EXISTS (SELECT 1 FROM json_each(?) AS field WHERE
              CASE field.type WHEN 'text' THEN field.value WHEN 'null' THEN NULL ELSE ? -> field.fullkey END
              LIKE ? ESCAPE '\')",
            [column(image), column(image), Expr::val(like_pattern(text))],
        )
    }

    fn known_addresses(&self) -> Option<Statement> {
        // Steps from one address to the next through the index, however often each occurs.
        Some(Statement::from_string(
            DbBackend::Sqlite,
            "WITH RECURSIVE known (address) AS ( \
               SELECT min(ip_address) FROM afterimage_log WHERE ip_address IS NOT NULL \
               UNION ALL \
               SELECT (SELECT min(ip_address) FROM afterimage_log WHERE ip_address > known.address) \
                 FROM known WHERE known.address IS NOT NULL) \
             SELECT address FROM known WHERE address IS NOT NULL",
        ))
    }

    fn within(&self, _network: &IpNet, known: &[String]) -> Expr {
        // Of a common network, a page is found sooner on a walk through the log than by sorting all entries that the index
        // has of its addresses.
        let sql = match known.len() {
            0..=MANY_ADDRESSES => "? IN (SELECT value FROM json_each(?))",
            _ => "+? IN (SELECT value FROM json_each(?))",
        };
        let list = serde_json::Value::from(known).to_string();
        Expr::cust_with_exprs(sql, [column(Column::IpAddress), Expr::val(list)])
    }

    fn large_tables(&self) -> Option<Statement> {
        Some(Statement::from_string(
            DbBackend::Sqlite,
            "SELECT name FROM afterimage_rollup_count WHERE measure = 1 AND level = 0 \
              GROUP BY name HAVING sum(count) > 10000",
        ))
    }

    fn is_in_table(&self, names: &[String], large: &[String]) -> Expr {
        // The planner takes every table for small, and sorts all of its entries for a page. The sign keeps it from the
        // index of objects.
        let table = match names.iter().any(|name| large.contains(name)) {
            true => Expr::cust_with_expr("+?", column(Column::TableName)),
            false => column(Column::TableName),
        };
        table.is_in(names)
    }

    fn has_record(&self, ids: &[String]) -> Expr {
        Column::RecordId.is_in(ids)
    }

    fn same_record(&self, one: &str, other: &str) -> String {
        format!("{one}.record_id = {other}.record_id")
    }

    fn in_transaction(&self, id: &str) -> Expr {
        Column::Tx.eq(id)
    }

    fn by_bytes(&self, ordered: Column) -> Expr {
        column(ordered)
    }

    fn bucket(&self, bucket: TimeBucket) -> Expr {
        let format = match bucket {
            TimeBucket::Hour => r#"strftime('%Y-%m-%dT%H:00:00Z', "log"."timestamp")"#,
            TimeBucket::Day => r#"strftime('%Y-%m-%dT00:00:00Z', "log"."timestamp")"#,
            // The next Sunday, or today where it is one; six days before that is Monday.
            TimeBucket::Week => r#"strftime('%Y-%m-%dT00:00:00Z', "log"."timestamp", 'weekday 0', '-6 days')"#,
            TimeBucket::Month => r#"strftime('%Y-%m-01T00:00:00Z', "log"."timestamp")"#,
        };
        Expr::cust(format)
    }

    fn count_by_each(&self, _: &[&str], _: &str) -> Option<String> {
        // There are no grouping sets, and what is read once to be counted several times would fill the disk of a large log.
        None
    }

    fn read_options(&self) -> TransactionOptions {
        // A plain transaction reads the file as it was at its first statement.
        TransactionOptions::default()
    }

    fn write_options(&self) -> TransactionOptions {
        // A deferred transaction that has read and then writes fails at once where another committed in between.
        TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        }
    }

    fn open_write(&self) -> &'static [&'static str] {
        // Whoever holds the write lock knows that no other transaction is under way: a context that lies here was left
        // behind, by a writer without foreign keys.
        &[
            "DELETE FROM afterimage_context",
            "DELETE FROM afterimage_server_context",
            "DELETE FROM afterimage_server_undo",
            "INSERT INTO afterimage_server_context DEFAULT VALUES",
        ]
    }

    fn leave_context(&self) -> &'static [&'static str] {
        // Closing takes it along.
        &[]
    }

    fn close_write(&self) -> &'static [&'static str] {
        &["DELETE FROM afterimage_server_context", "DELETE FROM afterimage_server_undo"]
    }

    fn numbers_transactions(&self) -> bool {
        false
    }

    fn insert_entry(&self) -> Option<&'static str> {
        None
    }

    fn insert_entries(&self) -> &'static str {
        // A WHERE keeps what follows from being taken for a join's condition.
        "INSERT INTO afterimage_log (tx, action, table_name, record_id, user_id, username, old_values, new_values, \
           description, ip_address, correlation_id, metadata, source, recorded_by, trusted, idempotency_key, \
           idempotency_hash) \
         SELECT (SELECT 's' || max(id) FROM afterimage_server_context), e.value ->> 'action', \
           e.value ->> 'table_name', e.value ->> 'record_id', e.value ->> 'user_id', e.value ->> 'username', \
           e.value ->> 'old_values', e.value ->> 'new_values', e.value ->> 'description', e.value ->> 'ip_address', \
           e.value ->> 'correlation_id', e.value ->> 'metadata', 'API', e.value ->> 'recorded_by', \
           e.value ->> 'trusted', e.value ->> 'idempotency_key', e.value ->> 'idempotency_hash' \
         FROM json_each(?) AS e WHERE TRUE ORDER BY e.key ON CONFLICT DO NOTHING"
    }

    fn insert_keyed_entries(&self) -> &'static str {
        self.insert_entries()
    }

    fn has_key(&self, recorded_by: &str, keys: &[&str]) -> Expr {
        Column::RecordedBy.eq(recorded_by).and(Column::IdempotencyKey.is_in(keys.iter().copied()))
    }

    fn reversals(&self) -> &'static str {
        "afterimage_log"
    }

    fn undoes(&self, ids: &[i64]) -> Expr {
        Column::UndoOf.is_in(ids.iter().copied())
    }

    fn settle_era(&self) -> Option<&'static str> {
        None
    }

    fn gather_statistics(&self) -> Option<&'static str> {
        None
    }

    fn warnings(&self) -> Option<&'static str> {
        None
    }

    fn left_behind(&self) -> Option<&'static str> {
        // No transaction of a writer that keeps foreign keys can commit one: a reader that sees one sees a left-over.
        Some("SELECT 1 FROM afterimage_context LIMIT 1")
    }

    fn enter_context(&self) -> &'static str {
        "UPDATE afterimage_server_context SET user_id = ?, username = ?, description = ?, ip_address = ?, \
         correlation_id = ?, metadata = ?, recorded_by = ?"
    }

    fn reverses_no_more(&self) -> &'static str {
        "DELETE FROM afterimage_server_undo"
    }

    fn rollup(&self) -> &'static dyn RollupDialect {
        &rollup::Sqlite
    }
}

fn column(column: Column) -> Expr {
    Expr::col(column.as_column_ref().into_column_ref())
}
