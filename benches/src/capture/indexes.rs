//! What each index of the log costs, and which query needs it.

use sqlx::Row as _;

use super::systems::System;
use super::trial::{TRIAL, prepare};
use super::workloads::Workload;
use crate::pgbench::{self, Amount, Load};
use crate::report::{Report, brief};
use crate::size::scaled;
use crate::world::{World, run};

/// Why an index is there.
const REASONS: [(&str, &str); 7] = [
    ("log_pkey", "`auditLog(id)`, and whatever refers to an entry"),
    ("log_timestamp", "`auditLogs`: pages of everything, by dates, and the filters that none of the others serves"),
    ("log_user", "`auditLogs(filter: {userId})`: a user's pages and dates"),
    ("log_object", "`objectHistory`, `objectAt`, `blame`, `undo`; whether a deletion still stands"),
    ("log_deletion", "`auditLogs(filter: {action: DELETE})`; `trash`, until it is kept beside the log"),
    ("log_tx", "`auditLogAdded`: what has been committed since; `transactionId`"),
    ("log_correlation", "`auditLogs(filter: {correlationId})`"),
];

/// Does each kind of work once with our triggers on, and looks at what the indexes have grown by.
pub async fn measure(report: &mut Report, world: &World, ours: &System) {
    println!("  the indexes of the log");
    let mut sizes: Vec<(String, Vec<String>)> = Vec::new();
    let transactions = scaled(10_000);
    for workload in Workload::SINGLE {
        let mut connection = prepare(world, ours).await;
        let script = workload.script(ours);
        let amount = Amount::Transactions(transactions);
        pgbench::run(world, &world.url_of(TRIAL), &Load { script: &script, clients: 2, amount, protocol: "simple" });
        run(&mut connection, "set enable_seqscan = on").await;
        let found = sqlx::query(
            "select c.relname::text, pg_relation_size(c.oid)::float8, obj_description(c.oid, 'pg_class')
               from pg_index i join pg_class c on c.oid = i.indexrelid
              where i.indrelid = 'afterimage.log'::regclass order by c.relname",
        );
        for row in found.fetch_all(&mut connection).await.expect("the catalogue answers") {
            let (name, bytes): (String, f64) = (row.get(0), row.get(1));
            // A page or two are there before the first entry.
            let bytes = if bytes <= 16_384.0 { 0.0 } else { bytes / (2 * transactions) as f64 };
            let cell = report.cell(format!("{name}: {}", workload.name()), "bytes an entry", vec![bytes]);
            let at = sizes.iter().position(|(other, _)| *other == name).unwrap_or_else(|| {
                sizes.push((name.clone(), vec![reason(&name, row.get(2))]));
                sizes.len() - 1
            });
            sizes[at].1.push(cell);
        }
    }
    let rows = sizes.into_iter().map(|(name, mut cells)| {
        let reason = cells.remove(0);
        [vec![format!("`{name}`")], cells, vec![reason]].concat()
    });
    let head = ["index of the log", "UPDATE", "INSERT", "DELETE", "what needs it"];
    let title = format!("Bytes of index for each of {} entries", brief((2 * transactions) as f64));
    report.grid(title, &head, rows.collect());
}

fn reason(name: &str, comment: Option<String>) -> String {
    let known = REASONS.iter().find(|(known, _)| *known == name).map(|(_, reason)| (*reason).to_owned());
    known.or(comment).unwrap_or_else(|| String::from("(not known to the benchmark)"))
}
