//! `cost_lift.v1`: HETERO-2's report, with its selection rules and its draws. See `docs/formats/cost-lift.md`.
//!
//! Records are compared that are `OK` and have truth, a verdict, a gate and a slack; the others are the unknown bucket, and counted.

use std::collections::BTreeMap;

use serde::Serialize;

use super::mersenne::{Mersenne, adler32};
use super::rows::{Found, Judged, Molecule, Tally, Verdict};

/// Schema of [`Contract`].
pub const SCHEMA: &str = "cost_lift.v1";
/// The only policy that it knows.
const SKIP_POLICY: &str = "unknown_bucket";

/// The first method: records drawn evenly.
const RANDOM: &str = "baseline_random";
/// The second: the best by AUC.
const SCORE_ONLY: &str = "baseline_score_only_topk";
/// The third: the best by slack among those that passed.
const FILTERED: &str = "filtered_score_plus_audit_topk";
/// Reasons that are named at most.
const REASONS_MAX: usize = 3;

/// The report, without what only we say.
#[derive(Clone, Debug, Serialize)]
pub struct Contract {
    report_schema: &'static str,
    truth_schema: &'static str,
    /// The rows, as they were named.
    pub summary_csv: String,
    /// The table of truth, as it was named.
    pub truth_csv: String,
    skip_policy: &'static str,
    seed: u64,
    #[serde(rename = "K_requested")]
    k_requested: u64,
    /// How many records were selected.
    #[serde(rename = "K_effective")]
    pub k_effective: u64,
    #[serde(rename = "N_total")]
    n_total: u64,
    #[serde(rename = "N_ok")]
    n_ok: u64,
    #[serde(rename = "N_skip")]
    n_skip: u64,
    #[serde(rename = "N_error")]
    n_error: u64,
    #[serde(rename = "N_with_truth")]
    n_with_truth: u64,
    truth_coverage_rate: f64,
    unknown_bucket_rate: f64,
    eligibility: Eligibility,
    scores_coverage: ScoresCoverage,
    /// What each found; null where it could select nothing.
    pub methods: BTreeMap<&'static str, Option<Method>>,
    /// Hit rate of the third method minus that of the second.
    pub uplift_score_plus_audit_vs_score_only: Option<f64>,
    /// The same against the first.
    pub uplift_score_plus_audit_vs_random: Option<f64>,
}

/// What one method found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Method {
    /// How many records it selected.
    pub k_effective: u64,
    /// How many of these are hits.
    pub hits: u64,
    /// The share of them.
    pub hit_rate: f64,
    /// The 95 % interval of that.
    pub ci_low: f64,
    /// See `ci_low`.
    pub ci_high: f64,
}

#[derive(Clone, Debug, Serialize)]
struct Eligibility {
    rows_total: u64,
    rows_ok: u64,
    rows_verdict_pass_fail: u64,
    rows_truth_known: u64,
    rows_scores_present: u64,
    rows_eligible_for_cost_lift: u64,
    #[serde(rename = "K_effective_reason_top")]
    reasons: Vec<Reason>,
}

#[derive(Clone, Debug, Serialize)]
struct Reason {
    #[serde(rename = "reason")]
    code: &'static str,
    count: u64,
    share: f64,
}

#[derive(Clone, Debug, Serialize)]
struct ScoresCoverage {
    rows_total: u64,
    rows_with_decoys_scored_gt0: u64,
    rows_with_decoys_scored_eq0: u64,
    decoys_scored_total: u64,
    decoys_missing_total: u64,
}

/// What the report is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The rows, as they are named to people.
    pub summary_csv: &'a str,
    /// The table of truth, likewise.
    pub truth_csv: &'a str,
    /// How many records are to be selected.
    pub k: u64,
    /// The seed of all draws.
    pub seed: u64,
    /// Draws of an interval.
    pub bootstrap_n: u32,
}

/// A record that may be selected.
struct Eligible {
    judged: Judged,
    is_hit: bool,
    /// Its id's place among all ids.
    place: u32,
}

/// Makes the report of what was `found`; `places` are those of the molecules' ids in order. Some record is `OK`.
pub fn report(asked: &Asked<'_>, found: &Found, places: &[u32]) -> Contract {
    let tally = &found.tally;
    let of = |(molecule, place): (&Molecule, &u32)| {
        molecule.judged.map(|judged| Eligible { judged, is_hit: molecule.is_hit, place: *place })
    };
    let eligible: Vec<Eligible> = found.molecules.iter().zip(places).filter_map(of).collect();
    let k = asked.k.min(eligible.len() as u64);
    let methods = select(&eligible, k as usize, asked);
    let rate = |name: &str| methods.get(name).copied().flatten().map(|method: Method| method.hit_rate);
    let above = |other: &str| rate(FILTERED).zip(rate(other)).map(|(filtered, other)| filtered - other);
    let known = found.molecules.iter().filter(|molecule| molecule.is_ok).count() as u64;
    Contract {
        report_schema: SCHEMA,
        truth_schema: super::truth::SCHEMA,
        summary_csv: asked.summary_csv.to_owned(),
        truth_csv: asked.truth_csv.to_owned(),
        skip_policy: SKIP_POLICY,
        seed: asked.seed,
        k_requested: asked.k,
        k_effective: k,
        n_total: tally.total,
        n_ok: tally.ok,
        n_skip: tally.skip,
        n_error: tally.error,
        n_with_truth: known,
        truth_coverage_rate: known as f64 / tally.ok as f64,
        unknown_bucket_rate: (tally.ok - known) as f64 / tally.ok as f64,
        eligibility: Eligibility {
            rows_total: tally.total,
            rows_ok: tally.ok,
            rows_verdict_pass_fail: tally.judged,
            rows_truth_known: known,
            rows_scores_present: tally.total - tally.without_scores,
            rows_eligible_for_cost_lift: eligible.len() as u64,
            reasons: reasons(tally),
        },
        scores_coverage: ScoresCoverage {
            rows_total: tally.total,
            rows_with_decoys_scored_gt0: tally.with_decoys_scored,
            rows_with_decoys_scored_eq0: tally.total - tally.with_decoys_scored,
            decoys_scored_total: tally.decoys_scored,
            decoys_missing_total: tally.decoys_missing,
        },
        uplift_score_plus_audit_vs_score_only: above(SCORE_ONLY),
        uplift_score_plus_audit_vs_random: above(RANDOM),
        methods,
    }
}

/// The most frequent reasons why a row is not compared.
fn reasons(tally: &Tally) -> Vec<Reason> {
    let counts = [
        ("truth_unknown_bucket_or_missing", tally.unknown),
        ("verdict_not_pass_fail", tally.unjudged),
        ("missing_scores_input", tally.without_scores),
        ("status_not_ok", tally.skip + tally.error - tally.without_scores),
    ];
    let mut counts: Vec<_> = counts.into_iter().filter(|(_, count)| *count > 0).collect();
    counts.sort_by(|(a, x), (b, y)| y.cmp(x).then(a.cmp(b)));
    counts.truncate(REASONS_MAX);
    let share = |count: u64| count as f64 / tally.total as f64;
    counts.into_iter().map(|(code, count)| Reason { code, count, share: share(count) }).collect()
}

/// What the three methods select of `eligible`, at most `k` each.
fn select(eligible: &[Eligible], k: usize, asked: &Asked<'_>) -> BTreeMap<&'static str, Option<Method>> {
    let by = |value: fn(&Eligible) -> f64, of: &mut Vec<&Eligible>| {
        of.sort_by(|a, b| value(b).total_cmp(&value(a)).then(a.place.cmp(&b.place)));
        of.truncate(k);
    };
    let mut drawn = Mersenne::new(u128::from(asked.seed ^ u64::from(adler32(RANDOM.as_bytes()))));
    let random: Vec<&Eligible> =
        drawn.sample(eligible.len() as u32, k as u32).into_iter().map(|at| &eligible[at as usize]).collect();
    let mut score_only: Vec<&Eligible> = eligible.iter().collect();
    by(|e| e.judged.auc, &mut score_only);
    let mut filtered: Vec<&Eligible> = eligible.iter().filter(|e| e.judged.verdict == Verdict::Pass).collect();
    by(|e| e.judged.slack, &mut filtered);
    let found = [(RANDOM, random), (SCORE_ONLY, score_only), (FILTERED, filtered)];
    found.into_iter().map(|(name, selected)| (name, method(name, &selected, asked))).collect()
}

/// What a selection found, with a bootstrap interval; none of nothing.
fn method(name: &str, selected: &[&Eligible], asked: &Asked<'_>) -> Option<Method> {
    let k = u32::try_from(selected.len()).ok().filter(|k| *k > 0)?;
    let hits = selected.iter().filter(|e| e.is_hit).count() as u64;
    let mut drawn = Mersenne::new(u128::from((asked.seed + 1) ^ u64::from(adler32(name.as_bytes()))));
    let mut rates: Vec<f64> = (0..asked.bootstrap_n)
        .map(|_| (0..k).filter(|_| selected[drawn.below(k) as usize].is_hit).count() as f64 / f64::from(k))
        .collect();
    rates.sort_by(f64::total_cmp);
    let (low, high) = bounds(rates.len());
    Some(Method {
        k_effective: u64::from(k),
        hits,
        hit_rate: hits as f64 / f64::from(k),
        ci_low: rates[low],
        ci_high: rates[high],
    })
}

/// Where in `count` sorted numbers, of which there is one at least, a 95 % interval begins and ends.
pub fn bounds(count: usize) -> (usize, usize) {
    let last = (count - 1) as f64;
    ((0.025 * last) as usize, (0.975 * last) as usize)
}
