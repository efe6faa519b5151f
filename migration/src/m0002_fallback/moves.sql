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
