PRAGMA writable_schema = ON;
UPDATE main.sqlite_master SET sql = replace(replace(sql,
    'action = ''CREATE'' OR action = ''UPDATE'' OR action = ''DELETE'' OR action = ''READ''',
    'action IN (''CREATE'', ''UPDATE'', ''DELETE'', ''READ'')'),
    'source = ''TRIGGER'' OR source = ''API'' OR source = ''UNDO''',
    'source IN (''TRIGGER'', ''API'', ''UNDO'')')
 WHERE type = 'table' AND name = 'afterimage_log';
PRAGMA writable_schema = RESET;
-- Other connections read the schema again when its number has changed.
CREATE TABLE afterimage_checked (one);
DROP TABLE afterimage_checked;
