-- The statement by which a change of an altered table is recorded.

-- The value of a column in a row, as an image writes it: see the server's own generator. (E'', since the session's
-- `standard_conforming_strings` decides how functions are read.)
create function afterimage.value(form text, name text, of_row text) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    return replace(case form
        when 'json' then '@'
        when 'array' then
            'CASE WHEN left(concat(@) COLLATE pg_catalog."default", 1) = ''['' THEN to_json(concat(@)) ELSE to_json(@) END'
        when 'document' then
            'CASE WHEN @::text ~ '
            || quote_literal(E'^\\s|\\s$|^null$|^\\{\\s*"\\$json"|\\\\u(0000|[dD][89abcdefABCDEF])')
            || ' THEN json_build_object(''$json'', @::text) ELSE to_json(@) END'
        else 'CASE WHEN @ IS DISTINCT FROM NULL THEN concat(@) END'
    end, '@', of_row || '.' || quote_ident(name));
end $$;

-- The record id of a row, of these columns. It is compared by bytes, whatever the collation of a key's column.
create function afterimage.record_id(relation oid, key int2[], of_row text) returns text
language sql stable set search_path = pg_catalog, pg_temp set jit = off as $$
    select case count(*)
               when 0 then 'NULL::text'
               when 1 then string_agg(format('concat(%s.%I) COLLATE pg_catalog."default"', of_row, name), '')
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
        'IntervalStyle', 'postgres', 'bytea_output', 'hex', 'lc_monetary', 'C',
        'quote_all_identifiers', 'off', 'jit', 'off'];
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
