//! As many columns as PostgreSQL takes, and values far larger than a page.

use super::{entries, health_of, tracked};

fn table(columns: usize, kind: &str) -> String {
    let columns: Vec<String> = (1..=columns).map(|n| format!("c{n} {kind}")).collect();
    format!("create table t (id int primary key, {})", columns.join(", "))
}

#[tokio::test]
async fn a_table_of_1600_columns_is_recorded() {
    for (columns, alter) in [(1599, ""), (1598, "alter table t add c1599 int")] {
        let (world, api) = tracked(&table(columns, "int"), &["t"]).await;
        world.sql(alter).await;
        world.sql("insert into t (id, c1599) values (1, 7); update t set c800 = 1, c1599 = 2; delete from t").await;
        let found = entries(&world).await;
        assert!(found[0].ends_with(r#""c1598":null,"c1599":7}"#), "{}", &found[0][found[0].len() - 100..]);
        assert_eq!(found[1], r#"UPDATE t 1 {"c800":null,"c1599":7} {"c800":1,"c1599":2}"#);
        assert!(found[2].starts_with(r#"DELETE t 1 {"id":1,"c1":null"#) && found[2].contains(r#""c800":1"#));
        assert_eq!(health_of(&api, "t").await, if alter.is_empty() { "OK" } else { "OUTDATED" });
    }
}

#[tokio::test]
async fn a_row_of_500_changed_columns_is_recorded() {
    for alter in ["", "alter table t add more int"] {
        let (world, _api) = tracked(&table(500, "text"), &["t"]).await;
        world.sql(alter).await;
        let set: Vec<String> = (1..=500).map(|n| format!("c{n} = 'v{n}'")).collect();
        world.sql(&format!("insert into t (id) values (1); update t set {}", set.join(", "))).await;
        let expected: Vec<String> = (1..=500).map(|n| format!(r#""c{n}":"v{n}""#)).collect();
        assert!(entries(&world).await[1].ends_with(&format!("{{{}}}", expected.join(","))), "{alter}");
    }
}

#[tokio::test]
async fn values_of_50_megabytes_are_recorded() {
    let (world, _api) = tracked("create table t (id int primary key, a text, b bytea)", &["t"]).await;
    world
        .sql(
            "insert into t values (1, repeat('ä\"', 17000000), decode(repeat('00ff', 12500000), 'hex')); \
             update t set a = 'small', b = null",
        )
        .await;
    let sizes = "select string_agg(concat_ws(' ', action, octet_length(coalesce(new_values, old_values) ->> 'a'), \
        length(coalesce(new_values, old_values) ->> 'b'), octet_length(old_values ->> 'a')), ',' order by id) \
        from afterimage.log where table_name = 't'";
    assert_eq!(world.scalar(sizes).await, "CREATE 51000000 50000002,UPDATE 5 51000000");
    assert_eq!(
        world.scalar("select old_values ->> 'b' = '\\x' || repeat('00ff', 12500000) from afterimage.log where action = 'UPDATE'").await,
        "t"
    );
}
