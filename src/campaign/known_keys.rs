//! The keys of a campaign file, and what somebody may have meant by another.

use super::kind;
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
            "physics_mode",
            "edge_weight",
            "max_atoms",
            "require_connected",
            "score",
            "order",
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
    ("decoys", &["count", "strategies", "window", "connected"]),
    ("shards", &["records", "target"]),
    ("checkpoint", &["sync"]),
    ("scheduler", &kind::NAMES),
    ("resources", &["cpus", "memory", "walltime", "gpus"]),
    ("pack", &["outputs", "export", "top", "keep", "rank", "order", "key"]),
    ("limits", &["max_error_rate", "core_hours"]),
];

/// The keys of a table within a section: that of a column, and that of a container.
const COLUMN: &[&str] = &["name", "type", "order", "unit", "description", "optional"];
const CONTAINER: &[&str] = &["runtime", "image", "digest", "binds", "network"];

/// The keys of a site profile: those that stand alone, and those of its sections that a campaign file does not have.
const SITE: &[&str] = &["schema", "name", "description", "login", "remote", "scheduler", "resources"];
const REMOTE: &[&str] = &["root", "transport"];

/// Refuses a key of a site profile that is not known, with the nearest one that is.
///
/// # Errors
/// A section or a key is unknown (exit 2).
pub fn check_site(table: &toml::Table) -> Result<()> {
    for (name, value) in table {
        if !SITE.contains(&name.as_str()) {
            let what = if value.is_table() { "section" } else { "key" };
            return Err(unknown(what, name, SITE.iter().copied()));
        }
        let Some(entries) = value.as_table() else { continue };
        let all = SECTIONS.iter().find(|(section, _)| section == name).map_or(REMOTE, |(_, keys)| keys);
        // A profile is under a campaign file, and not under another profile.
        let keys: Vec<&str> = all.iter().copied().filter(|key| *key != "site").collect();
        are_known(entries, &keys).map_err(|e| e.within(format!("section [{name}]")))?;
    }
    Ok(())
}

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
        are_known(entries, keys).map_err(|e| e.within(format!("section [{section}]")))?;
        if section == "scorer" {
            let columns = entries.get("columns").and_then(toml::Value::as_array).into_iter().flatten();
            let container = entries.get("container").and_then(toml::Value::as_table);
            for column in columns.filter_map(toml::Value::as_table) {
                are_known(column, COLUMN).map_err(|e| e.within("`scorer.columns`"))?;
            }
            container
                .map_or(Ok(()), |table| are_known(table, CONTAINER))
                .map_err(|e| e.within("`scorer.container`"))?;
        }
    }
    Ok(())
}

fn are_known(table: &toml::Table, keys: &[&str]) -> Result<()> {
    match table.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(unknown("key", key, keys.iter().copied())),
        None => Ok(()),
    }
}

fn unknown<'a>(what: &str, given: &str, known: impl Iterator<Item = &'a str> + Clone) -> Error {
    let error = Error::usage(format!("there is no {what} `{given}`")).hint(meant(given, known));
    let place = SECTIONS.iter().find(|(_, keys)| what == "key" && keys.contains(&given));
    match place {
        Some((section, _)) => error.hint(format!("`{given}` is a key of [{section}]")),
        None => error,
    }
}

/// What somebody who wrote `given` may have meant, as a hint.
pub fn meant<'a>(given: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    // Of names that are equally near, the first; nothing is compared in an order that a hash would decide.
    let near = |name: &str| strsim::jaro_winkler(name, given);
    let nearest = known.clone().reduce(|best, name| if near(name) > near(best) { name } else { best });
    match nearest.filter(|name| near(name) > 0.75) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("known are: {}", known.collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde::de::DeserializeOwned;

    use super::{COLUMN, CONTAINER, REMOTE, SECTIONS, SITE};
    use crate::campaign::config::{self, Config};
    use crate::campaign::scheduler::SchedulerSection;
    use crate::campaign::site::{RemoteSection, SiteProfile};
    use crate::campaign::toml_error;

    /// The keys that the reader of `T` knows: it names them where it is given another.
    fn read_by<T: DeserializeOwned>() -> BTreeSet<String> {
        let error = toml::from_str::<T>("is_no_key = 1").map(drop).unwrap_err();
        let (given, known) = toml_error::one_of(error.message().trim()).expect("it names what it knows");
        assert_eq!(given, "is_no_key");
        known.into_iter().collect()
    }

    #[test]
    fn the_keys_that_are_known_are_those_that_are_read() {
        let listed = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<BTreeSet<_>>();
        let sections: Vec<&str> = SECTIONS.iter().map(|(name, _)| *name).collect();
        assert_eq!(read_by::<Config>(), listed(&sections));
        for (section, keys) in SECTIONS {
            let read = match *section {
                "campaign" => read_by::<config::CampaignSection>(),
                "library" => read_by::<config::LibrarySection>(),
                "scorer" => read_by::<config::ScorerSection>(),
                "decoys" => read_by::<crate::campaign::decoys::DecoysSection>(),
                "shards" => read_by::<config::ShardsSection>(),
                "checkpoint" => read_by::<config::CheckpointSection>(),
                "scheduler" => read_by::<SchedulerSection>(),
                "resources" => read_by::<config::ResourcesSection>(),
                "pack" => read_by::<config::PackSection>(),
                "limits" => read_by::<config::LimitsSection>(),
                other => panic!("nobody reads [{other}]"),
            };
            assert_eq!(read, listed(keys), "[{section}]");
        }
        assert_eq!(read_by::<config::ColumnSection>(), listed(COLUMN));
        assert_eq!(read_by::<config::ContainerTable>(), listed(CONTAINER));
        assert_eq!(read_by::<SiteProfile>(), listed(SITE));
        assert_eq!(read_by::<RemoteSection>(), listed(REMOTE));
    }

    #[test]
    fn a_column_may_say_its_unit_and_what_it_is() {
        let column = "columns = [{ name = \"a\", unit = \"kcal/mol\", description = \"energy\" }]";
        let text =
            format!("[campaign]\nname = \"a\"\n[library]\npath = [\"a\"]\n[scorer]\nkind = \"command\"\n{column}\n");
        let column = Config::parse(&text).unwrap().scorer.columns.unwrap().remove(0);
        assert_eq!((column.unit.as_deref(), column.description.as_deref()), (Some("kcal/mol"), Some("energy")));
    }

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
    fn a_misspelt_key_in_a_table_is_refused_with_a_suggestion() {
        for (line, place, meant) in [
            ("columns = [{ name = \"a\" }, { nmae = \"b\" }]", "`scorer.columns`: there is no key `nmae`", "name"),
            ("container = { imag = \"x.sif\" }", "`scorer.container`: there is no key `imag`", "image"),
        ] {
            let text =
                format!("[campaign]\nname = \"a\"\n[library]\npath = [\"a\"]\n[scorer]\nkind = \"null\"\n{line}\n");
            let error = Config::parse(&text).unwrap_err();
            assert_eq!((error.what(), &error.hints()[0]), (place, &format!("did you mean `{meant}`?")));
        }
    }

    #[test]
    fn a_key_of_another_section_is_told_where_it_belongs() {
        let error = Config::parse("[campaign]\nname = \"a\"\ncpus = 4\n").unwrap_err();
        assert_eq!(error.hints().last().unwrap(), "`cpus` is a key of [resources]");
    }

    #[test]
    fn a_foreign_section_is_refused_with_the_list() {
        let error = Config::parse("[zzz]\na = 1\n").unwrap_err();
        assert!(error.hints()[0].contains("campaign, library, scorer"));
    }
}
