//! The log is the table: what random statements did can be done again from the entries alone.

use std::collections::BTreeMap;

use super::World;

/// Numbers that look random and are the same each time (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn value(&mut self) -> String {
        let number = self.below(6);
        match self.below(7) {
            0 => number.to_string(),
            1 => format!("{number}.0"),
            2 => format!("'{number}'"),
            3 => format!("'{}'", ["a", "A", "b\"\\", "", "é\n", "0"][usize::try_from(number).unwrap()]),
            4 => format!("x'0{number}'"),
            5 => format!("{number}.1 / 3"),
            _ => "NULL".to_owned(),
        }
    }

    fn statement(&mut self) -> String {
        let (id, a, b, c) = (self.below(8), self.value(), self.value(), self.value());
        let verb = ["INSERT", "INSERT OR REPLACE", "INSERT OR IGNORE", "REPLACE", "INSERT OR FAIL"]
            [usize::try_from(self.below(5)).unwrap()];
        let or = ["", " OR REPLACE", " OR IGNORE", " OR FAIL"][usize::try_from(self.below(4)).unwrap()];
        match self.below(8) {
            0 | 1 => format!("{verb} INTO t (id, a, b, c) VALUES ({id}, {a}, {b}, {c})"),
            2 => format!("{verb} INTO t (a, b, c) VALUES ({a}, {b}, {c})"),
            3 => format!(
                "INSERT INTO t (id, a, b) VALUES ({id}, {a}, {b}) ON CONFLICT (id) DO UPDATE SET a = excluded.a, c = {c}"
            ),
            4 => format!("UPDATE{or} t SET a = {a}, b = {b} WHERE id = {id}"),
            5 => format!("UPDATE{or} t SET c = {c}, id = id + {} WHERE id >= {id}", self.below(3)),
            6 => format!("{verb} INTO t (id, a, b, c) SELECT id + 1, b, a, c FROM t"),
            _ => format!("DELETE FROM t WHERE id = {id}"),
        }
    }
}

/// The tables as the log tells them: record id to the fields of the row.
fn replay(entries: &[(String, String, Option<String>, Option<String>)]) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut rows: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for (action, id, old, new) in entries {
        let fields = |image: &Option<String>| -> BTreeMap<String, String> {
            let image: BTreeMap<String, Box<serde_json::value::RawValue>> =
                serde_json::from_str(image.as_deref().unwrap()).unwrap();
            image.into_iter().map(|(name, value)| (name, value.get().to_owned())).collect()
        };
        match action.as_str() {
            "CREATE" => assert!(rows.insert(id.clone(), fields(new)).is_none(), "{id} was there already"),
            "DELETE" => assert_eq!(rows.remove(id), Some(fields(old)), "{id} was not so when it was deleted"),
            _ => {
                let row = rows.get_mut(id).unwrap();
                for (name, value) in fields(old) {
                    assert_eq!(row.insert(name, value.clone()), Some(value));
                }
                row.extend(fields(new));
            }
        }
    }
    rows
}

async fn entries(world: &World) -> Vec<(String, String, Option<String>, Option<String>)> {
    let sql = "SELECT action, record_id, old_values, new_values FROM afterimage_log ORDER BY id";
    let statement = sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, sql);
    let rows = sea_orm::ConnectionTrait::query_all_raw(&world.conn, statement).await.unwrap();
    rows.iter()
        .map(|row| {
            let text = |place| row.try_get_by_index::<Option<String>>(place).unwrap();
            (text(0).unwrap(), text(1).unwrap(), text(2), text(3))
        })
        .collect()
}

async fn replays(schema: &str, seed: u64) {
    let world = World::tracking(schema, &["t"]).await;
    let mut numbers = Numbers(seed);
    for turn in 0..200 {
        if turn % 100 == 50 {
            world.run("PRAGMA recursive_triggers = ON").await;
        } else if turn % 100 == 0 {
            world.run("PRAGMA recursive_triggers = OFF").await;
        }
        // What a constraint refuses, or a rollback takes back, must leave nothing in the log.
        if numbers.below(6) == 0 {
            let end = ["ROLLBACK TO s", "SELECT 1"][usize::try_from(numbers.below(2)).unwrap()];
            world.run("SAVEPOINT s").await;
            drop(world.attempt(&numbers.statement()).await);
            drop(world.attempt(&numbers.statement()).await);
            world.run(&format!("{end}; RELEASE s")).await;
        } else {
            drop(world.attempt(&numbers.statement()).await);
        }
    }
    let rows = replay(&entries(&world).await);
    // The replayed images are written into a table like the first one by the plainest of means, and both compared.
    let live = world.read(&format!("SELECT {QUOTED} FROM t ORDER BY 1")).await;
    world.run("DELETE FROM t; ALTER TABLE t RENAME TO gone; CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE, b, c REAL)").await;
    for row in rows.values() {
        let fields = ["id", "a", "b", "c"].map(|name| literal(&row[name])).join(", ");
        world.run(&format!("INSERT INTO t VALUES ({fields})")).await;
    }
    assert_eq!(world.read(&format!("SELECT {QUOTED} FROM t ORDER BY 1")).await, live);
    assert!(entries(&world).await.len() > 40, "the statements changed too little to show anything");
}

const QUOTED: &str = "quote(id) || ' ' || quote(a) || ' ' || quote(b) || ' ' || quote(c)";

/// The SQL literal of a value of an image.
fn literal(json: &str) -> String {
    match serde_json::from_str(json).unwrap() {
        serde_json::Value::String(text) => format!("'{text}'"),
        serde_json::Value::Object(marked) => format!("x'{}'", marked["$blob"].as_str().unwrap()),
        _ => json.to_owned(),
    }
}

#[tokio::test]
async fn the_log_replayed_gives_the_table() {
    for seed in 0..2 {
        replays("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE UNIQUE, b UNIQUE, c REAL)", seed).await;
    }
}

#[tokio::test]
async fn the_log_replayed_gives_a_table_without_rowid() {
    for seed in 10..12 {
        let schema = "CREATE TABLE t (id INTEGER PRIMARY KEY DEFAULT (abs(random()) % 8), a TEXT COLLATE NOCASE UNIQUE, \
            b, c REAL) WITHOUT ROWID; CREATE UNIQUE INDEX i ON t (b) WHERE b <> 3";
        replays(schema, seed).await;
    }
}

#[tokio::test]
async fn the_log_replayed_gives_a_table_with_busy_triggers() {
    for seed in 20..22 {
        let schema = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE UNIQUE, b UNIQUE, c REAL);
            CREATE TRIGGER before_insert BEFORE INSERT ON t WHEN NEW.c > 1 BEGIN UPDATE t SET c = 0.5 WHERE id <= NEW.id; END;
            CREATE TRIGGER after_insert AFTER INSERT ON t BEGIN UPDATE t SET c = coalesce(c, 0) + 1 WHERE id = NEW.id; END;
            CREATE TRIGGER after_delete AFTER DELETE ON t BEGIN UPDATE t SET c = 7 WHERE id = OLD.id + 1; END";
        replays(schema, seed).await;
    }
}

#[tokio::test]
async fn the_log_replayed_gives_a_table_that_refers_to_itself() {
    for seed in 30..32 {
        let schema = "PRAGMA foreign_keys = ON; CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE UNIQUE,
            b INT REFERENCES t ON DELETE SET NULL, c REAL)";
        replays(schema, seed).await;
    }
}

#[tokio::test]
async fn the_log_replayed_gives_a_table_that_refers_to_itself_and_follows_its_keys() {
    let keys = [
        ("id INTEGER PRIMARY KEY", ""),
        ("id INT NOT NULL PRIMARY KEY DEFAULT (abs(random()) % 8)", ""),
        ("id INT PRIMARY KEY DEFAULT (abs(random()) % 8)", " WITHOUT ROWID"),
    ];
    let actions =
        ["ON UPDATE CASCADE ON DELETE SET NULL", "ON UPDATE SET NULL ON DELETE CASCADE", "ON UPDATE SET DEFAULT"];
    for (seed, (key, end)) in (300..).zip(keys) {
        for action in actions {
            let schema = format!(
                "PRAGMA foreign_keys = ON; CREATE TABLE t ({key}, a TEXT COLLATE NOCASE UNIQUE,
                b INT REFERENCES t {action}, c REAL CHECK (c <> 4.0)){end}"
            );
            replays(&schema, seed).await;
        }
    }
}
