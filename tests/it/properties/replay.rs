//! The log read as one reads it who has nothing else: from the start, entry by entry.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::picture::Image;
use crate::support::{Kind, World};

/// An entry, as far as it says what changed.
pub struct Entry {
    pub id: i64,
    /// As the API says it.
    pub transaction_id: String,
    pub action: String,
    pub object: (String, String),
    pub old: Image,
    pub new: Image,
    pub correlation_id: String,
    /// Whether it is one half of a change of the key.
    pub key_changed: bool,
}

/// All entries about the tables whose names begin so, in order.
pub async fn entries(world: &World, prefix: &str) -> Vec<Entry> {
    let (transaction, table) = match world.kind {
        Kind::Postgres => ("era || '.' || tx", "afterimage.log"),
        Kind::Sqlite => ("coalesce(tx, '')", "afterimage_log"),
    };
    let sql = format!(
        "select id, {transaction}, action, table_name, record_id, coalesce(old_values, '{{}}'), \
         coalesce(new_values, '{{}}'), coalesce(correlation_id, ''), \
         case when previous_record_id is null then 'no' else 'yes' end from {table} \
         where table_name like '{prefix}%' order by id"
    );
    let rows = world.rows(&sql).await;
    rows.into_iter()
        .map(|row| {
            let mut row = row.into_iter().map(|value| value.expect("no null"));
            let mut next = || row.next().expect("a column");
            Entry {
                id: next().parse().expect("an id"),
                transaction_id: next(),
                action: next(),
                object: (next(), next()),
                old: image(&next()),
                new: image(&next()),
                correlation_id: next(),
                key_changed: next() == "yes",
            }
        })
        .collect()
}

fn image(text: &str) -> Image {
    serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The tables after these entries, if they were empty before; what each entry says of before is held against it.
pub fn replay(entries: &[Entry]) -> Result<BTreeMap<(String, String), Image>, String> {
    let mut rows: BTreeMap<(String, String), Image> = BTreeMap::new();
    for entry in entries {
        let wrong = |what: &str| format!("entry {} ({} of {:?}) {what}", entry.id, entry.action, entry.object);
        match entry.action.as_str() {
            "CREATE" => {
                if rows.insert(entry.object.clone(), entry.new.clone()).is_some() {
                    return Err(wrong("creates what is there"));
                }
            }
            "UPDATE" => {
                let row = rows.get_mut(&entry.object).ok_or_else(|| wrong("changes what is not there"))?;
                agree(&entry.old, row).map_err(|why| wrong(&why))?;
                row.extend(entry.new.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
            "DELETE" => {
                let row = rows.remove(&entry.object).ok_or_else(|| wrong("deletes what is not there"))?;
                agree(&entry.old, &row).map_err(|why| wrong(&why))?;
                if entry.old.len() != row.len() {
                    return Err(wrong("does not tell the whole row"));
                }
            }
            other => return Err(wrong(&format!("has the action {other}"))),
        }
    }
    Ok(rows)
}

fn agree(told: &Image, row: &Image) -> Result<(), String> {
    for (name, value) in told {
        let known = row.get(name).map(|known| known.get());
        if known != Some(value.get()) {
            return Err(format!("says that {name} was {value} where it was {known:?}"));
        }
    }
    Ok(())
}
