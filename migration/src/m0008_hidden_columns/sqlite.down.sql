ALTER TABLE afterimage_tracked_table DROP COLUMN hidden_numbers;
