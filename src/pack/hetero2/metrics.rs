//! `metrics.json` in HETERO-2's keys: strict JSON, no times.

use serde_json::{Value, json};

use super::columns::Layout;
use super::facts::{Facts, Pairs};
use crate::pack::manifest::Manifest;
use crate::scorer::builtin::compared::judge::MARGIN;
use crate::scorer::builtin::decoys::Band;

/// HETERO-2's names for how scores were made: those of a scorer, not made up.
pub const SCORE_MODE: &str = "external_scores";

/// Fewer pairs of hard decoys say nothing.
const HARD_PAIRS_MIN: u64 = 50;
/// A score that wins no larger share of the hard pairs has no signal there.
const HARD_AUC: f64 = 0.55;
/// One that wins a larger share of the easy ones has some there.
const EASY_AUC: f64 = 0.70;

/// The document.
pub fn document(manifest: &Manifest, layout: &Layout, facts: &Facts) -> Value {
    let [ok, skip, error] = facts.statuses;
    let mut document = json!({
        "counts": {"OK": ok, "SKIP": skip, "ERROR": error},
        "top_reasons": facts.top_reasons(),
        // Times are no part of what follows from rows.
        "runtime_s_total": null,
        "throughput_rows_per_s": null,
        "config": config(manifest, layout),
        "audit_slack_stats_ok": slack(facts),
        "decoy_realism": realism(facts, layout.decoys.is_some()),
    });
    if layout.decoys.is_some() {
        document["scores_coverage"] = coverage(facts);
    }
    document
}

/// What was asked for. Null where there is no such thing here.
pub fn config(manifest: &Manifest, layout: &Layout) -> Value {
    let (decoys, spectral) = (layout.decoys.as_ref(), layout.spectral.as_ref());
    let window = decoys.and_then(|decoys| decoys.window);
    json!({
        "workers": null,
        "timeout_s": null,
        "resume": null,
        "overwrite": null,
        "maxtasksperchild": null,
        "seed_strategy": "global",
        "seed": manifest.campaign.seed,
        "k_decoys": decoys.map(|decoys| decoys.count),
        "decoy_hard_mode": window.is_some(),
        "decoy_hard_tanimoto_min": window.map(|[least, _]| least),
        "decoy_hard_tanimoto_max": window.map(|[_, most]| most),
        "physics_mode": spectral.map(|spectral| super::word(&spectral.physics_mode)),
        "edge_weight_mode": spectral.map(|spectral| super::word(&spectral.edge_weight)),
        "potential_mode": spectral.map(|_| "static"),
        "potential_unit_model": null,
        "potential_scale_gamma": spectral.map(|_| 1.0),
        "scf_max_iter": null,
        "scf_tol": null,
        "scf_damping": null,
        "scf_occ_k": null,
        "scf_tau": null,
        "scf_gamma": null,
        "physics_entropy_beta": spectral.map(|_| 1.0),
        "guardrails_max_atoms": spectral.map(|spectral| spectral.max_atoms),
        "guardrails_require_connected": spectral.map(|spectral| spectral.require_connected),
        "score_mode": decoys.map(|_| SCORE_MODE),
    })
}

fn slack(facts: &Facts) -> Value {
    let [judged, pass] = facts.with_verdict;
    json!({
        "schema_version": "audit_slack_stats.v1",
        "rows_ok": facts.statuses[0],
        "rows_ok_with_slack": facts.slacks.records(),
        "rows_ok_with_verdict": judged,
        "pass_rate_ok": (judged > 0).then(|| pass as f64 / judged as f64),
        "mean_slack_ok": facts.slacks.mean(),
        "p25_slack_ok": facts.slacks.quantile(0.25),
        "median_slack_ok": facts.slacks.median(),
        "p75_slack_ok": facts.slacks.quantile(0.75),
        "margin": MARGIN,
    })
}

/// How like their parents decoys are, and what that makes of the score.
fn realism(facts: &Facts, has_decoys: bool) -> Value {
    let by_band = |of: &dyn Fn(&Pairs) -> Value| {
        let mut bands = serde_json::Map::new();
        for (band, pairs) in Band::ALL.into_iter().zip(&facts.bands) {
            bands.insert(band.name().to_owned(), of(pairs));
        }
        bands
    };
    let with_unknown = |mut bands: serde_json::Map<String, Value>, unknown: Value| {
        bands.insert("unknown".to_owned(), unknown);
        bands
    };
    let (interpretation, reason) = if has_decoys { interpreted(facts) } else { (None, "no_decoys_asked_for") };
    json!({
        "tanimoto_bins": {"easy_max_exclusive": 0.5, "medium_max_exclusive": 0.7},
        // A row counts decoys by band; how like each of them is, it does not say.
        "tanimoto_median": null,
        "pairs_total_by_bin": with_unknown(by_band(&|pairs| pairs.total.into()), 0.into()),
        "pairs_scored_by_bin": with_unknown(by_band(&|pairs| pairs.scored().into()), 0.into()),
        "auc_tie_aware_by_bin": with_unknown(by_band(&|pairs| pairs.auc().into()), Value::Null),
        "auc_interpretation_schema": "auc_interpretation.v1",
        "auc_interpretation": interpretation,
        "auc_interpretation_reason": reason,
        "hard_pairs_min_n": HARD_PAIRS_MIN,
    })
}

/// HETERO-2's words for the shares that are won, where the bands tell on which side of 0.55 the median similarity is.
pub fn interpreted(facts: &Facts) -> (Option<&'static str>, &'static str) {
    const TOO_EASY: Option<&str> = Some("INCONCLUSIVE_DECOYS_TOO_EASY");
    let [easy, _, hard] = &facts.bands;
    let total: u64 = facts.bands.iter().map(|pairs| pairs.total).sum();
    if total == 0 {
        return (TOO_EASY, "median_tanimoto_nan");
    }
    // (Of an even number, the median is between the two in the middle.)
    if 2 * easy.total > total + u64::from(total.is_multiple_of(2)) {
        return (TOO_EASY, "decoys_too_easy");
    }
    if hard.scored() < HARD_PAIRS_MIN {
        return (TOO_EASY, "hard_bin_insufficient_pairs<50");
    }
    if 2 * hard.total <= total {
        return (None, "median_tanimoto_between_bands");
    }
    match (hard.auc(), easy.auc()) {
        (None, _) => (TOO_EASY, "auc_hard_nan"),
        (Some(hard), Some(easy)) if hard <= HARD_AUC && easy > EASY_AUC => {
            (Some("ILLUSION_CONFIRMED"), "auc_easy_high_but_auc_hard_low")
        }
        (Some(hard), _) if hard <= HARD_AUC => (Some("ILLUSION_CONFIRMED"), "auc_hard_low"),
        _ => (Some("SUCCESS_SIGNAL_ON_HARD"), "auc_hard_signal"),
    }
}

/// How many scores there are. The scorer is asked for every record, so none lacks a file of scores.
pub fn coverage(facts: &Facts) -> Value {
    let [decoys, scored] = facts.decoys;
    json!({
        "rows_total": facts.rows(),
        "rows_with_scores_input": facts.rows() - facts.without_scores(),
        "rows_missing_scores_input": facts.without_scores(),
        "rows_with_missing_decoys": facts.lacking,
        "decoys_total": decoys,
        "decoys_scored": scored,
        "decoys_missing": decoys.saturating_sub(scored),
        // A row counts decoys and does not name them.
        "unique_missing_decoy_hashes": null,
        "missing_decoy_hashes_top10": [],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(easy: [u64; 3], medium: [u64; 3], hard: [u64; 3]) -> Facts {
        let pairs = |ways: [u64; 3]| Pairs { total: ways.iter().sum(), ways };
        Facts { bands: [pairs(easy), pairs(medium), pairs(hard)], ..Facts::default() }
    }

    #[test]
    fn what_the_bands_do_not_tell_of_the_median_is_not_said() {
        assert_eq!(interpreted(&of([0; 3], [0; 3], [0; 3])).1, "median_tanimoto_nan");
        assert_eq!(interpreted(&of([80, 0, 0], [0; 3], [60, 0, 0])).1, "decoys_too_easy");
        assert_eq!(interpreted(&of([0; 3], [0; 3], [40, 0, 9])).1, "hard_bin_insufficient_pairs<50");
        assert_eq!(interpreted(&of([0; 3], [70, 0, 0], [60, 0, 0])), (None, "median_tanimoto_between_bands"));
        assert_eq!(interpreted(&of([0; 3], [0; 3], [30, 0, 30])), (Some("ILLUSION_CONFIRMED"), "auc_hard_low"));
        assert_eq!(interpreted(&of([9, 0, 0], [0; 3], [30, 0, 30])).1, "auc_easy_high_but_auc_hard_low");
        assert_eq!(interpreted(&of([9, 0, 0], [0; 3], [50, 0, 10])).1, "auc_hard_signal");
    }
}
