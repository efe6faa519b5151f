//! Random entries and filters over few values, so that they meet.

use afterimage::audit::{Action, Filter, Source};
use chrono::{DateTime, Utc};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// Names, ids and texts: quotes, wildcards, escapes, letters beyond ASCII.
const WORDS: [&str; 14] =
    ["a", "A", "ann", "Ann x", "b%", "_", "\\", "it's", "q\"q", "é", "É", "x.y", "$1 ?", "line\nbreak"];

const ADDRESSES: [&str; 6] = ["10.0.0.7", "10.1.0.7", "192.168.0.1", "2001:db8::1", "2001:db8:1::1", "::ffff:10.0.0.7"];

/// As an application on SQLite may have spelled them.
const SPELLINGS: [&str; 3] = ["2001:DB8:0::1", "2001:0db8::0001", "10.0.0.7"];

const NETWORKS: [&str; 9] = [
    "10.0.0.7/32",
    "10.0.0.0/8",
    "10.1.9.9/16",
    "0.0.0.0/0",
    "2001:db8::1/128",
    "2001:db8::/32",
    "2001:db8::/48",
    "::/0",
    "192.168.0.0/30",
];

/// Values of images as text: SQL's null, digits that a double would lose, nested documents, marks.
const VALUES: [&str; 16] = [
    "null",
    "1",
    "1.1",
    "1.10",
    "-0",
    "1e400",
    "12345678901234567890.5",
    "true",
    "\"Ann\"",
    "\"100%\"",
    "\"a\\\"b\\\\c\"",
    "\"\\u00e9\"",
    "{\"$blob\":\"00ff\"}",
    "{\"$real\":\"Inf\"}",
    "[1.10,\"Ann\"]",
    "{\"deep\":{\"x\":\"É\"}}",
];

const NEEDLES: [&str; 22] = [
    "", "a", "ANN", "é", "É", "%", "_", "\\", "'", "\"", "1.1", "1.10", "1e400", "1E400", "null", "true", "00ff", "$",
    "{", "\n", "\\u", "x.y",
];

const INSTANTS: [&str; 5] = [
    "2026-03-01T00:00:00Z",
    "2026-03-01T09:30:00.123Z",
    "2026-03-01T09:30:00.1234Z",
    "2026-12-31T23:59:59.999Z",
    "9999-12-31T23:59:59.9999Z",
];

const TIMESTAMPS: [&str; 4] =
    ["2026-03-01T00:00:00.000Z", "2026-03-01T09:30:00.123Z", "2026-03-01T09:30:00.124Z", "2026-12-31T23:59:59.999Z"];

/// The columns that [`any_row`] has values for.
pub const ROW_COLUMNS: &str = "action, table_name, record_id, user_id, username, old_values, new_values, redacted, \
     description, ip_address, correlation_id, source, \"timestamp\"";

fn word() -> impl Strategy<Value = &'static str> {
    select(&WORDS[..])
}

fn words() -> impl Strategy<Value = Vec<String>> {
    vec(word().prop_map(str::to_owned), 0..4)
}

/// What a client sends to `createAuditLogs`, for the defaults of [`by_hand`](crate::support::by_hand).
pub fn any_input() -> impl Strategy<Value = Value> {
    // Literals that `Value` keeps as they are.
    let image = || {
        vec(
            (
                word(),
                select(vec![json!(null), json!(1), json!(0.5), json!(true), json!("Ann"), json!({"x": ["É%", 1]})]),
            ),
            0..4,
        )
        .prop_map(|fields| {
            Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
        })
    };
    let texts = (option::of(word()), option::of(word()), option::of(word()), option::of(word()), word(), word());
    (select(vec!["CREATE", "UPDATE", "DELETE", "READ"]), texts, option::of(select(&ADDRESSES[..])), image(), image())
        .prop_map(|(action, (record, username, description, correlation, table, user), address, old, new)| {
            let mut input = json!({
                "action": action, "recordId": record, "username": username, "description": description,
                "correlationId": correlation, "tableName": table, "userId": user, "ipAddress": address,
            });
            if matches!(action, "UPDATE" | "DELETE") {
                input["oldValues"] = old;
            }
            if matches!(action, "UPDATE" | "CREATE") {
                input["newValues"] = new;
            }
            input
        })
}

fn quoted(text: Option<String>) -> String {
    text.map_or("null".to_owned(), |text| format!("'{}'", text.replace('\'', "''")))
}

/// A row of the log as SQL, as a trigger of either database could have left it.
pub fn any_row() -> impl Strategy<Value = String> {
    let image = || {
        vec((word(), select(&VALUES[..])), 0..4).prop_map(|mut fields| {
            fields.sort_unstable();
            fields.dedup_by_key(|(name, _)| *name);
            let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{}:{value}", json!(name))).collect();
            format!("{{{}}}", fields.join(","))
        })
    };
    let redacted = vec((word(), 0..3_u8), 1..3).prop_map(|fields| {
        json!(fields.into_iter().map(|(name, place)| (name.to_owned(), json!(place))).collect::<Map<_, _>>())
            .to_string()
    });
    let text = || option::of(word().prop_map(str::to_owned));
    let address = option::of(select([&ADDRESSES[..], &SPELLINGS[..]].concat()).prop_map(str::to_owned));
    let texts = (text(), text(), text(), text(), text(), word());
    let enums = (select(vec!["CREATE", "UPDATE", "DELETE", "READ"]), select(vec!["TRIGGER", "API", "UNDO"]));
    (enums, texts, option::of(image()), option::of(image()), option::of(redacted), address, select(&TIMESTAMPS[..]))
        .prop_map(
            |(
                (action, source),
                (record, user, username, description, correlation, table),
                old,
                new,
                redacted,
                address,
                time,
            )| {
                let values = [
                    Some(action.to_owned()),
                    Some(table.to_owned()),
                    record,
                    user,
                    username,
                    old,
                    new,
                    redacted,
                    description,
                    address,
                    correlation,
                    Some(source.to_owned()),
                    Some(time.to_owned()),
                ];
                format!("({})", values.map(quoted).join(","))
            },
        )
}

fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    select(&INSTANTS[..]).prop_map(|text| text.parse().expect("an instant"))
}

fn any_leaf() -> impl Strategy<Value = Filter> {
    let transaction = select(vec!["s1", "s2", "1.1", "c1", "x", "", "0.5", "1.748"]);
    prop_oneof![
        words().prop_map(Filter::User),
        any::<bool>().prop_map(Filter::HasUser),
        words().prop_map(Filter::Username),
        words().prop_map(Filter::Table),
        words().prop_map(Filter::Record),
        vec(select(&Action::ALL[..]), 0..3).prop_map(Filter::Action),
        instant().prop_map(Filter::Start),
        instant().prop_map(Filter::End),
        select(&NETWORKS[..]).prop_map(|text| Filter::Network(text.parse().expect("a network"))),
        words().prop_map(Filter::Correlation),
        vec(transaction.prop_map(str::to_owned), 0..3).prop_map(Filter::Transaction),
        vec(select(&Source::ALL[..]), 0..3).prop_map(Filter::Source),
        words().prop_map(Filter::ChangedField),
        select(&NEEDLES[..]).prop_map(|text| Filter::Search(text.to_owned())),
    ]
}

/// Ranges of time of which one is to hold, with and without other conditions.
fn any_ranges() -> impl Strategy<Value = Filter> {
    let end = prop_oneof![
        instant().prop_map(Filter::Start),
        instant().prop_map(Filter::End),
        instant().prop_map(|instant| Filter::Not(Box::new(Filter::End(instant)))),
    ];
    let range = (vec(end, 1..4), option::weighted(0.3, any_leaf())).prop_map(|(mut filters, other)| {
        filters.extend(other);
        Filter::All(filters)
    });
    vec(range, 2..4).prop_map(Filter::Any)
}

/// A filter of four levels at the most.
pub fn any_filter() -> impl Strategy<Value = Filter> {
    prop_oneof![6 => any_leaf(), 1 => any_ranges()].prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Filter::All),
            vec(inner.clone(), 0..4).prop_map(Filter::Any),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}
