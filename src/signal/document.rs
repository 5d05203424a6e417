//! The document: what follows from the cells when all rows were seen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cells::Cells;
use super::interval::{Estimate, Seed, estimate};
use super::judge::{self, Judgement, Verdict};
use super::words::log_p_is_better;
use super::{Accumulator, BANDS, Pool, SIZES, Slacks};
use crate::scorer::Order;
use crate::scorer::builtin::compared::judge::Judged;
use crate::scorer::builtin::compared::tally::ThreeWays;
use crate::scorer::builtin::decoys;

/// Schema of [`Signal`].
pub const SCHEMA: &str = "molsieve.signal.v1";

/// A band in which fewer records have pairs decides nothing.
const RECORDS_MIN: u64 = 50;

/// What the comparison says of the score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// [`SCHEMA`].
    pub schema: String,
    /// The column that was compared.
    pub column: String,
    /// Which end of it is best.
    pub order: Order,
    /// What is said of it.
    pub verdict: Verdict,
    /// Why, as a code: `above_gate`, `below_gate`, `gate_within_interval`, `too_few_records`, `unscored_could_decide`,
    /// `control_passed`.
    pub reason: String,
    /// The band that decided: the hardest with enough records.
    pub band: Option<String>,
    /// What does as well or better without the score: `logp`.
    pub beaten_by: Vec<String>,
    /// What is asked beyond chance.
    pub margin: f64,
    /// `OK` records.
    pub records: u64,
    /// Those of them with a scored pair, but for those that are set aside.
    pub compared: u64,
    /// Records with a scored pair that are not pooled: their decoys have another formula. None in packs that pooled them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_aside: Option<u64>,
    /// Decoys that were found.
    pub decoys: u64,
    /// Those of them that were scored.
    pub scored: u64,
    /// How many records have decoys of which strategy.
    pub strategies: BTreeMap<String, u64>,
    /// By likeness: easy, medium, hard, and all together.
    pub bands: Vec<Band>,
    /// What must not pass, in the band that decided; permuted labels over all bands.
    pub controls: Vec<Control>,
    /// By size.
    pub sizes: Vec<Size>,
    /// HETERO-2's judgements of single records, counted.
    pub per_record: PerRecord,
}

/// What is said of one band of likeness.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// `easy`, `medium`, `hard` or `all`.
    pub band: String,
    /// Records with a scored pair in it.
    pub records: u64,
    /// Scored pairs.
    pub pairs: u64,
    /// The score.
    pub score: Option<Judgement>,
    /// log P in its place.
    pub log_p: Option<Judgement>,
    /// The score's share minus log P's, over the records where both have all pairs.
    pub beyond_log_p: Option<Estimate>,
}

/// What must not pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// `constant`, `random` or `permuted`.
    pub control: String,
    /// What is said of it.
    pub judgement: Option<Judgement>,
}

/// Records of one size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// At least so many heavy atoms.
    pub least: u64,
    /// At most so many; null for no bound.
    pub most: Option<u64>,
    /// Records with a scored pair.
    pub records: u64,
    /// The score in each band, as in [`Signal::bands`].
    pub score: Vec<Option<Judgement>>,
}

/// HETERO-2's judgements of single records, counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerRecord {
    /// Records that beat all their decoys, for nearly every number of them.
    pub pass: u64,
    /// Records that do not.
    pub fail: u64,
    /// Records of which no decoy has a score.
    pub skip: u64,
    /// `pass` of all `OK` records.
    pub pass_rate: Option<f64>,
    /// Mean of `slack`.
    pub mean_slack: Option<f64>,
    /// Its lower quartile, by nearest rank.
    pub p25_slack: Option<f64>,
    /// Its median.
    pub median_slack: Option<f64>,
    /// Its upper quartile, by nearest rank.
    pub p75_slack: Option<f64>,
}

/// The names of the bands.
fn band_names() -> [&'static str; BANDS] {
    let [easy, medium, hard] = decoys::Band::ALL.map(decoys::Band::name);
    [easy, medium, hard, "all"]
}

pub(super) fn of(rows: Accumulator) -> Signal {
    let whole = rows.whole();
    let seed = rows.seed;
    let bands: Vec<Band> = band_names().into_iter().zip(&whole).map(|(name, pool)| band(name, pool, seed)).collect();
    let decides = (0..BANDS - 1).rev().find(|at| bands[*at].records >= RECORDS_MIN);
    let controls = decides.map_or_else(Vec::new, |at| controls(&whole[at], &rows.permuted, seed));
    let unscored = decides.filter(|_| rows.is_strict).map_or(0, |at| whole[at].unscored());
    let (verdict, reason) =
        verdict(decides.and_then(|at| Some((bands[at].score?, bands[at].pairs))), unscored, &controls);
    let all = &whole[BANDS - 1].score;
    let mut single = all.clone();
    single.include(&rows.aside);
    Signal {
        schema: SCHEMA.to_owned(),
        column: rows.column,
        order: rows.order,
        verdict,
        reason: reason.to_owned(),
        band: decides.map(|at| bands[at].band.clone()),
        beaten_by: decides.filter(|at| log_p_is_better(&bands[*at])).map(|_| "logp".to_owned()).into_iter().collect(),
        margin: judge::MARGIN,
        records: rows.ok,
        compared: all.records(),
        decoys: rows.decoys,
        set_aside: rows.is_strict.then(|| rows.aside.records()),
        scored: single.pairs(),
        strategies: rows.strategies.into_iter().map(|(name, count)| (name.to_owned(), count)).collect(),
        bands,
        controls,
        sizes: rows.sizes.iter().enumerate().map(|(at, pools)| size(at, pools, seed)).collect(),
        per_record: per_record(&single, rows.ok),
    }
}

fn band(name: &str, pool: &Pool, seed: Seed) -> Band {
    let generator = |what: &str| seed.generator(format!("{name} {what}").as_bytes());
    Band {
        band: name.to_owned(),
        records: pool.score.records(),
        pairs: pool.score.pairs(),
        score: judge::judge(&pool.score, generator("score")),
        log_p: judge::judge(&pool.log_p, generator("logp")),
        beyond_log_p: estimate(&pool.beyond, generator("beyond logp")),
    }
}

fn controls(pool: &Pool, permuted: &Cells, seed: Seed) -> Vec<Control> {
    let control = |name: &str, cells: &Cells| Control {
        control: name.to_owned(),
        judgement: judge::judge(cells, seed.generator(name.as_bytes())),
    };
    vec![control("constant", &pool.score.tied()), control("random", &pool.random), control("permuted", permuted)]
}

fn size(at: usize, pools: &[Pool; BANDS], seed: Seed) -> Size {
    let generator = |band: usize| seed.generator(format!("size {at} band {band}").as_bytes());
    Size {
        least: at.checked_sub(1).map_or(0, |before| SIZES[before] + 1),
        most: SIZES.get(at).copied(),
        records: pools[BANDS - 1].score.records(),
        score: pools.iter().enumerate().map(|(at, pool)| judge::judge(&pool.score, generator(at))).collect(),
    }
}

/// What is said of `score`, which was judged on so many pairs, where `unscored` pairs more of its band have none.
fn verdict(score: Option<(Judgement, u64)>, unscored: u64, controls: &[Control]) -> (Verdict, &'static str) {
    let Some((score, pairs)) = score else { return (Verdict::Inconclusive, "too_few_records") };
    if controls.iter().any(|control| control.judgement.is_some_and(|it| it.verdict == Verdict::Pass)) {
        return (Verdict::Invalid, "control_passed");
    }
    // Whoever leaves out what would be lost, or won, decides the verdict: it must be the same if all of that was lost, or won.
    let all = (pairs + unscored) as f64;
    let (worst, best) =
        (score.auc.value * pairs as f64 / all, (score.auc.value * pairs as f64 + unscored as f64) / all);
    match score.verdict {
        Verdict::Pass if unscored > 0 && worst < score.gate => (Verdict::Inconclusive, "unscored_could_decide"),
        Verdict::Fail if unscored > 0 && best >= score.gate => (Verdict::Inconclusive, "unscored_could_decide"),
        Verdict::Pass => (Verdict::Pass, "above_gate"),
        Verdict::Fail => (Verdict::Fail, "below_gate"),
        Verdict::Inconclusive | Verdict::Invalid => (score.verdict, "gate_within_interval"),
    }
}

/// The judgements of single records, of whose results there are `cells`; `ok` records are `OK`.
fn per_record(cells: &Cells, ok: u64) -> PerRecord {
    let mut slacks = Slacks::default();
    let (mut pass, mut fail) = (0, 0);
    for (cell, count) in cells.iter() {
        let twice = cell.twice.unsigned_abs();
        let (won, tied) = (twice / 2, twice % 2);
        let Some(judged) = Judged::of(ThreeWays { won, tied, lost: cell.pairs - won - tied }) else { continue };
        *(if judged.slack >= 0.0 { &mut pass } else { &mut fail }) += count;
        slacks.add(judged.slack, count);
    }
    PerRecord {
        pass,
        fail,
        skip: ok - slacks.records(),
        pass_rate: (ok > 0).then(|| pass as f64 / ok as f64),
        mean_slack: slacks.mean(),
        p25_slack: slacks.quantile(0.25),
        median_slack: slacks.median(),
        p75_slack: slacks.quantile(0.75),
    }
}
