-- 16384 is the first object that a user can have made: below it, every type is PostgreSQL's own.
WITH RECURSIVE base (number, type) AS (
    SELECT a.attnum, a.atttypid FROM pg_catalog.pg_attribute a
     WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT b.number, t.typbasetype FROM base b
      JOIN pg_catalog.pg_type t ON t.oid = b.type AND t.typtype = 'd'
)
SELECT a.attname::text AS name,
       a.attnum::int AS number,
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS type_name,
       -- Quoted where the session quotes all identifiers.
       pg_catalog.btrim(pg_catalog.format_type(t.oid, NULL), '"') AS base,
       a.attgenerated <> '' AS generated,
       (SELECT pg_catalog.array_position((i.indkey::int2[])[0:i.indnkeyatts - 1], a.attnum)
          FROM pg_catalog.pg_index i WHERE i.indrelid = a.attrelid AND i.indisprimary)::int AS key,
       CASE
           WHEN t.typname = 'json' AND t.oid < 16384 THEN 'document'
           WHEN t.typname = 'jsonb' AND t.oid < 16384 THEN 'binary document'
           WHEN element.oid < 16384 AND element.typtype IN ('b', 'r', 'm')
                AND element.typname NOT IN ('json', 'jsonb') THEN 'array'
           WHEN element.oid IS NOT NULL THEN 'text'
           WHEN t.oid < 16384 AND t.typtype IN ('b', 'r', 'm') THEN 'json'
           ELSE 'text'
       END AS form
  FROM pg_catalog.pg_attribute a
  JOIN base b ON b.number = a.attnum
  JOIN pg_catalog.pg_type t ON t.oid = b.type AND t.typtype <> 'd'
  LEFT JOIN pg_catalog.pg_type element ON element.typarray = t.oid
 WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum
