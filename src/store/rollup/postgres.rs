//! The rollup on PostgreSQL: the place is a snapshot.

use sea_orm::sea_query::{Condition, Expr};
use sea_orm::{ExprTrait, IsolationLevel, QueryResult, TransactionOptions};

use super::{RollupDialect, Step, Tail};
use crate::audit::{Error, Result};
use crate::store::dialect::Dialect;
use crate::store::error::failed;
use crate::store::filter::column;
use crate::store::postgres::Postgres as Log;
use crate::store::postgres::snapshot::Snapshot;
use afterimage_entity::log::Column;

pub(in crate::store) struct Postgres;

/// One row, also where nothing was ever counted. Numbers of transactions are text: they have more digits than `bigint`.
const LOOK: &str = "SELECT now.era, place.era, place.seen::text, place.late::text[], now.seen::text, \
       coalesce((SELECT max(id) FROM afterimage.log), 0) - coalesce(place.last_id, 0) \
     FROM (SELECT (SELECT max(era) FROM afterimage.era) AS era, pg_current_snapshot() AS seen) AS now \
     LEFT JOIN afterimage.rollup_position AS place ON true";

/// The planner cannot know how short the tail is before it is read.
const FOR_TAILS: &str = "SET LOCAL enable_seqscan = off; SET LOCAL jit = off";
/// A snapshot is taken by the first statement after the lock: what another process has folded is seen. The mode shuts out
/// itself, and no reader. No request waits for a fold: it may take as long as it takes.
const BEGIN_FOLD: &str = "LOCK TABLE afterimage.rollup_position IN SHARE UPDATE EXCLUSIVE MODE NOWAIT; \
     SET LOCAL statement_timeout = 0; SET LOCAL jit = off";
const FOR_EVERYTHING: &str = "SET LOCAL enable_seqscan = on; SET LOCAL work_mem = '64MB'";

/// What was under way when an era's counting began may still commit entries of an earlier era.
const ADVANCE: &str = "INSERT INTO afterimage.rollup_position AS place (era, seen, late, last_id) \
     SELECT (SELECT max(era) FROM afterimage.era), pg_current_snapshot(), \
            ARRAY(SELECT running FROM pg_snapshot_xip(pg_current_snapshot()) AS running \
                   WHERE NOT EXISTS (SELECT 1 FROM afterimage.rollup_position) \
                      OR EXISTS (SELECT 1 FROM afterimage.rollup_position WHERE running = ANY(late))), \
            coalesce((SELECT max(id) FROM afterimage.log), 0) \
     ON CONFLICT (one) DO UPDATE \
        SET era = excluded.era, seen = excluded.seen, late = excluded.late, last_id = excluded.last_id";

/// By hour first, in one pass over the entries; the hours then make up what is longer. Rows that are read together come
/// to lie together.
const COUNT: &str = "INSERT INTO afterimage.rollup_count (measure, level, start, name, action, count) \
     SELECT hourly.measure, period.level, period.start, hourly.name, hourly.action, sum(hourly.count) \
       FROM (SELECT CASE WHEN grouping(log.action) = 0 THEN 1 WHEN grouping(log.user_id) = 1 THEN 0 \
                         WHEN log.user_id IS NULL THEN 3 ELSE 2 END AS measure, \
                    date_trunc('hour', log.\"timestamp\", 'UTC') AS hour, \
                    CASE WHEN grouping(log.action) = 0 THEN log.table_name ELSE coalesce(log.user_id, '') END AS name, \
                    coalesce(log.action, '') AS action, count(*) AS count \
               FROM afterimage.log AS log WHERE (?) \
              GROUP BY GROUPING SETS ((2), (2, log.table_name, log.action), (2, log.user_id))) AS hourly \
      CROSS JOIN LATERAL (VALUES (0, timestamptz '-infinity'), (1, date_trunc('month', hourly.hour, 'UTC')), \
                                 (2, date_trunc('day', hourly.hour, 'UTC')), (3, hourly.hour)) AS period (level, start) \
      GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5 \
     ON CONFLICT (measure, level, start, name, action) DO UPDATE SET count = rollup_count.count + excluded.count";

/// What [`LOOK`] answers.
struct Answer {
    era: i64,
    now: Snapshot,
    /// How far was counted, in this era.
    counted: Option<Counted>,
    length: i64,
}

struct Counted {
    seen: Snapshot,
    /// Transactions that may yet commit entries of an earlier era, or have done so since.
    late: Vec<u64>,
}

impl Answer {
    fn of(row: &QueryResult) -> Result<Answer> {
        let snapshot =
            |text: &str| Snapshot::parse(text).ok_or_else(|| Error::internal(format!("no snapshot: {text}")));
        let era: i64 = row.try_get_by_index(0).map_err(failed)?;
        let counted: Option<i64> = row.try_get_by_index(1).map_err(failed)?;
        let now: String = row.try_get_by_index(4).map_err(failed)?;
        let now = snapshot(&now)?;
        let counted = match counted.filter(|counted| *counted == era) {
            Some(_) => {
                let (seen, late): (String, Vec<String>) =
                    (row.try_get_by_index(2).map_err(failed)?, row.try_get_by_index(3).map_err(failed)?);
                let late =
                    late.iter().map(|number| number.parse().map_err(Error::internal)).collect::<Result<Vec<_>>>()?;
                Some(Counted { seen: snapshot(&seen)?, late })
            }
            None => None,
        };
        Ok(Answer { era, now, counted, length: row.try_get_by_index(5).map_err(failed)? })
    }

    /// The entries of this era whose transactions have ended since. What is still under way is left out: its rows, which
    /// may be millions, are not even looked at. And entries of earlier eras by these late transactions.
    fn tail(&self, counted: &Counted, late: impl Iterator<Item = u64>) -> Expr {
        let mut ranges = self.now.ended_since(&counted.seen);
        // So that there are few forms of the statement, whose plans are kept.
        ranges.resize(ranges.len().next_power_of_two(), (0, 0));
        let ended = ranges.into_iter().map(|(low, high)| tx(">= $2", low).and(tx("< $2", high)));
        let ended = ended.fold(Condition::any(), Condition::add);
        let tail = Condition::all().add(column(Column::Era).eq(self.era)).add(ended);
        let late = late.map(|number| tx("= $2", number).and(column(Column::Era).lt(self.era)));
        late.fold(Condition::any().add(tail), Condition::add).into()
    }

    /// Everything but what may yet come of earlier eras: of that, the numbers alone do not tell what is already there.
    fn everything(&self) -> Expr {
        let late = self.now.running().iter().map(|number| tx("= $2", *number).and(column(Column::Era).lt(self.era)));
        late.fold(Condition::all().add(Expr::cust("TRUE")), |others, late| others.add(late.not())).into()
    }
}

fn tx(comparison: &str, number: u64) -> Expr {
    // In brackets, since a cast binds more tightly than what it stands behind.
    let comparison = comparison.replace("$2", "($2)::text::xid8");
    Expr::cust_with_exprs(format!("$1 {comparison}"), [column(Column::Tx), Expr::val(number.to_string())])
}

impl RollupDialect for Postgres {
    fn look(&self) -> &'static str {
        LOOK
    }

    fn tail(&self, answer: &QueryResult) -> Result<Option<Tail>> {
        let answer = Answer::of(answer)?;
        // A restored entry may have the very number of a late transaction: both are counted once that is over.
        let condition = |counted: &Counted| answer.tail(counted, counted.late.iter().copied());
        Ok(answer.counted.as_ref().map(|counted| Tail { condition: condition(counted), length: answer.length }))
    }

    fn for_tails(&self) -> Option<&'static str> {
        Some(FOR_TAILS)
    }

    fn fold_options(&self) -> TransactionOptions {
        TransactionOptions { isolation_level: Some(IsolationLevel::RepeatableRead), ..TransactionOptions::default() }
    }

    fn begin_fold(&self) -> Option<&'static str> {
        Some(BEGIN_FOLD)
    }

    fn for_everything(&self) -> Option<&'static str> {
        Some(FOR_EVERYTHING)
    }

    fn step(&self, answer: &QueryResult, _most: i64) -> Result<Step> {
        let answer = Answer::of(answer)?;
        let ended = |counted: &Counted| counted.late.clone().into_iter().filter(|number| answer.now.has_ended(*number));
        Ok(Step {
            anew: answer.counted.is_none(),
            entries: match &answer.counted {
                Some(counted) => answer.tail(counted, ended(counted)),
                None => answer.everything(),
            },
            // What the snapshot does not show is not found.
            judged: Expr::cust("TRUE"),
            advance: Expr::cust(ADVANCE),
            more: false,
        })
    }

    fn count(&self, entries: &Expr) -> Expr {
        Log.sql(COUNT, vec![entries.clone()])
    }

    fn no_rows(&self) -> Option<&'static str> {
        Some("generate_series(1, (SELECT 0))")
    }

    fn superseded(&self) -> String {
        // The tail is short, so that it is put into a hash table once, instead of a look into an index for each row.
        "EXISTS (SELECT 1 FROM recent WHERE recent.table_name = log.table_name AND recent.record_id = log.record_id \
         AND recent.id > log.id)"
            .to_owned()
    }
}
