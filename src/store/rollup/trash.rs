//! The trash, by what was judged of it and by the tail: what lies in the rollup and was not changed since, and what was
//! deleted since.

use sea_orm::ConnectionTrait;
use sea_orm::sea_query::Expr;

use super::{Tail, believed, is_change, recent};
use crate::audit::{Action, Filter, Result};
use crate::store::dialect::Dialect;
use crate::store::filter::Prepared;
use crate::store::log::is_in_trash;

/// A part of the trash, as SQL.
pub(in crate::store) struct Trash {
    dialect: &'static dyn Dialect,
    tail: Expr,
    /// What can be asked of a row of the rollup itself.
    narrow: Expr,
    /// What only the entry tells, if anything is left to ask.
    wide: Option<Expr>,
    /// Only what lies beyond these places; they too are asked of the row.
    beyond: Vec<Expr>,
}

/// Which of the trash is walked, and in which direction.
#[derive(Clone, Copy)]
pub(in crate::store) struct Slice {
    /// `ASC` or `DESC`.
    pub order: &'static str,
    pub limit: u64,
    pub offset: u64,
}

impl Trash {
    /// The part that a filter chooses.
    pub async fn of(
        dialect: &'static dyn Dialect,
        connection: &impl ConnectionTrait,
        tail: &Tail,
        filter: &Filter,
        beyond: Vec<Expr>,
    ) -> Result<Trash> {
        let (mut narrow, mut wide) = (Vec::new(), Vec::new());
        let mut conjuncts = vec![filter];
        while let Some(conjunct) = conjuncts.pop() {
            match conjunct {
                Filter::All(filters) => conjuncts.extend(filters),
                other => match of_deletions(other) {
                    Some(filter) => narrow.push(filter),
                    None => wide.push(other.clone()),
                },
            }
        }
        let wide = if wide.is_empty() { None } else { Some(Filter::All(wide)) };
        let wide = match &wide {
            Some(filter) => Some(Prepared::of(dialect, connection, filter).await?.condition(dialect).into()),
            None => None,
        };
        let narrow = Filter::All(narrow);
        let narrow = Prepared::plain(&narrow).condition(dialect).into();
        Ok(Trash { dialect, tail: tail.condition.clone(), narrow, wide, beyond })
    }

    /// A query for the ids of its entries.
    pub fn ids(&self, slice: Slice) -> Expr {
        let Slice { order, limit, offset } = slice;
        let first =
            |query: String| format!("SELECT * FROM ({query} ORDER BY timestamp {order}, id {order} LIMIT ?) AS part");
        let sql = format!(
            "{} SELECT page.id FROM ({} UNION ALL {}) AS page \
             ORDER BY page.timestamp {order}, page.id {order} LIMIT ? OFFSET ?",
            self.recent(),
            first(self.judged()),
            first(self.since())
        );
        let number = |number: u64| Expr::val(i64::try_from(number).unwrap_or(i64::MAX));
        let reach = number(limit.saturating_add(offset));
        let mut parts = vec![self.tail.clone()];
        parts.extend(self.judged_parts());
        parts.push(reach.clone());
        parts.extend(self.since_parts());
        parts.extend([reach, number(limit), number(offset)]);
        self.dialect.sql(&sql, parts)
    }

    /// A query for the number of its entries.
    pub fn count(&self) -> Expr {
        let sql = format!(
            "{} SELECT (SELECT count(*) FROM ({}) AS judged) + (SELECT count(*) FROM ({}) AS since)",
            self.recent(),
            self.judged(),
            self.since()
        );
        let mut parts = vec![self.tail.clone()];
        parts.extend(self.judged_parts());
        parts.extend(self.since_parts());
        self.dialect.sql(&sql, parts)
    }

    /// The believed changes of the tail.
    fn recent(&self) -> String {
        let is_meant =
            format!("{} AND log.record_id IS NOT NULL AND {} AND (?)", is_change("log"), believed(self.dialect, "log"));
        format!("WITH {}", recent(self.dialect, &["id", "table_name", "record_id", "action"], &is_meant))
    }

    /// What was judged, and not changed since.
    fn judged(&self) -> String {
        let (log, trash, tracked) =
            (self.dialect.table("log"), self.dialect.table("rollup_trash"), self.dialect.table("tracked_table"));
        let join = match self.wide {
            Some(_) => format!(" JOIN {log} AS log ON log.id = gone.id WHERE (?)"),
            None => String::new(),
        };
        format!(
            "SELECT gone.id AS id, gone.timestamp AS timestamp FROM (SELECT log.id, log.timestamp FROM {trash} AS log \
              WHERE (?){} AND CASE WHEN EXISTS (SELECT 1 FROM {tracked} AS t WHERE t.table_name = log.table_name) \
                      THEN log.is_last_trusted ELSE log.is_last END \
                AND NOT {}) AS gone{join}",
            " AND (?)".repeat(self.beyond.len()),
            self.dialect.rollup().superseded()
        )
    }

    fn judged_parts(&self) -> impl Iterator<Item = Expr> {
        std::iter::once(&self.narrow).chain(&self.beyond).chain(&self.wide).cloned()
    }

    /// What was deleted since, and not changed after.
    fn since(&self) -> String {
        format!(
            // SQLite takes the tables of a cross join in this order.
            "SELECT log.id AS id, log.timestamp AS timestamp FROM recent CROSS JOIN {} AS log \
              WHERE log.id = recent.id AND recent.action = 'DELETE' AND (?) AND (?){}{}",
            self.dialect.table("log"),
            " AND (?)".repeat(self.beyond.len()),
            if self.wide.is_some() { " AND (?)" } else { "" }
        )
    }

    fn since_parts(&self) -> impl Iterator<Item = Expr> {
        let in_trash = Expr::from(is_in_trash(self.dialect));
        std::iter::once(in_trash).chain(self.judged_parts())
    }
}

/// A filter that a row of the rollup can answer, which is a deletion and has the entry's table, key and time.
fn of_deletions(filter: &Filter) -> Option<Filter> {
    let all = |filters: &[Filter]| filters.iter().map(of_deletions).collect::<Option<Vec<_>>>();
    match filter {
        Filter::All(filters) => all(filters).map(Filter::All),
        Filter::Any(filters) => all(filters).map(Filter::Any),
        Filter::Not(filter) => Some(Filter::Not(Box::new(of_deletions(filter)?))),
        Filter::Action(actions) if actions.contains(&Action::Delete) => Some(Filter::everything()),
        Filter::Action(_) => Some(Filter::Any(Vec::new())),
        Filter::Table(_) | Filter::Record(_) | Filter::Start(_) | Filter::End(_) => Some(filter.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_the_trash_answers_for_its_table_key_and_time_and_for_being_a_deletion() {
        let table = Filter::Table(vec!["t".into()]);
        assert_eq!(of_deletions(&table), Some(table.clone()));
        let delete = Filter::Action(vec![Action::Delete, Action::Read]);
        assert_eq!(of_deletions(&delete.and(table.clone())), Some(Filter::everything().and(table.clone())));
        let other = Filter::Not(Box::new(Filter::Action(vec![Action::Create])));
        assert_eq!(of_deletions(&other), Some(Filter::Not(Box::new(Filter::Any(vec![])))));
        assert_eq!(of_deletions(&Filter::Any(vec![table, Filter::HasUser(true)])), None);
    }
}
