//! The licences of all that is linked in, held against the list in deny.toml.
//!
//! cargo-deny does the same and more, but takes minutes to build; this is the part that must hold in every test run.

use std::process::Command;

use super::source::read;

/// What deny.toml allows.
fn allowed() -> Vec<String> {
    let deny: toml::Table = read("deny.toml").parse().expect("deny.toml is TOML");
    let list = deny["licenses"]["allow"].as_array().expect("[licenses] allow is a list");
    list.iter().map(|name| name.as_str().expect("a licence is a string").to_owned()).collect()
}

/// The licence that deny.toml reads out of a package's own words, for one that names none.
fn clarified(package: &serde_json::Value) -> Option<String> {
    let deny: toml::Table = read("deny.toml").parse().expect("deny.toml is TOML");
    let list = deny["licenses"].get("clarify")?.as_array().expect("[[licenses.clarify]] is a list");
    let one = list.iter().find(|one| one["crate"].as_str() == package["name"].as_str())?;
    one["expression"].as_str().map(str::to_owned)
}

/// Whether what `expression` (SPDX, or the older `A/B`) demands can be met with `allowed` alone.
fn is_met(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut tokens = spaced.split_whitespace().peekable();
    let met = any_of(&mut tokens, allowed);
    met && tokens.next().is_none()
}

type Tokens<'a, 'b> = &'b mut std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any_of(tokens: Tokens<'_, '_>, allowed: &[String]) -> bool {
    let mut met = all_of(tokens, allowed);
    while tokens.next_if_eq(&"OR").is_some() {
        met |= all_of(tokens, allowed);
    }
    met
}

fn all_of(tokens: Tokens<'_, '_>, allowed: &[String]) -> bool {
    let mut met = one(tokens, allowed);
    while tokens.next_if_eq(&"AND").is_some() {
        met &= one(tokens, allowed);
    }
    met
}

fn one(tokens: Tokens<'_, '_>, allowed: &[String]) -> bool {
    let Some(name) = tokens.next() else { return false };
    if name == "(" {
        let met = any_of(tokens, allowed);
        return tokens.next() == Some(")") && met;
    }
    let mut licence = name.to_owned();
    if tokens.next_if_eq(&"WITH").is_some() {
        licence = format!("{name} WITH {}", tokens.next().unwrap_or_default());
    }
    allowed.contains(&licence)
}

/// What `cargo metadata` says about every package that is built for this machine.
fn packages() -> Vec<serde_json::Value> {
    let rustc = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let version = String::from_utf8(rustc.stdout).expect("rustc writes text");
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc knows its host");
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--offline", "--filter-platform", host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(cargo.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&cargo.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&cargo.stdout).expect("cargo writes JSON");
    metadata["packages"].as_array().expect("there are packages").clone()
}

#[test]
fn every_dependency_has_a_licence_that_is_allowed_and_comes_from_the_registry() {
    let (allowed, packages) = (allowed(), packages());
    assert!(packages.len() > 50, "only {} packages were seen", packages.len());
    let mut found = Vec::new();
    for package in &packages {
        let (name, licence) = (&package["name"], package["license"].as_str().map(str::to_owned));
        let licence = licence.or_else(|| clarified(package)).unwrap_or_else(|| "none".to_owned());
        if !is_met(&licence, &allowed) {
            found.push(format!("{name}: {licence}"));
        }
        let source = package["source"].as_str();
        if source.is_some_and(|s| s != "registry+https://github.com/rust-lang/crates.io-index") {
            found.push(format!("{name}: from {}", source.unwrap_or_default()));
        }
    }
    super::demand("a dependency has a licence of deny.toml and comes from crates.io", &found);
}

#[test]
fn licence_expressions_are_read_as_spdx_says() {
    let allowed = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "Unicode-3.0"].map(str::to_owned);
    for good in
        ["MIT", "GPL-3.0 OR MIT", "MIT/GPL-3.0", "(MIT OR GPL-3.0) AND Unicode-3.0", "Apache-2.0 WITH LLVM-exception"]
    {
        assert!(is_met(good, &allowed), "{good}");
    }
    for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT", "MIT WITH GPL-exception", "MIT Apache-2.0"] {
        assert!(!is_met(bad, &allowed), "{bad}");
    }
}
