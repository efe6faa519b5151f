//! 2 and 4: undone, the last first, everything is as it was; and an undo does what its preview said, or nothing.

use std::collections::{BTreeMap, BTreeSet};

use afterimage::auth::Role;
use serde_json::{Value, json};

use super::picture::{self, Image, Picture};
use super::replay::{Entry, entries, replay};
use super::{History, same};

/// What a plan and what came of it have in common.
const SHOWN: &str =
    "effects { tableName recordId action changes { field old new } } skipped { field expected current }";
/// How many entries of a history are undone one by one.
const SINGLE: usize = 10;

/// What is undone.
#[derive(Clone, Copy, Debug)]
enum Target<'a> {
    Entry(&'a str, bool),
    Transaction(&'a str),
}

impl Target<'_> {
    fn preview(self) -> (String, Value) {
        match self {
            Target::Entry(id, linked) => (
                format!(
                    "query($id: ID!, $l: Boolean) {{ plan: undoPreview(id: $id, restoreLinked: $l) {{ possible code reason planHash {SHOWN} derived {{ tableName recordId }} }} }}"
                ),
                json!({"id": id, "l": linked}),
            ),
            Target::Transaction(id) => (
                format!(
                    "query($id: ID!) {{ plan: undoTransactionPreview(transactionId: $id) {{ possible code reason planHash {SHOWN} derived {{ tableName recordId }} }} }}"
                ),
                json!({"id": id}),
            ),
        }
    }

    fn undo(self, hash: &Value) -> (String, Value) {
        match self {
            Target::Entry(id, linked) => (
                format!(
                    "mutation($id: ID!, $l: Boolean, $h: String) {{ done: undo(id: $id, restoreLinked: $l, planHash: $h) {{ {SHOWN} }} }}"
                ),
                json!({"id": id, "l": linked, "h": hash}),
            ),
            Target::Transaction(id) => (
                format!(
                    "mutation($id: ID!, $h: String) {{ done: undoTransaction(transactionId: $id, planHash: $h) {{ {SHOWN} }} }}"
                ),
                json!({"id": id, "h": hash}),
            ),
        }
    }
}

impl History<'_> {
    /// All transactions undone, the last first; each pause that is passed looks as it did.
    pub async fn comes_back(&self) -> Result<(), String> {
        let mut last: BTreeMap<&str, i64> = BTreeMap::new();
        for entry in &self.entries {
            last.insert(&entry.transaction_id, entry.id);
        }
        let mut transactions: Vec<(i64, &str)> = last.into_iter().map(|(id, last)| (last, id)).collect();
        transactions.sort_unstable();
        let mut pauses = self.played.pauses.iter().rev().peekable();
        while let Some((last, transaction)) = transactions.pop() {
            while let Some(pause) = pauses.next_if(|pause| pause.last_id >= last) {
                same(&format!("before {transaction} is undone"), &self.now().await, &pause.picture)?;
            }
            if let Some(why) = self.previewed_and_undone(Target::Transaction(transaction)).await? {
                return Err(format!("{transaction} cannot be undone: {why}"));
            }
        }
        for pause in pauses {
            same("all undone", &self.now().await, &pause.picture)?;
        }
        Ok(())
    }

    /// Entries undone one by one in any order: each as its preview said, and nothing besides.
    pub async fn keeps_its_word(&self) -> Result<(), String> {
        let step = (self.entries.len() / 3) | 1;
        let mut done = 0;
        for number in 0..self.entries.len().min(SINGLE) {
            let entry = &self.entries[number * step % self.entries.len()];
            let before = self.told().await?;
            let refused = self.previewed_and_undone(Target::Entry(&entry.id.to_string(), number % 2 == 0)).await?;
            let after = self.told().await?;
            if refused.is_none() {
                done += 1;
                as_the_entry_says(entry, &before, &after)?;
            }
        }
        self.undone.set(self.undone.get() + done);
        Ok(())
    }

    /// Undoes after a look at what would happen; why it is refused, where it is.
    async fn previewed_and_undone(&self, target: Target<'_>) -> Result<Option<String>, String> {
        let before = self.now().await;
        let (query, variables) = target.preview();
        let plan = self.api.ask(&query, variables).await["plan"].take();
        same(&format!("a preview of {target:?} changes the tables"), &self.now().await, &before)?;
        let (mutation, variables) = target.undo(&plan["planHash"]);
        let answer = self.api.answer_as(&[Role::Admin], &mutation, variables).await;
        let done = &answer["data"]["done"];
        let now = self.now().await;
        match (plan["possible"].as_bool(), done.is_object()) {
            (Some(true), true) => {}
            (Some(false), false) if answer["errors"][0]["extensions"]["code"] == plan["code"] => {
                same(&format!("a refused undo of {target:?} changes the tables"), &now, &before)?;
                return Ok(Some(format!("{} {}", plan["code"], plan["reason"])));
            }
            _ => return Err(format!("{target:?} was previewed as {plan} and came to {answer}")),
        }
        for part in ["effects", "skipped"] {
            if done[part] != plan[part] {
                return Err(format!("{target:?}: {part} were to be {} and are {}", plan[part], done[part]));
            }
        }
        let told = [&plan["effects"], &plan["derived"]].map(|list| list.as_array().expect("a list"));
        let touched: BTreeSet<(String, String)> =
            told.into_iter().flatten().map(|effect| (text(&effect["tableName"]), text(&effect["recordId"]))).collect();
        let moved =
            before.keys().chain(now.keys()).find(|key| before.get(key) != now.get(key) && !touched.contains(key));
        match moved {
            Some(key) => Err(format!("{target:?} changed {key:?}, of which its plan says nothing: {plan}")),
            None => Ok(None),
        }
    }

    async fn now(&self) -> Picture {
        picture::take(self.world, &self.schema).await
    }

    /// The rows as the whole log tells them, undos included, which is how they are.
    async fn told(&self) -> Result<BTreeMap<(String, String), Image>, String> {
        let rows = replay(&entries(self.world, &self.schema.prefix).await)?;
        same("the log with its undos", &picture::print(self.world, &self.schema, &rows).await, &self.now().await)?;
        Ok(rows)
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

type Rows = BTreeMap<(String, String), Image>;

/// Whether the object is as the undo of the entry should have made it, judged from the log alone.
fn as_the_entry_says(entry: &Entry, before: &Rows, after: &Rows) -> Result<(), String> {
    let (old, new) = (before.get(&entry.object), after.get(&entry.object));
    let wrong = |what: &str| Err(format!("after the undo of {} {:?} {what}: {new:?}", entry.id, entry.object));
    let text = |image: Option<&Image>, field: &str| Some(image?.get(field)?.get().to_owned());
    match entry.action.as_str() {
        // Another key's entry says what becomes of the fields.
        _ if entry.key_changed => Ok(()),
        "CREATE" if new.is_some() => wrong("is still there"),
        "DELETE" => match entry.old.keys().find(|field| text(new, field) != text(Some(&entry.old), field)) {
            Some(field) => wrong(&format!("has another {field}")),
            None => Ok(()),
        },
        "UPDATE" => {
            let expected = |field: &str| {
                let current = text(old, field);
                let is_entrys = entry.new.contains_key(field) && current == text(Some(&entry.new), field);
                if is_entrys { text(Some(&entry.old), field) } else { current }
            };
            let fields = old.into_iter().flat_map(|image| image.keys());
            match fields.into_iter().find(|field| text(new, field) != expected(field)) {
                Some(field) => wrong(&format!("has another {field}")),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}
