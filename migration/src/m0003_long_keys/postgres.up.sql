-- A row of a B-tree holds 2,700 bytes at the most: an entry about a longer key could not be written, and the
-- application's own write failed with it. A hash has 8 bytes whatever it is of. It is the one by which PostgreSQL parts
-- tables, whose rows outlive every upgrade: it stays the same from one major version to the next.
drop index afterimage.log_object;
create index log_object on afterimage.log (table_name, hashtextextended(record_id, 0), id);

alter table afterimage.server_undo drop constraint server_undo_pkey;
create index server_undo_change on afterimage.server_undo (tx, table_name, hashtextextended(record_id, 0));

create or replace function afterimage.reversed_entry(changed text, id text, done text) returns bigint
language sql stable set search_path = pg_catalog, pg_temp
as $$ select undo_of from afterimage.server_undo
       where tx = pg_current_xact_id_if_assigned() and table_name = changed
         and hashtextextended(record_id, 0) = hashtextextended(id, 0) and record_id = id and action = done
       limit 1 $$;
