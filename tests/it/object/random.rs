//! Whatever happens to a few rows, in whatever order: what was seen at an instant is shown of it for ever.

use serde_json::{Value, json};

use super::{ask, at, moment, tracked};
use crate::support::{Api, Kind, World, both};

const KEYS: i64 = 3;
const STEPS: usize = 120;

/// A generator of Knuth's, so that each run is the same.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as i64 % sides
    }

    /// A statement that may be refused.
    fn statement(&mut self, kind: Kind) -> String {
        let (key, other, value) = (1 + self.roll(KEYS), 1 + self.roll(KEYS), self.roll(4));
        let column = ["a", "b", "c"][self.roll(3) as usize];
        match self.roll(12) {
            0..=1 => format!("insert into t values ({key}, {value}, null, {value})"),
            2 => format!("delete from t where id = {key}"),
            3 => format!("update t set id = {other}, {column} = {value} where id = {key}"),
            4 if kind == Kind::Sqlite => format!("replace into t values ({key}, {value}, {value}, null)"),
            4 => format!("insert into t values ({key}, 0, 0, 0) on conflict (id) do update set {column} = {value}"),
            5 => format!("update t set {column} = {value}"),
            _ => format!("update t set {column} = {value} where id = {key}"),
        }
    }

    /// One statement, or several in one transaction, which may be taken back.
    fn transaction(&mut self, kind: Kind) -> String {
        match self.roll(4) {
            0 => {
                let end = if self.roll(3) == 0 { "rollback" } else { "commit" };
                let statements: Vec<String> = (0..4).map(|_| self.statement(kind)).collect();
                format!("begin; {}; {end}", statements.join("; "))
            }
            _ => self.statement(kind),
        }
    }
}

/// The rows of all keys, as the table has them.
async fn rows(world: &World) -> Vec<Value> {
    let rows = world.rows("select id, a, b, c from t").await;
    let number = |text: &Option<String>| text.as_ref().map(|text| text.parse::<i64>().expect("a number"));
    let row = |key: i64| {
        let of_key = rows.iter().find(|row| number(&row[0]) == Some(key))?;
        Some(
            json!({"id": number(&of_key[0]), "a": number(&of_key[1]), "b": number(&of_key[2]), "c": number(&of_key[3])}),
        )
    };
    (1..=KEYS).map(|key| row(key).unwrap_or_default()).collect()
}

/// Each field is blamed on the newest entry that sets it, and has the value that it set.
async fn blame_is_right(api: &Api, key: i64, row: &Value) {
    let fields = "blame { field value auditLog { id } } history(first: 1000) { nodes { id newValues } }";
    let object = ask(api, "t", &key.to_string(), fields).await;
    let entries = object["history"]["nodes"].as_array().expect("entries");
    for blame in object["blame"].as_array().expect("a list") {
        let field = blame["field"].as_str().expect("a name");
        let setter = entries.iter().find(|entry| entry["newValues"].get(field).is_some()).expect("a setter");
        assert_eq!(blame["auditLog"]["id"], setter["id"], "{key} {field}");
        assert_eq!(blame["value"], setter["newValues"][field], "{key} {field}");
        assert!(row.is_null() || row[field] == blame["value"], "{key} {field}");
    }
}

both! {
    async fn what_was_seen_at_an_instant_is_shown_of_it_for_ever(world: World) {
        let api = tracked(&world, "create table t (id integer primary key, a integer, b integer, c integer)", &["t"]).await;
        let mut dice = Dice(7);
        let mut seen = vec![(moment(&world).await, rows(&world).await)];
        for step in 0..STEPS {
            // What is refused is not done; on SQLite the connection, and its transaction, end with it.
            let _ = world.try_sql(&dice.transaction(world.kind)).await;
            let state = rows(&world).await;
            seen.push((moment(&world).await, state));
            if step % 40 == 39 {
                let now = &seen.last().expect("one").1;
                for (row, key) in now.iter().zip(1..) {
                    blame_is_right(&api, key, row).await;
                }
            }
        }
        assert!(seen.iter().filter(|(_, state)| state[0].is_null()).count() > 5, "the dice are too kind");
        for (instant, state) in &seen {
            for (row, key) in state.iter().zip(1..=KEYS) {
                assert_eq!(&at(&api, "t", &key.to_string(), instant).await, row, "{key} at {instant}");
            }
        }
    }
}
