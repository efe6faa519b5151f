alter table afterimage.tracked_table
    add column requires_user boolean not null default false,
    add column paused_since timestamptz,
    add column whole_at timestamptz;
comment on column afterimage.tracked_table.whole_at is
    'When the triggers were last known to be what they should be: from then on a gap may have begun.';
