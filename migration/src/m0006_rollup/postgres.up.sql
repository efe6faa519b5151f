-- What the log adds up to. Nothing here says anything that the log does not: `delete from afterimage.rollup_position`
-- has the server make all of it anew.

-- Up to where entries are counted: those of this era whose transactions this snapshot saw, and all those of earlier
-- eras but for the transactions in `late`, which were under way when this era's counting began.
create table afterimage.rollup_position (
    one boolean primary key default true check (one),
    era bigint not null,
    seen pg_snapshot not null,
    late xid8[] not null,
    last_id bigint not null
) with (fillfactor = 20);
comment on table afterimage.rollup_position is
    'Up to where the log is counted. Delete the row to have everything counted anew.';

-- How many entries an hour (level 3), a day (2), a month (1), in UTC, and the whole log (0) have: in all (measure 0), by
-- table and action (1), by user (2), and without a user (3).
create table afterimage.rollup_count (
    measure smallint not null,
    level smallint not null,
    start timestamptz not null,
    name text collate "C" not null,
    action text collate "C" not null,
    count bigint not null,
    primary key (measure, level, start, name, action)
) with (fillfactor = 80);

-- The latest name of each user, and the entry that has it.
create table afterimage.rollup_user (
    user_id text collate "C" primary key,
    username text not null,
    "timestamp" timestamptz not null,
    id bigint not null
) with (fillfactor = 80);

-- The deletions that are their object's last change, if all entries are believed, or only the trusted ones: which it is
-- depends on whether the table is tracked when somebody asks.
create table afterimage.rollup_trash (
    id bigint primary key,
    "timestamp" timestamptz not null,
    table_name text not null,
    record_id text not null,
    is_last boolean not null,
    is_last_trusted boolean not null
);
create index rollup_trash_timestamp on afterimage.rollup_trash ("timestamp", id);
create index rollup_trash_table on afterimage.rollup_trash (table_name, "timestamp", id);
create index rollup_trash_object on afterimage.rollup_trash (table_name, hashtextextended(record_id, 0));
-- Within a transaction that brings this forward: those that are to be judged anew.
create index rollup_trash_doubt on afterimage.rollup_trash (id) where not (is_last or is_last_trusted);
