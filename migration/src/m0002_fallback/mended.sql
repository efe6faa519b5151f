-- Functions of the first migration that were mended.

-- As before, save that a NUL is told by a literal that means the same whatever the session's
-- `standard_conforming_strings`, and that is no pattern: `u0000` is no NUL.
create or replace function afterimage.application_context(setting text) returns afterimage.author
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    context json;
    author afterimage.author;
    address text;
    rest json;
begin
    author.source := 'TRIGGER';
    begin
        if octet_length(setting) > 1000000 or strpos(setting, E'\\u0000') > 0 then
            raise exception using errcode = 'invalid_text_representation';
        end if;
        context := setting::json;
        if json_typeof(context) <> 'object' then
            raise exception using errcode = 'invalid_text_representation';
        end if;
        -- What is indexed must fit into an index's row, whatever characters it is made of.
        author.user_id := nullif(left(context ->> 'userId', 500), '');
        author.username := left(context ->> 'username', 1000);
        author.description := left(context ->> 'description', 4000);
        author.correlation_id := left(context ->> 'correlationId', 500);
        author.metadata := context -> 'metadata';
        address := context ->> 'ipAddress';
    exception when others then
        author := null;
        author.source := 'TRIGGER';
        author.metadata := json_build_object('malformedContext', left(setting, 4000));
        return author;
    end;
    if json_typeof(author.metadata) = 'null' then
        author.metadata := null;
    end if;
    if octet_length(author.metadata::text) > 16384 then
        author.metadata := json_build_object('truncated', true, 'text', left(author.metadata::text, 4000));
    end if;
    author.ip_address := afterimage.canonical_address(address);
    if address is not null and author.ip_address is null then
        rest := author.metadata;
        author.metadata := json_build_object('malformedIpAddress', left(address, 1000), 'metadata', rest);
    end if;
    return author;
end $$;

-- As before, save that a partition that was detached is no part of a tracked table any more.
create or replace function afterimage.refuse_truncate() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if tg_argv[0] = 'partition' and not (select c.relispartition from pg_class c where c.oid = tg_relid) then
        return null;
    end if;
    raise exception 'TRUNCATE of %.% is refused: the audit log tracks it and could not record the rows',
        tg_table_schema, tg_table_name
        using hint = 'Use DELETE, or untrack the table first.', errcode = 'feature_not_supported';
end $$;

-- A value as capture prints it, whatever the session's `search_path`: `regclass` and its like name their schemas.
create function afterimage.printed(value anyelement, as_text boolean) returns json
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    return case when as_text then to_json(concat(value)) else to_json(value) end;
end $$;

revoke execute on all functions in schema afterimage from public;
