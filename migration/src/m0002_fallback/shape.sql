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

-- What the generated code depends on: the columns' numbers, names and types, and the key. Another one, or NULL, where
-- this transaction's view of the catalogue is behind the table. One query, since each session asks before it first
-- writes to the table.
create function afterimage.shape(relation regclass) returns text
language sql immutable set search_path = pg_catalog, pg_temp set quote_all_identifiers = off as $$
    select encode(sha256(convert_to(
               string_agg(concat_ws(' ', a.attnum, a.atttypid, quote_ident(a.attname)), ',' order by a.attnum)
                   filter (where not a.attisdropped)
               || coalesce((select case when i.xmax::text <> '0' and afterimage.is_superseded(i.xmax) then 'behind'
                                        else (i.indkey::int2[])[0:i.indnkeyatts - 1]::text end
                              from pg_index i where i.indrelid = relation and i.indisprimary), ''), 'UTF8')), 'hex')
      from pg_attribute a
     where a.attrelid = relation and a.attnum > 0
    having not bool_or(a.xmax::text <> '0' and afterimage.is_superseded(a.xmax))
       -- The numbers of added columns follow the last one.
       and (pg_identify_object_as_address('pg_class'::regclass, relation, 1 + max(a.attnum))).object_names[3] is null
$$;
