//! `[scheduler]`: where a campaign runs, and what its site wants of it.
//!
//! Nothing of it is frozen: the same campaign may go on elsewhere. The words are the site's own; what may
//! stand in a batch script is checked by the binding to the scheduler, before anything is submitted.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::kind::{self, SchedulerKind};
use super::launch::{HandOut, Launch, Launcher};
use crate::error::{Error, Result};
use crate::fs;
use crate::units;

/// No template of a batch script is larger, in bytes.
const TEMPLATE_BYTES_MAX: u64 = 64 << 10;

/// Rounds after which a campaign waits for somebody, unless said otherwise.
const ROUNDS_MAX: u64 = 100;

/// How often a wave is looked at while it runs, unless said otherwise.
const LOOK_S: u64 = 3600;

/// Tasks of a wave where a task has ranks, unless said otherwise: one allocation that is kept busy.
pub const ALLOCATIONS: u64 = 1;

/// What `files` may be: nodes see the campaign directory, or get what they need.
const SHARED: &str = "shared";
const CARRIED: &str = "transfer";

/// `[scheduler]`, as a person writes it. Each key has its line in [`kind::KEYS`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SchedulerSection {
    /// Which scheduler.
    #[serde(default)]
    pub kind: KindWord,
    /// The site profile that holds what is not said here: its name, or a path.
    pub site: Option<String>,
    /// The file that batch scripts are made from, instead of ours.
    pub template: Option<PathBuf>,
    /// Partitions, with commas between them.
    pub partition: Option<String>,
    /// The account that pays.
    pub account: Option<String>,
    /// The quality of service.
    pub qos: Option<String>,
    /// What nodes must have.
    pub constraint: Option<String>,
    /// A reservation of nodes.
    pub reservation: Option<String>,
    /// Licences that each task takes.
    pub licenses: Option<String>,
    /// Who is told of the end.
    pub mail: Option<String>,
    /// Environment modules that are loaded before the worker.
    #[serde(default)]
    pub modules: Vec<String>,
    /// Names of environment variables that go with the tasks, beside `PATH` and the like; none else does.
    #[serde(default)]
    pub export: Vec<String>,
    /// Further options of the scheduler's submit command, as in `--exclusive`.
    #[serde(default)]
    pub directives: Vec<String>,
    /// Whether nodes see the campaign directory (`shared`), or get what they need (`transfer`).
    pub files: Option<String>,
    /// Where the scheduler is asked, where that is by HTTP.
    pub address: Option<String>,
    /// The file that holds the token which it wants. What is in it is written nowhere.
    pub token_file: Option<String>,
    /// The certificates of those who may sign its own.
    pub ca_file: Option<String>,
    /// Whether plain HTTP may go to another machine.
    pub allow_http: Option<bool>,
    /// The Python of its head.
    pub python: Option<String>,
    /// How long a task that was asked to end may take for a checkpoint.
    pub grace: Option<String>,
    /// How many ranks a task has; none is one process, which nobody launches.
    pub ranks: Option<u32>,
    /// How many of them a node takes at most.
    pub ranks_per_node: Option<u32>,
    /// What starts them.
    pub launcher: Option<Launcher>,
    /// Further options of that.
    #[serde(default)]
    pub launcher_options: Vec<String>,
    /// How task groups come to ranks.
    pub hand_out: Option<HandOut>,
    /// How many tasks may run at a time.
    pub running: Option<u64>,
    /// How many tasks one submission may have.
    pub tasks: Option<u64>,
    /// How long before the time limit a task is told to end at a checkpoint.
    pub signal_before: Option<String>,
    /// How long after the end of a task its files may take to be seen.
    pub settle: Option<String>,
    /// Rounds of submissions after which the campaign waits for somebody.
    pub rounds: Option<u64>,
    /// Whether jobs may submit jobs on this site.
    pub nodes_may_submit: Option<bool>,
    /// How often a small job looks at a wave while it runs; `never` is without.
    pub look: Option<String>,
    /// Memory of the job that goes on by itself and seals the pack.
    pub tick_memory: Option<String>,
    /// Time limit of that job.
    pub tick_walltime: Option<String>,
}

/// The word of a [`SchedulerKind`], as it is written: whether there is such a one, [`SchedulerSection::kind`] says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct KindWord(String);

impl Default for KindWord {
    fn default() -> Self {
        Self(SchedulerKind::default().word().to_owned())
    }
}

/// What a cluster is asked for, in `campaign.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// The site whose profile was under the campaign file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// The text that batch scripts are made from; none is ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// The site's own words, by key; what is not said is not there.
    #[serde(default, skip_serializing_if = "Words::is_empty")]
    pub words: Words,
    /// Environment modules that are loaded before the worker.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<String>,
    /// Names of environment variables that go with the tasks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub export: Vec<String>,
    /// Further options of the submit command.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub directives: Vec<String>,
    /// How many tasks may run at a time.
    pub running_max: Option<u64>,
    /// How many tasks one submission may have.
    pub tasks_max: Option<u64>,
    /// How long before the time limit a task is told, in seconds.
    pub signal_before_s: u64,
    /// How long after the end of a task its files may take to be seen, in seconds.
    pub settle_s: u64,
    /// Rounds after which the campaign waits for somebody.
    pub rounds_max: u64,
    /// Whether jobs may submit jobs.
    pub nodes_may_submit: bool,
    /// How often a wave is looked at while it runs, in seconds; none is never.
    #[serde(default = "look_default")]
    pub look_s: Option<u64>,
    /// Memory of a tick, in MiB.
    pub tick_memory_mib: u64,
    /// Time limit of a tick, in seconds.
    pub tick_walltime_s: u64,
}

#[expect(clippy::unnecessary_wraps, reason = "it is the value of a field")]
const fn look_default() -> Option<u64> {
    Some(LOOK_S)
}

/// Words that a site knows, such as partition and account.
pub type Words = std::collections::BTreeMap<String, String>;

impl SchedulerSection {
    /// One that says its scheduler, and nothing else.
    pub fn of(kind: SchedulerKind) -> Self {
        Self { kind: KindWord(kind.word().to_owned()), ..Self::default() }
    }

    /// The scheduler.
    ///
    /// # Errors
    /// There is no such scheduler (exit 2).
    pub fn kind(&self) -> Result<SchedulerKind> {
        self.kind.0.parse()
    }

    /// What a cluster is asked for; none where there is none, on this machine.
    ///
    /// # Errors
    /// No such scheduler, a key that means nothing for it, or a value that is no duration or size (exit 2).
    pub fn cluster(&self) -> Result<Option<Cluster>> {
        let kind = self.kind()?;
        kind::check(self, kind)?;
        kind.is_cluster().then(|| self.asked_of_a_cluster()).transpose()
    }

    /// How a task is launched that has many ranks; none where it is one process.
    ///
    /// # Errors
    /// As [`SchedulerSection::cluster`] and [`Launch::of`].
    pub fn launch(&self) -> Result<Option<Launch>> {
        let kind = self.kind()?;
        kind::check(self, kind)?;
        Launch::of(self, kind)
    }

    /// The text that batch scripts are made from, where one is named: a path from `base`.
    ///
    /// # Errors
    /// There is no such file, or it is none of the kind (exit 2); it cannot be read (exit 6).
    pub fn template_text(&self, base: &Path) -> Result<Option<String>> {
        let Some(path) = self.template.as_ref().map(|path| base.join(path)) else { return Ok(None) };
        let within = |e: Error| e.within("`scheduler.template`");
        let bytes = fs::read_input(&path, TEMPLATE_BYTES_MAX).map_err(|e| within(Error::input(&path, &e)))?;
        let text = String::from_utf8(bytes).map_err(|_| Error::usage(format!("`{}` is not text", path.display())));
        text.map(Some).map_err(within)
    }

    fn asked_of_a_cluster(&self) -> Result<Cluster> {
        let seconds = |text: &Option<String>, key: &str, default: u64| match text {
            None => Ok(default),
            Some(text) => {
                units::duration(text).map(|d| d.as_secs()).map_err(|e| e.within(format!("`scheduler.{key}`")))
            }
        };
        let zero = [("running", self.running), ("tasks", self.tasks), ("rounds", self.rounds)];
        if let Some((key, _)) = zero.iter().find(|(_, value)| *value == Some(0)) {
            return Err(Error::usage(format!("`scheduler.{key}` must be at least 1")));
        }
        if let Some(files) = self.files.as_ref().filter(|files| !matches!(files.as_str(), SHARED | CARRIED)) {
            let what = format!("`scheduler.files` is `{}`", files.escape_debug());
            return Err(Error::usage(what)
                .hint(format!("`{SHARED}`: nodes see the campaign directory; `{CARRIED}`: they get what they need")));
        }
        let memory = self.tick_memory.as_ref().map(|text| units::size_mib(text)).transpose();
        let look_s = match self.look.as_deref() {
            Some("never") => None,
            _ => Some(seconds(&self.look, "look", LOOK_S)?.max(1)),
        };
        let settle_s = seconds(&self.settle, "settle", 30)?;
        let tick_walltime_s = seconds(&self.tick_walltime, "tick_walltime", 3600)?;
        if settle_s > tick_walltime_s / 2 {
            return Err(Error::usage(format!(
                "`scheduler.settle` is {settle_s} s, and the small job that waits so long has {tick_walltime_s} s in all"
            ))
            .hint("`tick_walltime` must be at least twice as long"));
        }
        Ok(Cluster {
            site: self.site.clone(),
            template: None,
            words: kind::words(self).collect(),
            modules: self.modules.clone(),
            export: self.export.clone(),
            directives: self.directives.clone(),
            running_max: self.running,
            tasks_max: self.tasks.or(self.ranks.map(|_| ALLOCATIONS)),
            signal_before_s: seconds(&self.signal_before, "signal_before", 120)?,
            settle_s,
            rounds_max: self.rounds.unwrap_or(ROUNDS_MAX),
            nodes_may_submit: self.nodes_may_submit.unwrap_or(true),
            look_s,
            tick_memory_mib: memory.map_err(|e| e.within("`scheduler.tick_memory`"))?.unwrap_or(1024),
            tick_walltime_s,
        })
    }
}

impl Cluster {
    /// Whether nodes see none of our files, and get what they need.
    pub fn is_carried(&self) -> bool {
        self.words.get("files").is_some_and(|files| files == CARRIED)
    }

    /// How long after the end of a task its files may take to be seen.
    pub const fn settle(&self) -> Duration {
        Duration::from_secs(self.settle_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(text: &str) -> SchedulerSection {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn this_machine_needs_nothing_said_and_takes_nothing_said() {
        assert_eq!(section("").cluster().unwrap(), None);
        let error = section("partition = \"batch\"").cluster().unwrap_err();
        assert!(error.what().contains("local"), "{error}");
    }

    #[test]
    fn a_cluster_gets_the_words_of_its_site() {
        let text = "kind = \"slurm\"\npartition = \"long\"\nsignal_before = \"5min\"\nrunning = 50\n";
        let cluster = section(text).cluster().unwrap().unwrap();
        assert_eq!(cluster.words, Words::from([("partition".into(), "long".into())]));
        assert_eq!((cluster.signal_before_s, cluster.running_max, cluster.rounds_max), (300, Some(50), 100));
    }

    #[test]
    fn a_wave_is_looked_at_every_hour_unless_somebody_says_how_often_or_never() {
        let look = |more: &str| section(&format!("kind = \"slurm\"\n{more}")).cluster().unwrap().unwrap().look_s;
        assert_eq!([look(""), look("look = \"20min\""), look("look = \"never\"")], [Some(3600), Some(1200), None]);
        assert!(section("kind = \"slurm\"\nlook = \"now and then\"").cluster().is_err());
        // As a version wrote it that had no such key.
        let mut before = serde_json::to_value(section("kind = \"slurm\"").cluster().unwrap().unwrap()).unwrap();
        before.as_object_mut().unwrap().remove("look_s").unwrap();
        assert_eq!(serde_json::from_value::<Cluster>(before).unwrap().look_s, Some(3600));
    }

    #[test]
    fn what_is_no_scheduler_and_no_number_is_refused() {
        let long = "kind = \"slurm\"\nsettle = \"40min\"";
        let files = "kind = \"htcondor\"\nfiles = \"nfs\"";
        for text in [files, "kind = \"slurm\"\nfiles = \"transfer\"", "files = \"transfer\""] {
            assert!(section(text).cluster().is_err(), "{text}");
        }
        for text in [long, "kind = \"pbs\"", "kind = \"slurm\"\nsettle = \"soon\"", "kind = \"slurm\"\nrunning = 0"] {
            assert!(section(text).cluster().is_err(), "{text}");
        }
    }
}
