//! What the user wrote: the campaign file, in TOML.
//!
//! Every key is known, or refused with a suggestion. Paths are relative to the file. What is left
//! out has a default; `configs/defaults.toml` shows them all.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

pub use super::container::{ContainerSection, ContainerTable};
use super::decoys::DecoysSection;
use super::precomputed::ScoresSection;
pub use super::resources::ResourcesSection;
use super::scheduler::SchedulerSection;
use super::site::SiteProfile;
use super::{known_keys, toml_error};
use crate::error::{Error, Result};
use crate::fs;
use crate::library::format::{Delimiter, FileFormat};
use crate::scorer::builtin::precomputed::settings::Format;
use crate::scorer::builtin::spectral::settings::{EdgeWeight, PhysicsMode};
use crate::scorer::{ColumnType, Order};
use crate::shard::kept;
use crate::units;

/// More cores than this no task gets.
pub const CPUS_MAX: u32 = 4096;
/// More GPUs than this no task gets.
const GPUS_MAX: u32 = 1024;

/// More core-hours than this no limit says: a million cores for a century.
pub const CORE_HOURS_MAX: f64 = 1e12;

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
    /// `[decoys]`, if every record is to be compared with look-alikes.
    pub decoys: Option<DecoysSection>,
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
    #[serde(default, deserialize_with = "name_or_number")]
    pub structure_column: Option<String>,
    /// Said instead of sniffed: name or number (from 1) of the id column; of an SD file, the name of a data field.
    #[serde(default, deserialize_with = "name_or_number")]
    pub id_column: Option<String>,
}

/// `[scorer]`: what computes.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ScorerSection {
    /// `null`, `similarity`, `spectral2d`, `precomputed` or `command`.
    pub kind: String,
    /// `similarity`: the file of actives.
    pub actives: Option<PathBuf>,
    /// `spectral2d`: which operators are described.
    pub physics_mode: Option<PhysicsMode>,
    /// `spectral2d`: what a bond weighs.
    pub edge_weight: Option<EdgeWeight>,
    /// `spectral2d`: more heavy atoms are `too_many_atoms`.
    pub max_atoms: Option<u32>,
    /// `spectral2d`: whether a structure in several parts is `disconnected`.
    pub require_connected: Option<bool>,
    /// `spectral2d`: the descriptor that is the column `score`.
    pub score: Option<String>,
    /// `spectral2d`, `precomputed`: which end of it is best.
    pub order: Option<Order>,
    /// `precomputed`: the files of scores.
    pub scores: Option<ScoresSection>,
    /// `precomputed`: how they are written, if their names do not tell.
    pub format: Option<Format>,
    /// `precomputed`: their column of ids.
    #[serde(default, deserialize_with = "name_or_number")]
    pub id_column: Option<String>,
    /// `precomputed`: their column of scores.
    #[serde(default, deserialize_with = "name_or_number")]
    pub score_column: Option<String>,
    /// `precomputed`: what the content of the file must be.
    pub sha256: Option<String>,
    /// `precomputed`: the file that says which of RDKit's hashes is which of ours.
    pub rdkit_hashes: Option<PathBuf>,
    /// `command`: how it is spoken to: `jsonl`, `batch`, `each`, `easydock`.
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
    /// `command`: how long it may ask to retry without any result before the campaign pauses.
    pub retry_patience: Option<String>,
    /// Which record seeds it gets; by default those of its name.
    pub seed_domain: Option<String>,
    /// `command`: how many threads one child uses.
    pub threads: Option<u32>,
    /// `command`: how many GPUs one child has for itself; children share the GPUs of the task if not said.
    pub gpus: Option<u32>,
    /// `command`: the container that the program runs in.
    pub container: Option<ContainerSection>,
    /// Not `jsonl`: the scorer's name.
    pub name: Option<String>,
    /// Not `jsonl`: the scorer's version.
    pub version: Option<String>,
    /// Not `jsonl`: the columns that it fills.
    pub columns: Option<Vec<ColumnSection>>,
    /// Not `jsonl`: the reasons that it gives.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// Not `jsonl`: whether it always gives the same answer.
    pub deterministic: Option<bool>,
    /// `batch`, `easydock`: records a request.
    pub batch_size: Option<u32>,
    /// `batch`, `each`: exit codes that are no crash.
    pub ok_exit: Option<Vec<i32>>,
    /// `batch`, `each`: how records are written for it: `smi` or `csv`.
    pub input: Option<String>,
    /// `batch`: how it writes its results: `tsv` or `csv`.
    pub output: Option<String>,
    /// `batch`: whether its results begin with a line of column names.
    pub output_header: Option<bool>,
    /// `batch`: the name of the column with the ordinals.
    pub output_key: Option<String>,
    /// `batch`: the file that it leaves for a record and that is kept.
    pub keep: Option<String>,
    /// `each`: the regular expression that finds the columns, each as a named group.
    pub pattern: Option<String>,
    /// `each`: where it looks: `stdout` or `out`.
    pub source: Option<String>,
    /// `easydock`: what the server is told at its start.
    pub init: Option<toml::Table>,
}

/// One column that a program fills which says nothing of itself.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a column such as { name = \"score\" }")]
pub struct ColumnSection {
    /// Its name.
    pub name: String,
    /// Its type: `float` unless said.
    #[serde(rename = "type")]
    pub kind: Option<ColumnType>,
    /// Which end is best.
    #[serde(default)]
    pub order: Order,
    /// The unit of its values.
    pub unit: Option<String>,
    /// What it is, in words.
    pub description: Option<String>,
    /// Whether an empty cell is a value.
    #[serde(default)]
    pub optional: bool,
}

/// `[shards]`: how the library is cut.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ShardsSection {
    /// Records a shard; filled in by [`Config::parse`] where no target is said either.
    pub records: Option<u64>,
    /// How long one worker should be busy with a shard; a pilot says how many records that is.
    pub target: Option<String>,
}

/// Records a shard, where neither they nor a target are said.
const SHARD_RECORDS: u64 = 10_000;

/// How shards are to be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShardSize {
    /// So many records.
    Records(u64),
    /// So much time of one worker.
    Target(Duration),
}

impl ShardsSection {
    /// What is asked for.
    ///
    /// # Errors
    /// Both keys are given, or what one says is no size (exit 2).
    pub fn size(&self) -> Result<ShardSize> {
        match (self.records, &self.target) {
            (Some(_), Some(_)) => {
                Err(Error::usage("`shards.records` and `shards.target` both say how large a shard is")
                    .hint("keep one: `target` has a pilot find the number of records, `records` says it"))
            }
            (records, None) => Ok(ShardSize::Records(records.unwrap_or(SHARD_RECORDS))),
            (None, Some(target)) => match units::duration(target).map_err(|e| e.within("`shards.target`"))? {
                Duration::ZERO => Err(Error::usage("`shards.target` must be longer than nothing")
                    .hint("write how long one worker should be busy with a shard, as in `target = \"45min\"`")),
                target => Ok(ShardSize::Target(target)),
            },
        }
    }
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

/// `[pack]`: what is left at the end.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PackSection {
    /// Encodings of the payload; [`Config::parse`] adds `csv`, which every pack has, where it is not said.
    #[serde(default = "default_outputs")]
    pub outputs: Vec<String>,
    /// In which shapes of others the pack holds the payload as well: `hetero2`.
    #[serde(default)]
    pub export: Vec<String>,
    /// How many hits.
    #[serde(default = "default_top")]
    pub top: u64,
    /// Of how many records of each task group, the best ones, the files that the scorer hands over are kept.
    #[serde(default)]
    pub keep: u64,
    /// The column that ranks them.
    pub rank: Option<String>,
    /// Which end of it is best.
    pub order: Option<Order>,
    /// The private key that signs.
    pub key: Option<PathBuf>,
}

impl Default for PackSection {
    fn default() -> Self {
        Self {
            outputs: default_outputs(),
            export: Vec::new(),
            top: default_top(),
            keep: 0,
            rank: None,
            order: None,
            key: None,
        }
    }
}

/// The encoding that every pack has: the payload digest is taken over it.
const CSV: &str = "csv";

fn default_outputs() -> Vec<String> {
    vec![CSV.to_owned()]
}

const fn default_top() -> u64 {
    1000
}

/// `[limits]`: when to pause.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsSection {
    /// The share of ERROR rows, from 0 to 1, above which the campaign pauses; judged after 1,000 records. With 1, a
    /// campaign of errors alone goes on and is sealed.
    pub max_error_rate: Option<f64>,
    /// The core-hours that all tasks may use together before the campaign drains.
    pub core_hours: Option<f64>,
}

/// No campaign file is larger, in bytes.
const FILE_BYTES_MAX: u64 = 16 << 20;

impl Config {
    /// Reads the campaign file at `path`.
    ///
    /// # Errors
    /// There is none, or it is not a campaign file (exit 2): the message names line, key and what is known.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read_input(path, FILE_BYTES_MAX).map_err(|e| Error::input(path, &e))?;
        let text = String::from_utf8(bytes).map_err(|_| Error::usage(format!("`{}` is not text", path.display())))?;
        let base = path.parent().unwrap_or(Path::new(""));
        Self::parse_in(&text, base).map_err(|e| e.within(format!("`{}`", path.display())))
    }

    /// Reads a campaign file's text; paths in it are from where this process is.
    ///
    /// # Errors
    /// It is not a campaign file (exit 2).
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_in(text, Path::new(""))
    }

    /// Reads the text of a campaign file in the directory `base`, with the profile of its site under it.
    fn parse_in(text: &str, base: &Path) -> Result<Self> {
        let table: toml::Table = toml::from_str(text).map_err(|e| toml_error::explain(text, &e))?;
        known_keys::check(&table)?;
        let mut config: Self = toml::from_str(text).map_err(|e| toml_error::explain(text, &e))?;
        if let Some(site) = &config.scheduler.site {
            let whole = SiteProfile::find(site, base).map_err(|e| e.within("`scheduler.site`"))?.under(table);
            config = whole.try_into().map_err(|e: toml::de::Error| Error::usage(e.message().trim()))?;
        }
        if config.shards.target.is_none() {
            config.shards.records.get_or_insert(SHARD_RECORDS);
        }
        if !config.pack.outputs.iter().any(|output| output == CSV) {
            config.pack.outputs.push(CSV.to_owned());
        }
        config.check()?;
        Ok(config)
    }

    /// What no type can say.
    fn check(&self) -> Result<()> {
        let name = &self.campaign.name;
        if name.is_empty() || name.len() > 200 || name.chars().any(char::is_control) {
            return Err(Error::usage("`campaign.name` must have 1 to 200 characters and no control characters")
                .hint("it is for people, as in `name = \"egfr-overnight\"`"));
        }
        if self.campaign.seed >= 1 << 53 {
            return Err(Error::usage("`campaign.seed` must be below 2^53, so that every reader keeps it exactly")
                .hint("any number from 0 will do, as in `seed = 1`"));
        }
        if self.library.path.is_empty() {
            return Err(Error::usage("`library.path` names no file").hint("write `path = [\"library.smi\"]`"));
        }
        if self.shards.records == Some(0) {
            return Err(Error::usage("`shards.records` must be at least 1")
                .hint("leave it out for 10000, or say `target = \"45min\"` to have a pilot find it"));
        }
        if !(1..=CPUS_MAX).contains(&self.resources.cpus) {
            return Err(Error::usage(format!("`resources.cpus` must be from 1 to {CPUS_MAX}"))
                .hint("it is how many processor cores one task gets; how many tasks run at a time, `--workers` says"));
        }
        self.scheduler.cluster()?;
        if self.pack.keep > kept::RECORDS_MAX {
            return Err(Error::usage(format!("`pack.keep` must be at most {}", kept::RECORDS_MAX))
                .hint("it is a number of records of each task group: the best of all are among the best of each"));
        }
        if self.limits.max_error_rate.is_some_and(|rate| !(0.0..=1.0).contains(&rate)) {
            return Err(Error::usage("`limits.max_error_rate` must be from 0 to 1")
                .hint("it is a share: 0.2 pauses the campaign where more than 20 % of its records are ERROR"));
        }
        if self.limits.core_hours.is_some_and(|hours| !(hours > 0.0 && hours <= CORE_HOURS_MAX)) {
            return Err(Error::usage(format!("`limits.core_hours` must be above 0, and {CORE_HOURS_MAX} at most"))
                .hint("leave it out for no limit"));
        }
        Ok(())
    }

    /// Checks that what a child needs is there in a task.
    ///
    /// # Errors
    /// It is not (exit 2).
    pub fn check_shares(&self) -> Result<()> {
        let (scorer, resources) = (&self.scorer, &self.resources);
        if resources.gpus > GPUS_MAX {
            return Err(Error::usage(format!("`resources.gpus` must be at most {GPUS_MAX}")));
        }
        let shares = [
            ("threads", scorer.threads, "cpus", resources.cpus, "processor cores"),
            ("gpus", scorer.gpus, "gpus", resources.gpus, "GPUs"),
        ];
        for (key, wanted, of, there, what) in shares {
            if wanted.is_some_and(|wanted| wanted == 0 || wanted > there) {
                return Err(Error::usage(format!(
                    "`scorer.{key}` must be from 1 to `resources.{of}`, which is {there}"
                ))
                .hint(format!("it is how many {what} one child uses; the task has `resources.{of}` of them")));
            }
        }
        let names_gpu = scorer.argv.iter().flatten().any(|text| text.contains("{gpu}"));
        let fields = matches!(scorer.protocol.as_deref(), Some("batch" | "each"));
        if fields && names_gpu && resources.gpus == 0 {
            return Err(Error::usage("`scorer.argv` holds `{gpu}`, and a task has no GPU")
                .hint("say how many it has with `gpus = 1` in `[resources]`"));
        }
        Ok(())
    }
}

/// A column, by its name or its number: `2` is as good as `"2"`.
pub(super) fn name_or_number<'de, D: Deserializer<'de>>(value: D) -> std::result::Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "say the name of a column, or its number from 1")]
    enum Column {
        Name(String),
        Number(u64),
    }
    Ok(Option::<Column>::deserialize(value)?.map(|column| match column {
        Column::Name(name) => name,
        Column::Number(number) => number.to_string(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(library: &str) -> Result<Config> {
        Config::parse(&format!(
            "[campaign]\nname = \"a\"\n[library]\npath = [\"a.smi\"]\n{library}\n[scorer]\nkind = \"null\"\n"
        ))
    }

    #[test]
    fn every_pack_has_its_csv_whether_it_is_asked_for_or_not() {
        let outputs = |said: &str| parse(&format!("[pack]\noutputs = {said}")).unwrap().pack.outputs;
        assert_eq!(outputs("[\"parquet\"]"), ["parquet", "csv"]);
        assert_eq!(outputs("[]"), ["csv"]);
        assert_eq!(outputs("[\"csv\", \"hdf5\"]"), ["csv", "hdf5"]);
    }

    #[test]
    fn a_column_is_a_name_or_a_number() {
        let library = parse("structure_column = 2\nid_column = \"name\"").unwrap().library;
        assert_eq!((library.structure_column.as_deref(), library.id_column.as_deref()), (Some("2"), Some("name")));
        assert_eq!(parse("").unwrap().library.id_column, None);
        assert!(parse("id_column = true").unwrap_err().what().contains("the name of a column, or its number from 1"));
    }
}
