SELECT c.oid::bigint AS relation,
       c.relkind::text AS kind,
       c.relpersistence = 't' AS temporary,
       c.relowner::bigint AS owner,
       coalesce((SELECT pg_catalog.substr(setting, pg_catalog.length('search_path=') + 1)
                   FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) AS setting
                  WHERE s.setrole IN (c.relowner, 0)
                    AND s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database
                                               WHERE datname = pg_catalog.current_database()))
                    AND setting LIKE 'search\_path=%'
                  ORDER BY s.setrole DESC, s.setdatabase DESC LIMIT 1),
                '"$user", public') AS search_path,
       pg_catalog.format('%I.%I', n.nspname, c.relname) AS sql_name,
       CASE WHEN c.relispartition
            THEN (SELECT root::text FROM pg_catalog.pg_partition_root(c.oid) AS root) END AS root,
       -- Row triggers of others that fire after our statement triggers would, ...
       EXISTS (SELECT 1 FROM pg_catalog.pg_trigger t
                WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgname NOT LIKE '!afterimage\_%'
                  AND t.tgtype & 1 = 1 AND t.tgtype & (2 | 64) = 0)
       -- ... foreign keys that write into the rows that point here, ...
       OR EXISTS (SELECT 1 FROM pg_catalog.pg_constraint k
                   WHERE k.confrelid = c.oid AND k.contype = 'f'
                     AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd')))
       -- ... what a subscription applies, and partitions and inheritance.
       OR EXISTS (SELECT 1 FROM pg_catalog.pg_subscription_rel r WHERE r.srrelid = c.oid)
       OR c.relkind = 'p'
       OR EXISTS (SELECT 1 FROM pg_catalog.pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent)) AS row_level,
       EXISTS (SELECT 1 FROM pg_catalog.pg_subscription_rel r WHERE r.srrelid = c.oid)
       OR EXISTS (SELECT 1 FROM pg_catalog.pg_inherits i WHERE c.oid = i.inhrelid) AS passed_by,
       -- Triggers fire in the order of their names' bytes.
       EXISTS (SELECT 1 FROM pg_catalog.pg_trigger t
                WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgname NOT LIKE '!afterimage\_%'
                  AND t.tgtype & 1 = 1 AND t.tgtype & (2 | 64) = 0
                  AND t.tgname < '!afterimage') AS preceded,
       afterimage.shape(c.oid) AS shape,
       ARRAY(SELECT DISTINCT a.attname::text
               FROM pg_catalog.pg_partition_tree(c.oid) tree
               JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = tree.relid
               JOIN pg_catalog.pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = ANY (p.partattrs::int2[])
              ORDER BY 1) AS partition_keys,
       ARRAY(SELECT pg_catalog.format('%I.%I', pn.nspname, p.relname)
               FROM pg_catalog.pg_partition_tree(c.oid) tree
               JOIN pg_catalog.pg_class p ON p.oid = tree.relid
               JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
              WHERE tree.level > 0
              ORDER BY 1) AS partitions
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = $1 AND c.relname = $2
