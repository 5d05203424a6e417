//! What the guides show is true: every command is one that molsieve takes, and every piece of a campaign file is read.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use molsieve::campaign::config::Config;

use crate::support::env::{MOLSIEVE, project};

/// The pages that tell a person what to type.
fn pages() -> Vec<PathBuf> {
    let guides = std::fs::read_dir(project("docs/guide")).unwrap().map(|entry| entry.unwrap().path());
    guides.chain([project("README.md")]).collect()
}

/// The blocks of code in `language` on all pages, each with its page.
fn blocks(language: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        let codes = text.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'));
        found.extend(codes.filter(|(of, _)| *of == language).map(|(_, code)| (page.clone(), code.to_owned())));
    }
    found
}

/// The words of each command in a line of shell; the guides need no quotes and no variables for ours.
fn commands(line: &str) -> Vec<Vec<&str>> {
    let bare = line.split(" #").next().unwrap_or_default();
    bare.split("&&").map(|command| command.split_whitespace().collect()).collect()
}

#[test]
fn every_command_that_a_guide_shows_is_one_that_molsieve_takes() {
    let mut seen = 0;
    for (page, code) in blocks("sh") {
        for words in code.lines().flat_map(commands) {
            match words.split_first() {
                Some((&"molsieve", arguments)) => {
                    // Asked for help, a command looks at its own name and at those of its options, and does nothing.
                    let said = Command::new(MOLSIEVE).args(arguments).arg("--help").output().unwrap();
                    let why = String::from_utf8_lossy(&said.stderr);
                    assert!(said.status.success(), "{}: molsieve {arguments:?}: {why}", page.display());
                    seen += 1;
                }
                Some((script, _)) if script.starts_with("./") => {
                    let mode = std::fs::metadata(project(script)).map(|facts| facts.permissions().mode());
                    assert!(mode.is_ok_and(|mode| mode & 0o111 != 0), "{}: `{script}`", page.display());
                    seen += 1;
                }
                _ => {}
            }
        }
    }
    assert!(seen >= 20, "the guides show only {seen} commands of ours: are they still found?");
}

#[test]
fn every_piece_of_a_campaign_file_that_a_guide_shows_is_read() {
    let required = "[campaign]\nname = \"a\"\n[library]\npath = [\"a.smi\"]\n[scorer]\nkind = \"null\"\n";
    let required: toml::Table = required.parse().unwrap();
    let pieces = blocks("toml");
    assert!(pieces.len() >= 7, "the guides show only {} pieces: are they still found?", pieces.len());
    for (page, code) in pieces {
        let piece = if code.starts_with('[') { code } else { format!("[scorer]\n{code}") };
        let mut whole: toml::Table = piece.parse().unwrap();
        for (section, keys) in &required {
            let given = whole.entry(section.clone()).or_insert_with(|| toml::Table::new().into());
            for (key, value) in keys.as_table().unwrap() {
                given.as_table_mut().unwrap().entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        let read = Config::parse(&toml::to_string(&whole).unwrap());
        assert!(read.is_ok(), "{}: {piece}: {}", page.display(), read.unwrap_err());
    }
}

#[test]
fn the_batch_script_that_the_guide_shows_is_the_one_that_is_used() {
    let template = include_str!("../../job-templates/slurm.sh");
    let shown: Vec<String> =
        blocks("text").into_iter().map(|(_, code)| code).filter(|code| code.contains("{directives}")).collect();
    assert_eq!(shown, [template], "docs/guide/slurm.md shows job-templates/slurm.sh");
}
