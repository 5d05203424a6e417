//! What the packs of a suite must show: HETERO-2's milestones VALUE-M1 to VALUE-M7, each as tests that can fail.

use serde::{Deserialize, Serialize};

use super::scores::MadeUp;
use super::utility::Utility;
use super::variant::Variant;
use super::{Suite, TruthSource};
use crate::signal::Verdict as Said;

/// The share of the rows of `ring` that must be `OK` (VALUE-M1.1).
const COVERAGE_MIN: f64 = 0.95;
/// The share of them that may have no look-alikes (VALUE-M1.1: ten of two hundred).
const WITHOUT_DECOYS_MAX: f64 = 0.05;
/// How far the medians of slacks must be apart (VALUE-M2), …
const MEDIAN_SLACK_APART: f64 = 0.05;
/// … or the shares of rows that pass.
const PASS_RATE_APART: f64 = 0.2;

/// What the difference of two fractions may be off by: -0.45 is 0.05 from -0.5.
const ROUNDING: f64 = 1e-12;

/// One thing that must be so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// Which milestone asks for it, such as `VALUE-M2`.
    pub milestone: String,
    /// Of which variants, and what: `GOOD-synthetic against BAD-random: apart`.
    pub gate: String,
    /// What must be.
    pub requires: String,
    /// What is.
    pub found: String,
    /// Whether that is enough.
    pub holds: bool,
}

/// How far a good score is from a bad one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Separation {
    /// The good one.
    pub good: String,
    /// The bad one.
    pub bad: String,
    /// The median slack of the good one minus that of the bad one.
    pub median_slack: Option<f64>,
    /// The same of the mean.
    pub mean_slack: Option<f64>,
    /// The same of the share of `OK` rows that pass.
    pub pass_rate: Option<f64>,
}

/// What is asked of a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Which.
    pub suite: Suite,
    /// Where the truth comes from.
    pub truth: TruthSource,
    /// Whether every file of scores is pinned by its SHA-256; none where scores come from no file.
    pub pinned: Option<bool>,
}

/// How far apart the good score is from each bad one.
pub fn separations(variants: &[Variant]) -> Vec<Separation> {
    let is = |variant: &&Variant, made_up: MadeUp| variant.name == made_up.variant();
    let Some(good) = variants.iter().find(|variant| is(variant, MadeUp::Synthetic)) else { return Vec::new() };
    let minus = |a: Option<f64>, b: Option<f64>| Some(a? - b?);
    let bad = variants.iter().filter(|variant| !is(variant, MadeUp::Synthetic));
    bad.map(|bad| Separation {
        good: good.name.clone(),
        bad: bad.name.clone(),
        median_slack: minus(good.audit.median_slack, bad.audit.median_slack),
        mean_slack: minus(good.audit.mean_slack, bad.audit.mean_slack),
        pass_rate: minus(good.audit.pass_rate(&good.rows), bad.audit.pass_rate(&bad.rows)),
    })
    .collect()
}

/// All gates of what is asked, for these packs.
pub fn gates(asked: Asked, variants: &[Variant], separations: &[Separation], utility: Option<&Utility>) -> Vec<Gate> {
    let mut gates = Gates::default();
    let milestone = match asked.suite {
        Suite::Ring => "VALUE-M1",
        Suite::KnownBadGood => "VALUE-M2",
        Suite::Customer => "VALUE-M3",
    };
    for variant in variants {
        gates.rows(milestone, variant);
        gates.shape(asked.suite, variant);
    }
    match asked.suite {
        Suite::Ring => variants.iter().for_each(|variant| gates.coverage(variant)),
        Suite::KnownBadGood => gates.apart(variants, separations),
        Suite::Customer => variants.iter().for_each(|variant| gates.judged(variant)),
    }
    if let Some(utility) = utility {
        gates.utility(asked.truth, utility);
    }
    if let Some(pinned) = asked.pinned {
        let found = if pinned { "all are" } else { "not all are: see `sha256` in docs/precomputed.md" };
        gates.add("VALUE-M7", "scores", "pinned", "every file is pinned by its SHA-256", found, pinned);
    }
    gates.0
}

#[derive(Default)]
struct Gates(Vec<Gate>);

impl Gates {
    fn add(&mut self, milestone: &str, of: &str, what: &str, requires: &str, found: impl Into<String>, holds: bool) {
        self.0.push(Gate {
            milestone: milestone.to_owned(),
            gate: format!("{of}: {what}"),
            requires: requires.to_owned(),
            found: found.into(),
            holds,
        });
    }

    /// What is asked of the rows of every suite.
    fn rows(&mut self, milestone: &str, variant: &Variant) {
        let Variant { name, rows, error_reasons, .. } = variant;
        self.add(milestone, name, "errors", "no row is ERROR", told(rows.error, error_reasons.keys()), rows.error == 0);
        self.add(milestone, name, "rows", "a row is OK", rows.ok.to_string(), rows.ok > 0);
        let missing = rows.missing_scores_input;
        self.add(milestone, name, "scores", "no row lacks its score", missing.to_string(), missing == 0);
    }

    /// VALUE-M4: suites of ours have the shape of HETERO-2, a customer may ask for it.
    fn shape(&mut self, suite: Suite, variant: &Variant) {
        let found = match variant.conforms {
            None if suite == Suite::Customer => return,
            None => "there is none",
            Some(true) => "it does",
            Some(false) => "it does not",
        };
        let holds = variant.conforms == Some(true);
        self.add("VALUE-M4", &variant.name, "shape", "its export keeps HETERO-2's contract", found, holds);
    }

    /// VALUE-M1.1.
    fn coverage(&mut self, variant: &Variant) {
        let Variant { name, rows, .. } = variant;
        let share = |part: u64| if rows.total == 0 { 0.0 } else { part as f64 / rows.total as f64 };
        let (ok, without) = (share(rows.ok), share(variant.without_decoys()));
        let requires = format!("{COVERAGE_MIN} of the rows are OK");
        self.add("VALUE-M1.1", name, "coverage", &requires, format!("{ok:.6}"), rows.total > 0 && ok >= COVERAGE_MIN);
        let requires = format!("at most {WITHOUT_DECOYS_MAX} of the rows have no look-alikes");
        self.add("VALUE-M1.1", name, "decoys", &requires, format!("{without:.6}"), without <= WITHOUT_DECOYS_MAX);
    }

    /// VALUE-M2, and what the degenerate gate of single records leaves open.
    fn apart(&mut self, variants: &[Variant], separations: &[Separation]) {
        let requires =
            format!("medians of slack {MEDIAN_SLACK_APART} apart, or shares of PASS {PASS_RATE_APART}, or both");
        for Separation { good, bad, median_slack, pass_rate, .. } in separations {
            let is_at_least = |found: &Option<f64>, least: f64| found.is_some_and(|found| found >= least - ROUNDING);
            let holds = is_at_least(median_slack, MEDIAN_SLACK_APART) || is_at_least(pass_rate, PASS_RATE_APART);
            let found = format!("{} and {}", number(*median_slack), number(*pass_rate));
            self.add("VALUE-M2", &format!("{good} against {bad}"), "apart", &requires, found, holds);
        }
        let of = |variant: &Variant| (variant.library.clone(), variant.seed, variant.look_alikes.clone());
        let is_one = variants.windows(2).all(|two| of(&two[0]) == of(&two[1]));
        let found = if is_one { "they are" } else { "they are not" };
        let requires = "all variants are of one library, with one seed and the same look-alikes";
        self.add("VALUE-M2", "all", "one library", requires, found, is_one);
        for Variant { name, decoys, .. } in variants {
            let found = format!("{} of {}", decoys.scored, decoys.total);
            let holds = decoys.scored == decoys.total && decoys.total > 0;
            self.add("VALUE-M2", name, "look-alikes", "every look-alike has a score", found, holds);
        }
        for variant in variants {
            let is_good = variant.name == MadeUp::Synthetic.variant();
            let said = variant.signal.as_ref().map(|signal| signal.verdict);
            let requires = if is_good { "the campaign is PASS" } else { "the campaign is not PASS" };
            let holds = said.is_some_and(|said| (said == Said::Pass) == is_good && said != Said::Invalid);
            let found = said.map_or("nothing is said of it", Said::as_str);
            self.add("VALUE-M2", &variant.name, "verdict", requires, found, holds);
        }
    }

    /// VALUE-M3: what cannot be judged stops it.
    fn judged(&mut self, variant: &Variant) {
        let Variant { name, rows, audit, .. } = variant;
        let without = rows.ok.saturating_sub(audit.judged);
        let requires = "every row that is OK has a verdict and a slack";
        let found = if rows.ok == 0 {
            "no row is OK".to_owned()
        } else if without == 0 {
            "every one has".to_owned()
        } else {
            format!("{without} have none; `molsieve decoys --missing` says which scores they lack")
        };
        self.add("VALUE-M3", name, "judged", requires, found, without == 0 && rows.ok > 0);
    }

    /// VALUE-M5 and VALUE-M6: that it was measured, and by what. How much was won is told, and is no gate.
    fn utility(&mut self, truth: TruthSource, utility: &Utility) {
        let milestone = if truth == TruthSource::Rule { "VALUE-M5" } else { "VALUE-M6" };
        let found = utility.k_effective.to_string();
        self.add(milestone, "utility", "selection", "records can be selected", found, utility.k_effective > 0);
        let requires = match truth {
            TruthSource::Rule => "the truth is made by a rule, and says so",
            _ => "the truth is pinned by its SHA-256, and no rule made it",
        };
        let holds = utility.is_proxy == (truth == TruthSource::Rule);
        let found = if utility.is_proxy { "a rule made it" } else { "no rule made it" };
        self.add(milestone, "utility", "truth", requires, found, holds);
    }
}

/// A count, with the words that it is about.
fn told<'a>(count: u64, words: impl Iterator<Item = &'a String>) -> String {
    let words: Vec<&str> = words.map(String::as_str).take(5).collect();
    if words.is_empty() { count.to_string() } else { format!("{count} ({})", words.join(", ")) }
}

/// A number that may not be there.
pub(super) fn number(number: Option<f64>) -> String {
    number.map_or_else(|| "(none)".to_owned(), |number| format!("{number:.6}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::variant::{Audit, Decoys, Pooled, Rows};

    fn variant(name: &str, pass: u64, median_slack: f64, said: Said) -> Variant {
        Variant {
            name: name.to_owned(),
            archive: format!("{name}.zip"),
            sha256: String::new(),
            pack_digest: String::new(),
            payload_digest: String::new(),
            seed: 0,
            library: "root".to_owned(),
            look_alikes: None,
            rows: Rows { total: 100, ok: 98, skip: 2, error: 0, missing_scores_input: 0 },
            skip_reasons: [("disconnected".to_owned(), 2)].into(),
            error_reasons: [].into(),
            decoys: Decoys { total: 300, scored: 300, ..Decoys::default() },
            audit: Audit { judged: 98, pass, median_slack: Some(median_slack), ..Audit::default() },
            signal: Some(Pooled { verdict: said, reason: String::new(), band: None }),
            conforms: Some(true),
        }
    }

    fn utility(k_effective: u64, is_proxy: bool) -> Utility {
        let question =
            super::super::utility::Question { k: 10, seed: 0, bootstrap_n: 500, price: None, allow_unknown: false };
        Utility {
            question,
            truth_sha256: String::new(),
            labels: 98,
            hits: 5,
            sources: [].into(),
            is_proxy,
            k_effective,
            methods: [].into(),
            uplift_vs_score_only: None,
            uplift_vs_random: None,
            answer: String::new(),
        }
    }

    fn known() -> Vec<Variant> {
        vec![
            variant("BAD-constant", 0, -0.5, Said::Fail),
            variant("BAD-random", 20, -0.5, Said::Inconclusive),
            variant("GOOD-synthetic", 98, 0.0, Said::Pass),
        ]
    }

    /// What does not hold.
    fn failed(suite: Suite, variants: &[Variant]) -> Vec<String> {
        failed_with(Asked { suite, truth: TruthSource::None, pinned: None }, variants, None)
    }

    fn failed_with(asked: Asked, variants: &[Variant], utility: Option<&Utility>) -> Vec<String> {
        let all = gates(asked, variants, &separations(variants), utility);
        all.into_iter().filter(|gate| !gate.holds).map(|gate| format!("{} {}", gate.milestone, gate.gate)).collect()
    }

    #[test]
    fn what_is_as_it_should_be_holds_all_gates() {
        assert_eq!(failed(Suite::KnownBadGood, &known()), [""; 0]);
        let ring = [variant("ring", 0, -0.5, Said::Fail)];
        assert_eq!(failed(Suite::Ring, &ring), [""; 0], "a ring suite asks nothing of the score");
        assert_eq!(failed(Suite::Customer, &ring), [""; 0]);
    }

    #[test]
    fn each_thing_that_is_wrong_is_one_gate_that_does_not_hold() {
        let wrong = |suite, change: fn(&mut Variant)| {
            let mut all = if suite == Suite::KnownBadGood { known() } else { vec![variant("x", 9, -0.5, Said::Fail)] };
            change(all.last_mut().unwrap());
            failed(suite, &all)
        };
        assert_eq!(wrong(Suite::Ring, |v| v.rows.error = 1), ["VALUE-M1 x: errors"]);
        assert_eq!(wrong(Suite::Ring, |v| v.rows.missing_scores_input = 1), ["VALUE-M1 x: scores"]);
        assert_eq!(wrong(Suite::Ring, |v| v.rows.ok = 94), ["VALUE-M1.1 x: coverage"]);
        let without = |v: &mut Variant| v.skip_reasons = [("no_decoys_generated".to_owned(), 6)].into();
        assert_eq!(wrong(Suite::Ring, without), ["VALUE-M1.1 x: decoys"]);
        assert_eq!(wrong(Suite::Ring, |v| v.conforms = Some(false)), ["VALUE-M4 x: shape"]);
        assert_eq!(wrong(Suite::Ring, |v| v.conforms = None), ["VALUE-M4 x: shape"]);
        assert_eq!(wrong(Suite::Customer, |v| v.conforms = None), [""; 0]);
        assert_eq!(wrong(Suite::KnownBadGood, |v| v.seed = 3), ["VALUE-M2 all: one library"]);
        assert_eq!(wrong(Suite::KnownBadGood, |v| v.library.push('x')), ["VALUE-M2 all: one library"]);
        assert_eq!(wrong(Suite::KnownBadGood, |v| v.decoys.scored = 299), ["VALUE-M2 GOOD-synthetic: look-alikes"]);
        assert_eq!(wrong(Suite::Customer, |v| v.audit.judged = 97), ["VALUE-M3 x: judged"]);
        let none =
            |v: &mut Variant| (v.rows, v.audit) = (Rows { total: 9, skip: 9, ..Rows::default() }, Audit::default());
        assert_eq!(wrong(Suite::Customer, none), ["VALUE-M3 x: rows", "VALUE-M3 x: judged"]);
    }

    #[test]
    fn a_good_score_must_be_apart_from_each_bad_one_by_slack_or_by_passes() {
        let mut all = known();
        // By passes alone.
        all[2].audit.median_slack = Some(-0.5);
        assert_eq!(failed(Suite::KnownBadGood, &all), [""; 0]);
        // By slack alone.
        (all[2].audit.median_slack, all[2].audit.pass) = (Some(-0.45), 20);
        assert_eq!(failed(Suite::KnownBadGood, &all), [""; 0]);
        // By neither: from the one that passes as often, and not from the other.
        all[2].audit.median_slack = Some(-0.46);
        assert_eq!(failed(Suite::KnownBadGood, &all), ["VALUE-M2 GOOD-synthetic against BAD-random: apart"]);
        all[2].audit.median_slack = None;
        assert_eq!(failed(Suite::KnownBadGood, &all), ["VALUE-M2 GOOD-synthetic against BAD-random: apart"]);
    }

    #[test]
    fn a_campaign_of_bad_scores_must_not_pass_and_one_of_good_scores_must() {
        let with = |at: usize, said: Option<Said>| {
            let mut all = known();
            all[at].signal = said.map(|verdict| Pooled { verdict, reason: String::new(), band: None });
            failed(Suite::KnownBadGood, &all)
        };
        assert_eq!(with(0, Some(Said::Pass)), ["VALUE-M2 BAD-constant: verdict"]);
        assert_eq!(with(1, Some(Said::Invalid)), ["VALUE-M2 BAD-random: verdict"]);
        assert_eq!(with(2, Some(Said::Inconclusive)), ["VALUE-M2 GOOD-synthetic: verdict"]);
        assert_eq!(with(2, None), ["VALUE-M2 GOOD-synthetic: verdict"]);
    }

    #[test]
    fn truth_must_be_what_it_is_said_to_be_and_scores_pinned() {
        let all = [variant("x", 9, -0.5, Said::Fail)];
        let failed = |truth, pinned, utility: Utility| {
            failed_with(Asked { suite: Suite::Customer, truth, pinned }, &all, Some(&utility))
        };
        assert_eq!(failed(TruthSource::Rule, None, utility(9, true)), [""; 0]);
        assert_eq!(failed(TruthSource::Measured, Some(true), utility(9, false)), [""; 0]);
        assert_eq!(failed(TruthSource::Measured, None, utility(9, true)), ["VALUE-M6 utility: truth"]);
        assert_eq!(failed(TruthSource::Rule, None, utility(0, true)), ["VALUE-M5 utility: selection"]);
        assert_eq!(failed(TruthSource::Measured, Some(false), utility(9, false)), ["VALUE-M7 scores: pinned"]);
    }
}
