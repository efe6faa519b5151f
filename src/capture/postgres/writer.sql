-- What an undo does to the rows of one owner's tables, with that owner's rights: the triggers of the tables fire in it,
-- and whatever they are made to do, they may do no more than the owner may. It takes rows and no SQL, or else whoever
-- may call it could do as the owner whatever the owner may; and it does nothing that the caller could not do himself.
--
-- `statements` are arrays of parts; the parts of one array go in one statement, and an empty one lets deferred
-- constraints and constraint triggers have their say. A part: `action`, INSERT, UPDATE or
-- DELETE; `table`, the table's oid; `columns`, those that are written; `documents`, whether each is a JSON document;
-- `rows`, each `id`, its record id, `k0`, `k1`, …, the parts of its key as texts, and `v0`, `v1`, …, the values of the
-- columns as images write them, but documents as texts. The answer: how many rows each part met.
DECLARE
  together json;
  part json;
  target record;
  number int;
  sources json[];
  key_definitions text;
  at_key text;
  id text;
  definitions text;
  columns text;
  expressions text;
  source text;
  parts text[];
  counts bigint[] := '{}';
  written bigint[];
  count bigint;
BEGIN
  FOR together IN SELECT value FROM json_array_elements(statements) LOOP
    parts := '{}';
    sources := '{}';
    FOR part, number IN SELECT value, ordinality FROM json_array_elements(together) WITH ORDINALITY LOOP
      -- Only a tracked table of this owner's, and only what the caller may do himself.
      SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name,
             CASE WHEN c.relkind = 'p' THEN '' ELSE 'ONLY ' END AS own
        INTO target
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_roles r ON r.oid = c.relowner AND r.rolname = current_user
       WHERE c.oid = (part ->> 'table')::oid
         AND EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
                      JOIN pg_namespace f ON f.oid = p.pronamespace
                      WHERE t.tgrelid = c.oid AND t.tgname = '!afterimage_update' AND f.nspname = 'afterimage');
      IF NOT FOUND THEN
        RAISE EXCEPTION 'permission denied for table %: it is not tracked, or not of %', part ->> 'table', current_user
          USING ERRCODE = 'insufficient_privilege';
      ELSIF NOT has_table_privilege(session_user, target.oid, part ->> 'action') THEN
        RAISE EXCEPTION 'permission denied for table %', target.name USING ERRCODE = 'insufficient_privilege';
      END IF;

      -- The row: by the key's own type and operator, so that its index serves, and by the id's text, byte for
      -- byte whatever the collation of the key's column.
      SELECT string_agg(format('k%s text', k.place - 1), ', '),
             string_agg(format('t.%I OPERATOR(%I.%s) source.k%s::%s', a.attname, n.nspname, o.oprname, k.place - 1,
                               format_type(a.atttypid, a.atttypmod)), ' AND ' ORDER BY k.place),
             CASE WHEN count(*) = 1
                  THEN format('pg_catalog.concat(t.%I) COLLATE pg_catalog."default"', min(a.attname::text))
                  ELSE format('pg_catalog.concat(''['', %s, '']'')',
                              string_agg(format('pg_catalog.to_json(pg_catalog.concat(t.%I))', a.attname),
                                         ', '','', ' ORDER BY k.place))
             END
        INTO key_definitions, at_key, id
        FROM pg_index i,
             ROWS FROM (unnest(i.indkey::int2[]), unnest(i.indclass::oid[])) WITH ORDINALITY AS k (number, class, place)
        JOIN pg_attribute a ON a.attrelid = target.oid AND a.attnum = k.number
        JOIN pg_opclass c ON c.oid = k.class
        JOIN pg_amop m ON m.amopfamily = c.opcfamily AND m.amopstrategy = 3
                      AND m.amoplefttype = c.opcintype AND m.amoprighttype = c.opcintype
        JOIN pg_operator o ON o.oid = m.amopopr
        JOIN pg_namespace n ON n.oid = o.oprnamespace
       WHERE i.indrelid = target.oid AND i.indisprimary AND k.place <= i.indnkeyatts;
      at_key := format('%s AND %s OPERATOR(pg_catalog.=) source.id', at_key, id);

      SELECT string_agg(format('v%s %s', v.place - 1, CASE WHEN v.document THEN 'text' ELSE v.type END), ', '),
             string_agg(format('%I', v.name), ', ' ORDER BY v.place),
             string_agg(format(CASE WHEN v.document THEN 'source.v%s::%s' ELSE 'source.v%s' END, v.place - 1, v.type),
                        ', ' ORDER BY v.place)
        INTO definitions, columns, expressions
        FROM (SELECT v.place, v.name, v.document::boolean, format_type(a.atttypid, a.atttypmod) AS type
                FROM ROWS FROM (json_array_elements_text(part -> 'columns'), json_array_elements_text(part -> 'documents'))
                     WITH ORDINALITY AS v (name, document, place)
                JOIN pg_attribute a ON a.attrelid = target.oid AND a.attname = v.name AND a.attnum > 0) v;
      sources := sources || (part -> 'rows');
      source := format('pg_catalog.json_to_recordset($1[%s]) AS source(%s)', number,
                       concat_ws(', ', 'id text', key_definitions, definitions));

      parts := parts || CASE part ->> 'action'
        WHEN 'INSERT' THEN format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %s', target.name, columns,
                                  expressions, source)
        WHEN 'UPDATE' THEN format('UPDATE %s%s AS t SET (%s) = ROW(%s) FROM %s WHERE %s', target.own, target.name,
                                  columns, expressions, source, at_key)
        WHEN 'DELETE' THEN format('DELETE FROM %s%s AS t USING %s WHERE %s', target.own, target.name, source, at_key)
      END;
    END LOOP;

    -- The triggers of the tables find what they find when the owner writes.
    PERFORM set_config('search_path', {search_path}, true);
    IF cardinality(parts) = 0 THEN
      SET CONSTRAINTS ALL IMMEDIATE;
    ELSIF cardinality(parts) = 1 THEN
      EXECUTE parts[1] USING sources;
      GET DIAGNOSTICS count = ROW_COUNT;
      counts := counts || count;
    ELSE
      -- Rows that refer to each other in a circle: foreign keys are looked at when the statement ends.
      SELECT format('WITH %s SELECT ARRAY[%s]',
                    string_agg(format('s%s AS (%s RETURNING 1)', p.number, p.part), ', ' ORDER BY p.number),
                    string_agg(format('(SELECT pg_catalog.count(*) FROM s%s)', p.number), ', ' ORDER BY p.number))
        INTO source FROM unnest(parts) WITH ORDINALITY AS p (part, number);
      EXECUTE source INTO written USING sources;
      counts := counts || written;
    END IF;
    PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);
  END LOOP;
  RETURN counts;
END
