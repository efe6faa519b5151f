ALTER TABLE afterimage_tracked_table ADD COLUMN requires_user BOOLEAN NOT NULL DEFAULT 0;
ALTER TABLE afterimage_tracked_table ADD COLUMN paused_since TEXT;
-- When the triggers were last known to be what they should be: from then on a gap may have begun.
ALTER TABLE afterimage_tracked_table ADD COLUMN whole_at TEXT;
