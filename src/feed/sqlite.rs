//! The feed on SQLite: one transaction writes at a time, so that the id is the order of the commits.

use std::sync::Arc;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, SqliteConnection, query, query_scalar};

use super::reader::{PAGE, Page, refused, replaced, unreachable};
use crate::audit::{Entry, Result};
use crate::store::{Database, entry_of_row, select_entries};

/// Follows the id.
pub(super) struct Reader {
    options: Arc<SqliteConnectOptions>,
    select: String,
    connection: Option<SqliteConnection>,
    /// The last id handed out; none before the first look.
    last: Option<i64>,
    /// What told of others' commits at the last look that found nothing more. It means nothing on another connection.
    version: Option<i64>,
}

impl Reader {
    pub fn of(database: &Database) -> Reader {
        let options = database.reader.get_sqlite_connection_pool().connect_options();
        Reader {
            // A file that was moved away is an outage, and no reason to begin an empty one in its place.
            options: Arc::new(options.as_ref().clone().create_if_missing(false).pragma("query_only", "on")),
            select: format!("{} WHERE log.id > ? ORDER BY log.id LIMIT ?", select_entries(database)),
            connection: None,
            last: None,
            version: None,
        }
    }

    pub async fn next(&mut self) -> Result<Page> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                self.version = None;
                self.options.connect().await.map_err(unreachable)?
            }
        };
        let page = self.read(&mut connection).await?;
        self.connection = Some(connection);
        Ok(page)
    }

    async fn read(&mut self, connection: &mut SqliteConnection) -> Result<Page> {
        // Read before the rows: what commits in between is found twice as a change, and once as a row.
        let version: i64 = query_scalar("PRAGMA data_version").fetch_one(&mut *connection).await.map_err(refused)?;
        let Some(last) = self.last else {
            self.last = Some(greatest(connection).await?);
            self.version = Some(version);
            return Ok(Page::default());
        };
        if self.version == Some(version) {
            return Ok(Page::default());
        }
        let select = query(AssertSqlSafe(self.select.as_str())).bind(last).bind(PAGE as i64);
        let rows = select.fetch_all(&mut *connection).await.map_err(refused)?;
        let entries: Vec<Entry> = rows.into_iter().map(entry_of_row).collect::<Result<_>>()?;
        match entries.last() {
            Some(entry) => self.last = Some(entry.id),
            // Entries do not go away: this is another log.
            None if greatest(connection).await? < last => return Err(replaced()),
            None => {}
        }
        let more = entries.len() == PAGE;
        self.version = (!more).then_some(version);
        Ok(Page { entries, more })
    }
}

async fn greatest(connection: &mut SqliteConnection) -> Result<i64> {
    let statement = "SELECT coalesce(max(id), 0) FROM afterimage_log";
    query_scalar(statement).fetch_one(connection).await.map_err(refused)
}
