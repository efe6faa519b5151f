-- Each statement that inserts opens every index of the log, and compiles the condition of a partial one anew: also where
-- the entry does not belong in it. The few entries that belonged in these two have tables of their own.
lock table afterimage.log in access exclusive mode;

-- Which entry a caller recorded under a key. Derived from the log, but for being what lets one of two win that record
-- under the same key at the same time.
create table afterimage.recorded_key (
    recorded_by text not null,
    idempotency_key text not null,
    id bigint not null,
    primary key (recorded_by, idempotency_key)
);
insert into afterimage.recorded_key (recorded_by, idempotency_key, id)
select recorded_by, idempotency_key, id from afterimage.log
 where recorded_by is not null and idempotency_key is not null;
drop index afterimage.log_idempotency;

-- Which entries undo an entry. Derived from the log, and written with it in one transaction: when the server takes back
-- what it says of itself, after all that it undoes. A server of an earlier release does so too.
create table afterimage.reversal (
    undo_of bigint not null,
    id bigint not null,
    primary key (undo_of, id)
);
insert into afterimage.reversal (undo_of, id)
select undo_of, id from afterimage.log where undo_of is not null;
drop index afterimage.log_undo_of;

create function afterimage.keep_reversals() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into afterimage.reversal (undo_of, id)
    select l.undo_of, l.id from afterimage.log l
     where l.tx = old.tx and l.era = afterimage.current_era() and l.undo_of is not null
    on conflict do nothing;
    return null;
end $$;
create trigger keep_reversals after delete on afterimage.server_context
    for each row execute function afterimage.keep_reversals();
alter table afterimage.server_context enable always trigger keep_reversals;

-- The image of a whole row with marks on those documents that would be taken for something else: see the server's own
-- generator. (E'', since the session's `standard_conforming_strings` decides how functions are read.)
create function afterimage.marked(image json, names text[], documents jsonb[]) returns json
language sql stable set search_path = pg_catalog, pg_temp as $$
    select ('{' || string_agg(to_json(member.key)::text || ':' ||
               case when known.document::text ~ E'^\\s|\\s$|^null$|^\\{\\s*"\\$json"|(?:^|[^\\\\])(?:\\\\\\\\)*\\\\u(?:0000|[dD][89abcdefABCDEF])'
                    then json_build_object('$json', known.document::text)::text
                    else member.value::text end, ',' order by member.place) || '}')::json
      from json_each(image) with ordinality as member (key, value, place)
      left join unnest(names, documents) as known (name, document) on known.name = member.key
$$;
revoke execute on function afterimage.marked(json, text[], jsonb[]), afterimage.keep_reversals() from public;

-- Whose the log is, his are these: another one may have run this.
do $$
declare
    owner constant name := (select pg_get_userbyid(c.relowner) from pg_class c where c.oid = 'afterimage.log'::regclass);
begin
    if owner <> current_user then
        execute format('alter table afterimage.recorded_key owner to %I', owner);
        execute format('alter table afterimage.reversal owner to %I', owner);
        execute format('alter function afterimage.marked(json, text[], jsonb[]) owner to %I', owner);
        execute format('alter function afterimage.keep_reversals() owner to %I', owner);
    end if;
end $$;

-- As before, save that an escape by number is told from what follows an escaped backslash: that can be read as it is. So
-- none is ever found in a binary document, whose strings PostgreSQL has read and written itself.
create or replace function afterimage.value(form text, name text, of_row text) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    return replace(case form
        when 'json' then '@'
        when 'array' then
            'CASE WHEN left(concat(@) COLLATE pg_catalog."default", 1) = ''['' THEN to_json(concat(@)) ELSE to_json(@) END'
        when 'document' then
            'CASE WHEN @::text ~ '
            || quote_literal(E'^\\s|\\s$|^null$|^\\{\\s*"\\$json"|(?:^|[^\\\\])(?:\\\\\\\\)*\\\\u(?:0000|[dD][89abcdefABCDEF])')
            || ' THEN json_build_object(''$json'', @::text) ELSE to_json(@) END'
        else 'CASE WHEN @ IS DISTINCT FROM NULL THEN concat(@) END'
    end, '@', of_row || '.' || quote_ident(name));
end $$;
