-- What the log adds up to. Nothing here says anything that the log does not: `DELETE FROM afterimage_rollup_position`
-- has the server make all of it anew.

-- Up to which id entries are counted: there is one writer at a time, so that the id is the order of commits.
CREATE TABLE afterimage_rollup_position (
    one INTEGER PRIMARY KEY NOT NULL CHECK (one = 1),
    last_id INTEGER NOT NULL
);

-- How many entries an hour (level 3), a day (2), a month (1), in UTC, and the whole log (0) have: in all (measure 0), by
-- table and action (1), by user (2), and without a user (3).
CREATE TABLE afterimage_rollup_count (
    measure INTEGER NOT NULL,
    level INTEGER NOT NULL,
    start TEXT NOT NULL,
    name TEXT NOT NULL,
    action TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (measure, level, start, name, action)
) WITHOUT ROWID;

-- The latest name of each user, and the entry that has it.
CREATE TABLE afterimage_rollup_user (
    user_id TEXT PRIMARY KEY NOT NULL,
    username TEXT NOT NULL,
    timestamp TEXT NOT NULL,
    id INTEGER NOT NULL
) WITHOUT ROWID;

-- The deletions that are their object's last change, if all entries are believed, or only the trusted ones: which it is
-- depends on whether the table is tracked when somebody asks.
CREATE TABLE afterimage_rollup_trash (
    id INTEGER PRIMARY KEY NOT NULL,
    timestamp TEXT NOT NULL,
    table_name TEXT NOT NULL,
    record_id TEXT NOT NULL,
    is_last BOOLEAN NOT NULL,
    is_last_trusted BOOLEAN NOT NULL
);
CREATE INDEX afterimage_rollup_trash_timestamp ON afterimage_rollup_trash (timestamp, id);
CREATE INDEX afterimage_rollup_trash_table ON afterimage_rollup_trash (table_name, timestamp, id);
CREATE INDEX afterimage_rollup_trash_object ON afterimage_rollup_trash (table_name, record_id);
-- Within a transaction that brings this forward: those that are to be judged anew.
CREATE INDEX afterimage_rollup_trash_doubt ON afterimage_rollup_trash (id) WHERE NOT (is_last OR is_last_trusted);
