//! `campaign.json`: the frozen request, and where this copy of it finds its inputs.
//!
//! The identity decides what is computed; the rest may differ from one directory to the next (a
//! path, a time limit) and is provenance at most. See `docs/formats/campaign.md`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::identity::Identity;
use super::kind::SchedulerKind;
use super::launch::Launch;
use super::scheduler::Cluster;
use crate::canonical;
use crate::error::{Error, Result};
use crate::fs;
use crate::id::AttemptId;
use crate::layout::CampaignDir;
use crate::scorer::command::launch;
use crate::scorer::identity::ScorerLaunch;
use crate::scorer::open::{Here, Post};
use crate::shard::plan::Plan;

/// Schema of [`CampaignFile`].
pub const SCHEMA: &str = "molsieve.campaign-file.v1";

/// `campaign.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignFile {
    /// [`SCHEMA`].
    pub schema: String,
    /// What is computed.
    pub identity: Identity,
    /// What the user asked for, as far as it is frozen: key to value, as written.
    pub request: BTreeMap<String, String>,
    /// How it is executed here.
    pub execution: Execution,
    /// Drawn when it was planned in this directory: by it, its jobs are told from those of one that was here before. Part of no
    /// identity and of no pack; none in directories of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
}

/// How a campaign is executed here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Execution {
    /// The directory of the library snapshot: relative to the campaign's if it is its own, absolute if several share it.
    pub library: PathBuf,
    /// How the scorer is started.
    pub scorer: ScorerLaunch,
    /// How often checkpoints are made durable, in milliseconds.
    pub sync_ms: u64,
    /// The scheduler.
    pub scheduler: SchedulerKind,
    /// What a cluster is asked for; none on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Cluster>,
    /// How a task is launched that has many ranks; none where it is one process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch: Option<Launch>,
    /// Cores a task, or a rank of it.
    pub cpus: u32,
    /// GPUs a task.
    #[serde(default, skip_serializing_if = "canonical::json::is_default")]
    pub gpus: u32,
    /// Memory a task, in MiB.
    pub memory_mib: Option<u64>,
    /// Time limit a task, in seconds.
    pub walltime_s: Option<u64>,
    /// Share of ERROR rows that pauses the campaign, in millionths.
    pub max_error_ppm: Option<u64>,
    /// Core time that all tasks may use together, in core-milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core_ms_max: Option<u64>,
    /// The private key that `run` signs with.
    pub key: Option<PathBuf>,
    /// Of how many records of each task group the files that the scorer hands over are kept.
    #[serde(default, skip_serializing_if = "canonical::json::is_default")]
    pub keep: u64,
    /// In which shapes of others the pack holds the payload as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub export: Vec<String>,
}

impl Execution {
    /// How often checkpoints are made durable.
    pub const fn sync(&self) -> Duration {
        Duration::from_millis(self.sync_ms)
    }

    /// Cores of a whole task, with all its ranks.
    pub fn task_cpus(&self) -> u64 {
        u64::from(self.cpus) * self.launch.as_ref().map_or(1, |launch| u64::from(launch.ranks))
    }

    /// What the journal and a pack may tell of it: no path, no environment, no key. What is not set is left out.
    pub fn told(&self) -> Map<String, Json> {
        // Without `..`, here and below: whoever adds a field decides whether it is told.
        let Self {
            library: _,
            scorer,
            sync_ms,
            scheduler,
            // Accounts and addresses are the site's business.
            cluster: _,
            launch,
            cpus,
            gpus,
            memory_mib,
            walltime_s,
            max_error_ppm,
            core_ms_max,
            key: _,
            keep,
            export,
        } = self;
        let mut told = vec![
            ("scheduler", json!(scheduler)),
            ("ranks", json!(launch.as_ref().map(|launch| launch.ranks))),
            ("ranks_per_node", json!(launch.as_ref().and_then(|launch| launch.ranks_per_node))),
            ("cpus", json!(cpus)),
            ("gpus", json!(gpus)),
            ("memory_mib", json!(memory_mib)),
            ("walltime_s", json!(walltime_s)),
            ("sync_ms", json!(sync_ms)),
            ("max_error_ppm", json!(max_error_ppm)),
            ("core_ms_max", json!(core_ms_max)),
            ("keep", json!(keep)),
            ("export", json!((!export.is_empty()).then_some(export))),
        ];
        if let ScorerLaunch::Command(command) = scorer {
            told.extend(command.told());
        }
        told.into_iter().filter(|(_, v)| !v.is_null()).map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// What the pool of one task gets here, for the campaign seed `seed`; its children's stderr goes to `stderr`.
    ///
    /// # Errors
    /// The scheduler gave the task fewer GPUs than it was to have (exit 6).
    pub fn post(&self, here: &Here, seed: u64, stderr: PathBuf) -> Result<Post> {
        let given = std::env::var(launch::GPUS_VARIABLE).ok();
        let gpus = launch::devices(self.gpus, given.as_deref())?;
        Ok(Post { here: here.clone(), seed, cpus: self.cpus, gpus, stderr })
    }
}

/// A campaign as it stands in its directory.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// Where.
    pub dir: CampaignDir,
    /// What.
    pub file: CampaignFile,
    /// In which pieces.
    pub plan: Plan,
}

impl Campaign {
    /// Writes a new campaign: the plan first, so that `campaign.json` stands for a whole one. It gets a nonce, if it has none.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn create(dir: CampaignDir, mut file: CampaignFile, plan: Plan) -> Result<Self> {
        fs::create_dir(dir.root())?;
        if file.nonce.is_none() {
            file.nonce = Some(AttemptId::random()?.to_string());
        }
        fs::replace(&dir.plan(), &canonical::json::to_line(&plan)?)?;
        // It may hold environment variables for the scorer, which are its owner's business alone.
        fs::replace_private(&dir.campaign(), &canonical::json::to_line(&file)?)?;
        Ok(Self { dir, file, plan })
    }

    /// Writes `campaign.json` anew, after its execution was changed.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn rewrite(&self) -> Result<()> {
        fs::replace_private(&self.dir.campaign(), &canonical::json::to_line(&self.file)?)
    }

    /// Opens the campaign in `dir`; `Ok(None)` if there is none, or only the beginnings of one.
    ///
    /// # Errors
    /// What is there is not a campaign of ours (exit 4), or cannot be read (exit 6).
    pub fn open_if_any(dir: CampaignDir) -> Result<Option<Self>> {
        let Some(file) = read(&dir.campaign())? else { return Ok(None) };
        let file: CampaignFile = canonical::json::from_line("`campaign.json`", &file)?;
        let missing = || Error::environment(format!("`{}` is missing", dir.plan().display()));
        let plan = read(&dir.plan())?.ok_or_else(missing)?;
        let plan: Plan = canonical::json::from_line("`plan.json`", &plan)?;
        if file.schema != SCHEMA || plan.schema != crate::shard::plan::SCHEMA {
            return Err(Error::usage(format!(
                "the campaign in `{}` is of another version of molsieve",
                dir.root().display()
            ))
            .hint("use the version that planned it; `campaign.json` names its schema"));
        }
        if !plan.is_sound() || plan.records != file.identity.library.records || file.execution.cpus == 0 {
            return Err(Error::verification(format!("the campaign in `{}` contradicts itself", dir.root().display()))
                .hint("`plan.json` or `campaign.json` was edited; start the campaign again in a new directory"));
        }
        if plan.campaign != file.identity.digest()? {
            return Err(Error::verification("`plan.json` is not of the campaign in `campaign.json`")
                .hint("the directory was edited or mixed from two; start the campaign again in a new one"));
        }
        Ok(Some(Self { dir, file, plan }))
    }

    /// Opens the campaign in `dir`.
    ///
    /// # Errors
    /// As [`Campaign::open_if_any`]; and there is none (exit 2).
    pub fn open(dir: CampaignDir) -> Result<Self> {
        let root = dir.root().display().to_string();
        Self::open_if_any(dir)?.ok_or_else(|| {
            Error::usage(format!("there is no campaign in `{root}`"))
                .hint("give the directory that `molsieve run C.toml --dir D` made")
        })
    }
}

fn read(path: &std::path::Path) -> Result<Option<Vec<u8>>> {
    match fs::read_plain(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => Ok(None),
        Err(e) => Err(Error::io("cannot read", path, &e)),
    }
}
