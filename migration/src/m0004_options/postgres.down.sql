alter table afterimage.tracked_table
    drop column requires_user,
    drop column paused_since,
    drop column whole_at;
