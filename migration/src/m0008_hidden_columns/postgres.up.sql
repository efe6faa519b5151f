alter table afterimage.tracked_table add column hidden_numbers json not null default '{}';
comment on column afterimage.tracked_table.hidden_numbers is
    'The numbers of the redacted and ignored columns in pg_attribute, by their names when the table was last tracked.';

do $$
declare
    tracked record;
    numbers json;
begin
    for tracked in select * from afterimage.tracked_table where relation is not null loop
        begin
            -- The functions were made when the table was tracked, and know the numbers from then. Where somebody has
            -- renamed columns since, the names would lead to others.
            select json_object_agg(known.name, known.number::int) into numbers
              from pg_catalog.pg_proc p,
                   unnest(array['redacted', 'ignored']) as list,
                   json_each_text(substring(p.prosrc from format('"%s":([{][^}]*[}])', list))::json) as known (name, number)
             where p.pronamespace = 'afterimage'::regnamespace
               and p.proname = format('capture_%s_update', tracked.relation);
        exception when others then
            -- A name that JSON or the quotes around it have changed.
            numbers := null;
        end;
        if numbers is null then
            select json_object_agg(a.attname, a.attnum) into numbers
              from pg_catalog.pg_attribute a
             where a.attrelid = tracked.relation::oid and a.attnum > 0 and not a.attisdropped
               and a.attname::text in (select json_array_elements_text(tracked.redacted_columns)
                                       union all select json_array_elements_text(tracked.ignored_columns));
        end if;
        update afterimage.tracked_table set hidden_numbers = coalesce(numbers, '{}')
         where table_name = tracked.table_name;
    end loop;
end $$;
