DROP TABLE afterimage_stash;
DROP TABLE afterimage_server_undo;
DROP TABLE afterimage_server_context;
DROP TABLE afterimage_context;
DROP TABLE afterimage_nothing;
DROP TABLE afterimage_tracked_table;
DROP TABLE afterimage_log;
