-- For `IN` a list of more than two, SQLite makes a table of the list for each row that a trigger writes: half of what an
-- entry costs. It has no statement that changes a check, and documents this way to do it; the rows stay as they are.
PRAGMA writable_schema = ON;
UPDATE main.sqlite_master SET sql = replace(replace(sql,
    'action IN (''CREATE'', ''UPDATE'', ''DELETE'', ''READ'')',
    'action = ''CREATE'' OR action = ''UPDATE'' OR action = ''DELETE'' OR action = ''READ'''),
    'source IN (''TRIGGER'', ''API'', ''UNDO'')',
    'source = ''TRIGGER'' OR source = ''API'' OR source = ''UNDO''')
 WHERE type = 'table' AND name = 'afterimage_log';
PRAGMA writable_schema = RESET;
-- Other connections read the schema again when its number has changed.
CREATE TABLE afterimage_checked (one);
DROP TABLE afterimage_checked;
