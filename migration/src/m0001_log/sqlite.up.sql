CREATE TABLE afterimage_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    era INTEGER NOT NULL DEFAULT 1,
    -- SQLite numbers no transactions: 'c' and the id of the context row, 's' and the server's own number, else null.
    tx TEXT,
    -- Always this one format, by this one expression, so that text sorts as time does.
    timestamp TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    action TEXT NOT NULL CHECK (action IN ('CREATE', 'UPDATE', 'DELETE', 'READ')),
    table_name TEXT NOT NULL,
    record_id TEXT,
    previous_record_id TEXT,
    user_id TEXT,
    username TEXT,
    old_values TEXT,
    new_values TEXT,
    -- The redacted columns that changed: name to the number of recorded fields that stand before it.
    redacted TEXT,
    description TEXT,
    ip_address TEXT,
    correlation_id TEXT,
    metadata TEXT,
    source TEXT NOT NULL DEFAULT 'TRIGGER' CHECK (source IN ('TRIGGER', 'API', 'UNDO')),
    database_role TEXT,
    recorded_by TEXT,
    trusted BOOLEAN NOT NULL DEFAULT 1,
    undo_of INTEGER,
    idempotency_key TEXT,
    idempotency_hash TEXT
);

-- Pages of everything; pages of one user; pages of one object, and what came last for it; the trash.
CREATE INDEX afterimage_log_timestamp ON afterimage_log (timestamp, id);
CREATE INDEX afterimage_log_user ON afterimage_log (user_id, timestamp, id) WHERE user_id IS NOT NULL;
CREATE INDEX afterimage_log_object ON afterimage_log (table_name, record_id, id);
CREATE INDEX afterimage_log_deletion ON afterimage_log (timestamp, id) WHERE action = 'DELETE';
-- One transaction's entries, and filters that name one of few.
CREATE INDEX afterimage_log_tx ON afterimage_log (tx) WHERE tx IS NOT NULL;
CREATE INDEX afterimage_log_correlation ON afterimage_log (correlation_id) WHERE correlation_id IS NOT NULL;
CREATE INDEX afterimage_log_address ON afterimage_log (ip_address) WHERE ip_address IS NOT NULL;
CREATE INDEX afterimage_log_undo_of ON afterimage_log (undo_of) WHERE undo_of IS NOT NULL;
CREATE UNIQUE INDEX afterimage_log_idempotency ON afterimage_log (recorded_by, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

CREATE TRIGGER afterimage_log_no_update BEFORE UPDATE ON afterimage_log BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only: UPDATE refused');
END;
CREATE TRIGGER afterimage_log_no_delete BEFORE DELETE ON afterimage_log BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only: DELETE refused');
END;
-- REPLACE deletes without firing a DELETE trigger.
CREATE TRIGGER afterimage_log_no_replace BEFORE INSERT ON afterimage_log
WHEN EXISTS (SELECT 1 FROM afterimage_log WHERE id = NEW.id)
  OR (NEW.idempotency_key IS NOT NULL AND EXISTS (
        SELECT 1 FROM afterimage_log
         WHERE idempotency_key IS NOT NULL AND recorded_by = NEW.recorded_by AND idempotency_key = NEW.idempotency_key))
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only: REPLACE refused');
END;

CREATE TABLE afterimage_tracked_table (
    table_name TEXT PRIMARY KEY NOT NULL,
    relation INTEGER,
    primary_key TEXT NOT NULL,
    columns TEXT NOT NULL,
    redacted_columns TEXT NOT NULL,
    ignored_columns TEXT NOT NULL,
    tracked_since TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

-- A parent that is always empty: whoever leaves a row in one of the two context tables cannot commit, since the
-- deferred reference is never satisfied.
CREATE TABLE afterimage_nothing (id INTEGER PRIMARY KEY NOT NULL CHECK (id < 0 AND id > 0));

-- What the application says of its transaction: inserted first, deleted last.
CREATE TABLE afterimage_context (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id TEXT,
    username TEXT,
    ip_address TEXT,
    description TEXT,
    correlation_id TEXT,
    metadata TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    delete_this_row_before_commit INTEGER NOT NULL DEFAULT 1
        REFERENCES afterimage_nothing (id) DEFERRABLE INITIALLY DEFERRED
);

-- What the server says of its own transaction; its id numbers the server's transactions.
CREATE TABLE afterimage_server_context (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id TEXT,
    username TEXT,
    ip_address TEXT,
    description TEXT,
    correlation_id TEXT,
    metadata TEXT,
    recorded_by TEXT,
    delete_this_row_before_commit INTEGER NOT NULL DEFAULT 1
        REFERENCES afterimage_nothing (id) DEFERRABLE INITIALLY DEFERRED
);

-- Which entry is reversed by which change of that transaction. What triggers and cascades do besides reverses none.
CREATE TABLE afterimage_server_undo (
    table_name TEXT NOT NULL,
    record_id TEXT NOT NULL,
    action TEXT NOT NULL,
    undo_of INTEGER NOT NULL,
    PRIMARY KEY (table_name, record_id, action)
) WITHOUT ROWID;

-- Rows that a REPLACE is about to delete without firing a trigger: put here before, recorded and removed after. A row is
-- known by its row number, or by the first columns of its key: of no type, so that they hold what the table holds.
CREATE TABLE afterimage_stash (
    table_name TEXT NOT NULL,
    key_1,
    key_2,
    key_3,
    key_4,
    record_id TEXT,
    old_values TEXT NOT NULL
);
CREATE INDEX afterimage_stash_table ON afterimage_stash (table_name);
