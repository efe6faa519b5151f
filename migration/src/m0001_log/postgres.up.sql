-- The schema `afterimage` exists already: the table of migrations lives in it.

-- One life of one database. A dump that is restored elsewhere, an upgraded or promoted cluster begins a new era, since
-- the numbers of its transactions start again; what is compared is stored here.
create table afterimage.era (
    era bigint primary key,
    system_identifier text not null,
    database_oid bigint not null,
    timeline bigint not null,
    since timestamptz not null default clock_timestamp()
);
insert into afterimage.era (era, system_identifier, database_oid, timeline)
select 1,
       (select system_identifier::text from pg_control_system()),
       (select oid::bigint from pg_database where datname = current_database()),
       (select timeline_id from pg_control_checkpoint());

create function afterimage.current_era() returns bigint
language sql stable set search_path = pg_catalog, pg_temp
as $$ select max(era) from afterimage.era $$;

create table afterimage.log (
    id bigint generated always as identity (cache 1) primary key,
    era bigint not null default afterimage.current_era(),
    tx xid8 not null default pg_current_xact_id(),
    "timestamp" timestamptz not null default clock_timestamp(),
    action text not null check (action in ('CREATE', 'UPDATE', 'DELETE', 'READ')),
    table_name text not null,
    record_id text,
    previous_record_id text,
    user_id text,
    username text,
    old_values json,
    new_values json,
    redacted json,
    description text,
    ip_address text,
    correlation_id text,
    metadata json,
    source text not null default 'TRIGGER' check (source in ('TRIGGER', 'API', 'UNDO')),
    database_role text,
    recorded_by text,
    trusted boolean not null default true,
    undo_of bigint,
    idempotency_key text,
    idempotency_hash text
);
comment on table afterimage.log is
    'The audit log: one row an entry. Append-only: triggers refuse UPDATE, DELETE and TRUNCATE.';
comment on column afterimage.log.redacted is
    'The redacted columns that changed, as an object: name to the number of recorded fields that stand before it.';

-- Pages of everything; pages of one user; pages of one object, and what came last for it; the trash.
create index log_timestamp on afterimage.log ("timestamp", id);
create index log_user on afterimage.log (user_id, "timestamp", id) where user_id is not null;
create index log_object on afterimage.log (table_name, record_id, id);
create index log_deletion on afterimage.log ("timestamp", id) where action = 'DELETE';
-- The feed, and one transaction's entries.
create index log_tx on afterimage.log (tx);
-- Filters that name one of few.
create index log_correlation on afterimage.log (correlation_id) where correlation_id is not null;
create index log_undo_of on afterimage.log (undo_of) where undo_of is not null;
create unique index log_idempotency on afterimage.log (recorded_by, idempotency_key) where idempotency_key is not null;

create function afterimage.refuse_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    raise exception 'the audit log is append-only: % refused', tg_op using errcode = 'insufficient_privilege';
end $$;
create trigger append_only_rows before update or delete on afterimage.log
    for each row execute function afterimage.refuse_change();
create trigger append_only_table before truncate on afterimage.log
    for each statement execute function afterimage.refuse_change();
-- ALWAYS: without it `session_replication_role = replica` would empty the log.
alter table afterimage.log enable always trigger append_only_rows;
alter table afterimage.log enable always trigger append_only_table;

create table afterimage.tracked_table (
    table_name text primary key,
    relation bigint,
    primary_key json not null,
    columns json not null,
    redacted_columns json not null,
    ignored_columns json not null,
    tracked_since timestamptz not null default clock_timestamp()
);

-- What the server says of its own transaction while it undoes. Only roles that may write here can make an entry's
-- source UNDO: the application's settings cannot.
create table afterimage.server_context (
    tx xid8 primary key default pg_current_xact_id(),
    user_id text,
    username text,
    description text,
    ip_address text,
    correlation_id text,
    metadata json,
    recorded_by text
);

-- Which entry is reversed by which change of that transaction. What triggers and cascades do besides reverses none.
create table afterimage.server_undo (
    tx xid8 not null default pg_current_xact_id(),
    table_name text not null,
    record_id text not null,
    action text not null,
    undo_of bigint not null,
    primary key (tx, table_name, record_id, action)
);

create type afterimage.author as (
    user_id text,
    username text,
    description text,
    ip_address text,
    correlation_id text,
    metadata json,
    source text,
    recorded_by text
);

-- An address in its canonical spelling; null where the text is none.
create function afterimage.canonical_address(address text) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    if strpos(address, '/') > 0 then return null; end if;
    return host(address::inet);
exception when invalid_text_representation then
    return null;
end $$;

-- The application's context of this transaction. A malformed one must not fail the application's write, and must not
-- be lost either: it is kept as text in the metadata. What is over-long is cut, and says so.
create function afterimage.application_context(setting text) returns afterimage.author
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    context json;
    author afterimage.author;
    address text;
    rest json;
begin
    author.source := 'TRIGGER';
    begin
        if octet_length(setting) > 1000000 or setting like '%\u0000%' then
            raise exception using errcode = 'invalid_text_representation';
        end if;
        context := setting::json;
        if json_typeof(context) <> 'object' then
            raise exception using errcode = 'invalid_text_representation';
        end if;
        -- What is indexed must fit into an index's row, whatever characters it is made of.
        author.user_id := nullif(left(context ->> 'userId', 500), '');
        author.username := left(context ->> 'username', 1000);
        author.description := left(context ->> 'description', 4000);
        author.correlation_id := left(context ->> 'correlationId', 500);
        author.metadata := context -> 'metadata';
        address := context ->> 'ipAddress';
    exception when others then
        author := null;
        author.source := 'TRIGGER';
        author.metadata := json_build_object('malformedContext', left(setting, 4000));
        return author;
    end;
    if json_typeof(author.metadata) = 'null' then
        author.metadata := null;
    end if;
    if octet_length(author.metadata::text) > 16384 then
        author.metadata := json_build_object('truncated', true, 'text', left(author.metadata::text, 4000));
    end if;
    author.ip_address := afterimage.canonical_address(address);
    if address is not null and author.ip_address is null then
        rest := author.metadata;
        author.metadata := json_build_object('malformedIpAddress', left(address, 1000), 'metadata', rest);
    end if;
    return author;
end $$;

-- Who makes the present change, and where the entry comes from.
create function afterimage.author() returns afterimage.author
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    author afterimage.author;
    setting text;
begin
    if current_setting('afterimage.server', true) = 'on' then
        select s.user_id, s.username, s.description, s.ip_address, s.correlation_id, s.metadata, 'UNDO',
               s.recorded_by
          into author
          from afterimage.server_context s where s.tx = pg_current_xact_id_if_assigned();
        if found then return author; end if;
    end if;
    setting := current_setting('afterimage.context', true);
    if setting <> '' then
        return afterimage.application_context(setting);
    end if;
    author.source := 'TRIGGER';
    return author;
end $$;

-- The entry that the server's present change of this row reverses.
create function afterimage.reversed_entry(changed text, id text, done text) returns bigint
language sql stable set search_path = pg_catalog, pg_temp
as $$ select undo_of from afterimage.server_undo
       where tx = pg_current_xact_id_if_assigned() and table_name = changed and record_id = id and action = done $$;

create function afterimage.refuse_truncate() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    raise exception 'TRUNCATE of %.% is refused: the audit log tracks it and could not record the rows',
        tg_table_schema, tg_table_name
        using hint = 'Use DELETE, or untrack the table first.', errcode = 'feature_not_supported';
end $$;

revoke execute on all functions in schema afterimage from public;
