//! One word for one thing: the words of docs/glossary.md, and not their rivals.

use super::demand;
use super::source::{Source, has_extension, text_files};

/// A word that is not used for anything of ours, and what to say instead.
const BANNED: [(&str, &str); 15] = [
    ("ligand", "record, or structure"),
    ("dataset", "library"),
    ("plugin", "scorer, or adapter"),
    ("backend", "scorer, or adapter"),
    ("engine", "scorer, or runtime"),
    ("provider", "adapter"),
    ("merge", "gather, or join"),
    ("chunk", "shard, or block"),
    ("workunit", "shard"),
    ("bundle", "pack"),
    ("agent", "worker"),
    ("executor", "adapter"),
    ("subjob", "task"),
    ("lockfile", "lock file"),
    ("whitelist", "list of what is allowed"),
];

/// Where a banned word may stand, with the reason: a file, or a directory that ends in `/`.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("docs/glossary.md", "", "it lists the words that are banned"),
    ("tests/", "", "tests quote what others write"),
    ("src/pack/hetero2/audit.rs", "dataset", "HETERO-2's contract has a key of that name"),
    ("docs/formats/hetero2.md", "dataset", "HETERO-2's contract has a key of that name"),
    ("docs/formats/hdf5.md", "", "HDF5 has words of its own for what is in a file"),
    ("src/encode/hdf5/", "", "HDF5 has words of its own for what is in a file"),
    ("src/pack/ro_crate.rs", "dataset", "RO-Crate calls a crate so"),
    ("docs/formats/ro-crate.md", "dataset", "RO-Crate calls a crate so"),
    ("docs/formats/container.md", "engine", "Podman's configuration has a section of that name"),
    ("docs/formats/easydock.md", "ligand", "EasyDock's protocol says so"),
    ("src/scorer/command/translate/easydock.rs", "ligand", "EasyDock's protocol says so"),
    ("src/remote/transport/ssh2/", "agent", "the program that holds SSH's keys is called so"),
    ("src/remote/transport/ssh2.rs", "agent", "the program that holds SSH's keys is called so"),
    ("docs/guide/from-a-laptop.md", "agent", "the program that holds SSH's keys is called so"),
    ("adapters/src/ray/http.rs", "bundle", "systems call a list of certificates so"),
    ("adapters/Cargo.toml", "provider", "rustls calls its cryptography so"),
    ("docs/evidence/one-table.md", "lockfile", "an option of HTCondor's is called so"),
    ("docs/threat-model.md", "agent", "the program that holds SSH's keys is called so"),
];

/// Whether `file` is held to the words: code, documents and what is shipped, but not what others wrote.
fn is_ours(file: &Source) -> bool {
    let text = ["rs", "md", "toml"].iter().any(|extension| has_extension(&file.name, extension));
    text && !file.name.starts_with("data/") && file.name != "deny.toml"
}

/// The words of `line`: identifiers are taken apart, and what another crate named is left out.
fn words(line: &str) -> Vec<String> {
    if line.trim_start().starts_with("use ") && !line.contains("crate::") {
        return Vec::new();
    }
    let mut found = Vec::new();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut at = 0;
    while let Some(start) = line[at..].find(is_word).map(|n| at + n) {
        let end = line[start..].find(|c| !is_word(c)).map_or(line.len(), |n| start + n);
        let foreign = line[..start].ends_with('.') && line[end..].starts_with(['(', ':'])
            || line[end..].starts_with("::") && line[..start].ends_with("::");
        if !foreign {
            found.extend(parts(&line[start..end]));
        }
        at = end;
    }
    found
}

/// The words in an identifier, in lower case and without a plural s: `chunkReader_items` is chunk, reader, item.
fn parts(identifier: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut before_is_lower = false;
    for c in identifier.chars() {
        if c == '_' || (c.is_ascii_uppercase() && before_is_lower) {
            parts.push(String::new());
        }
        if c != '_' {
            parts.last_mut().expect("there is always one").push(c.to_ascii_lowercase());
        }
        before_is_lower = c.is_ascii_lowercase();
    }
    parts
        .into_iter()
        .map(|part| part.strip_suffix('s').unwrap_or(&part).to_owned())
        .filter(|part| !part.is_empty())
        .collect()
}

#[test]
fn one_word_stands_for_one_thing() {
    let mut found = Vec::new();
    for file in text_files().iter().filter(|file| is_ours(file)) {
        for (number, line) in file.lines().enumerate() {
            for word in words(line) {
                let Some((banned, instead)) = BANNED.iter().find(|(banned, _)| *banned == word) else { continue };
                let excepted = |(at, what, _): &&(&str, &str, &str)| {
                    (file.name == *at || at.ends_with('/') && file.name.starts_with(at))
                        && (what.is_empty() || what == banned)
                };
                if EXCEPTIONS.iter().find(excepted).is_none() {
                    found.push(format!("{}:{}: `{banned}`: say {instead}", file.name, number + 1));
                }
            }
        }
    }
    demand("one word stands for one thing, see docs/glossary.md; a quotation of others goes into EXCEPTIONS", &found);
}

#[test]
fn identifiers_are_taken_apart_and_foreign_names_left_alone() {
    assert_eq!(words("let ChunkReader = my_ligands;"), ["let", "chunk", "reader", "my", "ligand"]);
    assert_eq!(words("bytes.chunks(2)"), ["byte", "2"]);
    assert_eq!(words("use zip::backend::X;"), Vec::<String>::new());
    assert_eq!(words("a::bundle::b()"), ["a", "b"]);
}
