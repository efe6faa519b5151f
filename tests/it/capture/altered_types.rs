//! What is recorded of an altered table is written as it would be if the table had been tracked again.

use super::entries;
use crate::support::{Api, Kind, World};
use crate::undo::types::{POSTGRES, SETUP, STRANGE};

#[tokio::test]
async fn every_type_is_written_as_ever() {
    let world = World::new(Kind::Postgres).await;
    let api = Api::start(&world).await;
    world.sql(SETUP).await;
    for (number, (kind, values)) in POSTGRES.iter().enumerate() {
        let (known, altered) = (format!("t{number}"), format!("a{number}"));
        let filler = if *kind == "must" { "'filler'" } else { "null" };
        world
            .sql(&format!(
                "create table {known} (id int primary key, v {kind}); create table {altered} (id int primary key)"
            ))
            .await;
        api.track(&known).await;
        api.track(&altered).await;
        // A domain that takes no null cannot be added to rows: there are none yet.
        world.sql(&format!("alter table {altered} add v {kind}")).await;
        let tuples: Vec<String> = values.iter().enumerate().map(|(id, value)| format!("({id}, {value})")).collect();
        for table in [&known, &altered] {
            world
                .sql(&format!(
                    "{STRANGE} insert into {table} values {}; update {table} set v = {filler}; delete from {table}",
                    tuples.join(", ")
                ))
                .await;
        }
        let written = entries(&world).await;
        let of = |table: &str| -> Vec<String> {
            let of_table = written.iter().filter(|entry| entry.split(' ').nth(1) == Some(table));
            of_table.map(|entry| entry.replacen(table, "", 1)).collect()
        };
        assert_eq!(of(&known).len(), 3 * values.len(), "{kind}");
        assert_eq!(of(&altered), of(&known), "{kind}");
    }
}
