//! What holds of the source as a whole.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for item in fs::read_dir(folder).expect("a folder of ours") {
        let path = item.expect("an item of it").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn in_sources(text: &str) -> BTreeSet<String> {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let holds = |path: &PathBuf| fs::read_to_string(path).expect("a file of ours").contains(text);
    let name = |path: PathBuf| path.strip_prefix(root()).expect("below the root").display().to_string();
    files.into_iter().filter(holds).map(name).filter(|name| !name.contains("/tests")).collect()
}

#[test]
fn each_room_asks_at_one_place_which_database_it_is() {
    let allowed = [
        "src/capture/dispatch.rs",
        "src/demo/ground.rs",
        "src/feed/reader.rs",
        "src/store/connect.rs",
        "src/undo/rows.rs",
    ];
    let asking = in_sources("Kind::Postgres");
    let elsewhere: Vec<&String> = asking.iter().filter(|file| !allowed.contains(&file.as_str())).collect();
    assert!(elsewhere.is_empty(), "{elsewhere:?} ask too");
    assert!(in_sources("DbBackend::Postgres").iter().all(|file| file.contains("postgres")));
}

#[test]
fn the_words_know_neither_sql_nor_graphql() {
    for foreign in ["sea_orm", "sqlx", "async_graphql", "axum"] {
        let knowing: Vec<String> =
            in_sources(foreign).into_iter().filter(|file| file.starts_with("src/audit/")).collect();
        assert!(knowing.is_empty(), "{knowing:?} know {foreign}");
    }
}

#[test]
fn the_readme_has_every_flag_with_its_variable() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    let command = afterimage::cli::Command::command();
    for name in ["serve", "migrate", "track", "token"] {
        let subcommand = command.find_subcommand(name).expect("a command of ours");
        for argument in subcommand.get_arguments() {
            let Some(long) = argument.get_long() else { continue };
            if ["help", "version"].contains(&long) {
                continue;
            }
            assert!(readme.contains(&format!("`--{long}")), "the README lacks --{long} of {name}");
            if let Some(variable) = argument.get_env() {
                let variable = variable.to_str().expect("text");
                assert!(readme.contains(variable), "the README lacks {variable}");
            }
        }
    }
}
