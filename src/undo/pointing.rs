//! Which rows pointed at which, by what the log says of them.

use std::collections::HashMap;

use super::planner::Planner;
use super::tables::Known;
use crate::audit::{Json, Result};
use crate::capture::Reference;

/// An image of a row, or of its changed columns.
pub(super) type Image<'e> = HashMap<String, &'e str>;

pub(super) fn image_of(json: Option<&Json>) -> Image<'_> {
    let fields = json.and_then(Json::fields).unwrap_or_default();
    fields.into_iter().map(|(name, value)| (name.into_owned(), value)).collect()
}

/// The value of a column, which a foreign key of SQLite's may spell in another case; none where it is null or not known.
pub(super) fn value<'e>(image: &Image<'e>, column: &str) -> Option<&'e str> {
    let spelt = || image.iter().find(|(name, _)| name.eq_ignore_ascii_case(column)).map(|(_, value)| value);
    image.get(column).or_else(spelt).copied().filter(|value| *value != "null")
}

/// Whether a row of the first image points at that of the second by values that are written alike.
pub(super) fn points(reference: &Reference, child: &Image<'_>, parent: &Image<'_>) -> bool {
    reference.columns.iter().all(|(from, to)| value(child, from).is_some_and(|from| value(parent, to) == Some(from)))
}

impl Planner<'_> {
    /// Of rows that do not point at each other by values that are written alike, the pairs that do so all the same, as
    /// the database compares: in another case, say, or 7.0 at 7. Each is the place of a child and that of its parent.
    pub(super) async fn pointing(
        &self,
        reference: &Reference,
        (child, children): (&Known, &[&Image<'_>]),
        (parent, parents): (&Known, &[&Image<'_>]),
    ) -> Result<Vec<(usize, usize)>> {
        let alike = reference.columns.iter().all(|(from, to)| {
            let column = |known: &Known, name: &str| known.column(known.place(name)?).cloned();
            match (column(child, from), column(parent, to)) {
                (Some(from), Some(to)) => self.rows.dml.writes_equal_values_alike(&from, &to),
                _ => true,
            }
        });
        if alike || children.is_empty() || parents.is_empty() {
            return Ok(Vec::new());
        }
        self.rows.pointing(reference, (&child.table, children), (&parent.table, parents)).await
    }
}
