//! What the user wrote: the campaign file, in TOML.
//!
//! Every key is known, or refused with a suggestion. Paths are relative to the file. What is left
//! out has a default; `configs/defaults.toml` shows them all.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize};

use super::{known_keys, toml_error};
use crate::error::{Error, Result};
use crate::library::format::{Delimiter, FileFormat};
use crate::scorer::Order;

/// More cores than this no task gets.
const CPUS_MAX: u32 = 4096;

/// The campaign file.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[campaign]`
    pub campaign: CampaignSection,
    /// `[library]`
    pub library: LibrarySection,
    /// `[scorer]`
    pub scorer: ScorerSection,
    /// `[shards]`
    #[serde(default)]
    pub shards: ShardsSection,
    /// `[checkpoint]`
    #[serde(default)]
    pub checkpoint: CheckpointSection,
    /// `[scheduler]`
    #[serde(default)]
    pub scheduler: SchedulerSection,
    /// `[resources]`
    #[serde(default)]
    pub resources: ResourcesSection,
    /// `[pack]`
    #[serde(default)]
    pub pack: PackSection,
    /// `[limits]`
    #[serde(default)]
    pub limits: LimitsSection,
}

/// `[campaign]`: what it is called, and its seed.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignSection {
    /// Its name, for people.
    pub name: String,
    /// Its seed, below 2^53.
    #[serde(default)]
    pub seed: u64,
}

/// `[library]`: what is screened.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LibrarySection {
    /// Files and globs.
    pub path: Vec<String>,
    /// Said instead of sniffed: `smi`, `txt`, `cxsmiles`, `csv`, `tsv`, `sdf`, `parquet`.
    pub format: Option<FileFormat>,
    /// Said instead of sniffed: `tab`, `comma`, `semicolon`, `whitespace`.
    pub delimiter: Option<Delimiter>,
    /// Said instead of sniffed: whether the first line names the columns.
    pub header: Option<bool>,
    /// Said instead of sniffed: name or number (from 1) of the structure column.
    #[serde(default, deserialize_with = "column")]
    pub structure_column: Option<String>,
    /// Said instead of sniffed: name or number (from 1) of the id column; of an SD file, the name of a data field.
    #[serde(default, deserialize_with = "column")]
    pub id_column: Option<String>,
}

/// A column by its name, or by its number with or without quotation marks.
fn column<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "the name of a column, or its number from 1")]
    enum Column {
        Number(u32),
        Name(String),
    }
    Ok(Some(match Column::deserialize(deserializer)? {
        Column::Number(number) => number.to_string(),
        Column::Name(name) => name,
    }))
}

/// `[scorer]`: what computes.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ScorerSection {
    /// `null`, `similarity` or `command`.
    pub kind: String,
    /// `similarity`: the file of actives.
    pub actives: Option<PathBuf>,
    /// `command`: how it is spoken to; `jsonl`.
    pub protocol: Option<String>,
    /// `command`: program and arguments.
    pub argv: Option<Vec<String>>,
    /// `command`: files that it reads, beside those in `argv`.
    #[serde(default)]
    pub files: Vec<PathBuf>,
    /// `command`: environment variables that it gets beside `PATH`, `HOME`, `LANG` and the like.
    #[serde(default)]
    pub env: std::collections::BTreeMap<String, String>,
    /// `command`: the time that one request may take.
    pub timeout: Option<String>,
    /// `command`: the time until its hello.
    pub startup_timeout: Option<String>,
    /// `command`: the time that work in flight gets after a stop signal.
    pub grace: Option<String>,
    /// Which record seeds it gets; by default those of its name.
    pub seed_domain: Option<String>,
}

/// `[shards]`: how the library is cut.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ShardsSection {
    /// Records a shard.
    #[serde(default = "default_records")]
    pub records: u64,
}

impl Default for ShardsSection {
    fn default() -> Self {
        Self { records: default_records() }
    }
}

const fn default_records() -> u64 {
    10_000
}

/// `[checkpoint]`: how much may be lost with a machine.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointSection {
    /// How often what is finished is made durable.
    #[serde(default = "default_sync")]
    pub sync: String,
}

impl Default for CheckpointSection {
    fn default() -> Self {
        Self { sync: default_sync() }
    }
}

fn default_sync() -> String {
    "30s".to_owned()
}

/// `[scheduler]`: where it runs.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SchedulerSection {
    /// `local`.
    #[serde(default = "default_scheduler")]
    pub kind: String,
}

impl Default for SchedulerSection {
    fn default() -> Self {
        Self { kind: default_scheduler() }
    }
}

fn default_scheduler() -> String {
    "local".to_owned()
}

/// `[resources]`: what each task gets.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ResourcesSection {
    /// Processor cores.
    #[serde(default = "default_cpus")]
    pub cpus: u32,
    /// Memory.
    pub memory: Option<String>,
    /// Time limit.
    pub walltime: Option<String>,
}

impl Default for ResourcesSection {
    fn default() -> Self {
        Self { cpus: default_cpus(), memory: None, walltime: None }
    }
}

const fn default_cpus() -> u32 {
    1
}

/// `[pack]`: what is left at the end.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PackSection {
    /// Encodings of the payload.
    #[serde(default = "default_outputs")]
    pub outputs: Vec<String>,
    /// How many hits.
    #[serde(default = "default_top")]
    pub top: u64,
    /// The column that ranks them.
    pub rank: Option<String>,
    /// Which end of it is best.
    pub order: Option<Order>,
    /// The private key that signs.
    pub key: Option<PathBuf>,
}

impl Default for PackSection {
    fn default() -> Self {
        Self { outputs: default_outputs(), top: default_top(), rank: None, order: None, key: None }
    }
}

fn default_outputs() -> Vec<String> {
    vec!["csv".to_owned()]
}

const fn default_top() -> u64 {
    1000
}

/// `[limits]`: when to pause.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsSection {
    /// The share of ERROR rows, from 0 to 1, above which the campaign pauses; judged after 1,000 records.
    pub max_error_rate: Option<f64>,
}

impl Config {
    /// Reads the campaign file at `path`.
    ///
    /// # Errors
    /// There is none, or it is not a campaign file (exit 2): the message names line, key and what is known.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::InvalidData => Error::usage(format!("`{}` is not text", path.display())),
            _ => Error::input(path, &e),
        })?;
        Self::parse(&text).map_err(|e| e.within(format!("`{}`", path.display())))
    }

    /// Reads a campaign file's text.
    ///
    /// # Errors
    /// It is not a campaign file (exit 2).
    pub fn parse(text: &str) -> Result<Self> {
        let table: toml::Table = toml::from_str(text).map_err(|e| toml_error::explain(text, &e))?;
        known_keys::check(&table)?;
        let config: Self = toml::from_str(text).map_err(|e| toml_error::explain(text, &e))?;
        config.check()?;
        Ok(config)
    }

    /// What no type can say.
    fn check(&self) -> Result<()> {
        let name = &self.campaign.name;
        if name.is_empty() || name.len() > 200 || name.chars().any(char::is_control) {
            return Err(Error::usage("`campaign.name` must have 1 to 200 characters and no control characters"));
        }
        if self.campaign.seed >= 1 << 53 {
            return Err(Error::usage("`campaign.seed` must be below 2^53, so that every reader keeps it exactly"));
        }
        if self.library.path.is_empty() {
            return Err(Error::usage("`library.path` names no file").hint("write `path = [\"library.smi\"]`"));
        }
        if self.shards.records == 0 {
            return Err(Error::usage("`shards.records` must be at least 1"));
        }
        if !(1..=CPUS_MAX).contains(&self.resources.cpus) {
            return Err(Error::usage(format!("`resources.cpus` must be from 1 to {CPUS_MAX}")));
        }
        if self.scheduler.kind != "local" {
            return Err(Error::usage(format!(
                "`scheduler.kind` is `{}`, which this version does not have",
                self.scheduler.kind
            ))
            .hint("use `kind = \"local\"`"));
        }
        if let Some(output) = self.pack.outputs.iter().find(|o| *o != "csv") {
            return Err(Error::usage(format!("`pack.outputs` asks for `{output}`, which this binary cannot write"))
                .hint("use `outputs = [\"csv\"]`"));
        }
        if self.limits.max_error_rate.is_some_and(|rate| !(0.0..=1.0).contains(&rate)) {
            return Err(Error::usage("`limits.max_error_rate` must be from 0 to 1"));
        }
        Ok(())
    }
}
