//! The SQL of every filter, for both databases. What it answers is tested through the API.

use sea_orm::sea_query::Query;
use sea_orm::{DbBackend, QueryFilter, QueryTrait};

use super::{Prepared, beside};
use crate::audit::{Action, Filter, Source};
use crate::store::dialect::Dialect;
use crate::store::log::find;
use crate::store::postgres::Postgres;
use crate::store::sqlite::Sqlite;

/// Addresses that the log is said to hold, for SQLite.
const KNOWN: [&str; 3] = ["10.0.0.7", "10.1.0.7", "::1"];

/// The condition on one line, with `·` for the log's alias, and the values bound.
fn rendered(dialect: &dyn Dialect, backend: DbBackend, filter: &Filter) -> (String, Vec<String>) {
    let (addresses, large_tables) = (KNOWN.map(str::to_owned).to_vec(), vec!["large".to_owned()]);
    let prepared = Prepared { filter, addresses, large_tables };
    let statement = find(dialect).filter(prepared.condition(dialect)).build(backend);
    let (_, condition) = statement.sql.split_once(" WHERE ").expect("a condition");
    let words: Vec<&str> = condition.split_whitespace().collect();
    let values = statement.values.iter().flat_map(|values| values.iter()).map(|value| value.to_string()).collect();
    (words.join(" ").replace("\"log\".", "·"), values)
}

fn on_postgres(filter: Filter, condition: &str, values: &[&str]) {
    let (sql, bound) = rendered(&Postgres, DbBackend::Postgres, &filter);
    assert_eq!((sql.as_str(), bound.as_slice()), (condition, texts(values).as_slice()), "{filter:?}");
}

fn on_sqlite(filter: Filter, condition: &str, values: &[&str]) {
    let (sql, bound) = rendered(&Sqlite, DbBackend::Sqlite, &filter);
    assert_eq!((sql.as_str(), bound.as_slice()), (condition, texts(values).as_slice()), "{filter:?}");
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn lists_are_bound_value_by_value() {
    for (filter, column) in [
        (Filter::User as fn(Vec<String>) -> Filter, "user_id"),
        (Filter::Username, "username"),
        (Filter::Table, "table_name"),
        (Filter::Correlation, "correlation_id"),
    ] {
        let values = ["a", "' OR 1=1"];
        let bound = ["'a'", r"'\' OR 1=1'"];
        on_postgres(filter(texts(&values)), &format!("·\"{column}\" IN ($1, $2)"), &bound);
        on_sqlite(filter(texts(&values)), &format!("·\"{column}\" IN (?, ?)"), &bound);
        // Nothing is in an empty list.
        on_postgres(filter(Vec::new()), "$1 = $2", &["1", "2"]);
        on_sqlite(filter(Vec::new()), "? = ?", &["1", "2"]);
    }
    let records = Filter::Record(texts(&["a", "' OR 1=1"]));
    let bound = ["'a'", r"'\' OR 1=1'"];
    on_postgres(
        records.clone(),
        r#"(hashtextextended(·"record_id", 0)) IN (hashtextextended($1, 0), hashtextextended($2, 0)) AND (coalesce(·"record_id" IN ($3, $4), FALSE))"#,
        &[bound, bound].concat(),
    );
    on_sqlite(records, r#"·"record_id" IN (?, ?)"#, &bound);
    on_postgres(Filter::Record(Vec::new()), "FALSE", &[]);
    on_sqlite(Filter::Record(Vec::new()), "FALSE", &[]);
    let actions = Filter::Action(vec![Action::Create, Action::Read]);
    on_postgres(actions.clone(), r#"·"action" IN ($1, $2)"#, &["'CREATE'", "'READ'"]);
    on_sqlite(actions, r#"·"action" IN (?, ?)"#, &["'CREATE'", "'READ'"]);
    on_postgres(Filter::Source(vec![Source::Undo]), r#"·"source" IN ($1)"#, &["'UNDO'"]);
    on_sqlite(Filter::Source(vec![Source::Undo]), r#"·"source" IN (?)"#, &["'UNDO'"]);
}

#[test]
fn filters_of_filters_nest() {
    let users = || vec![Filter::HasUser(true), Filter::HasUser(false)];
    for both in [on_postgres, on_sqlite] {
        both(Filter::All(users()), r#"·"user_id" IS NOT NULL AND ·"user_id" IS NULL"#, &[]);
        both(Filter::Any(users()), r#"·"user_id" IS NOT NULL OR ·"user_id" IS NULL"#, &[]);
        both(Filter::All(Vec::new()), "TRUE", &[]);
        both(Filter::Any(Vec::new()), "FALSE", &[]);
        both(
            Filter::All(vec![Filter::Any(users()), Filter::HasUser(true)]),
            r#"(·"user_id" IS NOT NULL OR ·"user_id" IS NULL) AND ·"user_id" IS NOT NULL"#,
            &[],
        );
    }
    // The complement of what is not known is known.
    let not = Filter::Not(Box::new(Filter::Username(texts(&["a"]))));
    on_postgres(not.clone(), r#"NOT COALESCE(·"username" IN ($1), FALSE)"#, &["'a'"]);
    on_sqlite(not, r#"NOT COALESCE(·"username" IN (?), FALSE)"#, &["'a'"]);
}

#[test]
fn instants_are_compared_in_the_spelling_of_the_column() {
    let instant = "2026-03-01T09:30:00.123456Z".parse().unwrap();
    on_postgres(Filter::Start(instant), r#"·"timestamp" >= $1"#, &["'2026-03-01 09:30:00.123456 +00:00'"]);
    on_postgres(Filter::End(instant), r#"·"timestamp" < $1"#, &["'2026-03-01 09:30:00.123456 +00:00'"]);
    on_sqlite(Filter::Start(instant), r#"·"timestamp" >= ?"#, &["'2026-03-01T09:30:00.124Z'"]);
    on_sqlite(Filter::End(instant), r#"·"timestamp" < ?"#, &["'2026-03-01T09:30:00.124Z'"]);
}

#[test]
fn the_complement_of_a_time_is_a_time() {
    let instant = "2026-03-01T09:30:00.123456Z".parse().unwrap();
    let not = |filter| Filter::Not(Box::new(Filter::All(vec![filter])));
    for (filter, complement) in
        [(Filter::Start(instant), Filter::End(instant)), (Filter::End(instant), Filter::Start(instant))]
    {
        for (dialect, backend) in
            [(&Postgres as &dyn Dialect, DbBackend::Postgres), (&Sqlite as &dyn Dialect, DbBackend::Sqlite)]
        {
            assert_eq!(rendered(dialect, backend, &not(filter.clone())), rendered(dialect, backend, &complement));
        }
    }
}

#[test]
fn alternatives_that_each_lie_in_a_time_lie_in_one_that_holds_them_all() {
    let at = |day: u32| format!("2026-03-{day:02}T00:00:00Z").parse().unwrap();
    let (start, end) = (|day| Filter::Start(at(day)), |day| Filter::End(at(day)));
    let (user, not) = (Filter::HasUser(true), |filter| Filter::Not(Box::new(filter)));
    let range = |from, to| Filter::All(vec![start(from), end(to)]);
    let told = |filters: Vec<Filter>| beside(&Filter::All(vec![user.clone(), Filter::Any(filters)]));
    let both = vec![range(3, 4), range(1, 2), Filter::All(vec![range(2, 6), user.clone()])];
    assert_eq!(told(both), Some(range(1, 6)));
    // The narrower of two ends, and only where each alternative has one.
    assert_eq!(told(vec![Filter::All(vec![start(2), start(3)]), range(4, 5)]), Some(Filter::All(vec![start(3)])));
    assert_eq!(told(vec![Filter::All(vec![end(8), end(7)]), not(start(5))]), Some(Filter::All(vec![end(7)])));
    assert_eq!(told(vec![range(1, 2), user.clone()]), None);
    assert_eq!(told(vec![range(1, 2), not(range(3, 4))]), None);
    assert_eq!(told(vec![]), None);
    // What stands beside them narrows it.
    let within = Filter::All(vec![start(2), Filter::Any(vec![range(1, 4), range(3, 5)])]);
    assert_eq!(beside(&within), Some(range(2, 5)));
    assert_eq!(beside(&range(1, 2)), None);
}

#[test]
fn a_large_table_is_not_looked_for_in_its_index_on_sqlite() {
    let tables = Filter::Table(texts(&["small", "large"]));
    on_postgres(tables.clone(), r#"·"table_name" IN ($1, $2)"#, &["'small'", "'large'"]);
    on_sqlite(tables, r#"(+·"table_name") IN (?, ?)"#, &["'small'", "'large'"]);
    // But an object is found by it, among other conditions too.
    let object = Filter::object("large".to_owned(), "1".to_owned());
    let objects = Filter::Any(vec![object.and(Filter::HasUser(true)), Filter::Table(texts(&["large"]))]);
    on_sqlite(
        objects,
        r#"(·"table_name" IN (?) AND ·"record_id" IN (?) AND ·"user_id" IS NOT NULL) OR (+·"table_name") IN (?)"#,
        &["'large'", "'1'", "'large'"],
    );
}

#[test]
fn a_network_is_compared_as_one_or_by_the_addresses_that_the_log_holds() {
    let network = || Filter::Network("10.0.0.9/16".parse().unwrap());
    on_postgres(network(), r#"(·"ip_address")::inet <<= ($1)::inet"#, &["'10.0.0.0/16'"]);
    on_sqlite(network(), r#"·"ip_address" IN (SELECT value FROM json_each(?))"#, &[r#"'[\"10.0.0.7\"]'"#]);
    // An address of IPv4 has but one spelling.
    let address = || Filter::Network("10.0.0.9/32".parse().unwrap());
    on_postgres(address(), r#"·"ip_address" = $1"#, &["'10.0.0.9'"]);
    on_sqlite(address(), r#"·"ip_address" = ?"#, &["'10.0.0.9'"]);
    let known: Vec<String> = (0..1_001).map(|n| format!("10.0.{}.{}", n / 256, n % 256)).collect();
    let common = Sqlite.within(&"10.0.0.0/8".parse().unwrap(), &known);
    assert!(DbBackend::Sqlite.build(Query::select().expr(common)).sql.starts_with(r#"SELECT +"log"."ip_address" IN"#));
}

#[test]
fn a_transaction_is_found_by_its_era_and_number_or_by_ours() {
    let ids = || Filter::Transaction(texts(&["1.7", "s7", "1.07"]));
    let condition = r#"(·"era" = $1 AND (·"tx" = ($2)::text::xid8)) OR $3 OR $4"#;
    on_postgres(ids(), condition, &["1", "'7'", "FALSE", "FALSE"]);
    on_sqlite(ids(), r#"·"tx" = ? OR ·"tx" = ? OR ·"tx" = ?"#, &["'1.7'", "'s7'", "'1.07'"]);
    for both in [on_postgres, on_sqlite] {
        both(Filter::Transaction(Vec::new()), "FALSE", &[]);
    }
}

#[test]
fn a_changed_field_is_looked_for_in_both_images_and_among_the_redacted() {
    let one = |image: &str, number: usize| format!(r#"((·"{image}" -> ${number}) IS NOT NULL)"#);
    let values = [r"'it\'s'", r"'it\'s'", r"'it\'s'", "'READ'"];
    let condition = [one("old_values", 1), one("new_values", 2), one("redacted", 3)].join(" OR ");
    on_postgres(Filter::ChangedField(texts(&["it's"])), &format!(r#"({condition}) AND ·"action" <> $4"#), &values);
    let one =
        |image: &str| format!(r#"(EXISTS (SELECT 1 FROM json_each(·"{image}") AS field WHERE field.key IN (?)))"#);
    let condition = ["old_values", "new_values", "redacted"].map(one).join(" OR ");
    on_sqlite(Filter::ChangedField(texts(&["it's"])), &format!(r#"({condition}) AND ·"action" <> ?"#), &values);
    for both in [on_postgres, on_sqlite] {
        both(Filter::ChangedField(Vec::new()), "FALSE", &[]);
    }
}

#[test]
fn a_search_escapes_what_like_would_take_for_wildcards() {
    // As the debugging output of a value shows it: each backslash twice.
    let bound = r"'%a50\\%\\_\\\\%'";
    let plain = |name: &str, number: usize| format!(r#"(lower(·"{name}" COLLATE "C") LIKE ${number})"#);
    let image = |name: &str, number: usize| {
        format!(
            r#"(EXISTS (SELECT 1 FROM json_each_text(·"{name}") AS field WHERE lower(field.value COLLATE "C") LIKE ${number}))"#
        )
    };
    let condition = [
        plain("description", 1),
        plain("username", 2),
        plain("record_id", 3),
        image("old_values", 4),
        image("new_values", 5),
    ];
    on_postgres(Filter::Search(r"A50%_\".to_owned()), &condition.join(" OR "), &[bound; 5]);
    let plain = |name: &str| format!(r#"(·"{name}" LIKE ? ESCAPE '\')"#);
    let image = |name: &str| {
        format!(
            r#"(EXISTS (SELECT 1 FROM json_each(·"{name}") AS field WHERE CASE field.type WHEN 'text' THEN field.value WHEN 'null' THEN NULL ELSE ·"{name}" -> field.fullkey END LIKE ? ESCAPE '\'))"#
        )
    };
    let condition =
        [plain("description"), plain("username"), plain("record_id"), image("old_values"), image("new_values")];
    on_sqlite(Filter::Search(r"a50%_\".to_owned()), &condition.join(" OR "), &[bound; 5]);
}
