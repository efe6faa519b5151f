//! What is asked of the log is found by the index that is there for it.

use afterimage::audit::{Filter, PageRequest};
use afterimage::store::{self, Folded, Part, Selection, TimeBucket};
use sea_orm::{ConnectionTrait as _, Statement};

use crate::support::{Api, Kind, World, both};

both! {
    async fn objects_are_found_by_their_index(world: World) {
        let api = Api::start(&world).await;
        let (many, analyze) = numbers(&world);
        world.sql(&format!(
            "insert into {} (action, table_name, record_id) \
             select case when i % 10 = 0 then 'DELETE' else 'UPDATE' end, 't', i % 5000 from {many}", world.log())).await;
        world.sql(analyze).await;
        let database = &api.server.services.database;
        let index = if world.kind == Kind::Postgres { "log_object" } else { "afterimage_log_object" };
        let object = Filter::object("t".into(), "77".into());
        let request = page(None);
        let mut selections = vec![Selection::of(object.clone())];
        selections.push(Selection::of_trash(object));
        selections.push(Selection::of_trash(Filter::everything()));
        for selection in &selections {
            let statement = store::page_statement(database, selection, &request).await.expect("a statement");
            let plan = plan(&world, database, statement).await;
            assert!(plan.contains(index), "{selection:?}:\n{plan}");
        }
        let backend = database.reader.get_database_backend();
        let latest = store::latest_statement(database, store::about(database.dialect, "t", &["77"]));
        assert_eq!(latest.db_backend, backend);
        let plan = plan(&world, database, latest).await;
        assert!(plan.contains(index), "{plan}");
    }

    async fn any_page_of_an_objects_history_is_read_in_the_order_of_its_index(world: World) {
        let api = Api::start(&world).await;
        let (many, analyze) = numbers(&world);
        world.sql(&format!(
            "insert into {} (action, table_name, record_id) \
             select 'UPDATE', 't', case when i % 100 = 0 then 'hot' else cast(i as text) end from {many}", world.log())).await;
        world.sql(analyze).await;
        let index = if world.kind == Kind::Postgres { "log_object" } else { "afterimage_log_object" };
        let selection = Selection::of_object("t".into(), "hot".into(), Filter::everything());
        assert_read_in_order(&world, &api, &selection, index).await;
    }

    async fn a_page_of_several_ranges_of_time_is_found_by_the_index_of_times(world: World) {
        let api = Api::start(&world).await;
        let (many, analyze) = numbers(&world);
        let instant = minutes(&world);
        world.sql(&format!(
            "insert into {} (action, table_name, \"timestamp\") select 'READ', 't', {instant} from {many}", world.log())).await;
        world.sql(analyze).await;
        let database = &api.server.services.database;
        let at = |text: &str| text.parse().expect("an instant");
        let range = |from: &str, to: &str| Filter::All(vec![Filter::Start(at(from)), Filter::End(at(to))]);
        let ranges = Filter::Any(vec![
            range("2026-01-05T10:00:00Z", "2026-01-05T10:10:00Z"),
            range("2026-01-05T09:00:00Z", "2026-01-05T09:10:00Z"),
        ]);
        let selection = Selection::of(ranges);
        assert_eq!(store::count(database, &selection).await.expect("a count"), 20);
        let page = store::page_statement(database, &selection, &page(None)).await.expect("a statement");
        // The condition of an index's scan, on both ends.
        let bounded = if world.kind == Kind::Postgres { r#"Index Cond: (("timestamp" >= "# } else { "(timestamp>? AND timestamp<?)" };
        let plan = plan(&world, database, page).await;
        assert!(plan.contains("log_timestamp") && plan.contains(bounded), "{plan}");
    }

    async fn few_of_many_are_found_by_their_index(world: World) {
        let api = Api::start(&world).await;
        let (many, analyze) = numbers(&world);
        world.sql(&format!(
            "insert into {} (action, table_name, record_id, user_id, correlation_id) \
             select 'UPDATE', case when i % 1000 = 0 then 'rare' else 't' end, i % 5000, \
                    case when i % 2 = 0 then 'user ' || (i % 200) end, 'request ' || (i / 4) from {many}", world.log())).await;
        world.sql(analyze).await;
        let one = |text: &str| vec![text.to_owned()];
        for (filter, index, found) in [
            (Filter::Correlation(one("request 77")), "log_correlation", 4),
            (Filter::Table(one("rare")), "log_object", 20),
            (Filter::User(one("user 42")), "log_user", 50),
        ] {
            let selection = Selection::of(filter);
            let database = &api.server.services.database;
            let (entries, _) = store::page(database, &selection, &page(None)).await.expect("entries");
            assert_eq!(entries.len(), found, "{selection:?}");
            let statement = store::page_statement(database, &selection, &page(None)).await.expect("a statement");
            let plan = plan(&world, database, statement).await;
            assert!(plan.contains(index), "{selection:?}:\n{plan}");
        }
    }

    async fn a_page_of_a_table_with_most_of_the_entries_is_not_sorted(world: World) {
        let api = Api::start(&world).await;
        let (many, analyze) = numbers(&world);
        world.sql(&format!(
            "insert into {} (action, table_name, record_id) \
             select 'UPDATE', case when i % 10 = 0 then 'few' else 'most' end, i from {many}", world.log())).await;
        world.sql(analyze).await;
        let database = &api.server.services.database;
        // The server may be at it too.
        while !matches!(store::fold(database).await.expect("a fold"), Folded::Everything | Folded::Nothing) {}
        let index = if world.kind == Kind::Postgres { "log_timestamp" } else { "afterimage_log_timestamp" };
        assert_read_in_order(&world, &api, &Selection::of(Filter::Table(vec!["most".to_owned()])), index).await;
    }

    async fn any_page_of_a_users_entries_is_read_in_the_order_of_its_index(world: World) {
        let api = Api::start(&world).await;
        let (many, analyze) = numbers(&world);
        world.sql(&format!(
            "insert into {} (action, table_name, record_id, user_id) \
             select 'UPDATE', 't', i, 'user ' || (i % 10) from {many}", world.log())).await;
        world.sql(analyze).await;
        let index = if world.kind == Kind::Postgres { "log_user" } else { "afterimage_log_user" };
        let selection = Selection::of(Filter::User(vec!["user 7".to_owned()]));
        assert_read_in_order(&world, &api, &selection, index).await;

        // What is skipped is walked in the index alone.
        if world.kind == Kind::Postgres {
            // A commit that has not reached the disk yet is not known to be seen by everybody.
            world.sql("checkpoint").await;
            world.sql("vacuum afterimage.log").await;
        }
        let far = PageRequest::new(Some(50), None, None, None, Some(1_000)).expect("a page");
        let database = &api.server.services.database;
        let statement = store::page_statement(database, &selection, &far).await.expect("a statement");
        let plan = plan(&world, database, statement).await;
        let alone = if world.kind == Kind::Postgres { "Index Only Scan" } else { "USING COVERING INDEX" };
        assert!(plan.lines().any(|line| line.contains(alone) && line.contains(index)), "{plan}");
    }
}

/// How the database goes about a statement.
async fn plan(world: &World, database: &store::Database, statement: Statement) -> String {
    let explain = if world.kind == Kind::Postgres { "EXPLAIN" } else { "EXPLAIN QUERY PLAN" };
    let asked = Statement { sql: format!("{explain} {}", statement.sql), ..statement };
    let rows = database.reader.query_all_raw(asked).await.expect("a plan");
    let column = if world.kind == Kind::Postgres { 0 } else { 3 };
    let lines: Vec<String> = rows.iter().map(|row| row.try_get_by_index(column).expect("a line")).collect();
    lines.join("\n")
}

/// SQLite reads it once for each part: it has no grouping sets.
#[tokio::test]
async fn a_summary_reads_the_log_once_on_postgresql() {
    let world = World::new(Kind::Postgres).await;
    let api = Api::start(&world).await;
    let database = &api.server.services.database;
    let filter = Filter::Table(vec!["t".to_owned()]).and(Filter::User(vec!["1".to_owned()]));
    let parts = [Part::Total, Part::ByTable(9), Part::ByUser(9), Part::ByAction, Part::Timeline(TimeBucket::Day)];
    let statement = store::summary_statement(database, &filter, &parts).await.expect("a statement");
    let plan = plan(&world, database, statement).await;
    // The names of users are looked up.
    let scan = |line: &&str| line.contains("Scan") && line.contains(" on log") && !line.contains(" named");
    assert_eq!(plan.lines().filter(scan).count(), 1, "{plan}");
}

/// The numbers from 1 to 20,000 as `i`, and what has the database look at how they are spread.
fn numbers(world: &World) -> (&'static str, &'static str) {
    match world.kind {
        Kind::Postgres => ("generate_series(1, 20000) as s(i)", "analyze afterimage.log"),
        Kind::Sqlite => (
            "(with recursive s(i) as (select 1 union all select i + 1 from s where i < 20000) select i from s)",
            "analyze",
        ),
    }
}

/// The instant that lies `i` minutes after the year's beginning.
fn minutes(world: &World) -> &'static str {
    match world.kind {
        Kind::Postgres => "timestamptz '2026-01-01 00:00:00Z' + i * interval '1 minute'",
        Kind::Sqlite => "strftime('%Y-%m-%dT%H:%M:%fZ', '2026-01-01', '+' || i || ' minutes')",
    }
}

fn page(after: Option<&str>) -> PageRequest {
    PageRequest::new(Some(50), after, None, None, None).expect("a page")
}

/// The first page, and those behind and before an entry that lies pages deep: each without sorting.
async fn assert_read_in_order(world: &World, api: &Api, selection: &Selection, index: &str) {
    let database = &api.server.services.database;
    let deep = PageRequest::new(Some(1), None, None, None, Some(150)).expect("a page");
    let (entries, _) = store::page(database, selection, &deep).await.expect("entries");
    let cursor = afterimage::audit::Position::of(&entries[0]).to_cursor();
    let before = PageRequest::new(None, None, Some(50), Some(&cursor), None).expect("a page");
    for request in &[page(None), page(Some(&cursor)), before] {
        let statement = store::page_statement(database, selection, request).await.expect("a statement");
        let plan = plan(world, database, statement).await;
        assert!(plan.contains(index), "{request:?}:\n{plan}");
        assert!(!plan.contains("Sort") && !plan.contains("TEMP B-TREE"), "{request:?}:\n{plan}");
    }
}
