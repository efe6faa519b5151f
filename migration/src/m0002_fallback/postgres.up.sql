-- A table may be altered between two trackings: columns added, renamed, retyped, dropped, the key replaced. The trigger
-- that was generated for it compares the table's shape with the one that it was made for, and where it is another one
-- records the change by a statement that is made here, from the catalogue as it is.
--
-- `shape` and `recording` are IMMUTABLE in the sense that counts here: their argument is the constant name of a table,
-- so that PostgreSQL computes them once, while it plans the trigger's code, and plans again as soon as the table is
-- altered. The comparison costs nothing while nothing changes.

-- Whether a row of the catalogue, as this transaction sees it, has been replaced by another one since: a transaction
-- that keeps its first snapshot sees the table's old columns, while what it writes has the new ones.
create function afterimage.is_superseded(by_transaction xid) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    present bigint := pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
    distance bigint := by_transaction::text::bigint - present % 4294967296;
begin
    if by_transaction::text = '0' then return false; end if;
    -- The number is cut to 32 bits: meant is the nearest one.
    distance := distance - 4294967296 * round(distance / 4294967296.0)::bigint;
    return coalesce(pg_xact_status((present + distance)::text::xid8) = 'committed', false);
exception when others then
    return true;
end $$;

-- How the values of a type are written into an image.
create function afterimage.form(of_type oid) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    return (
    with recursive base (type) as (
        select of_type
        union all
        select t.typbasetype from base b join pg_type t on t.oid = b.type and t.typtype = 'd'
    )
    -- 16384 is the first object that a user can have made: below it, every type is PostgreSQL's own.
    select case
               when t.typname in ('json', 'jsonb') and t.oid < 16384 then 'document'
               when element.oid < 16384 and element.typtype in ('b', 'r', 'm')
                    and element.typname not in ('json', 'jsonb') then 'array'
               when element.oid is not null then 'text'
               when t.oid < 16384 and t.typtype in ('b', 'r', 'm') then 'json'
               else 'text'
           end
      from base b
      join pg_type t on t.oid = b.type and t.typtype <> 'd'
      left join pg_type element on element.typarray = t.oid);
end $$;

-- The present name of a column, whatever this transaction's view of the catalogue; NULL where no column had the number.
create function afterimage.column_name(relation oid, number int) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    return (pg_identify_object_as_address('pg_class'::regclass, relation, number)).object_names[3];
end $$;

-- Whether this transaction's view of the catalogue is older than the table's columns or its key.
create function afterimage.is_behind(relation oid) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off as $$
begin
    return afterimage.column_name(relation, 1 + (select max(a.attnum) from pg_attribute a where a.attrelid = relation))
               is not null
        or exists (select from pg_attribute a where a.attrelid = relation and a.attnum > 0
                      and a.xmax::text <> '0' and afterimage.is_superseded(a.xmax))
        or exists (select from pg_index i where i.indrelid = relation and i.indisprimary
                      and i.xmax::text <> '0' and afterimage.is_superseded(i.xmax));
end $$;

-- The live columns of a table. Their names are the present ones even where this transaction's view of the catalogue is
-- older; a column of which that view is behind is written as text, which every type can be.
create function afterimage.live_columns(relation oid)
returns table (number int, name text, form text)
language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off as $$
declare
    -- The numbers of added columns follow the last one.
    last int := (select max(a.attnum) from pg_attribute a where a.attrelid = relation);
begin
    if afterimage.column_name(relation, last + 1) is not null then
        last := 1600;
    end if;
    return query
        select n, afterimage.column_name(relation, n),
               case when a.attnum is null or afterimage.is_superseded(a.xmax) then 'text'
                    else afterimage.form(a.atttypid) end
          from generate_series(1, last) as n
          left join pg_attribute a on a.attrelid = relation and a.attnum = n
         -- NULL where there is no such column, or none any more.
         where has_column_privilege(relation, n::int2, 'SELECT') is not null
         order by n;
end $$;

-- The numbers of the key's columns, in key order.
create function afterimage.key_columns(relation oid) returns int2[]
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    return (select (i.indkey::int2[])[0:i.indnkeyatts - 1] from pg_index i
             where i.indrelid = relation and i.indisprimary);
end $$;

-- What the generated code depends on: the columns' numbers, names and types, and the key. NULL where this transaction's
-- view of the catalogue is behind the table.
create function afterimage.shape(relation regclass) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp set jit = off as $$
begin
    if afterimage.is_behind(relation) then return null; end if;
    return (select encode(sha256(convert_to(
                       string_agg(concat_ws(' ', a.attnum, a.atttypid, quote_ident(a.attname)), ',' order by a.attnum)
                       || coalesce(afterimage.key_columns(relation)::text, ''), 'UTF8')), 'hex')
              from pg_attribute a where a.attrelid = relation and a.attnum > 0 and not a.attisdropped);
end $$;

-- The value of a column in a row, as an image writes it: see the server's own generator. (E'', since the session's
-- `standard_conforming_strings` decides how functions are read.)
create function afterimage.value(form text, name text, of_row text) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    return replace(case form
        when 'json' then '@'
        when 'array' then 'CASE WHEN left(concat(@), 1) = ''['' THEN to_json(concat(@)) ELSE to_json(@) END'
        when 'document' then
            'CASE WHEN @::text ~ '
            || quote_literal(E'^\\s|\\s$|^null$|^\\{\\s*"\\$json"|\\\\u(0000|[dD][89abcdefABCDEF])')
            || ' THEN json_build_object(''$json'', @::text) ELSE to_json(@) END'
        else 'CASE WHEN @ IS DISTINCT FROM NULL THEN concat(@) END'
    end, '@', of_row || '.' || quote_ident(name));
end $$;

-- The record id of a row, of these columns.
create function afterimage.record_id(relation oid, key int2[], of_row text) returns text
language sql stable set search_path = pg_catalog, pg_temp set jit = off as $$
    select case count(*)
               when 0 then 'NULL::text'
               when 1 then string_agg(format('concat(%s.%I)', of_row, name), '')
               else format('''['' || %s || '']''', string_agg(format('to_json(concat(%s.%I))::text', of_row, name),
                   ' || '','' || ' order by array_position(key, number::int2)))
           end
      from afterimage.live_columns(relation) where number = any (key)
$$;

-- The statement that records a change of a row. Its parameters: the row before, the row after, the author, the era,
-- the database role, and the record id before or after. `from_rows` is the transition table, where there is one.
-- `known` tells how the table was when it was tracked: the numbers of the key's columns, and `redacted` and `ignored`
-- ones, each name with its number. What has the name or the number of a hidden column is hidden.
create function afterimage.recording_now(relation oid, action text, filed text, known json, from_rows text)
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp set jit = off as $$
declare
    old_row constant text := coalesce(from_rows, '($1)');
    new_row constant text := coalesce(from_rows, '($2)');
    -- A key that is gone leaves the columns that it was made of.
    key constant int2[] := coalesce(afterimage.key_columns(relation),
        array(select number::int2 from json_array_elements_text(known -> 'key') with ordinality as k (number, place)
              order by place));
    old_id constant text := afterimage.record_id(relation, key, old_row);
    new_id constant text := afterimage.record_id(relation, key, new_row);
    old_image text;
    new_image text;
    redacted text;
    fields text;
begin
    with columns as (
        select c.number, c.name, c.form,
               (select h.how from (values ('ignored'), ('redacted')) as h (how), json_each_text(known -> h.how) as listed
                 where listed.key = c.name or listed.value::int = c.number
                 order by h.how limit 1) as hidden
          from afterimage.live_columns(relation) c
    ),
    written as (
        select number, name, hidden, hidden is null as recorded, to_json(name)::text || ':' as member,
               count(*) filter (where hidden is null) over (order by number) as place,
               format('%s.%I', old_row, name) as old, format('%s.%I', new_row, name) as new,
               afterimage.value(form, name, old_row) as old_value, afterimage.value(form, name, new_row) as new_value
          from columns
         where hidden is distinct from 'ignored'
    )
    select coalesce('(SELECT row_to_json(image) FROM (SELECT '
               || string_agg(format('%s AS %I', old_value, name), ', ' order by number) filter (where recorded)
               || ') AS image)', '''{}''::json'),
           coalesce('(SELECT row_to_json(image) FROM (SELECT '
               || string_agg(format('%s AS %I', new_value, name), ', ' order by number) filter (where recorded)
               || ') AS image)', '''{}''::json'),
           '{' || string_agg(member || place, ',' order by number) filter (where not recorded) || '}',
           string_agg(format('(%s, %L, %s, ROW(%s)::record OPERATOR(pg_catalog.*<>) ROW(%s)::record, %s, %s)',
               number, member, recorded::text, old, new,
               case when recorded then format('coalesce(to_json(%s)::text, ''null'')', old_value) else 'NULL' end,
               case when recorded then format('coalesce(to_json(%s)::text, ''null'')', new_value) else 'NULL' end),
               ', ' order by number)
      into old_image, new_image, redacted, fields
      from written;

    return format($sql$
        INSERT INTO afterimage.log (action, table_name, record_id, previous_record_id, old_values, new_values, redacted,
            era, user_id, username, description, ip_address, correlation_id, metadata, source, recorded_by,
            database_role, undo_of)
        SELECT e.action, %1$L, e.id, e.previous, e.before, e.after, e.redacted,
            $4, ($3).user_id, ($3).username, ($3).description, ($3).ip_address, ($3).correlation_id, ($3).metadata,
            ($3).source, ($3).recorded_by, $5,
            CASE WHEN ($3).source = 'UNDO' THEN afterimage.reversed_entry(%1$L, e.id, e.action) END
          FROM (%2$s) AS e (action, id, previous, before, after, redacted)$sql$, filed,
        case action
            when 'CREATE' then format('SELECT ''CREATE'', %s, $6, NULL::json, %s, %L::json %s',
                new_id, new_image, redacted, 'FROM ' || from_rows)
            when 'DELETE' then format('SELECT ''DELETE'', %s, $6, %s, NULL::json, %L::json %s',
                old_id, old_image, redacted, 'FROM ' || from_rows)
            else format($sql$
                WITH ids AS (SELECT %1$s AS old, %2$s AS new),
                fields AS (
                    SELECT *, count(*) FILTER (WHERE recorded) OVER (ORDER BY number) AS place
                      FROM (VALUES %6$s) AS f (number, member, recorded, changed, old, new) WHERE changed
                ),
                images AS (
                    SELECT coalesce(string_agg(member || old, ',' ORDER BY number) FILTER (WHERE recorded), '') AS old,
                           coalesce(string_agg(member || new, ',' ORDER BY number) FILTER (WHERE recorded), '') AS new,
                           string_agg(member || place, ',' ORDER BY number) FILTER (WHERE NOT recorded) AS redacted
                      FROM fields HAVING count(*) > 0
                )
                SELECT 'DELETE', ids.old, ids.new, %3$s, NULL::json, %5$L::json
                  FROM ids WHERE ids.old IS DISTINCT FROM ids.new
                UNION ALL
                SELECT 'CREATE', ids.new, ids.old, NULL::json, %4$s, %5$L::json
                  FROM ids WHERE ids.old IS DISTINCT FROM ids.new
                UNION ALL
                SELECT 'UPDATE', ids.new, NULL, ('{' || i.old || '}')::json, ('{' || i.new || '}')::json,
                    ('{' || i.redacted || '}')::json
                  FROM ids, images i WHERE ids.old IS NOT DISTINCT FROM ids.new$sql$,
                old_id, new_id, old_image, new_image, redacted,
                coalesce(fields, '(0, '''', true, false, '''', '''')'))
        end);
end $$;

-- The same, kept for as long as the table stays as it is. NULL where this transaction's view of the catalogue is behind
-- the table: what is made of that must not be kept.
create function afterimage.recording(relation regclass, action text, filed text, known json, from_rows text)
returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp set jit = off as $$
begin
    if afterimage.is_behind(relation) then return null; end if;
    return afterimage.recording_now(relation, action, filed, known, from_rows);
end $$;

-- Pins the settings under which values would be printed differently, and tells what they were. Without `jit`: a session
-- that forbids scans (`enable_seqscan = off`) makes such a statement look dear, and would compile it for seconds.
create function afterimage.pin_settings() returns text[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    pinned constant text[] := array['DateStyle', 'ISO, YMD', 'TimeZone', 'UTC', 'extra_float_digits', '1',
        'IntervalStyle', 'postgres', 'bytea_output', 'hex', 'lc_monetary', 'C', 'jit', 'off'];
    before text[] := '{}';
begin
    for n in 1 .. array_length(pinned, 1) by 2 loop
        before := before || pinned[n] || current_setting(pinned[n]);
        perform set_config(pinned[n], pinned[n + 1], true);
    end loop;
    return before;
end $$;

-- Sets settings: names and values in turn.
create function afterimage.set_settings(settings text[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    for n in 1 .. array_length(settings, 1) by 2 loop
        perform set_config(settings[n], settings[n + 1], true);
    end loop;
end $$;

-- As before, save that a NUL is told by a literal that means the same whatever the session's
-- `standard_conforming_strings`, and that is no pattern: `u0000` is no NUL.
create or replace function afterimage.application_context(setting text) returns afterimage.author
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    context json;
    author afterimage.author;
    address text;
    rest json;
begin
    author.source := 'TRIGGER';
    begin
        if octet_length(setting) > 1000000 or strpos(setting, E'\\u0000') > 0 then
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

-- An UPDATE that moves a row to another partition fires BEFORE UPDATE and BEFORE DELETE triggers on the partition that
-- the row leaves, one right after the other, and at the end of the statement AFTER DELETE there and AFTER INSERT on the
-- other, one right after the other too. It always changes the key, of which the partition's columns are part. What one
-- of these four knows reaches the next by settings of the transaction, one a depth of triggers, so that statements of
-- the user's triggers come in between without harm; between the two pairs, where there may be many rows, by this table.
create table afterimage.moved_row (
    tx xid8 not null default pg_current_xact_id(),
    relation oid not null,
    old_id text not null,
    new_id text not null
);
create index moved_row_old_id on afterimage.moved_row (tx, relation, old_id);

-- A row is about to be updated, and its key changes.
create function afterimage.may_move(partition oid, old_id text, new_id text) returns void
language sql volatile set search_path = pg_catalog, pg_temp as $$
    select set_config('afterimage.move_' || pg_trigger_depth(), json_build_array(partition, old_id, new_id)::text, true)
$$;

-- A row is about to be deleted, of a partition of this table: perhaps the one that was just about to be updated.
create function afterimage.leaves(tracked oid, partition oid, id text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
    setting constant text := 'afterimage.move_' || pg_trigger_depth();
    move constant json := nullif(current_setting(setting, true), '')::json;
begin
    perform set_config(setting, '', true);
    if (move ->> 0)::oid = partition and move ->> 1 = id then
        insert into afterimage.moved_row (relation, old_id, new_id) values (tracked, id, move ->> 2);
        perform set_config('afterimage.moved', 'on', true);
    end if;
end $$;

-- The new record id of a row that was deleted, where it has moved.
create function afterimage.moved_to(tracked oid, id text) returns text
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
    moved text;
begin
    delete from afterimage.moved_row m
     where m.tx = pg_current_xact_id() and m.relation = tracked and m.old_id = id
    returning m.new_id into moved;
    perform set_config('afterimage.moved_' || pg_trigger_depth(),
        case when moved is null then '' else json_build_array(id, moved)::text end, true);
    return moved;
end $$;

-- The old record id of a row that was inserted, where it has moved.
create function afterimage.moved_from(id text) returns text
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
    setting constant text := 'afterimage.moved_' || pg_trigger_depth();
    move constant json := nullif(current_setting(setting, true), '')::json;
begin
    perform set_config(setting, '', true);
    return case when move ->> 1 = id then move ->> 0 end;
end $$;

-- As before, save that a partition that was detached is no part of a tracked table any more.
create or replace function afterimage.refuse_truncate() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if tg_argv[0] = 'partition' and not (select c.relispartition from pg_class c where c.oid = tg_relid) then
        return null;
    end if;
    raise exception 'TRUNCATE of %.% is refused: the audit log tracks it and could not record the rows',
        tg_table_schema, tg_table_name
        using hint = 'Use DELETE, or untrack the table first.', errcode = 'feature_not_supported';
end $$;

revoke execute on all functions in schema afterimage from public;
