//! The keys of a campaign file, and what somebody may have meant by another.

use crate::error::{Error, Result};

/// Every section with its keys.
const SECTIONS: &[(&str, &[&str])] = &[
    ("campaign", &["name", "seed"]),
    ("library", &["path", "format", "delimiter", "header", "structure_column", "id_column"]),
    (
        "scorer",
        &[
            "kind",
            "actives",
            "protocol",
            "argv",
            "files",
            "env",
            "timeout",
            "startup_timeout",
            "grace",
            "retry_patience",
            "seed_domain",
            "threads",
            "gpus",
            "container",
            "name",
            "version",
            "columns",
            "reasons",
            "deterministic",
            "batch_size",
            "ok_exit",
            "input",
            "output",
            "output_header",
            "output_key",
            "keep",
            "pattern",
            "source",
            "init",
        ],
    ),
    ("shards", &["records", "target"]),
    ("checkpoint", &["sync"]),
    (
        "scheduler",
        &[
            "kind",
            "partition",
            "account",
            "qos",
            "constraint",
            "reservation",
            "licenses",
            "mail",
            "modules",
            "export",
            "directives",
            "running",
            "tasks",
            "signal_before",
            "settle",
            "rounds",
            "nodes_may_submit",
            "tick_memory",
            "tick_walltime",
        ],
    ),
    ("resources", &["cpus", "memory", "walltime", "gpus"]),
    ("pack", &["outputs", "top", "keep", "rank", "order", "key"]),
    ("limits", &["max_error_rate", "core_hours"]),
];

/// Refuses a key that is not known, with the nearest one that is.
///
/// # Errors
/// A section or a key is unknown (exit 2).
pub fn check(table: &toml::Table) -> Result<()> {
    for (section, value) in table {
        let Some((_, keys)) = SECTIONS.iter().find(|(name, _)| name == section) else {
            return Err(unknown("section", section, SECTIONS.iter().map(|(name, _)| *name)));
        };
        let Some(entries) = value.as_table() else {
            return Err(Error::usage(format!("`{section}` is a section"))
                .hint(format!("write `[{section}]` on a line of its own")));
        };
        if let Some(key) = entries.keys().find(|key| !keys.contains(&key.as_str())) {
            return Err(unknown("key", key, keys.iter().copied()).within(format!("section [{section}]")));
        }
    }
    Ok(())
}

fn unknown<'a>(what: &str, given: &str, known: impl Iterator<Item = &'a str> + Clone) -> Error {
    let nearest =
        known.clone().max_by(|a, b| strsim::jaro_winkler(a, given).total_cmp(&strsim::jaro_winkler(b, given)));
    let error = Error::usage(format!("there is no {what} `{given}`"));
    match nearest.filter(|name| strsim::jaro_winkler(name, given) > 0.75) {
        Some(name) => error.hint(format!("did you mean `{name}`?")),
        None => error.hint(format!("known are: {}", known.collect::<Vec<_>>().join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use crate::campaign::config::Config;

    #[test]
    fn a_misspelt_key_is_refused_with_a_suggestion() {
        let text = "[campaign]\nname = \"a\"\nsede = 1\n[library]\npath = [\"a.smi\"]\n[scorer]\nkind = \"null\"\n";
        let error = Config::parse(text).unwrap_err();
        assert_eq!(error.what(), "section [campaign]: there is no key `sede`");
        assert_eq!(error.hints(), ["did you mean `seed`?"]);
    }

    #[test]
    fn a_column_is_said_by_name_or_by_number() {
        let column = |value: &str| {
            let library = format!("[library]\npath = [\"a.csv\"]\nstructure_column = {value}\nid_column = {value}\n");
            let text = format!("[campaign]\nname = \"a\"\n{library}[scorer]\nkind = \"null\"\n");
            Config::parse(&text).map(|config| (config.library.structure_column, config.library.id_column))
        };
        for value in ["2", "\"2\""] {
            assert_eq!(column(value).unwrap(), (Some("2".to_owned()), Some("2".to_owned())));
        }
        assert_eq!(column("\"smiles\"").unwrap().0.as_deref(), Some("smiles"));
        for bad in ["-1", "1.5", "true", "[1]"] {
            let error = column(bad).unwrap_err();
            assert!(error.what().contains("the name of a column, or its number from 1"), "{bad}: {error}");
        }
    }

    #[test]
    fn a_foreign_section_is_refused_with_the_list() {
        let error = Config::parse("[zzz]\na = 1\n").unwrap_err();
        assert!(error.hints()[0].contains("campaign, library, scorer"));
    }
}
