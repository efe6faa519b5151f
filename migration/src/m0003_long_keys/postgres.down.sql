create or replace function afterimage.reversed_entry(changed text, id text, done text) returns bigint
language sql stable set search_path = pg_catalog, pg_temp
as $$ select undo_of from afterimage.server_undo
       where tx = pg_current_xact_id_if_assigned() and table_name = changed and record_id = id and action = done $$;

drop index afterimage.server_undo_change;
alter table afterimage.server_undo add primary key (tx, table_name, record_id, action);

drop index afterimage.log_object;
create index log_object on afterimage.log (table_name, record_id, id);
