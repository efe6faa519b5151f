//! The command as a user types it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};

use crate::support::{Kind, World, both};

/// The command in the world's folder, with nothing of this machine's environment but the database.
fn afterimage(world: &World) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_afterimage"));
    command.env_clear().current_dir(world.folder.path()).env("AFTERIMAGE_DATABASE_URL", &world.database_url);
    command
}

pub(crate) fn run(world: &World, arguments: &[&str]) -> Output {
    afterimage(world).args(arguments).output().expect("the command starts")
}

pub(crate) fn told(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).expect("text")
}

/// A server in a process of its own; ended with the test.
struct Served {
    child: Child,
    address: String,
    output: BufReader<std::process::ChildStdout>,
}

impl Served {
    fn start(mut command: Command, arguments: &[&str]) -> Served {
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the server starts");
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        output.read_line(&mut line).expect("its first line");
        let address = line.trim().strip_prefix("listening on http://").unwrap_or_else(|| {
            let mut error = String::new();
            child.stderr.take().expect("its errors").read_to_string(&mut error).expect("text");
            panic!("{line}{error}")
        });
        Served { address: address.to_owned(), child, output }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it takes connections");
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").expect("it takes a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    /// Waits until it ends by itself; whether it ended well, and what it said.
    fn ended(mut self) -> (bool, String) {
        let mut said = String::new();
        self.child.stderr.take().expect("its errors").read_to_string(&mut said).expect("text");
        (self.child.wait().expect("it ends").success(), said)
    }

    /// Asks it to end as a service manager does, and gives what else it printed, and whether it ended well.
    fn end(mut self) -> (String, bool) {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().expect("kill is there");
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("text");
        (rest, self.child.wait().expect("it ends").success())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

both! {
    async fn a_table_is_tracked_checked_and_untracked(world: World) {
        world.sql("create table products (id integer primary key, name text, secret text)").await;
        let tracked = run(&world, &["track", "products", "--redact", "secret"]);
        assert!(tracked.status.success(), "{}", told(&tracked.stderr));
        world.sql("insert into products values (1, 'Lamp', 'hush')").await;
        let checked = run(&world, &["track", "--check"]);
        assert_eq!((told(&checked.stdout).as_str(), checked.status.success()), ("OK\tproducts\n", true));
        let untracked = run(&world, &["untrack", "products"]);
        assert!(untracked.status.success(), "{}", told(&untracked.stderr));
        world.sql("insert into products values (2, 'Chair', 'hush')").await;
        let log = if world.kind == Kind::Sqlite { "afterimage_log" } else { "afterimage.log" };
        let entries = world.rows(&format!("select action, record_id from {log} where table_name = 'products'")).await;
        assert_eq!(entries, [[Some("CREATE".to_owned()), Some("1".to_owned())]]);
        let hushed = format!("select count(*) from {log} where cast(new_values as text) like '%hush%'");
        assert_eq!(world.scalar(&hushed).await, "0");
    }

    async fn a_check_of_triggers_that_are_not_as_they_should_be_fails(world: World) {
        world.sql("create table products (id integer primary key, name text)").await;
        let mut cases = vec![(
            "alter table products add more text",
            "OUTDATED",
        )];
        match world.kind {
            Kind::Postgres => cases.extend([
                ("alter table products disable trigger user", "DISABLED"),
                ("drop trigger \"!afterimage_update\" on products", "MISSING"),
            ]),
            Kind::Sqlite => cases.push(("drop table products; create table products (id integer primary key)", "MISSING")),
        }
        for (statement, health) in cases {
            assert!(run(&world, &["track", "products"]).status.success());
            assert!(run(&world, &["track", "--check"]).status.success());
            world.sql(statement).await;
            let checked = run(&world, &["track", "--check"]);
            assert_eq!(told(&checked.stdout), format!("{health}\tproducts\n"));
            assert!(!checked.status.success(), "{health}");
        }
    }

    async fn a_column_that_no_table_has_is_refused_before_anything_is_tracked(world: World) {
        world.sql("create table a (id integer primary key); create table b (id integer primary key, pin text)").await;
        let refused = run(&world, &["track", "a", "b", "--redact", "pins"]);
        assert!(!refused.status.success());
        assert!(told(&refused.stderr).contains("--redact pins"), "{}", told(&refused.stderr));
        assert_eq!(told(&run(&world, &["track", "--check"]).stdout), "");
        let tracked = run(&world, &["track", "a", "b", "--redact", "pin"]);
        assert!(tracked.status.success(), "{}", told(&tracked.stderr));
    }

    async fn all_tables_are_taken_but_those_without_a_key_which_are_named(world: World) {
        world.sql("create table a (id integer primary key); create table keyless (name text)").await;
        let tracked = run(&world, &["track", "--all"]);
        assert!(!tracked.status.success());
        let said = told(&tracked.stderr);
        assert!(said.contains("1 tracked, 1 left out") && said.contains("keyless") && said.to_lowercase().contains("primary key"), "{said}");
    }

    async fn a_server_says_where_it_listens_and_ends_when_it_is_asked_to(world: World) {
        let served = Served::start(afterimage(&world), &["serve", "--listen", "127.0.0.1:0"]);
        assert!(served.get("/healthz").ends_with("ok"));
        assert!(served.get("/readyz").contains("\"status\":\"ready\""));
        assert!(served.get("/graphql").starts_with("HTTP/1.0 401"), "{}", served.get("/graphql"));
        let (rest, well) = served.end();
        assert_eq!((rest.as_str(), well), ("", true), "standard output holds one line");
    }

    async fn a_database_of_a_newer_version_is_refused(world: World) {
        assert!(run(&world, &["migrate"]).status.success());
        let table = if world.kind == Kind::Sqlite { "afterimage_migrations" } else { "afterimage.afterimage_migrations" };
        world.sql(&format!("insert into {table} (version, applied_at) values ('m9999_future', 0)")).await;
        for command in [&["migrate"][..], &["serve", "--listen", "127.0.0.1:0"]] {
            let refused = run(&world, command);
            assert!(!refused.status.success());
            assert!(told(&refused.stderr).contains("newer version"), "{}", told(&refused.stderr));
        }
    }

    async fn migrating_gathers_the_statistics_that_a_log_lacks(world: World) {
        assert!(run(&world, &["migrate"]).status.success());
        if world.kind == Kind::Postgres {
            let known = "select count(*) from pg_stats where schemaname = 'afterimage' and tablename = 'log'";
            assert_eq!(world.scalar(known).await, "0");
            world.sql("insert into afterimage.log (action, table_name) select 'READ', 't' from generate_series(1, 100)").await;
            assert!(run(&world, &["migrate"]).status.success());
            let columns = "select count(*) from pg_attribute where attrelid = 'afterimage.log'::regclass and attnum > 0";
            assert_eq!(world.scalar(known).await, world.scalar(columns).await);
        }
    }

    async fn servers_that_start_at_once_migrate_once(world: World) {
        let mut children: Vec<Child> =
            (0..4).map(|_| afterimage(&world).arg("migrate").stderr(Stdio::null()).spawn().expect("it starts")).collect();
        assert!(children.iter_mut().all(|child| child.wait().expect("it ends").success()));
    }
}

#[tokio::test]
async fn without_any_option_it_serves_a_file_in_the_working_directory_with_its_own_secret() {
    let world = World::new(Kind::Sqlite).await;
    let mut command = afterimage(&world);
    command.env_remove("AFTERIMAGE_DATABASE_URL");
    let served = Served::start(command, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(world.folder.path().join("afterimage.db").exists());
    assert!(world.folder.path().join("afterimage.secret").exists());
    assert!(served.end().1);
}

/// What is written to a file that no name leads to is lost with the process.
#[tokio::test]
async fn a_server_whose_file_was_replaced_by_another_ends_and_says_so() {
    let world = World::new(Kind::Sqlite).await;
    let served = Served::start(afterimage(&world), &["serve", "--listen", "127.0.0.1:0"]);
    let (file, backup) = (world.folder.path().join("world.db"), world.folder.path().join("backup.db"));
    std::fs::copy(&file, &backup).expect("a copy");
    assert!(served.get("/healthz").ends_with("ok"));
    std::fs::rename(&backup, &file).expect("the copy in its place");
    let (well, said) = served.ended();
    assert!(!well && said.contains("world.db was replaced"), "{said}");
}

#[tokio::test]
async fn beyond_loopback_it_does_not_start_without_a_secret() {
    let world = World::new(Kind::Sqlite).await;
    let refused = run(&world, &["serve", "--listen", "0.0.0.0:0"]);
    assert!(!refused.status.success());
    assert!(told(&refused.stderr).contains("--jwt-secret"), "{}", told(&refused.stderr));
    assert!(!world.folder.path().join("world.db").exists(), "nothing is made before the settings are sound");
}

#[tokio::test]
async fn a_token_is_printed_alone() {
    let world = World::new(Kind::Sqlite).await;
    let output = run(&world, &["token", "--role", "admin", "--role", "WRITER", "--user", "42", "--ttl", "1h"]);
    let token = told(&output.stdout);
    assert_eq!((token.lines().count(), token.matches('.').count()), (1, 2));
    let refused = run(&world, &["token", "--role", "root"]);
    assert!(!refused.status.success());
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_told_in_a_sentence() {
    let world = World::new(Kind::Sqlite).await;
    let mut command = afterimage(&world);
    let refused = command.env("AFTERIMAGE_DATABASE_URL", "postgres://nobody@127.0.0.1:1/none");
    let refused = refused.args(["serve", "--listen", "127.0.0.1:0"]).output().expect("the command starts");
    assert!(!refused.status.success());
    assert!(told(&refused.stderr).contains("cannot be reached"), "{}", told(&refused.stderr));
}

#[tokio::test]
async fn a_database_url_that_cannot_be_read_is_not_shown() {
    let mut world = World::new(Kind::Sqlite).await;
    for url in
        ["postgres://app:s3cr#t@127.0.0.1:1/shop", "postgres://app:s3cr/t@h/shop", "postgres://app:s3cret@h:x/shop"]
    {
        url.clone_into(&mut world.database_url);
        for command in [&["migrate"][..], &["serve"], &["track", "t"]] {
            let output = run(&world, command);
            let said = told(&output.stdout) + &told(&output.stderr);
            assert!(!output.status.success(), "{said}");
            assert!(said.contains("the PostgreSQL URL cannot be read"), "{said}");
            assert!(!said.contains("s3cr"), "{said}");
        }
    }
}

#[tokio::test]
async fn a_database_in_another_encoding_is_refused_before_anything_is_made_in_it() {
    let mut world = World::new(Kind::Postgres).await;
    let name = format!("{}_latin", world.scalar("select current_database()").await);
    world.sql(&format!("create database {name} encoding 'LATIN1' locale 'C' template template0")).await;
    let own = world.scalar("select current_database()").await;
    world.database_url = world.database_url.replace(&own, &name);
    for command in [&["migrate"][..], &["serve"]] {
        let output = run(&world, command);
        let said = told(&output.stderr);
        assert!(!output.status.success() && said.contains("LATIN1") && said.contains("UTF8"), "{said}");
    }
    assert_eq!(world.scalar("select count(*) from pg_namespace where nspname = 'afterimage'").await, "0");
}
