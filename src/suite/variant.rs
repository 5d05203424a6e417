//! What one pack of a suite says, counted from its rows, in HETERO-2's words.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::fs;
use crate::pack::hetero2::{self, check};
use crate::pack::manifest::Manifest;
use crate::pack::verify::{self, Trust};
use crate::pack::{HETERO2, signal as signal_file};
use crate::scorer::builtin::decoys::{NO_DECOYS, NO_HARD_DECOYS};
use crate::signal;

/// What one pack says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// What it is called, such as `BAD-random`.
    pub name: String,
    /// Its archive beside the document, and the SHA-256 of that.
    pub archive: String,
    /// See `archive`.
    pub sha256: String,
    /// `sha256:` of its manifest.
    pub pack_digest: String,
    /// `sha256:` and the root of the row tree.
    pub payload_digest: String,
    /// Campaign seed.
    pub seed: u64,
    /// Snapshot root of the library.
    pub library: String,
    /// What look-alikes were asked for, as the campaign froze it; null where there are none.
    pub look_alikes: Option<serde_json::Value>,
    /// Rows, and how they ended.
    pub rows: Rows,
    /// Why rows are no `OK`: for a SKIP, then for an ERROR.
    pub skip_reasons: BTreeMap<String, u64>,
    /// See `skip_reasons`.
    pub error_reasons: BTreeMap<String, u64>,
    /// Look-alikes of `OK` rows.
    pub decoys: Decoys,
    /// The audit of single records.
    pub audit: Audit,
    /// What all records together say of the score.
    pub signal: Option<Pooled>,
    /// Whether its export in HETERO-2's shape keeps that contract; null where there is none.
    pub conforms: Option<bool>,
}

/// How rows ended, in HETERO-2's words: what is no SMILES is a SKIP there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    /// All of them.
    pub total: u64,
    /// Scored.
    pub ok: u64,
    /// Not applicable.
    pub skip: u64,
    /// Failed.
    pub error: u64,
    /// SKIP since no score was given for the record.
    pub missing_scores_input: u64,
}

/// Look-alikes of `OK` rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decoys {
    /// All of them.
    pub total: u64,
    /// Those that have a score.
    pub scored: u64,
    /// Rows that have any.
    pub rows_with: u64,
    /// How many rows have some of which strategy.
    pub strategies: BTreeMap<String, u64>,
}

/// The audit of single records: `hetero_audit.v2`, over `OK` rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// Rows that are judged: PASS or FAIL.
    pub judged: u64,
    /// Rows that pass.
    pub pass: u64,
    /// Of their slacks.
    pub mean_slack: Option<f64>,
    /// See `mean_slack`; by nearest rank.
    pub p25_slack: Option<f64>,
    /// See `mean_slack`.
    pub median_slack: Option<f64>,
    /// See `mean_slack`; by nearest rank.
    pub p75_slack: Option<f64>,
}

/// What all records together say of the score: see `signal.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pooled {
    /// What is said.
    pub verdict: signal::Verdict,
    /// Why.
    pub reason: String,
    /// Which look-alikes decided.
    pub band: Option<String>,
}

impl Audit {
    /// The share of `rows` that passes.
    pub fn pass_rate(&self, rows: &Rows) -> Option<f64> {
        (rows.ok > 0).then(|| self.pass as f64 / rows.ok as f64)
    }
}

impl Variant {
    /// The variant called `name` whose archive is at `path`: whole, and checked by `trust`.
    ///
    /// # Errors
    /// There is no such pack (exit 2), it is not sound or not signed by who is asked for (exit 4), or the system refuses (exit 6).
    pub fn read(name: &str, path: &Path, trust: &Trust) -> Result<Self> {
        let (report, manifest) = verify::sound(path, trust)?;
        if let Some(problem) = report.problems.first() {
            return Err(verify::unsound(path, &problem.message));
        }
        Self::of(name, path, report.pack_digest, &manifest)
    }

    /// What the sound pack in the archive at `path` says.
    ///
    /// # Errors
    /// As [`Variant::read`].
    pub fn of(name: &str, path: &Path, pack_digest: Option<String>, manifest: &Manifest) -> Result<Self> {
        let (sha256, _) = fs::sha256_input(path)?;
        let (_, facts) = hetero2::facts(manifest, &mut |each| verify::each_line(path, |line| each(line)))?;
        let [ok, skip, error] = facts.statuses;
        let archive = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let why = |at: usize| {
            let all = facts.reasons.iter().map(|(reason, counts)| (reason.clone(), counts[at]));
            all.filter(|(_, count)| *count > 0).collect::<BTreeMap<_, _>>()
        };
        Ok(Self {
            name: name.to_owned(),
            archive,
            sha256: sha256.to_string(),
            pack_digest: pack_digest.unwrap_or_default(),
            payload_digest: manifest.payload.digest.clone(),
            seed: manifest.campaign.seed,
            library: manifest.campaign.library.root.to_string(),
            look_alikes: manifest.campaign.scorer.settings.get("decoys").cloned(),
            rows: Rows { total: facts.rows(), ok, skip, error, missing_scores_input: facts.without_scores() },
            skip_reasons: why(0),
            error_reasons: why(1),
            decoys: Decoys {
                total: facts.decoys[0],
                scored: facts.decoys[1],
                rows_with: facts.with_decoys,
                strategies: facts.strategies.clone(),
            },
            audit: audit(&facts),
            signal: pooled(path, manifest)?,
            conforms: conforms(path, manifest)?,
        })
    }

    /// Rows of which there were no decoys to be had.
    pub fn without_decoys(&self) -> u64 {
        let count = |reason: &str| self.skip_reasons.get(reason).copied().unwrap_or_default();
        count(NO_DECOYS) + count(NO_HARD_DECOYS)
    }
}

fn audit(facts: &hetero2::facts::Facts) -> Audit {
    Audit {
        judged: facts.slacks.records(),
        pass: facts.with_verdict[1],
        mean_slack: facts.slacks.mean(),
        p25_slack: facts.slacks.quantile(0.25),
        median_slack: facts.slacks.median(),
        p75_slack: facts.slacks.quantile(0.75),
    }
}

/// What `signal.json` says, which was checked with the pack.
fn pooled(path: &Path, manifest: &Manifest) -> Result<Option<Pooled>> {
    let said = signal_file::of(path, manifest)?;
    Ok(said.map(|said| Pooled { verdict: said.verdict, reason: said.reason, band: said.band }))
}

/// Whether the member in HETERO-2's shape keeps that contract.
fn conforms(path: &Path, manifest: &Manifest) -> Result<Option<bool>> {
    if manifest.file(HETERO2).is_none() {
        return Ok(None);
    }
    let mut staged = fs::scratch()?;
    let mut written = Ok(());
    verify::stream(path, HETERO2, &mut |block| {
        if written.is_ok() {
            written = staged.write(block);
        }
    })?;
    written?;
    // (What was written is in the file from here on.)
    staged.reader()?;
    Ok(Some(check::check(staged.temporary_path())?.conforms))
}
