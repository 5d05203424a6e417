//! Who may know whom: the import order of docs/architecture.md, and the modules that alone may do a thing.
//!
//! ```text
//! cli → suite → again, decoys, view, housekeeping, remote → run → registry, audit, lift → pack → gather → payload, encode, scheduler → signal → campaign → shard, pilot → scorer → library
//!     → journal, doctor → layout, fs → id, digest, random, canonical, clock, stop, patience, units, host, error
//! ```
//!
//! A module imports from its own layer or from below. Unit tests may import what they like.

use molsieve::campaign::kind::SchedulerKind;

use super::demand;
use super::source::{Source, read, rust_sources};

/// The layer of every module, by its longest prefix; a higher one imports from a lower.
const LAYERS: &[(&str, u8)] = &[
    // The crate itself: the list of modules, and the program.
    ("", 150),
    ("cli", 140),
    // What can be done with a campaign beside running it.
    ("again", 130),
    ("decoys", 130),
    // Campaigns whose answer is known before they run: made from packs, and from look-alikes.
    ("suite", 135),
    ("view", 130),
    ("housekeeping", 130),
    // The same program on a login node: it hands over what commands are, and knows none of them.
    ("remote", 130),
    ("run", 120),
    ("run::here", 120),
    ("run::cluster", 120),
    ("run::drive", 119),
    ("run::finish", 118),
    ("run::plan", 118),
    ("run::parcel", 118),
    ("run::look", 117),
    // What decides sees no campaign at work.
    ("run::policy", 116),
    ("run::wave", 116),
    ("registry", 110),
    // A pack against what others measured.
    ("lift", 110),
    ("audit", 110),
    ("pack", 100),
    ("gather", 90),
    // Encodings of the payload, made from its rows.
    ("encode", 80),
    ("payload", 80),
    // What the rows say of a score, in one pass over them.
    ("signal", 78),
    // What is asked of a cluster, and nothing of journals, waves and drivers.
    ("scheduler", 80),
    ("campaign", 70),
    ("shard", 60),
    ("scorer", 50),
    ("library", 40),
    // What a campaign's history is knows nothing of how it is made.
    ("journal", 30),
    ("doctor", 30),
    ("layout", 20),
    ("fs", 20),
    ("id", 10),
    ("digest", 10),
    // Numbers that are drawn, and functions of numbers: the same everywhere.
    ("random", 10),
    ("elementary", 10),
    // Tables of others.
    ("csv", 10),
    ("canonical", 10),
    ("clock", 10),
    ("error", 10),
    ("host", 10),
    // A flag that pools and workers look at; it knows nothing.
    ("stop", 10),
    // What is waited for, and whether whoever waits has had enough.
    ("patience", 10),
    // Numbers that people write: durations and sizes.
    ("units", 10),
    // What a login is: a site profile holds one.
    ("remote::login", 10),
    ("shard::plan", 30),
    ("shard::order", 30),
    ("shard::estimate", 30),
    // It asks a scorer about a few records of a library, and knows no campaign.
    ("pilot", 60),
];

/// The layer of `module`, such as `["pack", "seal"]`.
fn layer(module: &[String]) -> Option<u8> {
    let known = |name: &str| LAYERS.iter().find(|(prefix, _)| *prefix == name).map(|(_, layer)| *layer);
    if module.is_empty() {
        return known("");
    }
    (1..=module.len()).rev().find_map(|length| known(&module[..length].join("::")))
}

/// The modules of ours that `source` names, each as a path from the crate, with the number of the line.
fn imports(source: &Source) -> Vec<(usize, Vec<String>)> {
    let Some(module) = source.module() else { return Vec::new() };
    let code = source.code();
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::").chain(code.match_indices("super::")) {
        // The middle of a longer path, or who may see a thing.
        let is_part = code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        if is_part || code[..at].ends_with("pub(in ") {
            continue;
        }
        let line = code[..at].matches('\n').count() + 1;
        let base: Vec<String> = module.iter().map(|part| (*part).to_owned()).collect();
        let tree: String = code[at..].chars().take_while(|c| !matches!(c, ';' | '(' | ')' | '<' | '>' | '=')).collect();
        found.extend(expand(&tree).into_iter().map(|path| (line, from_crate(&base, &path))));
    }
    found
}

/// The paths of a use tree: `crate::{a::b, c}` is `crate::a::b` and `crate::c`.
fn expand(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let path = tree.split([',', ' ', '\n']).next().unwrap_or("");
        return vec![path.split("::").filter(|p| !p.is_empty() && *p != "*").map(|p| p.trim().to_owned()).collect()];
    };
    if tree[..open].contains(|c: char| c.is_whitespace() || c == ',') {
        return expand(&tree[..open]);
    }
    let prefix: Vec<String> = tree[..open].split("::").filter(|p| !p.is_empty()).map(str::to_owned).collect();
    let mut paths = Vec::new();
    for part in split_group(&tree[open + 1..]) {
        paths.extend(expand(&part).into_iter().map(|rest| [prefix.clone(), rest].concat()));
    }
    paths
}

/// The parts between commas of a group, up to the brace that closes it.
fn split_group(text: &str) -> Vec<String> {
    let (mut parts, mut part, mut depth) = (Vec::new(), String::new(), 0);
    for c in text.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => parts.push(std::mem::take(&mut part)),
            _ => {
                depth += i32::from(c == '{') - i32::from(c == '}');
                part.push(c);
            }
        }
    }
    parts.push(part);
    parts.into_iter().filter(|part| !part.trim().is_empty()).collect()
}

/// `path`, written in `module`, from the crate.
fn from_crate(module: &[String], path: &[String]) -> Vec<String> {
    let ups = path.iter().take_while(|part| *part == "super").count();
    let mut whole = if ups > 0 { module[..module.len().saturating_sub(ups)].to_vec() } else { Vec::new() };
    whole.extend(path.iter().filter(|part| !["crate", "super", "self"].contains(&part.as_str())).cloned());
    whole
}

#[test]
fn modules_import_from_their_own_layer_or_from_below() {
    let mut found = Vec::new();
    for source in rust_sources() {
        let Some(module) = source.module() else { continue };
        let module: Vec<String> = module.into_iter().map(str::to_owned).collect();
        let Some(own) = layer(&module) else {
            found.push(format!("{}: `{}` has no layer yet: add it to LAYERS", source.name, module.join("::")));
            continue;
        };
        for (line, path) in imports(&source) {
            if let Some(other) = layer(&path).filter(|other| *other > own && !path.is_empty()) {
                found.push(format!("{}:{line}: `{}` is in layer {other}, above {own}", source.name, path.join("::")));
            }
        }
    }
    demand("imports go down, as docs/architecture.md lists the rooms", &found);
}

#[test]
fn what_verifies_does_not_know_what_seals() {
    let mut found = Vec::new();
    for source in rust_sources().iter().filter(|s| s.module().is_some_and(|m| m.starts_with(&["pack", "verify"]))) {
        for (line, path) in imports(source) {
            let text = path.join("::");
            if text.starts_with("pack::seal") || text.starts_with("pack::sign") {
                found.push(format!("{}:{line}: `{text}`", source.name));
            }
        }
    }
    demand("a pack is verified by code that cannot have written it", &found);
}

/// Fails where the code of the root crate, outside the modules `at`, holds one of `words`.
fn only_in(at: &[&str], words: &[&str], rule: &str) {
    let mut found = Vec::new();
    for source in rust_sources().iter().filter(|s| s.name.starts_with("src/")) {
        let inside =
            at.iter().any(|m| source.name == format!("src/{m}.rs") || source.name.starts_with(&format!("src/{m}/")));
        if inside {
            continue;
        }
        for (number, line) in source.code().lines().enumerate() {
            for word in words.iter().filter(|word| stands_alone(line, word)) {
                found.push(format!("{}:{}: `{word}`", source.name, number + 1));
            }
        }
    }
    demand(rule, &found);
}

/// Whether `line` has `word`, and not as the end of a longer word or path.
fn stands_alone(line: &str, word: &str) -> bool {
    let free = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
    line.match_indices(word).any(|(at, _)| free(at))
}

#[test]
fn only_scheduler_run_and_cli_know_the_adapters() {
    only_in(&["scheduler", "run", "cli"], &["molsieve_adapters"], "only scheduler/, run/ and cli/ know the adapters");
    let manifest: toml::Table = read("adapters/Cargo.toml").parse().expect("adapters/Cargo.toml is TOML");
    for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let ours = manifest
            .get(kind)
            .and_then(toml::Value::as_table)
            .and_then(|t| t.keys().find(|k| k.starts_with("molsieve")));
        assert!(ours.is_none(), "adapters depends on {ours:?}; a binding cannot see a campaign, a journal or a pack");
    }
}

#[test]
fn the_crate_that_is_linked_with_an_mpi_library_has_nothing_else_in_it() {
    let ours = ["molsieve::cli::rank", "molsieve::error", "molsieve::run::launch"];
    let sources: Vec<Source> = rust_sources().into_iter().filter(|s| s.name.starts_with("mpi/")).collect();
    assert!(!sources.is_empty(), "the crate mpi/ is not looked at");
    let mut found = Vec::new();
    for source in &sources {
        for (number, line) in source.code().lines().enumerate().filter(|(_, line)| line.contains("molsieve::")) {
            if !ours.iter().any(|ours| line.contains(ours)) {
                found.push(format!("{}:{}: `{}`", source.name, number + 1, line.trim()));
            }
        }
    }
    demand("mpi/ says how two numbers go from rank to rank; what else a rank does is in the root crate", &found);
}

/// Which schedulers there are is data in `campaign::kind`, and how each is spoken to is in `scheduler`.
#[test]
fn only_one_room_knows_which_clusters_there_are() {
    let room = |s: &&Source| s.name == "src/campaign/kind.rs" || s.name.starts_with("src/scheduler/");
    let clusters = SchedulerKind::all().filter(|kind| kind.is_cluster());
    let names: Vec<String> = clusters.map(|kind| kind.to_string()).collect();
    let mut found = Vec::new();
    for source in rust_sources().iter().filter(|s| s.name.starts_with("src/") && !room(s)) {
        // With the strings, which `code` is without: a comparison with a word is what this is about.
        let Some(code) = source.text.split("#[cfg(test)]\nmod ").next().filter(|_| !source.is_unit_tests()) else {
            continue;
        };
        for (number, line) in code.lines().enumerate() {
            let names_it =
                |name: &&String| line.contains(&format!("\"{name}\"")) || line.contains(&format!("_adapters::{name}"));
            if let Some(name) = names.iter().find(names_it) {
                found.push(format!("{}:{}: `{name}`", source.name, number + 1));
            }
        }
    }
    demand("nobody else names a cluster: say scheduler::of(kind), or kind.is_cluster()", &found);
}

#[test]
fn only_fs_writes_to_disk() {
    let direct = [
        "std::fs::write",
        "std::fs::create_dir",
        "std::fs::rename",
        "std::fs::remove_",
        "std::fs::copy",
        "std::fs::hard_link",
        "std::fs::set_permissions",
        "std::os::unix::fs::symlink",
        "File::create",
        "OpenOptions",
        "fs::File::create",
        "fs::OpenOptions",
        "std::fs::File::create",
        "std::fs::OpenOptions",
    ];
    only_in(&["fs"], &direct, "only fs/ writes to disk: it syncs, renames, and can be made to fail in tests");
    let mut found = Vec::new();
    for source in rust_sources().iter().filter(|s| s.name.starts_with("src/") && !s.name.starts_with("src/fs/")) {
        // Under this import, `fs::write` is the system's; else it is ours.
        let code = source.code();
        let systems = ["use std::fs;", "use std::{fs", "use std::fs::{self"].iter().any(|import| code.contains(import));
        let writes = ["fs::write(", "fs::create_dir", "fs::rename(", "fs::remove_", "fs::copy(", "fs::hard_link("];
        for (number, line) in code.lines().enumerate().filter(|_| systems) {
            if let Some(word) = writes.iter().find(|word| stands_alone(line, word)) {
                found.push(format!("{}:{}: `{word}`", source.name, number + 1));
            }
        }
    }
    demand("only fs/ writes to disk; use crate::fs", &found);
}

#[test]
fn what_lies_in_a_campaign_is_opened_as_a_plain_file() {
    let around = ["File::open", "std::fs::read(", "std::fs::read_to_string(", "OpenOptions::new"];
    let mut found = Vec::new();
    let among = [
        "src/audit/",
        "src/cli/logs.rs",
        "src/encode/",
        "src/gather/",
        "src/pack/",
        "src/registry/",
        "src/run/",
        "src/shard/",
    ];
    // A key may come through a pipe: `--key <(...)`.
    let ours = |s: &&Source| among.iter().any(|part| s.name.starts_with(part)) && s.name != "src/pack/keys.rs";
    for source in rust_sources().iter().filter(ours) {
        let code = source.code();
        // Under this import, `fs::read` is the system's; else it is ours.
        let systems = ["use std::fs;", "use std::{fs", "use std::fs::{self"].iter().any(|import| code.contains(import));
        let hidden: &[&str] = if systems { &["fs::read(", "fs::read_to_string("] } else { &[] };
        for (number, line) in code.lines().enumerate() {
            for word in around.iter().chain(hidden).filter(|word| line.contains(**word)) {
                found.push(format!("{}:{}: `{word}`", source.name, number + 1));
            }
        }
    }
    demand(
        "a link leads elsewhere and a pipe never ends: use fs::open_plain, fs::read_plain or, for what a user named, fs::open_input",
        &found,
    );
}

#[test]
fn planners_open_their_directory_in_one_way() {
    let mut found = Vec::new();
    // (`cut` cuts a campaign again that is there.)
    let others = ["src/run/plan/mod.rs", "src/run/plan/cut.rs"];
    for source in rust_sources().iter().filter(|s| s.name.starts_with("src/") && !others.contains(&s.name.as_str())) {
        let code = source.code();
        if code.contains("Event::Planned {") && code.contains("record(") && code.contains("Journal::take_over") {
            found.push(source.name.clone());
        }
    }
    demand("who plans a campaign looks again after it took over: use run::plan::open_for_planning", &found);
}

#[test]
fn only_clock_asks_what_time_it_is() {
    let words = ["SystemTime", "std::time::SystemTime", "Instant::now", "std::time::Instant::now"];
    only_in(&["clock"], &words, "time comes from clock, so that none of it can reach a payload");
}

#[test]
fn only_digest_hashes() {
    let words = ["blake3::", "sha2::", "use blake3", "use sha2"];
    only_in(&["digest"], &words, "hashing is digest's, so that there is one way to hash a thing");
}

#[test]
fn a_use_tree_is_all_the_paths_in_it() {
    let joined = |tree: &str| expand(tree).iter().map(|p| p.join("::")).collect::<Vec<_>>();
    assert_eq!(
        joined("crate::a::{self, b::{c, d}, e as f}"),
        ["crate::a::self", "crate::a::b::c", "crate::a::b::d", "crate::a::e"]
    );
    assert_eq!(joined("crate::fs::replace"), ["crate::fs::replace"]);
    let own = ["pack".to_owned(), "verify".to_owned()];
    assert_eq!(from_crate(&own, &["super".to_owned(), "seal".to_owned()]), ["pack", "seal"]);
}

#[test]
fn the_longest_prefix_decides_the_layer() {
    let of = |path: &str| layer(&path.split("::").map(str::to_owned).collect::<Vec<_>>());
    assert_eq!(of("run::drive::driver"), Some(119));
    assert_eq!(of("shard::plan::Plan"), Some(30));
    assert_eq!(of("nowhere"), None);
}
