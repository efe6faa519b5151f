//! Counts over the entries that a filter means: by the counters where they can tell, else by the log. All that one
//! request asks is answered as of one moment.

use std::cmp::Reverse;
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, QueryResult};

use super::connect::Database;
use super::dialect::{Dialect, TimeBucket};
use super::error::failed;
use super::filter::Prepared;
use super::rollup::{self, Asked, Measure, Range, Reading, Stretch, Tail, statement};
use crate::audit::{Action, Error, Filter, Result};
use afterimage_entity::log::Column;
use afterimage_entity::text::Text;

/// Something that can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// How many in all.
    Total,
    /// How many of each table, no more tables than this.
    ByTable(u64),
    /// How many of each user, no more users than this.
    ByUser(u64),
    /// How many of each action.
    ByAction,
    /// How many in each bucket of time.
    Timeline(TimeBucket),
}

/// How many entries a user has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCount {
    /// The user; none for the entries without one.
    pub user_id: Option<String>,
    /// The latest name that the user had, in the whole log.
    pub username: Option<String>,
    /// How many.
    pub count: i64,
}

/// What was counted.
#[derive(Clone, Debug, Default)]
pub struct Counts(HashMap<Part, Vec<Row>>);

/// What is counted, what belongs to it, and how many.
type Row = (Option<String>, Option<String>, i64);

impl Counts {
    fn rows(&self, part: Part) -> &[Row] {
        self.0.get(&part).map_or(&[], Vec::as_slice)
    }

    /// Whether this was asked for.
    pub fn has(&self, part: Part) -> bool {
        self.0.contains_key(&part)
    }

    /// How many in all.
    pub fn total(&self) -> i64 {
        self.rows(Part::Total).first().map_or(0, |(.., count)| *count)
    }

    /// How many of each table, the largest first, then by name.
    pub fn by_table(&self, first: u64) -> Vec<(String, i64)> {
        let rows = self.rows(Part::ByTable(first)).iter();
        rows.filter_map(|(table, _, count)| Some((table.clone()?, *count))).collect()
    }

    /// How many of each user, the largest first, then by id, nobody last.
    pub fn by_user(&self, first: u64) -> Vec<UserCount> {
        let rows = self.rows(Part::ByUser(first)).iter().cloned();
        rows.map(|(user_id, username, count)| UserCount { user_id, username, count }).collect()
    }

    /// How many of each action, also of those with no entry.
    pub fn by_action(&self) -> Vec<(Action, i64)> {
        let rows = self.rows(Part::ByAction);
        let of = |action: Action| rows.iter().find(|(name, ..)| name.as_deref() == Some(action.as_str()));
        Action::ALL.into_iter().map(|action| (action, of(action).map_or(0, |(.., count)| *count))).collect()
    }

    /// How many in each bucket of time, the earliest first, without empty ones.
    ///
    /// # Errors
    /// Where the log holds a time that is none.
    pub fn timeline(&self, bucket: TimeBucket) -> Result<Vec<(DateTime<Utc>, i64)>> {
        let instant = |(start, _, count): &Row| {
            let start = DateTime::parse_from_rfc3339(start.as_deref().unwrap_or_default()).map_err(Error::internal)?;
            Ok((start.to_utc(), *count))
        };
        self.rows(Part::Timeline(bucket)).iter().map(instant).collect()
    }
}

/// Counts all of these.
///
/// # Errors
/// Where the database fails.
pub async fn summary(database: &Database, filter: &Filter, parts: &[Part]) -> Result<Counts> {
    let reading = Reading::begin(database).await?;
    let dialect = database.dialect;
    let everyone = Prepared::of(dialect, &reading.transaction, filter).await?.condition(dialect);
    let plain = Query { dialect, tail: reading.tail.as_ref(), source: Source::Log, condition: everyone.into() };
    let asked = reading.tail.as_ref().and_then(|tail| Some((tail, Asked::of(filter)?)));
    let counters = match &asked {
        Some((tail, asked)) => Query::by_counters(dialect, &reading, tail, asked).await?,
        None => None,
    };
    let (counted, others): (Vec<Part>, Vec<Part>) =
        parts.iter().partition(|part| counters.as_ref().is_some_and(|counters| counters.can(**part)));
    let mut counts = Counts::default();
    // First the log: what the other statement needs to be told would be wrong for it.
    plain.run(&reading, &others, &mut counts).await?;
    if let Some(counters) = counters.filter(|_| !counted.is_empty()) {
        reading.expect_little(database).await?;
        counters.run(&reading, &counted, &mut counts).await?;
    }
    reading.end().await?;
    Ok(counts)
}

/// What is counted, and where.
struct Query<'a> {
    dialect: &'static dyn Dialect,
    tail: Option<&'a Tail>,
    source: Source<'a>,
    /// Which of it, under the alias `log`.
    condition: Expr,
}

enum Source<'a> {
    /// The log itself.
    Log,
    /// The counters for the whole hours of a range, and entries for what is not counted or left over at its ends.
    Counters { asked: &'a Asked, hours: Range, ends: Vec<Range> },
}

/// SQL, and what its marks stand for.
#[derive(Default)]
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
    /// By the counters; none where the range has no whole hour.
    async fn by_counters(
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

    fn can(&self, part: Part) -> bool {
        match &self.source {
            Source::Log => true,
            Source::Counters { asked, .. } => asked.measure(part).is_some(),
        }
    }

    /// Counts, all by one statement.
    async fn run(&self, reading: &Reading, parts: &[Part], counts: &mut Counts) -> Result<()> {
        if parts.is_empty() {
            return Ok(());
        }
        let mut query = self.shared(parts);
        for (number, part) in parts.iter().enumerate() {
            query.add(if number > 0 { " UNION ALL SELECT * FROM (" } else { "SELECT * FROM (" }, []);
            query.append(self.part(number, *part));
            query.add(&format!(") AS part_{number}"), []);
        }
        let statement = statement(&reading.transaction, self.dialect.sql(&query.sql, query.parts));
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

    /// The tail, which several parts read, and what stands beside the counters.
    fn shared(&self, parts: &[Part]) -> Piece {
        let mut piece = Piece::default();
        let Some(tail) = self.tail else { return piece };
        let by_user = parts.iter().any(|part| matches!(part, Part::ByUser(_)));
        if !by_user && matches!(self.source, Source::Log) {
            return piece;
        }
        let log = self.dialect.table("log");
        piece.add("WITH recent AS MATERIALIZED (SELECT log.id, log.table_name, log.action, log.user_id, log.username, log.timestamp", []);
        piece.add(&format!(" FROM {log} AS log WHERE (?))"), [tail.condition.clone()]);
        if by_user {
            let names = ", named AS MATERIALIZED (SELECT log.user_id, log.username, log.timestamp, log.id, \
                 row_number() OVER (PARTITION BY log.user_id ORDER BY log.timestamp DESC, log.id DESC) AS place \
                 FROM recent AS log WHERE log.user_id IS NOT NULL AND log.username IS NOT NULL)";
            piece.add(names, []);
        }
        if let Source::Counters { hours, ends, .. } = &self.source {
            piece.add(", beside AS MATERIALIZED (", []);
            self.entries(&mut piece, "recent", *hours);
            for end in ends {
                piece.add(" UNION ALL ", []);
                self.entries(&mut piece, &log, *end);
            }
            piece.add(")", []);
        }
        piece.add(" ", []);
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
        let by_counters = matches!(self.source, Source::Counters { .. });
        let count = if by_counters { "CAST(sum(log.count) AS bigint)" } else { "count(*)" };
        // What is taken off may leave nothing.
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
                piece.add(
                    &format!("SELECT {number} AS part, ? AS a, {nothing} AS b, {count} AS n"),
                    [self.dialect.bucket(bucket)],
                );
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
              LEFT JOIN named ON named.user_id = top.user_id AND named.place = 1",
            self.dialect.table("rollup_user")
        );
        (name.to_owned(), joins)
    }

    /// The rows that a part counts, under the alias `log`.
    fn rows(&self, piece: &mut Piece, part: Part) {
        match &self.source {
            Source::Log => piece.add(&format!(" FROM {} AS log", self.dialect.table("log")), []),
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
