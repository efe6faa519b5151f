SELECT k.conname::text AS name,
       n.nspname::text AS schema,
       c.relname::text AS child,
       pg_catalog.format('%I.%I', n.nspname, c.relname) AS sql_name,
       k.confdeltype::text AS on_delete,
       k.confupdtype IN ('c', 'n', 'd') AS on_update_writes,
       -- Since PostgreSQL 15, SET NULL and SET DEFAULT may name some of the columns.
       ARRAY(SELECT a.attname::text
               FROM pg_catalog.jsonb_array_elements_text(
                        pg_catalog.jsonb_path_query_array(pg_catalog.to_jsonb(k), 'strict $.confdelsetcols[*]', '{}', true)
                    ) AS number
               JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = number::int) AS set_columns,
       ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY key (number, place)
               JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = key.number
              ORDER BY key.place) AS child_columns,
       ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY key (number, place)
               JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = key.number
              ORDER BY key.place) AS parent_columns
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE k.contype = 'f' AND k.confrelid = $1::oid AND k.conparentid = 0
 ORDER BY n.nspname, c.relname, k.conname
