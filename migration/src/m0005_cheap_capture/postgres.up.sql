-- A check is read from the catalogue's text and compiled anew by each statement that inserts: the two cost a quarter of
-- what a captured change does. Only the roles of the server and of its triggers may insert, and neither writes a word
-- that is not one of these.
alter table afterimage.log
    drop constraint log_action_check,
    drop constraint log_source_check;

-- The present era as a constant, which the planner puts into the statements that insert. What begins an era defines the
-- function anew, and plans that were made with the old one are made again. It has no settings of its own: such a function
-- is no constant to the planner.
create function afterimage.define_era(present bigint) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    execute format('create or replace function afterimage.current_era() returns bigint language sql stable '
        'as ''select %s::bigint''', present);
end $$;
create function afterimage.begin_era() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform afterimage.define_era(new.era);
    return null;
end $$;
create trigger begin_era after insert on afterimage.era for each row execute function afterimage.begin_era();
alter table afterimage.era enable always trigger begin_era;
select afterimage.define_era((select max(e.era) from afterimage.era e));

-- What the application says of its transaction, by the names that it uses.
create type afterimage.said as (
    "userId" text,
    username text,
    description text,
    "ipAddress" text,
    "correlationId" text,
    metadata json
);

revoke execute on function afterimage.define_era(bigint), afterimage.begin_era() from public;
