//! The log on PostgreSQL: a schema of its own, `afterimage`.

pub(super) mod roles;
mod row;
pub(super) mod snapshot;

use chrono::{DateTime, Utc};
use ipnet::IpNet;
use sea_orm::sea_query::{Condition, Expr, IntoColumnRef};
use sea_orm::{AccessMode, ColumnTrait, ExprTrait, IsolationLevel, Statement, TransactionOptions};

use super::dialect::{Dialect, TimeBucket, just_after, like_pattern, rounded_up};
use super::log::Beyond;
use super::rollup::{self, RollupDialect};
use afterimage_entity::log::Column;

pub(super) struct Postgres;

/// A log that was restored or filled before autovacuum has come by has no statistics, and what is rare in it is then looked
/// for among all.
const GATHER_STATISTICS: &str = "DO $$ BEGIN \
    IF NOT EXISTS (SELECT FROM pg_stats WHERE schemaname = 'afterimage' AND tablename = 'log') \
       AND EXISTS (SELECT FROM afterimage.log) THEN ANALYZE afterimage.log; END IF; END $$";

impl Dialect for Postgres {
    fn table(&self, name: &str) -> String {
        format!("afterimage.{name}")
    }

    fn sql(&self, text: &str, parts: Vec<Expr>) -> Expr {
        let mut numbered = String::with_capacity(text.len() + 2 * parts.len());
        for (number, piece) in text.split('?').enumerate() {
            if number > 0 {
                numbered.push_str(&format!("${number}"));
            }
            numbered.push_str(piece);
        }
        Expr::cust_with_exprs(numbered, parts)
    }

    fn instant(&self, instant: DateTime<Utc>) -> Expr {
        Expr::val(rounded_up(instant, 6))
    }

    fn place(&self, instant: DateTime<Utc>, side: Beyond) -> Expr {
        // What cannot be shown was read as the end of what can. Beyond that end is nothing more, or whoever goes through
        // pages would meet the same entries for ever.
        match side {
            Beyond::Newer if instant >= row::LATEST => Expr::cust("timestamptz 'infinity'"),
            Beyond::Older if instant <= row::EARLIEST => Expr::cust("timestamptz '-infinity'"),
            _ => self.instant(instant),
        }
    }

    fn recorded_by(&self, instant: DateTime<Utc>) -> Expr {
        column(Column::Timestamp).lt(self.instant(just_after(instant)))
    }

    fn json(&self, text: Option<String>) -> Expr {
        Expr::val(text).cast_as("json")
    }

    fn has_field(&self, image: Column, names: &[&str]) -> Expr {
        let has = |name: &&str| Expr::cust_with_exprs("($1 -> $2) IS NOT NULL", [column(image), Expr::val(*name)]);
        match names {
            [] => Expr::cust("FALSE"),
            // A flat list, since a table may have 1,600 columns.
            names => names.iter().map(has).fold(Condition::any(), Condition::add).into(),
        }
    }

    fn contains(&self, searched: Column, text: &str) -> Expr {
        // The collation C knows no letters but ASCII's.
        let pattern = like_pattern(&text.to_ascii_lowercase());
        Expr::cust_with_exprs(r#"lower($1 COLLATE "C") LIKE $2"#, [column(searched), Expr::val(pattern)])
    }

    fn image_contains(&self, image: Column, text: &str) -> Expr {
        let pattern = like_pattern(&text.to_ascii_lowercase());
        Expr::cust_with_exprs(
            r#"EXISTS (SELECT 1 FROM json_each_text($1) AS field WHERE lower(field.value COLLATE "C") LIKE $2)"#,
            [column(image), Expr::val(pattern)],
        )
    }

    fn known_addresses(&self) -> Option<Statement> {
        None
    }

    fn within(&self, network: &IpNet, _known: &[String]) -> Expr {
        Expr::cust_with_exprs(
            "($1)::inet <<= ($2)::inet",
            [column(Column::IpAddress), Expr::val(network.trunc().to_string())],
        )
    }

    fn large_tables(&self) -> Option<Statement> {
        None
    }

    fn is_in_table(&self, names: &[String], _large: &[String]) -> Expr {
        Column::TableName.is_in(names)
    }

    fn has_record(&self, ids: &[String]) -> Expr {
        // The index holds a hash of the record id: it takes keys of any length.
        let hash = |id: Expr| Expr::cust_with_expr("hashtextextended($1, 0)", id);
        let hashes = ids.iter().map(|id| hash(Expr::val(id.as_str())));
        // The planner takes the hash and the text for independent, and an object with a hundred thousand entries for one
        // with few, all of which it would sort for a page. Of this form of the second condition it knows nothing.
        let same = Expr::cust_with_expr("coalesce($1, FALSE)", Column::RecordId.is_in(ids));
        hash(column(Column::RecordId)).is_in(hashes).and(same)
    }

    fn same_record(&self, one: &str, other: &str) -> String {
        format!(
            "hashtextextended({one}.record_id, 0) = hashtextextended({other}.record_id, 0) \
             AND {one}.record_id = {other}.record_id"
        )
    }

    fn in_transaction(&self, id: &str) -> Expr {
        let number = |text: &str| text.parse::<u64>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
        let parts = id.split_once('.').and_then(|(era, tx)| {
            let era = number(era).and_then(|era| i64::try_from(era).ok())?;
            (era.to_string().len() == id.find('.')?).then_some(())?;
            number(tx).filter(|number| number.to_string() == tx).map(|_| (era, tx))
        });
        match parts {
            Some((era, tx)) => Column::Era
                .eq(era)
                .and(Expr::cust_with_exprs("$1 = ($2)::text::xid8", [column(Column::Tx), Expr::val(tx)])),
            None => Expr::val(false),
        }
    }

    fn by_bytes(&self, ordered: Column) -> Expr {
        Expr::cust_with_expr(r#"$1 COLLATE "C""#, column(ordered))
    }

    fn bucket(&self, bucket: TimeBucket) -> Expr {
        let unit = match bucket {
            TimeBucket::Hour => "hour",
            TimeBucket::Day => "day",
            TimeBucket::Week => "week",
            TimeBucket::Month => "month",
        };
        Expr::cust(format!(
            r#"to_char(date_trunc('{unit}', "log"."timestamp" AT TIME ZONE 'UTC'), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"#
        ))
    }

    fn count_by_each(&self, columns: &[&str], rows: &str) -> Option<String> {
        let names = columns.join(", ");
        if let [column] = columns {
            // Unlike grouping sets, a plain grouping may have parallel workers.
            return Some(format!(
                "counted AS MATERIALIZED (SELECT '{column}' AS key, {column}, count(*) AS count FROM ({rows}) AS meant \
                  GROUP BY {column})"
            ));
        }
        let key: String = columns.iter().map(|column| format!(" WHEN grouping({column}) THEN '{column}'")).collect();
        let sets = columns.join("), (");
        // The OFFSET hides from the planner what a bucket of time is made of: it would expect one of each instant, and sort.
        Some(format!(
            "counted AS MATERIALIZED (SELECT CASE 0{key} END AS key, {names}, count(*) AS count \
               FROM ({rows} OFFSET 0) AS meant GROUP BY GROUPING SETS (({sets})))"
        ))
    }

    fn read_options(&self) -> TransactionOptions {
        TransactionOptions {
            isolation_level: Some(IsolationLevel::RepeatableRead),
            access_mode: Some(AccessMode::ReadOnly),
            ..TransactionOptions::default()
        }
    }

    fn write_options(&self) -> TransactionOptions {
        TransactionOptions::default()
    }

    fn open_write(&self) -> &'static [&'static str] {
        // An entry's id is drawn after its transaction has its number: the feed relies on it. Triggers need not ask, since
        // the change that fires them has done so.
        &["SELECT pg_current_xact_id()"]
    }

    fn close_write(&self) -> &'static [&'static str] {
        &[]
    }

    fn leave_context(&self) -> &'static [&'static str] {
        // Where the database is restored elsewhere, the numbers of transactions begin anew: what stayed here would then
        // speak for someone else's.
        &[
            "DELETE FROM afterimage.server_context WHERE tx = pg_current_xact_id_if_assigned()",
            "DELETE FROM afterimage.server_undo WHERE tx = pg_current_xact_id_if_assigned()",
        ]
    }

    fn numbers_transactions(&self) -> bool {
        true
    }

    fn insert_entry(&self) -> Option<&'static str> {
        // As below: the id is drawn above the number. The OFFSET keeps the planner from making one of both.
        Some(
            "INSERT INTO afterimage.log (tx, action, table_name, record_id, user_id, username, old_values, new_values, \
               description, ip_address, correlation_id, metadata, source, recorded_by, trusted) \
             SELECT number.tx, $1, $2, $3, $4, $5, $6::json, $7::json, $8, $9, $10, $11::json, 'API', $12, $13 \
             FROM (SELECT pg_current_xact_id() AS tx OFFSET 0) AS number",
        )
    }

    fn insert_entries(&self) -> &'static str {
        // An entry's id is drawn after its transaction has its number: the feed relies on it. So the number is asked for
        // below what draws the ids.
        "WITH number AS MATERIALIZED (SELECT pg_current_xact_id() AS tx) \
         INSERT INTO afterimage.log (tx, action, table_name, record_id, user_id, username, old_values, new_values, \
           description, ip_address, correlation_id, metadata, source, recorded_by, trusted) \
         SELECT number.tx, e.action, e.table_name, e.record_id, e.user_id, e.username, e.old_values::json, \
           e.new_values::json, e.description, e.ip_address, e.correlation_id, e.metadata::json, 'API', e.recorded_by, \
           e.trusted \
         FROM number CROSS JOIN json_to_recordset($1::json) AS e (action text, table_name text, record_id text, \
           user_id text, username text, old_values text, new_values text, description text, ip_address text, \
           correlation_id text, metadata text, recorded_by text, trusted boolean)"
    }

    fn insert_keyed_entries(&self) -> &'static str {
        // Who comes second with a key waits here for the first, and inserts nothing where that one commits. In the order of
        // the keys, so that no two wait for each other.
        "WITH number AS MATERIALIZED (SELECT pg_current_xact_id() AS tx), \
         draft AS MATERIALIZED (SELECT number.tx, nextval('afterimage.log_id_seq') AS id, e.* \
           FROM number CROSS JOIN json_to_recordset($1::json) AS e (action text, table_name text, record_id text, \
             user_id text, username text, old_values text, new_values text, description text, ip_address text, \
             correlation_id text, metadata text, recorded_by text, trusted boolean, idempotency_key text, \
             idempotency_hash text)), \
         claimed AS (INSERT INTO afterimage.recorded_key (recorded_by, idempotency_key, id) \
           SELECT recorded_by, idempotency_key, id FROM draft WHERE idempotency_key IS NOT NULL \
           ORDER BY recorded_by, idempotency_key ON CONFLICT DO NOTHING RETURNING id) \
         INSERT INTO afterimage.log (id, tx, action, table_name, record_id, user_id, username, old_values, new_values, \
           description, ip_address, correlation_id, metadata, source, recorded_by, trusted, idempotency_key, \
           idempotency_hash) OVERRIDING SYSTEM VALUE \
         SELECT e.id, e.tx, e.action, e.table_name, e.record_id, e.user_id, e.username, e.old_values::json, \
           e.new_values::json, e.description, e.ip_address, e.correlation_id, e.metadata::json, 'API', e.recorded_by, \
           e.trusted, e.idempotency_key, e.idempotency_hash \
         FROM draft AS e WHERE e.idempotency_key IS NULL OR e.id IN (SELECT claimed.id FROM claimed)"
    }

    fn has_key(&self, recorded_by: &str, keys: &[&str]) -> Expr {
        let keys = Expr::tuple(keys.iter().map(|key| Expr::val(*key)));
        Expr::cust_with_exprs(
            "$1 IN (SELECT id FROM afterimage.recorded_key WHERE recorded_by = $2 AND idempotency_key IN $3)",
            [column(Column::Id), Expr::val(recorded_by), keys],
        )
    }

    fn reversals(&self) -> &'static str {
        "afterimage.reversal"
    }

    fn undoes(&self, ids: &[i64]) -> Expr {
        // One value, and one statement, however many they are.
        let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
        let array = Expr::val(format!("{{{}}}", ids.join(",")));
        self.sql("? = ANY (CAST(? AS bigint[]))", vec![column(Column::UndoOf), array])
    }

    fn settle_era(&self) -> Option<&'static str> {
        Some(roles::SETTLE_ERA)
    }

    fn gather_statistics(&self) -> Option<&'static str> {
        Some(GATHER_STATISTICS)
    }

    fn warnings(&self) -> Option<&'static str> {
        Some(roles::WARNINGS)
    }

    fn left_behind(&self) -> Option<&'static str> {
        None
    }

    fn enter_context(&self) -> &'static str {
        "WITH setting AS (SELECT set_config('afterimage.server', 'on', true)) \
         INSERT INTO afterimage.server_context \
         (user_id, username, description, ip_address, correlation_id, metadata, recorded_by) \
         SELECT $1, $2, $3, $4, $5, $6::json, $7 FROM setting"
    }

    fn reverses_no_more(&self) -> &'static str {
        "DELETE FROM afterimage.server_undo WHERE tx = pg_current_xact_id_if_assigned()"
    }

    fn rollup(&self) -> &'static dyn RollupDialect {
        &rollup::Postgres
    }
}

fn column(column: Column) -> Expr {
    Expr::col(column.as_column_ref().into_column_ref())
}
