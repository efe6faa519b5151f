//! What a failure of the database means to a client. The details go to the server's log alone.

use sea_orm::{DbErr, RuntimeErr};

use crate::audit::{Code, Error};

/// PostgreSQL: the operator, or a crash, ended the connection, or the server is starting.
const POSTGRES_AWAY: [&str; 5] = ["57P01", "57P02", "57P03", "53300", "25006"];
/// PostgreSQL: the statement took longer than it may.
const POSTGRES_CANCELLED: &str = "57014";
/// PostgreSQL: a lock was not to be had in time, a deadlock was broken, or a snapshot was overtaken.
const POSTGRES_BUSY: [&str; 3] = ["55P03", "40P01", "40001"];
/// PostgreSQL: the role lacks a right, or may use none of the schemas in which it would make something.
const POSTGRES_PRIVILEGE: [&str; 2] = ["42501", "3F000"];
/// PostgreSQL: the disk, or the memory, is full.
const POSTGRES_FULL: [&str; 3] = ["53000", "53100", "53200"];
/// SQLite's result codes, without their extensions: busy, locked, read-only, I/O error, full, cannot open.
const SQLITE_AWAY: [i64; 6] = [5, 6, 8, 10, 13, 14];
/// SQLite: the statement took longer than it may, or nobody waits for it any more.
const SQLITE_INTERRUPTED: i64 = 9;
/// SQLite: rows refer to others that are not there. Only a commit says so, of what an undo has left behind: where a
/// statement does, the undo knows more about it.
const SQLITE_FOREIGN_KEY: i64 = 787;

/// Turns a failure of the database into one that can be shown.
pub fn failed(error: DbErr) -> Error {
    match &error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Error::unavailable(error),
        DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
            match kind_of(cause) {
                Failure::Away => Error::unavailable(error),
                Failure::TooLong => Error::new(
                Code::Unavailable,
                "the database took longer than a request may; ask for less, or narrow the filter by table, user or dates",
            )
            .caused_by(error),
            Failure::Busy => Error::busy(error),
                Failure::Privilege => Error::forbidden(
                    "the server's database role lacks a right that this needs; the server's log names it, and the \
                 README's section on roles has the GRANT",
                )
                .caused_by(error),
                Failure::ForeignKey => {
                    Error::conflict("a foreign key stands in the way: rows would refer to rows that are not there")
                        .caused_by(error)
                }
                Failure::Other => Error::internal(error),
            }
        }
        _ => Error::internal(error),
    }
}

/// The same, of a transaction's beginning, in which SQLite waits for its one lock.
pub(super) fn not_begun(error: DbErr) -> Error {
    let locked = match &error {
        DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => match &**cause {
            sqlx::Error::Database(refusal) => refusal.code().is_some_and(|code| is_locked(&code)),
            _ => false,
        },
        _ => false,
    };
    if locked { Error::locked(error) } else { failed(error) }
}

/// SQLite: another connection writes.
fn is_locked(code: &str) -> bool {
    code.len() < 5 && code.parse::<i64>().is_ok_and(|code| [5, 6].contains(&(code & 0xff)))
}

/// Whether the connection, or the database, is gone.
pub(super) fn is_away(error: &sqlx::Error) -> bool {
    matches!(kind_of(error), Failure::Away)
}

enum Failure {
    Away,
    TooLong,
    Busy,
    Privilege,
    ForeignKey,
    Other,
}

fn kind_of(error: &sqlx::Error) -> Failure {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Failure::Away,
        sqlx::Error::Database(refusal) => refusal.code().map_or(Failure::Other, |code| of_code(&code)),
        _ => Failure::Other,
    }
}

/// PostgreSQL's codes have five characters, SQLite's are shorter numbers.
fn of_code(code: &str) -> Failure {
    match code.parse::<i64>() {
        Ok(SQLITE_FOREIGN_KEY) if code.len() < 5 => Failure::ForeignKey,
        Ok(number) if code.len() < 5 && SQLITE_AWAY.contains(&(number & 0xff)) => Failure::Away,
        Ok(SQLITE_INTERRUPTED) if code.len() < 5 => Failure::TooLong,
        _ if POSTGRES_BUSY.contains(&code) => Failure::Busy,
        _ if code == POSTGRES_CANCELLED => Failure::TooLong,
        _ if POSTGRES_PRIVILEGE.contains(&code) => Failure::Privilege,
        _ if POSTGRES_AWAY.contains(&code) || POSTGRES_FULL.contains(&code) || code.starts_with("08") => Failure::Away,
        _ => Failure::Other,
    }
}
