//! Ending what runs for a client that has gone.

use sea_orm::ConnectOptions;
use sqlx::Executor as _;

/// PostgreSQL looks whether its client is still there while it works on a statement, so often, where its system lets it:
/// where not, it refuses the setting.
const LOOK: &str = "DO $$ BEGIN PERFORM set_config('client_connection_check_interval', '1s', false); \
     EXCEPTION WHEN invalid_parameter_value THEN NULL; END $$";

/// A statement on these connections ends about a second after its connection was closed, and not only when its time is
/// up.
pub(in crate::store) fn end_with_client(options: &mut ConnectOptions) {
    options.map_sqlx_postgres_pool_opts(|options| {
        options.after_connect(|connection, _| Box::pin(async move { connection.execute(LOOK).await.map(drop) }))
    });
}
