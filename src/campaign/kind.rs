//! The schedulers that a campaign may run on, and the keys of `[scheduler]`: one table of each.
//!
//! Who adds a scheduler adds a [`SchedulerKind`] and its line in `TABLE`, and names it at the [`KEYS`] that it takes.
//! How it is spoken to is `crate::scheduler`'s business; this module is data.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::scheduler::SchedulerSection;
use crate::error::{Error, Result};

/// A scheduler, as a campaign file names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum SchedulerKind {
    /// This machine.
    #[default]
    Local,
    /// SLURM.
    Slurm,
    /// HTCondor.
    HtCondor,
    /// Ray.
    Ray,
    /// This machine, as one launch of many ranks.
    Mpi,
}

/// What is known of a scheduler before it is spoken to.
struct Row {
    kind: SchedulerKind,
    /// What it is called in a campaign file and in everything that is written.
    word: &'static str,
    /// Whether its queue outlives us. Otherwise the work ends with whoever drives it.
    is_cluster: bool,
    /// Whether its tasks are launches, and somebody has to say of how many ranks.
    needs_ranks: bool,
}

/// The schedulers, in the order in which they are listed.
const TABLE: &[Row] = &[
    Row { kind: SchedulerKind::Local, word: "local", is_cluster: false, needs_ranks: false },
    Row { kind: SchedulerKind::Slurm, word: "slurm", is_cluster: true, needs_ranks: false },
    Row { kind: SchedulerKind::HtCondor, word: "htcondor", is_cluster: true, needs_ranks: false },
    Row { kind: SchedulerKind::Ray, word: "ray", is_cluster: true, needs_ranks: false },
    Row { kind: SchedulerKind::Mpi, word: "mpi", is_cluster: false, needs_ranks: true },
];

impl SchedulerKind {
    /// All of them, in the order in which they are listed.
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        TABLE.iter().map(|row| row.kind)
    }

    /// Its word in a campaign file and in everything that is written.
    pub fn word(self) -> &'static str {
        self.row().word
    }

    /// Whether its queue outlives us: a campaign there goes on by itself, in waves and ticks.
    pub fn is_cluster(self) -> bool {
        self.row().is_cluster
    }

    /// Whether its tasks are launches of so many ranks as somebody has to say.
    pub fn needs_ranks(self) -> bool {
        self.row().needs_ranks
    }

    /// Whether a task of its may be a launch of ranks.
    pub fn launches(self) -> bool {
        matches!(LAUNCHES, Of::Only(kinds) if kinds.contains(&self))
    }

    /// How those among `kinds` are chosen that are clusters, for a hint: as in `kind = "slurm"`.
    pub fn chosen(kinds: impl Iterator<Item = Self>) -> String {
        Self::listed(kinds.filter(|kind| kind.is_cluster()))
    }

    fn listed(kinds: impl Iterator<Item = Self>) -> String {
        kinds.map(|kind| format!("`kind = \"{kind}\"`")).collect::<Vec<_>>().join(" or ")
    }

    fn row(self) -> &'static Row {
        // (A test says that each has its line, and one alone.)
        TABLE.iter().find(|row| row.kind == self).unwrap_or(&TABLE[0])
    }
}

impl fmt::Display for SchedulerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for SchedulerKind {
    type Err = Error;

    /// # Errors
    /// There is no such scheduler (exit 2).
    fn from_str(word: &str) -> Result<Self> {
        Self::all().find(|kind| kind.word() == word).ok_or_else(|| {
            let known: Vec<&str> = Self::all().map(Self::word).collect();
            Error::usage(format!("`scheduler.kind` is `{}`, which this version does not have", word.escape_debug()))
                .hint(format!("known are: {}", known.join(", ")))
        })
    }
}

impl TryFrom<String> for SchedulerKind {
    type Error = String;

    fn try_from(word: String) -> std::result::Result<Self, String> {
        word.parse().map_err(|_| format!("this version has no scheduler `{}`", word.escape_debug()))
    }
}

impl From<SchedulerKind> for &'static str {
    fn from(kind: SchedulerKind) -> Self {
        kind.word()
    }
}

/// A key of `[scheduler]`.
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    of: Of,
    said: Said,
}

/// The schedulers to which a key means something.
enum Of {
    /// To every one.
    All,
    /// To every cluster: it is `run` that reads it.
    Clusters,
    /// To these: their bindings read it.
    Only(&'static [SchedulerKind]),
}

/// How it is known whether a key is said.
enum Said {
    /// It is a word of the site's own, which goes to its binding as it is.
    Word(fn(&SchedulerSection) -> Option<&String>),
    /// The same, and it is yes or no.
    Flag(fn(&SchedulerSection) -> Option<bool>),
    /// It is anything else.
    Other(fn(&SchedulerSection) -> bool),
}

use Said::{Flag, Other, Word};

const SLURM: Of = Of::Only(&[SchedulerKind::Slurm]);
/// Where a task may be a launch of many ranks.
const LAUNCHES: Of = Of::Only(&[SchedulerKind::Slurm, SchedulerKind::Mpi]);

/// Whose launches may be over several nodes.
const ALLOCATIONS: Of = Of::Only(&[SchedulerKind::Slurm]);

/// What batch schedulers have in common, each in its own words.
const BATCH: Of = Of::Only(&[SchedulerKind::Slurm, SchedulerKind::HtCondor]);

/// What is written down for jobs may be made from another file.
const WRITTEN: Of = Of::Only(&[SchedulerKind::Slurm, SchedulerKind::Ray]);

const HTCONDOR: Of = Of::Only(&[SchedulerKind::HtCondor]);

const RAY: Of = Of::Only(&[SchedulerKind::Ray]);

const fn key(name: &'static str, of: Of, said: Said) -> Key {
    Key { name, of, said }
}

/// The keys, in the order of `configs/defaults.toml`.
pub const KEYS: &[Key] = &[
    key("kind", Of::All, Other(|_| true)),
    // A profile may be there for its login alone.
    key("site", Of::All, Other(|section| section.site.is_some())),
    key("template", WRITTEN, Other(|section| section.template.is_some())),
    key("partition", SLURM, Word(|section| section.partition.as_ref())),
    key("account", BATCH, Word(|section| section.account.as_ref())),
    key("qos", SLURM, Word(|section| section.qos.as_ref())),
    key("constraint", BATCH, Word(|section| section.constraint.as_ref())),
    key("reservation", SLURM, Word(|section| section.reservation.as_ref())),
    key("licenses", BATCH, Word(|section| section.licenses.as_ref())),
    key("mail", SLURM, Word(|section| section.mail.as_ref())),
    key("modules", BATCH, Other(|section| !section.modules.is_empty())),
    key("export", BATCH, Other(|section| !section.export.is_empty())),
    key("directives", BATCH, Other(|section| !section.directives.is_empty())),
    key("files", HTCONDOR, Word(|section| section.files.as_ref())),
    key("address", RAY, Word(|section| section.address.as_ref())),
    key("token_file", RAY, Word(|section| section.token_file.as_ref())),
    key("ca_file", RAY, Word(|section| section.ca_file.as_ref())),
    key("allow_http", RAY, Flag(|section| section.allow_http)),
    key("python", RAY, Word(|section| section.python.as_ref())),
    key("grace", RAY, Word(|section| section.grace.as_ref())),
    key("ranks", LAUNCHES, Other(|section| section.ranks.is_some())),
    key("ranks_per_node", ALLOCATIONS, Other(|section| section.ranks_per_node.is_some())),
    key("launcher", LAUNCHES, Other(|section| section.launcher.is_some())),
    key("launcher_options", LAUNCHES, Other(|section| !section.launcher_options.is_empty())),
    key("hand_out", LAUNCHES, Other(|section| section.hand_out.is_some())),
    key("running", Of::Clusters, Other(|section| section.running.is_some())),
    key("tasks", Of::Clusters, Other(|section| section.tasks.is_some())),
    key("signal_before", BATCH, Other(|section| section.signal_before.is_some())),
    key("settle", Of::Clusters, Other(|section| section.settle.is_some())),
    key("rounds", Of::Clusters, Other(|section| section.rounds.is_some())),
    key("nodes_may_submit", Of::Clusters, Other(|section| section.nodes_may_submit.is_some())),
    key("look", Of::Clusters, Other(|section| section.look.is_some())),
    key("tick_memory", BATCH, Other(|section| section.tick_memory.is_some())),
    key("tick_walltime", Of::Clusters, Other(|section| section.tick_walltime.is_some())),
];

/// Those among the words that are paths: from the directory of the file that says them.
pub const PATHS: [&str; 2] = ["token_file", "ca_file"];

/// The names of the [`KEYS`].
pub const NAMES: [&str; KEYS.len()] = {
    let mut names = [""; KEYS.len()];
    let mut at = 0;
    while at < KEYS.len() {
        names[at] = KEYS[at].name;
        at += 1;
    }
    names
};

impl Key {
    /// Whether it means something to `kind`.
    pub fn is_of(&self, kind: SchedulerKind) -> bool {
        match self.of {
            Of::All => true,
            Of::Clusters => kind.is_cluster(),
            Of::Only(kinds) => kinds.contains(&kind),
        }
    }

    /// Whether `section` says it.
    pub fn is_said(&self, section: &SchedulerSection) -> bool {
        match self.said {
            Word(word) => word(section).is_some(),
            Flag(flag) => flag(section).is_some(),
            Other(is_said) => is_said(section),
        }
    }
}

/// The words of the site's own that `section` says, by key.
pub fn words(section: &SchedulerSection) -> impl Iterator<Item = (String, String)> {
    KEYS.iter().filter_map(|key| match key.said {
        Word(word) => Some((key.name.to_owned(), word(section)?.clone())),
        Flag(flag) => Some((key.name.to_owned(), flag(section)?.to_string())),
        Other(_) => None,
    })
}

/// Refuses a key that `section` says and that means nothing to `kind`.
///
/// # Errors
/// There is one (exit 2).
pub fn check(section: &SchedulerSection, kind: SchedulerKind) -> Result<()> {
    let Some(stray) = KEYS.iter().find(|key| key.is_said(section) && !key.is_of(kind)) else { return Ok(()) };
    let chosen = SchedulerKind::listed(SchedulerKind::all().filter(|kind| stray.is_of(*kind)));
    if !KEYS.iter().any(|key| key.is_of(kind) && !matches!(key.of, Of::All)) {
        return Err(Error::usage(format!("`[scheduler]` with `kind = \"{kind}\"` needs no other key"))
            .hint(format!("remove the other keys, or say which scheduler they are for: {chosen}")));
    }
    Err(Error::usage(format!("`scheduler.{}` means nothing with `kind = \"{kind}\"`", stray.name))
        .hint(format!("remove it: it is for {chosen}")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_scheduler_has_one_line_and_one_word() {
        let words: BTreeSet<&str> = SchedulerKind::all().map(SchedulerKind::word).collect();
        assert_eq!(words.len(), TABLE.len());
        for kind in SchedulerKind::all() {
            assert_eq!(kind.row().kind, kind);
            assert_eq!(kind.word().parse::<SchedulerKind>().unwrap(), kind);
            let written = serde_json::to_string(&kind).unwrap();
            assert_eq!(written, format!("\"{kind}\""));
            assert_eq!(serde_json::from_str::<SchedulerKind>(&written).unwrap(), kind);
        }
        let unknown = serde_json::from_str::<SchedulerKind>("\"pbs\"").unwrap_err().to_string();
        assert!(unknown.contains("this version has no scheduler `pbs`"), "{unknown}");
    }

    #[test]
    fn a_key_counts_as_said_where_it_is_said_and_only_there() {
        let said = |section: &SchedulerSection| -> Vec<&str> {
            KEYS.iter().filter(|key| key.is_said(section)).map(|key| key.name).collect()
        };
        assert_eq!(said(&SchedulerSection::default()), ["kind"]);
        for key in &KEYS[1..] {
            let value = match key.name {
                "modules" | "export" | "directives" | "launcher_options" => "[\"a\"]",
                "running" | "tasks" | "rounds" | "ranks" | "ranks_per_node" => "3",
                "nodes_may_submit" | "allow_http" => "false",
                "launcher" => "\"srun\"",
                "hand_out" => "\"static\"",
                _ => "\"a\"",
            };
            let section: SchedulerSection = toml::from_str(&format!("{} = {value}", key.name)).unwrap();
            assert_eq!(said(&section), ["kind", key.name]);
        }
    }

    #[test]
    fn a_key_of_another_scheduler_is_refused_with_the_one_that_it_is_for() {
        let section: SchedulerSection = toml::from_str("site = \"ours\"").unwrap();
        assert!(check(&section, SchedulerKind::Local).is_ok());
        for key in KEYS.iter().filter(|key| !key.is_of(SchedulerKind::Local)) {
            assert!(SchedulerKind::all().any(|kind| key.is_of(kind)), "{} is of nobody", key.name);
        }
        let section: SchedulerSection = toml::from_str("partition = \"batch\"").unwrap();
        assert!(check(&section, SchedulerKind::Slurm).is_ok());
        let error = check(&section, SchedulerKind::Local).unwrap_err();
        assert!(error.hints()[0].contains("`kind = \"slurm\"`"), "{:?}", error.hints());
    }
}
