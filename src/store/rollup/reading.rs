//! Reading what was counted, and the tail, as of one moment.

use sea_orm::{ConnectionTrait, Statement};

use super::Tail;
use super::keep::MANY;
use crate::audit::{Code, Result};
use crate::store::connect::Database;
use crate::store::error::failed;
use crate::store::reader::ReadTransaction;

/// A transaction that reads all of what it reads as of one moment.
pub(in crate::store) struct Reading {
    pub transaction: ReadTransaction,
    /// What is not counted yet; none where nothing is counted that holds, and the log itself has to be asked.
    pub tail: Option<Tail>,
}

impl Reading {
    /// Begins, for a request. Where much is left to be counted, whoever keeps the counters is told.
    pub async fn begin(database: &Database) -> Result<Reading> {
        let reading = Reading::quietly(database).await?;
        if reading.tail.as_ref().is_none_or(|tail| tail.length > MANY) {
            database.folding.notify_one();
        }
        Ok(reading)
    }

    /// Begins, and tells nobody.
    pub async fn quietly(database: &Database) -> Result<Reading> {
        let (rollup, options) = (database.dialect.rollup(), database.dialect.read_options());
        let transaction = database.reader.begin_with_options(options).await.map_err(failed)?;
        let look = Statement::from_string(transaction.get_database_backend(), rollup.look());
        match transaction.query_one_raw(look).await.map_err(failed) {
            Ok(answer) => {
                let tail = answer.map(|answer| rollup.tail(&answer)).transpose()?.flatten();
                Ok(Reading { transaction, tail })
            }
            // A role that was granted its rights by an older server: the log answers, and a warning tells.
            Err(error) if error.code() == Code::Forbidden => {
                transaction.rollback().await.map_err(failed)?;
                let transaction = database.reader.begin_with_options(options).await.map_err(failed)?;
                Ok(Reading { transaction, tail: None })
            }
            Err(error) => Err(error),
        }
    }

    /// Tells the database that the next statement reads little else than the tail, whatever its statistics say.
    pub async fn expect_little(&self, database: &Database) -> Result<()> {
        match database.dialect.rollup().for_tails() {
            Some(settings) => self.transaction.execute_unprepared(settings).await.map(drop).map_err(failed),
            None => Ok(()),
        }
    }

    /// Ends.
    pub async fn end(self) -> Result<()> {
        self.transaction.commit().await.map_err(failed)
    }
}
