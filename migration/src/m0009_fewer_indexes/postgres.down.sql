create index log_undo_of on afterimage.log (undo_of) where undo_of is not null;
drop table afterimage.reversal;
create unique index log_idempotency on afterimage.log (recorded_by, idempotency_key) where idempotency_key is not null;
drop table afterimage.recorded_key;
