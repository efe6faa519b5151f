-- Always empty: SQLite has no numbers that would outlast a rebuild of the table.
ALTER TABLE afterimage_tracked_table ADD COLUMN hidden_numbers TEXT NOT NULL DEFAULT '{}';
