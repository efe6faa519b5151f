//! 3: what `at` says of an instant is what was seen at that instant.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::picture::{self, Image};
use super::{History, same};

/// The answer, with every digit.
#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    tracked_object: Option<BTreeMap<String, Option<Box<RawValue>>>>,
}

impl History<'_> {
    /// Every object's past at every pause.
    pub async fn remembers(&self) -> Result<(), String> {
        let mut objects: Vec<_> = self.entries.iter().map(|entry| entry.object.clone()).collect();
        objects.sort();
        objects.dedup();
        let mut pasts: Vec<BTreeMap<(String, String), Image>> = vec![BTreeMap::new(); self.played.pauses.len()];
        for object in &objects {
            let answer = self.past_of(object).await;
            for (place, image) in answer {
                pasts[place].insert(object.clone(), image);
            }
        }
        for (past, pause) in pasts.iter().zip(&self.played.pauses) {
            let printed = picture::print(self.world, &self.schema, past).await;
            same(&format!("at({})", pause.instant), &printed, &pause.picture)?;
        }
        Ok(())
    }

    /// The object at each pause at which it was there.
    async fn past_of(&self, (table, record_id): &(String, String)) -> Vec<(usize, Image)> {
        let fields: Vec<String> = (self.played.pauses.iter().enumerate())
            .map(|(place, pause)| format!("p{place}: at(instant: \"{}\")", pause.instant))
            .collect();
        let query = format!(
            "query($t: String!, $r: ID!) {{ trackedObject(tableName: $t, recordId: $r) {{ {} }} }}",
            fields.join(" ")
        );
        let body = json!({"query": query, "variables": {"t": table, "r": record_id}}).to_string();
        let (_, text) = self.api.post(&self.api.token(&[afterimage::auth::Role::Auditor]), &body).await;
        let answer: Answer = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let object = answer.data.tracked_object.unwrap_or_else(|| panic!("nothing is known of {table} {record_id}"));
        let there = object.into_iter().filter_map(|(name, image)| {
            let image = image?;
            let image: Image = serde_json::from_str(image.get()).unwrap_or_else(|error| panic!("{error}: {image}"));
            Some((name[1..].parse().expect("a number"), image))
        });
        there.collect()
    }
}
