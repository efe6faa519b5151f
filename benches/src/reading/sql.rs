//! The same entries in a table with plain columns and plain indexes, which PostGraphile, Directus, pgbench and the bare
//! handler read: how our own log is stored is no concern of theirs.

use sqlx::PgConnection;

use super::question::Question;
use crate::seed::{BEGIN, DAYS, TABLES, USERS, objects};
use crate::world::run;

/// The table.
pub const TABLE: &str = "entries";

/// Its columns: all fields of ours that are values.
pub const COLUMNS: &str = "id, \"timestamp\", action, table_name, record_id, previous_record_id, user_id, username, \
    old_values, new_values, description, ip_address, correlation_id, transaction_id, metadata, source, database_role, \
    recorded_by";

/// Copies the log into it.
pub async fn copy(connection: &mut PgConnection) {
    println!("  the same entries for the peers");
    let columns = COLUMNS.replace("transaction_id", "era || '.' || tx as transaction_id");
    run(
        connection,
        &format!(
            "create table {TABLE} as select {columns} from afterimage.log order by id;
             alter table {TABLE} add primary key (id);
             create index on {TABLE} (\"timestamp\", id);
             create index on {TABLE} (user_id, \"timestamp\", id);
             create index on {TABLE} (table_name, record_id, \"timestamp\", id)"
        ),
    )
    .await;
    run(connection, &format!("vacuum (analyze) {TABLE}")).await;
}

/// The question as a script of pgbench's, whose database makes the JSON.
pub fn script(question: Question, entries: usize) -> String {
    let order = "order by \"timestamp\" desc, id desc limit 50";
    let days = DAYS - 30;
    let (variables, rest) = match question {
        Question::Newest => (String::new(), order.to_owned()),
        Question::UserAndDates => (
            format!("\\set r random(0, 999)\n\\set u {USERS} * :r * :r / 1000000\n\\set d random(0, {days})\n"),
            format!(
                "where user_id = 'u' || (:u)::int and \"timestamp\" >= timestamptz '{BEGIN} 00:00+00' + (:d)::int * \
                 interval '1 day' and \"timestamp\" < timestamptz '{BEGIN} 00:00+00' + ((:d)::int + 30) * \
                 interval '1 day' {order}"
            ),
        ),
        Question::History => (
            format!(
                "\\set r random(0, 999)\n\\set o {} * :r * :r * :r / 1000000000\n\\set s random(0, 999)\n\
                 \\set t {TABLES} * :s * :s / 1000000\n",
                objects(entries)
            ),
            format!("where table_name = 'table_' || (:t)::int and record_id = ((:o)::int)::text {order}"),
        ),
        Question::One => (format!("\\set i random(1, {entries})\n"), String::from("where id = (:i)::bigint")),
        Question::Offset => (
            String::new(),
            format!(
                "where id = any (array(select id from {TABLE} order by \"timestamp\" desc, id desc limit 50 offset {})) \
                 {order}",
                100_000.min(entries / 2)
            ),
        ),
    };
    format!("{variables}select coalesce(json_agg(page), '[]') from (select {COLUMNS} from {TABLE} {rest}) page;\n")
}
