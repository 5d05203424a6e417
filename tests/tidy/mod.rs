//! Rules about the code itself, as tests: sizes, import order, words, licences. Each failure says where and why.
//!
//! The rules read the tree as it lies on disk, without compiling it, so that they also hold for what is not built.

mod forwarders;
mod imports;
mod licences;
mod rooms;
mod source;
mod words;

use source::{Source, rust_sources, text_files};

/// Lines a file may have, its unit tests included.
const FILE_LINES_MAX: usize = 500;

/// Lines a function may have, from its signature to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;

/// Packages that the lock file may hold: each is felt in every cold build.
const LOCKED_PACKAGES_MAX: usize = 400;

/// Fails with all of `found`, each a place, under a sentence that says what the rule is.
fn demand(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}\n  {}\n", found.join("\n  "));
}

#[test]
fn no_file_is_longer_than_can_be_read_at_once() {
    let long =
        |s: &Source| (s.lines().count() > FILE_LINES_MAX).then(|| format!("{}: {} lines", s.name, s.lines().count()));
    let found: Vec<_> = rust_sources().iter().filter_map(long).collect();
    demand(&format!("a file has at most {FILE_LINES_MAX} lines; split it by what it is about"), &found);
}

#[test]
fn no_function_is_longer_than_a_screen() {
    let mut found = Vec::new();
    for source in rust_sources() {
        for (line, length) in source.functions().filter(|(_, length)| *length > FUNCTION_LINES_MAX) {
            found.push(format!("{}:{line}: {length} lines", source.name));
        }
    }
    demand(&format!("a function has at most {FUNCTION_LINES_MAX} lines; give its parts names"), &found);
}

#[test]
fn every_file_says_what_it_is_about() {
    let silent = |s: &Source| (!s.is_unit_tests() && !s.text.starts_with("//!")).then(|| s.name.clone());
    let found: Vec<_> = rust_sources().iter().filter_map(silent).collect();
    demand("a file starts with `//!` and what it is about", &found);
}

#[test]
fn every_schema_has_a_page_in_the_formats() {
    let pages: Vec<_> = text_files().into_iter().filter(|s| s.name.starts_with("docs/formats/")).collect();
    let mut found = Vec::new();
    for source in rust_sources() {
        for schema in source.schemas() {
            if !pages.iter().any(|page| page.text.contains(&schema)) {
                found.push(format!("{}: `{schema}`", source.name));
            }
        }
    }
    demand("every schema is described in docs/formats, well enough for a second implementation", &found);
}

#[test]
fn the_lock_file_stays_within_its_budget() {
    let lock = source::read("Cargo.lock");
    let packages = lock.lines().filter(|line| *line == "[[package]]").count();
    assert!(packages < LOCKED_PACKAGES_MAX, "Cargo.lock holds {packages} packages, {LOCKED_PACKAGES_MAX} are too many");
}

#[test]
fn nothing_names_one_machine_or_one_registry() {
    // Put together here, so that this file does not break its own rule.
    let homes = ["root", "home", "Users", "work"].map(|name| format!("/{name}/"));
    let hosts = ["pythonhosted.", "npmjs.", "debian.", "static.crates", "index.crates"].map(|name| format!("//{name}"));
    let mut found = Vec::new();
    for file in text_files() {
        for (number, line) in file.lines().enumerate() {
            let home = homes.iter().find(|home| names_a_root_directory(line, home));
            if let Some(bad) = home.or_else(|| hosts.iter().find(|host| line.contains(*host))) {
                found.push(format!("{}:{}: `{bad}`", file.name, number + 1));
            }
        }
    }
    demand("a path or a host that only one machine knows does not belong here", &found);
}

/// Whether `line` has `directory` as the start of an absolute path, not in the middle of one.
fn names_a_root_directory(line: &str, directory: &str) -> bool {
    let starts = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}*~>/".contains(c));
    line.match_indices(directory).any(|(at, _)| starts(at))
}

#[test]
fn a_path_is_told_from_a_part_of_one() {
    let home = format!("/{}/", "home");
    assert!(names_a_root_directory(&format!("cd {home}ada"), &home));
    assert!(names_a_root_directory(&format!("\"{home}ada\""), &home));
    assert!(!names_a_root_directory(&format!("docs{home}x.md"), &home));
    assert!(!names_a_root_directory(&format!("$D}}{home}x"), &home));
}
