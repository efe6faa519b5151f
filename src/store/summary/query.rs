//! The statement that counts: all parts of a summary by one.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, QueryResult, Statement};

use super::{Counts, Part, Row};
use crate::audit::{Error, Filter, Result};
use crate::store::dialect::{Dialect, TimeBucket};
use crate::store::error::failed;
use crate::store::filter::{Prepared, column};
use crate::store::rollup::{self, Asked, Measure, Range, Reading, Stretch, Tail, statement};
use afterimage_entity::log::Column;
use afterimage_entity::text::Text;

/// What is counted, and where.
pub(super) struct Query<'a> {
    dialect: &'static dyn Dialect,
    tail: Option<&'a Tail>,
    source: Source<'a>,
    /// Which of it, under the alias `log`.
    condition: Expr,
}

enum Source<'a> {
    /// The log itself.
    Log,
    /// The log, read once for several parts: the query that counts it, and one of the columns whose values it counts.
    LogOnce { counted: Piece, column: &'static str },
    /// The counters for the whole hours of a range, and entries for what is not counted or left over at its ends.
    Counters { asked: &'a Asked, hours: Range, ends: Vec<Range> },
}

/// SQL, and what its marks stand for.
#[derive(Clone, Default)]
struct Piece {
    sql: String,
    parts: Vec<Expr>,
}

impl Piece {
    fn add(&mut self, sql: &str, parts: impl IntoIterator<Item = Expr>) {
        self.sql.push_str(sql);
        self.parts.extend(parts);
    }

    fn append(&mut self, other: Piece) {
        self.add(&other.sql, other.parts);
    }
}

impl<'a> Query<'a> {
    /// By the log itself.
    pub async fn by_log(dialect: &'static dyn Dialect, reading: &'a Reading, filter: &Filter) -> Result<Query<'a>> {
        let condition = Prepared::of(dialect, &reading.transaction, filter).await?.condition(dialect);
        Ok(Query { dialect, tail: reading.tail.as_ref(), source: Source::Log, condition: condition.into() })
    }

    /// By the counters; none where the range has no whole hour.
    pub async fn by_counters(
        dialect: &'static dyn Dialect,
        reading: &Reading,
        tail: &'a Tail,
        asked: &'a Asked,
    ) -> Result<Option<Query<'a>>> {
        let Some((hours, ends)) = asked.range.hours() else { return Ok(None) };
        let condition = Prepared::of(dialect, &reading.transaction, &asked.rest).await?.condition(dialect);
        let source = Source::Counters { asked, hours, ends };
        Ok(Some(Query { dialect, tail: Some(tail), source, condition: condition.into() }))
    }

    pub fn can(&self, part: Part) -> bool {
        match &self.source {
            Source::Log | Source::LogOnce { .. } => true,
            Source::Counters { asked, .. } => asked.measure(part).is_some(),
        }
    }

    /// Counts, all by one statement.
    pub async fn run(self, reading: &Reading, parts: &[Part], counts: &mut Counts) -> Result<()> {
        if parts.is_empty() {
            return Ok(());
        }
        let statement = self.statement(&reading.transaction, parts);
        let mut found: Vec<Vec<Row>> = vec![Vec::new(); parts.len()];
        for row in reading.transaction.query_all_raw(statement).await.map_err(failed)? {
            let (number, row) = read(&row)?;
            let rows = usize::try_from(number).ok().and_then(|number| found.get_mut(number));
            rows.ok_or_else(|| Error::internal("a count of nothing that was asked"))?.push(row);
        }
        for (part, mut rows) in parts.iter().zip(found) {
            order(*part, &mut rows);
            counts.0.insert(*part, rows);
        }
        Ok(())
    }

    /// The statement that counts these.
    pub fn statement(mut self, connection: &impl ConnectionTrait, parts: &[Part]) -> Statement {
        // One part by itself may be answered by an index alone.
        let keys: BTreeMap<_, _> = parts.iter().filter_map(|part| self.key(*part)).collect();
        if matches!(self.source, Source::Log)
            && parts.len() > 1
            && let Some(column) = keys.keys().next().copied()
            && let Some(counted) = self.counted(&keys)
        {
            self.source = Source::LogOnce { counted, column };
        }
        let mut query = self.shared(parts);
        for (number, part) in parts.iter().enumerate() {
            query.add(if number > 0 { " UNION ALL SELECT * FROM (" } else { "SELECT * FROM (" }, []);
            query.append(self.part(number, *part));
            query.add(&format!(") AS part_{number}"), []);
        }
        statement(connection, self.dialect.sql(&query.sql, query.parts))
    }

    /// What several parts read: the tail, what stands beside the counters, and what was counted for all of them at once.
    fn shared(&self, parts: &[Part]) -> Piece {
        let mut queries = Vec::new();
        let by_user = parts.iter().any(|part| matches!(part, Part::ByUser(_)));
        if let Some(tail) = self.tail
            && (by_user || matches!(self.source, Source::Counters { .. }))
        {
            let columns = ["id", "table_name", "action", "user_id", "username", "timestamp"];
            let recent = rollup::recent(self.dialect, &columns, "(?)");
            queries.push(Piece { sql: recent, parts: vec![tail.condition.clone()] });
            if by_user {
                queries.push(Piece { sql: NAMED.to_owned(), parts: Vec::new() });
            }
        }
        match &self.source {
            Source::Log => {}
            Source::LogOnce { counted, .. } => queries.push(counted.clone()),
            Source::Counters { hours, ends, .. } => queries.push(self.beside(*hours, ends)),
        }
        let mut piece = Piece::default();
        for (number, query) in queries.into_iter().enumerate() {
            piece.add(if number > 0 { ", " } else { "WITH " }, []);
            piece.append(query);
        }
        piece.add(" ", []);
        piece
    }

    /// What the log holds of each value; none where the database does not count that by one reading.
    fn counted(&self, keys: &BTreeMap<&str, Expr>) -> Option<Piece> {
        let columns: Vec<&str> = keys.keys().copied().collect();
        let mut rows = Piece::default();
        rows.add(&format!("SELECT ? AS {}", columns.join(", ? AS ")), keys.values().cloned());
        rows.add(&format!(" FROM {} AS log WHERE (?)", self.dialect.table("log")), [self.condition.clone()]);
        Some(Piece { sql: self.dialect.count_by_each(&columns, &rows.sql)?, parts: rows.parts })
    }

    /// The column whose values a part counts, and what stands in it.
    fn key(&self, part: Part) -> Option<(&'static str, Expr)> {
        let value = match part {
            Part::Total => return None,
            Part::ByTable(_) => column(Column::TableName),
            Part::ByUser(_) => column(Column::UserId),
            Part::ByAction => column(Column::Action),
            Part::Timeline(bucket) => self.dialect.bucket(bucket),
        };
        Some((name(part)?, value))
    }

    /// The entries that no counter has.
    fn beside(&self, hours: Range, ends: &[Range]) -> Piece {
        let log = self.dialect.table("log");
        let mut piece = Piece::default();
        piece.add("beside AS MATERIALIZED (", []);
        self.entries(&mut piece, "recent", hours);
        for end in ends {
            piece.add(" UNION ALL ", []);
            self.entries(&mut piece, &log, *end);
        }
        piece.add(")", []);
        piece
    }

    fn entries(&self, piece: &mut Piece, table: &str, range: Range) {
        let by_bytes = [Column::TableName, Column::UserId].map(|column| self.dialect.by_bytes(column));
        piece.add("SELECT ? AS table_name, log.action AS action, ? AS user_id, log.timestamp AS timestamp", by_bytes);
        piece.add(&format!(" FROM {table} AS log WHERE TRUE"), []);
        self.within(piece, range, "log.timestamp");
    }

    fn within(&self, piece: &mut Piece, range: Range, instant: &str) {
        if let Some(from) = range.from {
            piece.add(&format!(" AND {instant} >= ?"), [self.dialect.instant(from)]);
        }
        if let Some(to) = range.to {
            piece.add(&format!(" AND {instant} < ?"), [self.dialect.instant(to)]);
        }
    }

    /// One part. Its rows are its number, what is counted, what belongs to it, and how many.
    fn part(&self, number: usize, part: Part) -> Piece {
        let count = if matches!(self.source, Source::Log) { "count(*)" } else { "CAST(sum(log.count) AS bigint)" };
        // What is taken off may leave nothing.
        let by_counters = matches!(self.source, Source::Counters { .. });
        let some = if by_counters { " HAVING sum(log.count) <> 0" } else { "" };
        let nothing = "CAST(NULL AS text)";
        let mut piece = Piece::default();
        match part {
            Part::Total => {
                piece.add(
                    &format!("SELECT {number} AS part, {nothing} AS a, {nothing} AS b, coalesce({count}, 0) AS n"),
                    [],
                );
                self.rows(&mut piece, part);
            }
            Part::ByTable(first) => {
                piece.add(&format!("SELECT {number} AS part, log.table_name AS a, {nothing} AS b, {count} AS n"), []);
                self.rows(&mut piece, part);
                let order = format!(" GROUP BY log.table_name{some} ORDER BY n DESC, ? ASC LIMIT ?");
                piece.add(&order, [self.dialect.by_bytes(Column::TableName), limit(first)]);
            }
            Part::ByAction => {
                piece.add(&format!("SELECT {number} AS part, log.action AS a, {nothing} AS b, {count} AS n"), []);
                self.rows(&mut piece, part);
                piece.add(&format!(" GROUP BY log.action{some}"), []);
            }
            Part::Timeline(bucket) => {
                let start = match self.source {
                    Source::LogOnce { .. } => Expr::cust(format!("log.{}", name(part).unwrap_or_default())),
                    _ => self.dialect.bucket(bucket),
                };
                piece.add(&format!("SELECT {number} AS part, ? AS a, {nothing} AS b, {count} AS n"), [start]);
                self.rows(&mut piece, part);
                piece.add(&format!(" GROUP BY 2{some}"), []);
            }
            Part::ByUser(first) => {
                let (name, joins) = self.username();
                piece.add(&format!("SELECT {number} AS part, top.user_id AS a, {name} AS b, top.n AS n FROM ("), []);
                piece.add(&format!("SELECT log.user_id AS user_id, {count} AS n"), []);
                self.rows(&mut piece, part);
                let order = format!(" GROUP BY log.user_id{some} ORDER BY n DESC, ? ASC NULLS LAST LIMIT ?) AS top");
                piece.add(&order, [self.dialect.by_bytes(Column::UserId), limit(first)]);
                piece.add(&joins, []);
            }
        }
        piece
    }

    /// The latest name that a user had, of those alone that are shown; and what it is taken from.
    fn username(&self) -> (String, String) {
        if self.tail.is_none() {
            // The user's most recent entry that has a name: a step or two in the index of users, as a rule.
            let name = format!(
                "(SELECT named.username FROM {} AS named WHERE named.user_id = top.user_id \
                  AND named.username IS NOT NULL ORDER BY named.timestamp DESC, named.id DESC LIMIT 1)",
                self.dialect.table("log")
            );
            return (name, String::new());
        }
        let name = "CASE WHEN named.id IS NULL OR (known.timestamp, known.id) > (named.timestamp, named.id) \
             THEN known.username ELSE named.username END";
        let joins = format!(
            " LEFT JOIN {} AS known ON known.user_id = top.user_id \
              LEFT JOIN named ON named.user_id = top.user_id",
            self.dialect.table("rollup_user")
        );
        (name.to_owned(), joins)
    }

    /// The rows that a part counts, under the alias `log`.
    fn rows(&self, piece: &mut Piece, part: Part) {
        match &self.source {
            Source::Log => piece.add(&format!(" FROM {} AS log", self.dialect.table("log")), []),
            Source::LogOnce { column, .. } => {
                // The total is what any column's values add up to.
                let key = name(part).unwrap_or(column);
                return piece.add(&format!(" FROM counted AS log WHERE log.key = '{key}'"), []);
            }
            Source::Counters { asked, hours, .. } => {
                piece.add(" FROM (SELECT table_name, action, user_id, timestamp, 1 AS count FROM beside", []);
                let measure = asked.measure(part).unwrap_or(Measure::Total);
                for Stretch { level, range, less } in hours.stretches(rollup::longest(part)) {
                    let sign = if less { "-" } else { "" };
                    for (measure, columns) in columns(measure) {
                        piece.add(
                            &format!(
                                " UNION ALL SELECT {columns}, c.start, {sign}c.count FROM {} AS c",
                                self.dialect.table("rollup_count")
                            ),
                            [],
                        );
                        piece.add(&format!(" WHERE c.measure = {measure} AND c.level = {}", level as u8), []);
                        self.within(piece, range, "c.start");
                    }
                }
                piece.add(") AS log", []);
            }
        }
        piece.add(" WHERE (?)", [self.condition.clone()]);
    }
}

/// Of each user in the tail, the latest name there. Not by the number of a row: the planner would expect few of those that
/// are the first.
const NAMED: &str = "named AS MATERIALIZED (SELECT DISTINCT log.user_id, first_value(log.username) OVER latest AS username, \
     first_value(log.timestamp) OVER latest AS timestamp, first_value(log.id) OVER latest AS id \
     FROM recent AS log WHERE log.user_id IS NOT NULL AND log.username IS NOT NULL \
     WINDOW latest AS (PARTITION BY log.user_id ORDER BY log.timestamp DESC, log.id DESC))";

/// The name of the column whose values a part counts.
fn name(part: Part) -> Option<&'static str> {
    match part {
        Part::Total => None,
        Part::ByTable(_) => Some("table_name"),
        Part::ByUser(_) => Some("user_id"),
        Part::ByAction => Some("action"),
        Part::Timeline(TimeBucket::Hour) => Some("hour_start"),
        Part::Timeline(TimeBucket::Day) => Some("day_start"),
        Part::Timeline(TimeBucket::Week) => Some("week_start"),
        Part::Timeline(TimeBucket::Month) => Some("month_start"),
    }
}

/// The numbers of a measure, and what each one's rows tell: table, action and user.
fn columns(measure: Measure) -> &'static [(u8, &'static str)] {
    match measure {
        Measure::Total => &[(0, "c.name, c.action, c.name")],
        Measure::Things => &[(1, "c.name, c.action, c.name")],
        // Nobody is no user, and not one without a name: the comparison gives a NULL of the column's own kind.
        Measure::People => &[(2, "c.name, c.action, c.name"), (3, "c.name, c.action, nullif(c.name, c.name)")],
    }
}

fn limit(first: u64) -> Expr {
    Expr::val(i64::try_from(first).unwrap_or(i64::MAX))
}

fn read(row: &QueryResult) -> Result<(i32, Row)> {
    let text = |index| row.try_get_by_index::<Option<Text>>(index).map(|text| text.map(String::from)).map_err(failed);
    Ok((row.try_get_by_index(0).map_err(failed)?, (text(1)?, text(2)?, row.try_get_by_index(3).map_err(failed)?)))
}

/// Each part chose its rows in this order; put together, they need not keep it.
fn order(part: Part, rows: &mut [Row]) {
    match part {
        Part::Total | Part::ByAction => {}
        Part::Timeline(_) => rows.sort_unstable(),
        // Texts compare by their bytes.
        Part::ByTable(_) | Part::ByUser(_) => rows.sort_unstable_by(|one, other| {
            let key = |row: &Row| (Reverse(row.2), row.0.is_none(), row.0.clone());
            key(one).cmp(&key(other))
        }),
    }
}
