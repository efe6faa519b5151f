//! The rollup on SQLite: the place is an id. Other writers wait while one writes: a fold takes few entries at a time.

use sea_orm::sea_query::Expr;
use sea_orm::{ExprTrait, QueryResult, TransactionOptions};

use super::{RollupDialect, Step, Tail, believed, is_change, same_object};
use crate::audit::Result;
use crate::store::dialect::Dialect;
use crate::store::error::failed;
use crate::store::filter::column;
use crate::store::sqlite::Sqlite as Log;
use afterimage_entity::log::Column;

pub(in crate::store) struct Sqlite;

const LOOK: &str = "SELECT (SELECT last_id FROM afterimage_rollup_position), \
     coalesce((SELECT max(id) FROM afterimage_log), 0)";

const ADVANCE: &str = "INSERT INTO afterimage_rollup_position (one, last_id) SELECT 1, ? WHERE TRUE \
     ON CONFLICT (one) DO UPDATE SET last_id = excluded.last_id";

/// By hour first; the hours then make up what is longer. Timestamps are text of one format.
const COUNT: &str = "INSERT INTO afterimage_rollup_count (measure, level, start, name, action, count) \
     SELECT hourly.measure, period.level, \
            CASE period.level WHEN 0 THEN '' WHEN 1 THEN substr(hourly.hour, 1, 7) || '-01T00:00:00.000Z' \
              WHEN 2 THEN substr(hourly.hour, 1, 10) || 'T00:00:00.000Z' ELSE hourly.hour || ':00:00.000Z' END, \
            hourly.name, hourly.action, sum(hourly.count) \
       FROM (SELECT 0 AS measure, substr(log.timestamp, 1, 13) AS hour, '' AS name, '' AS action, count(*) AS count \
               FROM afterimage_log AS log WHERE (?) GROUP BY 2 \
             UNION ALL \
             SELECT 1, substr(log.timestamp, 1, 13), log.table_name, log.action, count(*) \
               FROM afterimage_log AS log WHERE (?) GROUP BY 2, 3, 4 \
             UNION ALL \
             SELECT CASE WHEN log.user_id IS NULL THEN 3 ELSE 2 END, substr(log.timestamp, 1, 13), \
                    coalesce(log.user_id, ''), '', count(*) \
               FROM afterimage_log AS log WHERE (?) GROUP BY 1, 2, 3) AS hourly \
      CROSS JOIN (SELECT 0 AS level UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3) AS period \
      WHERE TRUE GROUP BY 1, 2, 3, 4, 5 \
     ON CONFLICT (measure, level, start, name, action) DO UPDATE SET count = count + excluded.count";

fn place(answer: &QueryResult) -> Result<(Option<i64>, i64)> {
    Ok((answer.try_get_by_index(0).map_err(failed)?, answer.try_get_by_index(1).map_err(failed)?))
}

impl RollupDialect for Sqlite {
    fn look(&self) -> &'static str {
        LOOK
    }

    fn tail(&self, answer: &QueryResult) -> Result<Option<Tail>> {
        let (counted, greatest) = place(answer)?;
        Ok(counted.map(|counted| Tail { condition: column(Column::Id).gt(counted), length: greatest - counted }))
    }

    fn for_tails(&self) -> Option<&'static str> {
        None
    }

    fn fold_options(&self) -> TransactionOptions {
        Log.write_options()
    }

    fn begin_fold(&self) -> Option<&'static str> {
        None
    }

    fn for_everything(&self) -> Option<&'static str> {
        None
    }

    fn step(&self, answer: &QueryResult, most: i64) -> Result<Step> {
        let (counted, greatest) = place(answer)?;
        let from = counted.unwrap_or(0);
        let to = if greatest - from > most { from + most } else { Ord::max(from, greatest) };
        Ok(Step {
            anew: counted.is_none(),
            entries: column(Column::Id).gt(from).and(column(Column::Id).lte(to)),
            judged: column(Column::Id).lte(to),
            advance: Log.sql(ADVANCE, vec![Expr::val(to)]),
            more: to < greatest,
        })
    }

    fn count(&self, entries: &Expr) -> Expr {
        Log.sql(COUNT, vec![entries.clone(), entries.clone(), entries.clone()])
    }

    fn no_rows(&self) -> Option<&'static str> {
        None
    }

    fn superseded(&self) -> String {
        // There is no hash table to put the tail into.
        format!(
            "EXISTS (SELECT 1 FROM afterimage_log AS later WHERE {} AND later.id > log.id AND {} AND {})",
            same_object(&Log, "later", "log"),
            is_change("later"),
            believed(&Log, "later")
        )
    }
}
