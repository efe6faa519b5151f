create or replace function afterimage.value(form text, name text, of_row text) returns text
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

drop function afterimage.marked(json, text[], jsonb[]);
drop trigger keep_reversals on afterimage.server_context;
drop function afterimage.keep_reversals();
create index log_undo_of on afterimage.log (undo_of) where undo_of is not null;
drop table afterimage.reversal;
create unique index log_idempotency on afterimage.log (recorded_by, idempotency_key) where idempotency_key is not null;
drop table afterimage.recorded_key;
