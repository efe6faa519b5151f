-- Foreign tables cannot be tracked: they are here so that whoever tracks all is told.
SELECT n.nspname::text AS schema, c.relname::text AS name
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'f')
   AND NOT c.relispartition
   AND c.relpersistence <> 't'
   AND n.nspname NOT IN ('afterimage', 'information_schema')
   AND n.nspname NOT LIKE 'pg\_%'
   AND ($1::text IS NULL OR n.nspname = $1)
 ORDER BY 1, 2
