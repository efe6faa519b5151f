//! Cancelling a statement, which SQLite knows no setting for.

use futures_util::future::BoxFuture;
use sea_orm::ConnectOptions;
use sqlx::SqliteConnection;

use crate::store::limit::Deadline;

/// After so many steps of its machine a statement asks whether it is to go on: about each millisecond. Few single steps
/// take long: the merging of a large sort, and the count of a whole table without any condition.
const STEPS: i32 = 10_000;

/// Statements on connections of the pool end when the limit is reached under which the connection was taken.
pub(in crate::store) fn interrupt_at_limits(options: &mut ConnectOptions) {
    options
        .map_sqlx_sqlite_pool_opts(|options| {
            options.after_connect(|connection, _| match Deadline::present() {
                Some(_) => obey(connection),
                // Made in advance: it has no limit yet that would have to be taken off.
                None => Box::pin(async { Ok(()) }),
            })
        })
        .map_sqlx_sqlite_before_acquire(|connection, _| {
            let obeying = obey(connection);
            Box::pin(async { obeying.await.map(|()| true) })
        });
}

/// From now on the connection obeys the limit of the task that takes it, and of no other.
///
/// Something has to be asked of the connection before this is done to it once more: sqlx (0.9) waits for ever where its
/// handle is locked twice in a row. Whoever takes a connection asks something, and the pool does when it is given back.
fn obey(connection: &mut SqliteConnection) -> BoxFuture<'_, Result<(), sqlx::Error>> {
    let deadline = Deadline::present();
    Box::pin(async move {
        let mut handle = connection.lock_handle().await?;
        match deadline {
            Some(deadline) => handle.set_progress_handler(STEPS, move || !deadline.has_passed()),
            None => handle.remove_progress_handler(),
        }
        Ok(())
    })
}
