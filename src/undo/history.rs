//! What the log says of many objects at once.

use std::collections::HashMap;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DatabaseTransaction, ExprTrait};

use super::plan::Key;
use crate::audit::{Action, Entry, Result};
use crate::store::{self, Database};
use afterimage_entity::log::Column;

/// How many objects one question is about.
const AT_ONCE: usize = 500;
/// What changes an object.
pub(super) const CHANGES: [Action; 3] = [Action::Create, Action::Update, Action::Delete];

/// The log, as the undo's own transaction sees it.
#[derive(Clone, Copy)]
pub(super) struct History<'a> {
    pub(super) database: &'a Database,
    pub(super) transaction: &'a DatabaseTransaction,
}

/// The entries with one of these actions that can be believed.
fn believed(actions: &[Action]) -> Expr {
    Column::Trusted.eq(true).and(Column::Action.is_in(actions.iter().map(|action| action.as_str())))
}

/// The keys by table, the tables in the order in which they first come.
pub(super) fn by_table<'k>(keys: impl IntoIterator<Item = &'k Key>) -> Vec<(&'k str, Vec<&'k str>)> {
    let mut tables: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (table, record_id) in keys {
        let place = *places.entry(table).or_insert_with(|| {
            tables.push((table, Vec::new()));
            tables.len() - 1
        });
        tables[place].1.push(record_id);
    }
    tables
}

impl History<'_> {
    /// Those of them that are about these objects of a table.
    fn about(&self, table: &str, record_ids: &[&str], actions: &[Action]) -> Expr {
        store::about(self.database.dialect, table, record_ids).and(believed(actions))
    }

    /// The latest entry about an object with one of these actions that can be believed.
    pub(super) async fn latest(&self, table: &str, record_id: &str, actions: &[Action]) -> Result<Option<Entry>> {
        store::latest(self.database.dialect, self.transaction, self.about(table, &[record_id], actions)).await
    }

    /// The latest entry that can be believed and says what a column became.
    pub(super) async fn last_set(&self, table: &str, record_id: &str, column: &str) -> Result<Option<Entry>> {
        let field = self.database.dialect.has_field(Column::NewValues, &[column]);
        store::latest(self.database.dialect, self.transaction, self.about(table, &[record_id], &CHANGES).and(field))
            .await
    }

    /// All entries about these objects with one of these actions, from this one on, in their order, by object.
    pub(super) async fn since(
        &self,
        keys: impl IntoIterator<Item = &Key>,
        actions: &[Action],
        from: i64,
    ) -> Result<HashMap<Key, Vec<Entry>>> {
        let mut found: HashMap<Key, Vec<Entry>> = HashMap::new();
        for (table, record_ids) in by_table(keys) {
            for some in record_ids.chunks(AT_ONCE) {
                let condition = self.about(table, some, actions).and(Column::Id.gte(from));
                for entry in store::matching(self.database.dialect, self.transaction, condition).await? {
                    let key = (entry.table_name.clone(), entry.record_id.clone().unwrap_or_default());
                    found.entry(key).or_default().push(entry);
                }
            }
        }
        Ok(found)
    }

    /// The creations that rows stem from: where one was restored by an undo, that before its deletion.
    pub(super) async fn creations(&self, keys: &[Key]) -> Result<HashMap<Key, i64>> {
        let mut found = HashMap::new();
        for (key, creations) in self.since(keys, &[Action::Create], 0).await? {
            let mut creations = creations.iter().rev();
            let mut created = creations.next();
            while let Some(deletion) = created.and_then(|created| created.undo_of) {
                match creations.by_ref().find(|before| before.id < deletion) {
                    Some(before) => created = Some(before),
                    None => break,
                }
            }
            found.extend(created.map(|created| (key, created.id)));
        }
        Ok(found)
    }

    /// The id of the latest change of each of these objects.
    pub(super) async fn latest_ids(&self, keys: &[Key]) -> Result<Vec<(Key, i64)>> {
        let mut found = Vec::new();
        for (table, record_ids) in by_table(keys) {
            for some in record_ids.chunks(AT_ONCE) {
                let condition = self.about(table, some, &CHANGES);
                let latest = store::latest_by_object(self.database.dialect, self.transaction, condition).await?;
                found.extend(latest.into_iter().map(|(record_id, id)| ((table.to_owned(), record_id), id)));
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// The entries after this one, the latest first, at most so many: of these objects of a table, those that created or
    /// deleted one or changed one of these fields; of all fields where none is named.
    pub(super) async fn later(
        &self,
        table: &str,
        record_ids: &[&str],
        fields: &[&str],
        after: i64,
        limit: u64,
    ) -> Result<Vec<Entry>> {
        let mut found = Vec::new();
        for some in record_ids.chunks(AT_ONCE) {
            let mut condition = self.about(table, some, &CHANGES).and(Column::Id.gt(after));
            if !fields.is_empty() {
                let touches = self.database.dialect.has_field(Column::NewValues, fields);
                condition = condition.and(touches.or(Column::Action.ne(Action::Update.as_str())));
            }
            found.extend(store::most_recent(self.database.dialect, self.transaction, condition, limit).await?);
        }
        Ok(found)
    }
}
