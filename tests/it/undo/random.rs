//! Transactions that no hand wrote, undone the last first: the tables are as they were, byte for byte.

use serde_json::{Value, json};

use super::{all, preview_transaction, tracked, undo_transaction_mutation};
use crate::support::{Api, Kind, World, both};

/// Numbers out of a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len() as u64) as usize]
    }
}

const ACTIONS: [&str; 4] = ["cascade", "set null", "set default", "no action"];

/// Three tables that refer to each other and to themselves.
fn tables(dice: &mut Dice, kind: Kind) -> String {
    let mut reference = |to: &str| {
        let (delete, update) = (dice.of(&ACTIONS), dice.of(&["cascade", "no action"]));
        let deferred = dice.of(&["", "deferrable initially deferred"]);
        format!("references {to} on delete {delete} on update {update} {deferred}")
    };
    let (one, two, three) = (reference("a (id)"), reference("a (id)"), reference("b (id)"));
    let circle = reference("c (id)");
    let (inline, later) = match kind {
        Kind::Sqlite => (circle, String::new()),
        Kind::Postgres => (String::new(), format!("; alter table a add foreign key (c) {circle}")),
    };
    format!(
        "create table a (id integer primary key, u text unique, a integer {one}, c integer {inline}); \
         create table b (id integer primary key, u text unique, a integer {two}); \
         create table c (id integer primary key, u text, b integer default 1 {three}, x integer, unique (u, x)){later}"
    )
}

fn statement(dice: &mut Dice) -> String {
    let table = dice.of(&["a", "b", "c"]);
    let id = 1 + dice.below(5);
    let mut value = |name: &str| match (name, dice.below(6)) {
        (_, 0..=2) => "null".to_owned(),
        ("u", _) => format!("'{}'", dice.of(&["p", "q", "r", "s", "t"])),
        _ => (1 + dice.below(5)).to_string(),
    };
    let columns: &[&str] = match table {
        "a" => &["u", "a", "c"],
        "b" => &["u", "a"],
        _ => &["u", "b", "x"],
    };
    let values: Vec<String> = columns.iter().map(|column| value(column)).collect();
    match dice.below(8) {
        0..=2 => {
            let (columns, values) = (columns.join(", "), values.join(", "));
            format!(
                "insert into {table} (id, {columns}) select {id}, {values} where not exists (select 1 from {table} where id = {id})"
            )
        }
        3 | 4 => {
            let set: Vec<String> =
                columns.iter().zip(&values).map(|(name, value)| format!("{name} = {value}")).collect();
            format!("update {table} set {} where id = {id}", dice.of(&[&set[0], &set[1], &set.join(", ")]))
        }
        5 => format!("update {table} set id = {} where id = {id}", 1 + dice.below(5)),
        6 => format!("delete from {table} where id = {id}"),
        _ => format!("delete from {table} where id > {id} + 2"),
    }
}

/// Runs a transaction; its id, where it was committed and changed anything.
async fn run(world: &World, api: &Api, statements: &str) -> Option<String> {
    let latest = format!("select coalesce(max(id), 0) from {}", world.log());
    let before = world.scalar(&latest).await;
    let (begin, end) = match world.kind {
        Kind::Postgres => ("begin", "commit"),
        Kind::Sqlite => (
            "begin immediate; insert into afterimage_context (user_id) values ('7')",
            "delete from afterimage_context; commit",
        ),
    };
    world.try_sql(&format!("{begin}; {statements}; {end}")).await.ok()?;
    let data = api.ask("{ auditLogs(first: 1) { nodes { id transactionId } } }", json!({})).await;
    let last = &data["auditLogs"]["nodes"][0];
    (last["id"] != json!(before)).then(|| last["transactionId"].as_str().expect("an id").to_owned())
}

async fn undo(api: &Api, id: &str) -> Result<Value, Value> {
    let plan = preview_transaction(api, id).await;
    let answer = api
        .answer_as(
            &[afterimage::auth::Role::Admin],
            &undo_transaction_mutation(),
            json!({"id": id, "h": plan["planHash"]}),
        )
        .await;
    assert_eq!(plan["possible"], answer.get("errors").is_none(), "{plan} {answer}");
    if answer.get("errors").is_some() { Err(answer) } else { Ok(answer["data"]["undoTransaction"].clone()) }
}

const NAMES: [&str; 3] = ["a", "b", "c"];

both! {
    async fn what_was_done_is_undone_the_last_first(world: World) {
        let seeds: Vec<u64> = match std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()) {
            Some(seed) => vec![seed],
            None => (1..=std::env::var("SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(4)).collect(),
        };
        for seed in seeds {
            let fresh = World::new(world.kind).await;
            let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let tables = tables(&mut dice, world.kind);
            let api = tracked(&fresh, &tables, &NAMES).await;
            let mut done: Vec<(String, String, Vec<Vec<String>>)> = Vec::new();
            for _ in 0..60 {
                let count = 1 + dice.below(5);
                let statements: Vec<String> = (0..count).map(|_| statement(&mut dice)).collect();
                let statements = statements.join("; ");
                let before = all(&fresh, &NAMES).await;
                if let Some(id) = run(&fresh, &api, &statements).await {
                    done.push((id, statements, before));
                }
            }
            assert!(done.len() >= 5, "SEED={seed}: too little came through: {}", done.len());
            if std::env::var("SEEDS").is_ok() {
                eprintln!("{seed}: {}", done.len());
            }
            for (id, statements, before) in done.iter().rev() {
                let told = format!("SEED={seed} {:?}\n{tables}\n{statements}", world.kind);
                let undone = match undo(&api, id).await {
                    Ok(undone) => undone,
                    Err(answer) => {
                        let log = format!("select id, action, table_name, record_id, previous_record_id, old_values, \
                            new_values from {} order by id", fresh.log());
                        panic!("{told}\n{answer}\n{id}: {:#?}", fresh.rows(&log).await)
                    }
                };
                assert_eq!(&all(&fresh, &NAMES).await, before, "{told}\n{undone}");
            }
        }
    }
}
