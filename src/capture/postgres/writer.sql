-- What an undo does to the rows of one owner's tables, with that owner's rights: the triggers of the tables fire in it,
-- and whatever they are made to do, they may do no more than the owner may. It takes steps and no SQL, or else whoever
-- may call it could do as the owner whatever the owner may; and it does nothing that the caller could not do himself.
--
-- `statements` are arrays of steps; the steps of one array go in one statement. A step: `action`, INSERT, UPDATE or
-- DELETE; `table`, the table's oid; `key`, the parts of the row's key as texts, and `id`, its record id; `record`, columns
-- to values as images write them; `documents`, columns of JSON documents to their texts. The answer: how many rows each
-- step met.
DECLARE
  together json;
  step json;
  target record;
  number int;
  records json[];
  texts text[];
  at_key text;
  id text;
  columns text[];
  expressions text[];
  definitions text;
  source text;
  parts text[];
  counts bigint[] := '{}';
  written bigint[];
  count bigint;
BEGIN
  FOR together IN SELECT value FROM json_array_elements(statements) LOOP
    parts := '{}';
    records := '{}';
    texts := '{}';
    FOR step, number IN SELECT value, ordinality FROM json_array_elements(together) WITH ORDINALITY LOOP
      -- Only a tracked table of this owner's, and only where the caller may do it himself.
      SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name,
             CASE WHEN c.relkind = 'p' THEN '' ELSE 'ONLY ' END AS own
        INTO target
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_roles r ON r.oid = c.relowner AND r.rolname = current_user
       WHERE c.oid = (step ->> 'table')::oid
         AND EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
                      JOIN pg_namespace f ON f.oid = p.pronamespace
                      WHERE t.tgrelid = c.oid AND t.tgname = '!afterimage_update' AND f.nspname = 'afterimage');
      IF NOT FOUND THEN
        RAISE EXCEPTION 'permission denied for table %: it is not tracked, or not of %', step ->> 'table', current_user
          USING ERRCODE = 'insufficient_privilege';
      ELSIF NOT has_table_privilege(session_user, target.oid, step ->> 'action') THEN
        RAISE EXCEPTION 'permission denied for table %', target.name USING ERRCODE = 'insufficient_privilege';
      END IF;

      -- The row: by the key's own type and operator, so that its index serves, and by the id's text.
      SELECT string_agg(format('t.%I OPERATOR(%I.%s) $2[%s]::%s', a.attname, n.nspname, o.oprname,
                               cardinality(texts) + k.place, format_type(a.atttypid, a.atttypmod)),
                        ' AND ' ORDER BY k.place),
             CASE WHEN count(*) = 1
                  THEN format('pg_catalog.concat(t.%I)', min(a.attname::text))
                  ELSE format('pg_catalog.concat(''['', %s, '']'')',
                              string_agg(format('pg_catalog.to_json(pg_catalog.concat(t.%I))', a.attname),
                                         ', '','', ' ORDER BY k.place))
             END
        INTO at_key, id
        FROM pg_index i,
             ROWS FROM (unnest(i.indkey::int2[]), unnest(i.indclass::oid[])) WITH ORDINALITY AS k (attnum, class, place)
        JOIN pg_attribute a ON a.attrelid = target.oid AND a.attnum = k.attnum
        JOIN pg_opclass c ON c.oid = k.class
        JOIN pg_amop m ON m.amopfamily = c.opcfamily AND m.amopstrategy = 3
                      AND m.amoplefttype = c.opcintype AND m.amoprighttype = c.opcintype
        JOIN pg_operator o ON o.oid = m.amopopr
        JOIN pg_namespace n ON n.oid = o.oprnamespace
       WHERE i.indrelid = target.oid AND i.indisprimary AND k.place <= i.indnkeyatts;
      texts := texts || ARRAY(SELECT json_array_elements_text(step -> 'key'));
      texts := texts || (step ->> 'id');
      at_key := format('%s AND %s OPERATOR(pg_catalog.=) $2[%s]', at_key, id, cardinality(texts));

      -- The values: what JSON holds exactly as a record, documents as their own text.
      records := records || (step -> 'record');
      SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY v.place),
             array_agg(format('%I', a.attname) ORDER BY v.place),
             array_agg(format('source.%I', a.attname) ORDER BY v.place)
        INTO definitions, columns, expressions
        FROM json_object_keys(step -> 'record') WITH ORDINALITY AS v (name, place)
        JOIN pg_attribute a ON a.attrelid = target.oid AND a.attname = v.name AND a.attnum > 0;
      SELECT coalesce(columns, '{}') || array_agg(format('%I', a.attname) ORDER BY v.place),
             coalesce(expressions, '{}')
               || array_agg(format('$2[%s]::%s', cardinality(texts) + v.place, format_type(a.atttypid, a.atttypmod))
                            ORDER BY v.place)
        INTO columns, expressions
        FROM json_each_text(step -> 'documents') WITH ORDINALITY AS v (name, value, place)
        JOIN pg_attribute a ON a.attrelid = target.oid AND a.attname = v.name AND a.attnum > 0;
      texts := texts || ARRAY(SELECT value FROM json_each_text(step -> 'documents'));
      source := coalesce(format('pg_catalog.json_to_record($1[%s]) AS source(%s)', number, definitions),
                         '(SELECT) AS source');

      parts := parts || CASE step ->> 'action'
        WHEN 'INSERT' THEN format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %s', target.name,
                                  array_to_string(columns, ', '), array_to_string(expressions, ', '), source)
        WHEN 'UPDATE' THEN format('UPDATE %s%s AS t SET (%s) = ROW(%s) FROM %s WHERE %s', target.own, target.name,
                                  array_to_string(columns, ', '), array_to_string(expressions, ', '), source, at_key)
        WHEN 'DELETE' THEN format('DELETE FROM %s%s AS t WHERE %s', target.own, target.name, at_key)
      END;
    END LOOP;

    -- The triggers of the tables find what they find when the owner writes.
    PERFORM set_config('search_path', {search_path}, true);
    IF cardinality(parts) = 1 THEN
      EXECUTE parts[1] USING records, texts;
      GET DIAGNOSTICS count = ROW_COUNT;
      counts := counts || count;
    ELSE
      -- In one statement: rows that refer to each other in a circle, whose keys are looked at when it ends.
      SELECT format('WITH %s SELECT ARRAY[%s]',
               string_agg(format('s%s AS (%s RETURNING 1)', p.number, p.part), ', ' ORDER BY p.number),
               string_agg(format('(SELECT pg_catalog.count(*) FROM s%s)', p.number), ', ' ORDER BY p.number))
        INTO source FROM unnest(parts) WITH ORDINALITY AS p (part, number);
      EXECUTE source INTO written USING records, texts;
      counts := counts || written;
    END IF;
    PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);
  END LOOP;
  RETURN counts;
END
