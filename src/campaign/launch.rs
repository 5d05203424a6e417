//! A task of many ranks: `ranks`, `launcher` and what belongs to them in `[scheduler]`. Data; nothing of it is frozen.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::kind::SchedulerKind;
use super::scheduler::SchedulerSection;
use crate::error::{Error, Result};

/// No launch has more ranks.
const RANKS_MAX: u32 = 100_000;

/// No more options, and no longer ones, are given to a launcher.
const OPTIONS_MAX: usize = 100;
const OPTION_BYTES_MAX: usize = 4096;

/// How a task is started that is many ranks, in `campaign.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Launch {
    /// How many.
    pub ranks: u32,
    /// What starts them.
    pub launcher: Launcher,
    /// How task groups come to them; none is by `molsieve-mpi` where it is there, else by rank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hand_out: Option<HandOut>,
    /// How many of them a node takes at most; none leaves that to the scheduler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranks_per_node: Option<u32>,
    /// Further options of the launcher.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
}

/// What starts ranks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Launcher {
    /// That of the MPI library.
    #[default]
    Mpirun,
    /// SLURM's.
    Srun,
}

impl Launcher {
    /// The program.
    pub const fn program(self) -> &'static str {
        match self {
            Self::Mpirun => "mpirun",
            Self::Srun => "srun",
        }
    }
}

impl FromStr for Launcher {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        [Self::Mpirun, Self::Srun]
            .into_iter()
            .find(|launcher| launcher.program() == word)
            .ok_or_else(|| format!("`{}` is neither mpirun nor srun", word.escape_debug()))
    }
}

/// How task groups come to ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HandOut {
    /// Rank 0 gives each rank the next one when it asks: `molsieve-mpi`.
    Dynamic,
    /// By the number of the rank: no MPI library is needed.
    Static,
}

impl Launch {
    /// What `section` says of it, for the scheduler `kind`; none where a task is one process.
    ///
    /// # Errors
    /// Ranks that are none or too many, or missing where they are needed; a launcher that cannot be there (exit 2).
    pub fn of(section: &SchedulerSection, kind: SchedulerKind) -> Result<Option<Self>> {
        let Some(ranks) = section.ranks else { return Self::without_ranks(section, kind) };
        let launcher = section.launcher.unwrap_or_default();
        if launcher == Launcher::Srun && !kind.is_cluster() {
            return Err(Error::usage(format!("`scheduler.launcher` is `srun` with `kind = \"{kind}\"`"))
                .hint("on this machine `mpirun` starts the ranks: leave `launcher` away"));
        }
        let is_bad = |option: &&String| option.len() > OPTION_BYTES_MAX || option.chars().any(char::is_control);
        let options = &section.launcher_options;
        if options.len() > OPTIONS_MAX || options.iter().any(|option| is_bad(&option)) {
            return Err(Error::usage("`scheduler.launcher_options` holds what is no option of a program").hint(
                format!("at most {OPTIONS_MAX} words without control characters, each as the program is to get it"),
            ));
        }
        let ranks_per_node = section.ranks_per_node;
        let launch = Self { ranks, launcher, hand_out: section.hand_out, ranks_per_node, options: options.clone() };
        launch.checked().map(Some)
    }

    /// The same with `ranks` of them.
    ///
    /// # Errors
    /// These are none or too many (exit 2).
    pub fn with_ranks(&self, ranks: u32) -> Result<Self> {
        Self { ranks, ..self.clone() }.checked()
    }

    fn checked(self) -> Result<Self> {
        let Self { ranks, ranks_per_node, .. } = self;
        if ranks == 0 || ranks > RANKS_MAX {
            return Err(Error::usage(format!("`scheduler.ranks` is {ranks}"))
                .hint(format!("a task has from 1 to {RANKS_MAX} ranks")));
        }
        match ranks_per_node.filter(|a_node| *a_node == 0 || *a_node > ranks) {
            None => Ok(self),
            Some(a_node) => {
                Err(Error::usage(format!("`scheduler.ranks_per_node` is {a_node}, and `scheduler.ranks` is {ranks}"))
                    .hint(format!(
                        "a node takes from 1 to {ranks} of them; without the key that is left to the scheduler"
                    )))
            }
        }
    }

    fn without_ranks(section: &SchedulerSection, kind: SchedulerKind) -> Result<Option<Self>> {
        let said = [
            ("launcher", section.launcher.is_some()),
            ("ranks_per_node", section.ranks_per_node.is_some()),
            ("hand_out", section.hand_out.is_some()),
            ("launcher_options", !section.launcher_options.is_empty()),
        ];
        if let Some((key, _)) = said.into_iter().find(|(_, is_said)| *is_said) {
            return Err(Error::usage(format!("`scheduler.{key}` is said, and `scheduler.ranks` is not"))
                .hint("say how many ranks a task has, as in `ranks = 64`; without ranks nothing is launched"));
        }
        if kind.needs_ranks() {
            return Err(Error::usage(format!("`kind = \"{kind}\"` needs `scheduler.ranks`"))
                .hint("say how many ranks share the work, as in `ranks = 8`"));
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launch(text: &str) -> Result<Option<Launch>> {
        let section: SchedulerSection = toml::from_str(text).unwrap();
        section.launch()
    }

    #[test]
    fn a_task_has_ranks_where_somebody_says_how_many() {
        assert_eq!(launch("kind = \"slurm\"").unwrap(), None);
        let found = launch("kind = \"slurm\"\nranks = 8\nlauncher = \"srun\"\nhand_out = \"static\"").unwrap().unwrap();
        assert_eq!((found.ranks, found.launcher, found.hand_out), (8, Launcher::Srun, Some(HandOut::Static)));
        let found = launch("kind = \"slurm\"\nranks = 8\nranks_per_node = 4").unwrap().unwrap();
        assert_eq!(found.ranks_per_node, Some(4));
        assert_eq!(found.with_ranks(16).unwrap().ranks, 16);
        assert!(found.with_ranks(0).is_err() && found.with_ranks(3).is_err());
        let found = launch("kind = \"mpi\"\nranks = 4\nlauncher_options = [\"--map-by\", \"core\"]").unwrap().unwrap();
        assert_eq!((found.launcher, found.options.len(), found.hand_out), (Launcher::Mpirun, 2, None));
    }

    #[test]
    fn what_cannot_be_launched_is_refused_with_what_to_say_instead() {
        for (text, hint) in [
            ("kind = \"mpi\"", "ranks = 8"),
            ("kind = \"mpi\"\nranks = 0", "from 1 to"),
            ("kind = \"mpi\"\nranks = 2\nlauncher = \"srun\"", "leave `launcher` away"),
            ("kind = \"slurm\"\nlauncher = \"srun\"", "ranks = 64"),
            ("kind = \"mpi\"\nranks = 2\nlauncher_options = [\"a\\nb\"]", "control characters"),
            ("kind = \"slurm\"\nranks_per_node = 2", "ranks = 64"),
            ("kind = \"slurm\"\nranks = 4\nranks_per_node = 0", "from 1 to 4"),
            ("kind = \"slurm\"\nranks = 4\nranks_per_node = 5", "from 1 to 4"),
            ("kind = \"mpi\"\nranks = 4\nranks_per_node = 2", "it is for `kind = \"slurm\"`"),
            ("kind = \"local\"\nranks = 2", "`kind = \"slurm\"` or `kind = \"mpi\"`"),
        ] {
            let error = launch(text).unwrap_err();
            assert!(error.hints().iter().any(|said| said.contains(hint)), "{text}: {:?}", error.hints());
        }
    }
}
