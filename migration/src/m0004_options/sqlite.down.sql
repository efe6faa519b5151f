ALTER TABLE afterimage_tracked_table DROP COLUMN requires_user;
ALTER TABLE afterimage_tracked_table DROP COLUMN paused_since;
ALTER TABLE afterimage_tracked_table DROP COLUMN whole_at;
