drop type afterimage.said;
drop trigger begin_era on afterimage.era;
drop function afterimage.begin_era();
drop function afterimage.define_era(bigint);
create or replace function afterimage.current_era() returns bigint
language sql stable set search_path = pg_catalog, pg_temp
as $$ select max(era) from afterimage.era $$;
alter table afterimage.log
    add constraint log_action_check check (action in ('CREATE', 'UPDATE', 'DELETE', 'READ')),
    add constraint log_source_check check (source in ('TRIGGER', 'API', 'UNDO'));
