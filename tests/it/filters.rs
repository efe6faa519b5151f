//! What each filter of `auditLogs` means. That SQL and memory agree on all of them is `filter_agreement`.

mod addresses;
mod dates;
mod fields;
mod limits;
mod lists;
mod logic;
mod search;
mod transactions;
