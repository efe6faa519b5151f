-- What the application says of its transaction, as `afterimage.said`; a longer id is refused by the type itself, which costs
-- no change anything, and the context is then read by the function that cuts it. A type of its own: sessions that are
-- there have plans for the fields of the other one, and their writes would fail if those became something else.
create type afterimage.heard as (
    "userId" varchar(500),
    username text,
    description text,
    "ipAddress" text,
    "correlationId" varchar(500),
    metadata json
);

-- Whose the log is, his is this: another one may have run this.
do $$
declare
    owner constant name := (select pg_get_userbyid(c.relowner) from pg_class c where c.oid = 'afterimage.log'::regclass);
begin
    if owner <> current_user then
        execute format('alter type afterimage.heard owner to %I', owner);
    end if;
end $$;
