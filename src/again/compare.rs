//! What two requests, or two payloads, do not have in common: by name, and for a person.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::campaign::identity::Identity;
use crate::canonical::row::Row;
use crate::id::Ordinal;
use crate::scorer::identity::ScorerIdentity;
use crate::scorer::reason;

/// Something that two requests do not have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// What.
    pub what: String,
    /// As the pack says.
    pub pack: String,
    /// As it is here.
    pub here: String,
    /// Whether the payload depends on it.
    pub decides: bool,
}

/// What the request of a pack and a request here do not have in common.
pub fn requests(pack: &Identity, here: &Identity) -> Vec<Difference> {
    let mut all = Vec::new();
    let mut put = |decides: bool, what: &str, pack: String, here: String| {
        if pack != here {
            all.push(Difference { what: what.to_owned(), pack, here, decides });
        }
    };
    put(true, "library records", pack.library.records.to_string(), here.library.records.to_string());
    put(true, "library root", pack.library.root.to_string(), here.library.root.to_string());
    put(true, "seed", pack.seed.to_string(), here.seed.to_string());
    let (ours, theirs) = (parts(&here.scorer), parts(&pack.scorer));
    let absent = || "not there".to_owned();
    for name in theirs.keys().chain(ours.keys().filter(|name| !theirs.contains_key(*name))) {
        let part = |of: &BTreeMap<String, String>| of.get(name).cloned().unwrap_or_else(absent);
        put(true, name, part(&theirs), part(&ours));
    }
    put(false, "campaign name", pack.name.clone(), here.name.clone());
    let held = |of: &Identity| serde_json::to_string(&of.pack).unwrap_or_default();
    put(false, "what the pack holds beside the payload", held(pack), held(here));
    all
}

/// The identity of a scorer in parts that a person can compare.
fn parts(scorer: &ScorerIdentity) -> BTreeMap<String, String> {
    let description = &scorer.description;
    let mut parts = BTreeMap::from([
        ("scorer kind".to_owned(), scorer.kind.clone()),
        ("scorer name".to_owned(), description.name.clone()),
        ("scorer version".to_owned(), description.version.clone()),
        ("scorer columns".to_owned(), serde_json::to_string(&description.columns).unwrap_or_default()),
        ("scorer reasons".to_owned(), description.reasons.join(" ")),
        ("scorer's claim to be deterministic".to_owned(), description.deterministic.to_string()),
        ("scorer seed domain".to_owned(), scorer.seed_domain.clone()),
    ]);
    let argv = scorer.argv.iter().enumerate().map(|(n, text)| (format!("scorer argv[{n}]"), text.clone()));
    let settings = scorer.settings.iter().map(|(key, value)| (format!("scorer setting `{key}`"), value.to_string()));
    parts.extend(argv.chain(settings));
    for file in &scorer.files {
        // Files of one name are told apart by their order: they are sorted.
        let same = parts.keys().filter(|key| key.starts_with(&format!("scorer file `{}`", file.name))).count();
        let number = if same == 0 { String::new() } else { format!(" ({})", same + 1) };
        parts.insert(format!("scorer file `{}`{number}", file.name), file.sha256.sha256_uri());
    }
    parts
}

/// Two payloads, row by row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    /// How many rows are byte for byte the same.
    pub same: u64,
    /// How many differ although neither ended by load or memory.
    pub differ: u64,
    /// How many differ where one ended as `crash`, `timeout` or `oom`: that need not come again.
    pub circumstantial: u64,
    /// The first that differs and is not circumstantial.
    pub first: Option<RowPair>,
}

/// One record's row in two payloads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowPair {
    /// Which record.
    pub ordinal: Ordinal,
    /// Its row in the pack.
    pub pack: String,
    /// Its row now.
    pub again: String,
}

impl RowPair {
    /// The pair of `pack` and `again`, lines without line feed.
    pub fn of(ordinal: Ordinal, pack: &[u8], again: &[u8]) -> Self {
        let text = |line: &[u8]| String::from_utf8_lossy(line).into_owned();
        Self { ordinal, pack: text(pack), again: text(again) }
    }
}

/// Whether load or memory caused what became of the record of this row.
pub fn is_circumstantial(row: &[u8]) -> bool {
    Row::read(row).is_ok_and(|row| reason::CIRCUMSTANTIAL.contains(&row.reason))
}
