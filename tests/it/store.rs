//! A music store, changed at random through plain SQL and then undone entry by entry, the last first: every table is what
//! it was, byte for byte.

use afterimage::auth::Role;
use serde_json::json;

use crate::support::{Api, Kind, World, both};

const TABLES: &str = "\
    create table \"Artist\" (\"ArtistId\" integer primary key, \"Name\" varchar(120)); \
    create table \"Album\" (\"AlbumId\" integer primary key, \"Title\" text not null, \
        \"ArtistId\" integer not null references \"Artist\"); \
    create table \"Track\" (\"TrackId\" integer primary key, \"Name\" text not null, \
        \"AlbumId\" integer references \"Album\" on delete set null, \"UnitPrice\" numeric(10,2) not null, \"Length\" real); \
    create table \"Playlist\" (\"PlaylistId\" integer primary key, \"Name\" text unique); \
    create table \"PlaylistTrack\" (\"PlaylistId\" integer references \"Playlist\" on delete cascade on update cascade, \
        \"TrackId\" integer references \"Track\" on delete cascade on update cascade, primary key (\"PlaylistId\", \"TrackId\")); \
    create table \"Employee\" (\"EmployeeId\" integer primary key, \"Name\" text, \
        \"ReportsTo\" integer references \"Employee\" on delete set null on update cascade)";
const NAMES: [&str; 6] = ["Artist", "Album", "Track", "Playlist", "PlaylistTrack", "Employee"];
const CHANGES: usize = 250;

/// The same numbers each time: a failure can be run again.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn statement(&mut self) -> String {
        let (a, b, c) = (self.below(12), self.below(12), self.below(1000));
        match self.below(20) {
            0 | 1 => format!("insert into \"Artist\" values ({a}, 'artist ''{c}''')"),
            2 | 3 => format!("insert into \"Album\" values ({a}, 'title \"{c}\"', {b})"),
            4 | 5 => format!("insert into \"Track\" values ({a}, 'träck {c}', {b}, {c}.10, {c}.0 / 7)"),
            6 => format!("insert into \"Playlist\" values ({a}, 'list {c}')"),
            7 | 8 => format!(
                "insert into \"PlaylistTrack\" select {a}, \"TrackId\" from \"Track\" where \"TrackId\" % 3 = {}",
                c % 3
            ),
            9 => format!("insert into \"Employee\" values ({a}, null, (select min(\"EmployeeId\") from \"Employee\"))"),
            10 => format!(
                "update \"Track\" set \"UnitPrice\" = \"UnitPrice\" + 0.01, \"Length\" = null where \"TrackId\" > {a}"
            ),
            11 => format!("update \"Track\" set \"AlbumId\" = {b} where \"TrackId\" = {a}"),
            // Not where others would follow: what a cascade set is undone with its cause, and not by itself.
            12 => format!(
                "update \"Playlist\" set \"PlaylistId\" = {b} where \"PlaylistId\" = {a} \
                 and not exists (select 1 from \"PlaylistTrack\" as p where p.\"PlaylistId\" = {a})"
            ),
            13 => format!(
                "update \"Employee\" set \"EmployeeId\" = {}, \"Name\" = 'n{c}' where \"EmployeeId\" = {a} \
                 and not exists (select 1 from \"Employee\" as e where e.\"ReportsTo\" = {a})",
                b + 20
            ),
            14 => format!("update \"Employee\" set \"ReportsTo\" = {b} where \"EmployeeId\" <> {a}"),
            15 => format!("delete from \"Playlist\" where \"PlaylistId\" = {a}"),
            16 => format!("delete from \"Track\" where \"TrackId\" in ({a}, {b})"),
            17 => format!("delete from \"Album\" where \"AlbumId\" = {a}"),
            18 => format!("delete from \"Employee\" where \"EmployeeId\" = {a}"),
            _ => format!("insert into \"Artist\" values ({a}, null) on conflict do nothing"),
        }
    }
}

async fn snapshot(world: &World) -> Vec<Vec<Vec<Option<String>>>> {
    let mut tables = Vec::new();
    for name in NAMES {
        let mut rows = world.rows(&format!("select * from \"{name}\"")).await;
        rows.sort();
        tables.push(rows);
    }
    tables
}

both! {
    async fn undoing_everything_brings_everything_back(world: World) {
        let api = Api::start(&world).await;
        world.sql(TABLES).await;
        for name in NAMES {
            api.track(&format!("\"{name}\"")).await;
        }
        let mut chance = Chance(42);
        for n in 0..8 {
            world.sql(&format!("insert into \"Artist\" values ({n}, 'a{n}'); insert into \"Album\" values ({n}, 't', {n}); \
                insert into \"Track\" values ({n}, 'x', {n}, 1.00, 0.1); insert into \"Playlist\" values ({n}, 'p{n}'); \
                insert into \"Employee\" values ({n}, 'e', null)")).await;
        }
        let before = snapshot(&world).await;
        let log = match world.kind { Kind::Sqlite => "afterimage_log", Kind::Postgres => "afterimage.log" };
        let mark = world.scalar(&format!("select max(id) from {log}")).await;
        let mut took = 0;
        for _ in 0..CHANGES {
            // Many are refused by a constraint, as in life.
            took += usize::from(world.try_sql(&chance.statement()).await.is_ok());
        }
        assert!(took > CHANGES / 4, "{took} statements went through");
        assert_ne!(snapshot(&world).await, before);
        // A change of the key is two entries, of which one is enough.
        let entries = format!("select id, tx, action, table_name, record_id from {log} where id > {mark} \
            and not (action = 'DELETE' and previous_record_id is not null) order by id desc");
        let mut entries = world.rows(&entries).await;
        while !entries.is_empty() {
            // PostgreSQL records what fell by a cascade after its cause; within a transaction it waits for it.
            let transaction = entries[0][1].clone();
            let length = match transaction {
                Some(_) => entries.iter().take_while(|entry| entry[1] == transaction).count(),
                None => 1,
            };
            let mut open: Vec<_> = entries.drain(..length).collect();
            while !open.is_empty() {
                let mut refused = Vec::new();
                let all = open.len();
                for entry in open {
                    let undo = "mutation($id: ID!) { undo(id: $id) { skipped { field } } }";
                    let answer = api.answer_as(&[Role::Admin], undo, json!({"id": entry[0]})).await;
                    match answer["data"]["undo"]["skipped"].as_array() {
                        Some(skipped) => assert!(skipped.is_empty(), "{entry:?}: {answer}"),
                        None => refused.push((entry, answer)),
                    }
                }
                assert!(refused.len() < all, "{refused:?}");
                open = refused.into_iter().map(|(entry, _)| entry).collect();
            }
        }
        assert_eq!(snapshot(&world).await, before);
    }
}
