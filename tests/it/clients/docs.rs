//! The document for those who write clients shows the very code that is run here.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::program::root;

const DOCUMENT: &str = "docs/clients.md";

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The file that a line of the document names as the source of the block below it.
fn source(line: &str) -> Option<&str> {
    let (path, link) = line.strip_prefix("[`")?.split_once("`](../")?;
    (link.strip_suffix(')')? == path).then_some(path)
}

/// The document, each of its blocks as the file that it was taken from has it.
fn as_the_files_have_it(document: &str) -> String {
    let mut mended = String::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        mended += &format!("{line}\n");
        let Some(path) = source(line) else { continue };
        let (blank, fence) = (lines.next(), lines.next());
        let fence = fence.filter(|fence| blank == Some("") && fence.starts_with("```"));
        mended += &format!("\n{}\n{}```\n", fence.unwrap_or_else(|| panic!("no block after {path}")), read(path));
        lines.find(|line| *line == "```").unwrap_or_else(|| panic!("the block of {path} does not end"));
    }
    mended
}

#[test]
fn the_document_shows_the_code_that_is_run() {
    let document = read(DOCUMENT);
    let mended = as_the_files_have_it(&document);
    if mended != document {
        fs::write(root().join("target/clients.md"), mended).expect("a file of ours");
        panic!("{DOCUMENT} shows other code than is run: `cp target/clients.md {DOCUMENT}` mends it");
    }
}

#[test]
fn the_document_shows_every_client() {
    let document = read(DOCUMENT);
    let shown: Vec<&str> = document.lines().filter_map(source).collect();
    let examples = fs::read_dir(root().join("tests/clients/examples")).expect("a folder of ours");
    let names = examples.map(|file| file.expect("a file of it").file_name().into_string().expect("text"));
    let files =
        names.filter(|name| Path::new(name).extension().is_some()).map(|name| format!("tests/clients/examples/{name}"));
    let others = ["tests/clients/codegen/client.ts", "tests/clients/relay/client.js"].map(str::to_owned);
    for file in files.chain(others) {
        assert!(shown.contains(&file.as_str()), "{DOCUMENT} does not show {file}");
    }
}

#[test]
fn the_document_names_the_versions_that_are_run() {
    let document = read(DOCUMENT);
    let packages: Value = serde_json::from_str(&read("tests/clients/package.json")).expect("JSON");
    let requirements = read("tests/clients/requirements.txt");
    let cells = document.lines().filter_map(|line| line.strip_prefix("| [")?.split_once(" | ")?.1.strip_suffix(" |"));
    let named: Vec<(&str, &str)> =
        cells.flat_map(|cell| cell.split(", ")).filter_map(|named| named.strip_prefix('`')?.split_once("` ")).collect();
    assert!(named.len() >= 7, "{named:?}");
    for (name, version) in named {
        let installed = packages["dependencies"][name] == version
            || requirements.lines().any(|line| line == format!("{name}=={version}"));
        assert!(installed, "{DOCUMENT} says {name} {version}, which is not what is installed");
    }
}
