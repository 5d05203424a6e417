//! The keys of a campaign file that are frozen with the plan, and what differs when a file is run again.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::campaign::config::Config;
use crate::campaign::file::Campaign;
use crate::error::{Error, Result};

/// So many keys that differ are named.
const NAMED_MAX: usize = 8;

/// No value is shown with more characters.
const SHOWN_CHARS: usize = 120;

/// Keys that may change: when the scorer is given up, how it shares a machine, what is done with its files, what they are checked against.
const FREE: [&str; 12] = [
    "pack.export",
    "pack.key",
    "pack.keep",
    "scorer.keep",
    "scorer.sha256",
    "scorer.timeout",
    "scorer.startup_timeout",
    "scorer.grace",
    "scorer.retry_patience",
    "scorer.threads",
    "scorer.gpus",
    "scorer.batch_size",
];

/// The keys that are frozen, each with its value as JSON. Scheduler, resources, limits, sync and key are not.
pub fn keys(config: &Config) -> BTreeMap<String, String> {
    let Config { campaign, library, scorer, decoys, shards, pack, .. } = config;
    let mut all = BTreeMap::new();
    let mut put = |section: &str, value: serde_json::Result<Json>| {
        if let Ok(Json::Object(keys)) = value {
            all.extend(
                keys.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (format!("{section}.{k}"), v.to_string())),
            );
        }
    };
    put("campaign", serde_json::to_value(campaign));
    put("library", serde_json::to_value(library));
    put("scorer", serde_json::to_value(scorer));
    put("decoys", serde_json::to_value(decoys));
    put("shards", serde_json::to_value(shards));
    put("pack", serde_json::to_value(pack));
    FREE.iter().for_each(|key| drop(all.remove(*key)));
    all
}

/// Checks that a campaign file with the frozen keys `now` asks for `campaign`.
///
/// # Errors
/// It does not (exit 2): the message names each key that differs, with both values as a campaign file has them.
pub fn unchanged(now: &BTreeMap<String, String>, campaign: &Campaign) -> Result<()> {
    let (then, dir) = (&campaign.file.request, campaign.dir.root().display());
    let differs = differing(now, then);
    if differs.is_empty() {
        return Ok(());
    }
    let value =
        |of: &BTreeMap<String, String>, key: &str| of.get(key).map_or_else(|| "not set".to_owned(), |v| written(v));
    let mut each =
        differs.iter().map(|key| format!("`{key}` is {} there and {} here", value(then, key), value(now, key)));
    let what = if differs.len() == 1 {
        each.next().unwrap_or_default()
    } else {
        let mut text = format!("{} keys of the campaign file differ", differs.len());
        each.take(NAMED_MAX).for_each(|line| text += &format!("\n    {line}"));
        if let Some(more @ 1..) = differs.len().checked_sub(NAMED_MAX) {
            text += &format!("\n    and {more} more");
        }
        text
    };
    Err(Error::usage(format!("`{dir}` holds another campaign: {what}"))
        .hint("to compute what the file asks for now, give it a directory of its own with `--dir`")
        .hint(format!("to go on with what is in `{dir}`, put the file back as it was, or run `molsieve resume {dir}`")))
}

/// Whether a campaign file with the frozen keys `now` asks for `campaign`, with another scorer at most.
pub fn is_scorer_alone(now: &BTreeMap<String, String>, campaign: &Campaign) -> bool {
    differing(now, &campaign.file.request).iter().all(|key| key.starts_with("scorer.") || key.starts_with("decoys."))
}

/// The keys whose values differ, in order.
fn differing<'a>(now: &'a BTreeMap<String, String>, then: &'a BTreeMap<String, String>) -> Vec<&'a String> {
    let keys: BTreeSet<&String> = now.keys().chain(then.keys()).collect();
    keys.into_iter().filter(|key| now.get(*key) != then.get(*key)).collect()
}

/// A JSON value as it is written in a campaign file, shortened where it is long.
fn written(json: &str) -> String {
    let text = serde_json::from_str::<Json>(json).map_or_else(|_| json.to_owned(), |value| in_toml(&value));
    if text.chars().count() <= SHOWN_CHARS {
        return text;
    }
    text.chars().take(SHOWN_CHARS).chain(['…']).collect()
}

/// `value` as TOML on one line; in a table, what is not set is left out.
fn in_toml(value: &Json) -> String {
    match value {
        Json::Array(values) => format!("[{}]", values.iter().map(in_toml).collect::<Vec<_>>().join(", ")),
        Json::Object(keys) => {
            let set = keys.iter().filter(|(_, value)| !value.is_null());
            let pairs: Vec<String> = set.map(|(key, value)| format!("{key} = {}", in_toml(value))).collect();
            if pairs.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", pairs.join(", ")) }
        }
        // Strings, numbers and booleans look alike in both.
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_shown_as_a_campaign_file_has_it() {
        let columns = r#"[{"name":"score","optional":false,"order":"asc","type":null}]"#;
        assert_eq!(written(columns), r#"[{ name = "score", optional = false, order = "asc" }]"#);
        assert_eq!(written("3"), "3");
        assert_eq!(written(r#""a \"b\"""#), r#""a \"b\"""#);
        assert_eq!(written("{}"), "{}");
        assert_eq!(written("[]"), "[]");
        let long = written(&format!("\"{}\"", "é".repeat(500)));
        assert_eq!(long.chars().count(), SHOWN_CHARS + 1, "{long}");
        assert!(long.ends_with('…'));
    }

    #[test]
    fn what_no_result_depends_on_is_not_frozen() {
        let text = |more: &str| {
            format!("[campaign]\nname = \"a\"\n[library]\npath = [\"a.smi\"]\n[scorer]\nkind = \"null\"\n{more}")
        };
        let plain = keys(&Config::parse(&text("")).unwrap());
        let free = "timeout = \"1s\"\nthreads = 1\n[limits]\nmax_error_rate = 0.5\n[resources]\ncpus = 2\n";
        assert_eq!(keys(&Config::parse(&text(free)).unwrap()), plain);
        let other = keys(&Config::parse(&text("[pack]\ntop = 5\n")).unwrap());
        assert_eq!(plain.iter().filter(|(key, value)| other.get(*key) != Some(*value)).count(), 1);
    }
}
