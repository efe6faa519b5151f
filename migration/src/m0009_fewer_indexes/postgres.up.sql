-- Each statement that inserts opens every index of the log, and compiles the condition of a partial one anew: also where
-- the entry does not belong in it. The few entries that belonged in these two have tables of their own.
lock table afterimage.log in access exclusive mode;

-- Which entry a caller recorded under a key. Derived from the log, but for being what lets one of two win that record
-- under the same key at the same time.
create table afterimage.recorded_key (
    recorded_by text not null,
    idempotency_key text not null,
    id bigint not null,
    primary key (recorded_by, idempotency_key)
);
insert into afterimage.recorded_key (recorded_by, idempotency_key, id)
select recorded_by, idempotency_key, id from afterimage.log
 where recorded_by is not null and idempotency_key is not null;
drop index afterimage.log_idempotency;

-- Which entries undo an entry. Derived from the log, and written with it in one transaction.
create table afterimage.reversal (
    undo_of bigint not null,
    id bigint not null,
    primary key (undo_of, id)
);
insert into afterimage.reversal (undo_of, id)
select undo_of, id from afterimage.log where undo_of is not null;
drop index afterimage.log_undo_of;
