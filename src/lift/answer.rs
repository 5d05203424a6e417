//! The answer: a word and a sentence, and nothing that the numbers do not show.

use super::money::Saved;
use super::report::Comparison;
use super::resample::Estimate;
use super::words::{FEW, RANDOM, RESAMPLES_MIN, Role, Shown, Verdict, interval, named, number};
use crate::canonical::escape;

/// What is known when the answer is given.
pub struct Known<'a> {
    /// The column of the score.
    pub score: &'a str,
    /// Molecules with truth, and hits among them.
    pub molecules: u64,
    /// See `molecules`.
    pub hits: u64,
    /// How many are selected.
    pub selected: u64,
    /// Hits that the score finds among them.
    pub found: f64,
    /// Resamples of an interval.
    pub resamples: u32,
    /// The source of labels that a rule made, if there are any.
    pub proxy: Option<&'a str>,
    /// Baselines that could not be made.
    pub baselines_missing: bool,
    /// The score against each other order, an even one first.
    pub comparisons: &'a [Comparison],
}

impl Known<'_> {
    /// Whether there is enough for intervals.
    pub const fn is_enough(molecules: u64, hits: u64, resamples: u32) -> bool {
        hits >= FEW && molecules - hits >= FEW && resamples >= RESAMPLES_MIN
    }

    fn baselines(&self) -> impl Iterator<Item = &Comparison> {
        self.comparisons.iter().filter(|comparison| comparison.role == Role::Baseline)
    }

    /// The answer in a word.
    pub fn verdict(&self) -> Verdict {
        if self.proxy.is_some() {
            return Verdict::Proxy;
        }
        if !Self::is_enough(self.molecules, self.hits, self.resamples) {
            return Verdict::TooFew;
        }
        if self.baselines().any(|comparison| comparison.shown == Shown::Less) {
            return Verdict::Beaten;
        }
        match (self.baselines().all(|comparison| comparison.shown == Shown::More), self.baselines_missing) {
            (true, false) => Verdict::Better,
            (true, true) => Verdict::BetterThanRandom,
            (false, _) => Verdict::NotShown,
        }
    }

    /// The answer in a sentence.
    pub fn sentence(&self) -> String {
        let Self { score, molecules, hits, selected, found, .. } = self;
        match self.verdict() {
            Verdict::Proxy => format!(
                "PROXY TRUTH: a rule made labels (`{}`), nobody measured them: nothing here says whether `{score}` pays",
                escape::visible(self.proxy.unwrap_or_default())
            ),
            Verdict::TooFew if self.resamples < RESAMPLES_MIN => {
                format!("NOTHING SHOWN: {} resamples give no interval; {RESAMPLES_MIN} are the least", self.resamples)
            }
            Verdict::TooFew => format!(
                "TOO FEW: of {molecules} molecules with truth {hits} are hits; nothing is stated with fewer than {FEW} of either kind"
            ),
            Verdict::Better => {
                format!("PAYS: {}; it finds more than size and log P alone{}", self.saving(), self.least())
            }
            Verdict::BetterThanRandom => format!(
                "PAYS AGAINST RANDOM ORDER: {}; whether size or log P alone do as well is not known",
                self.saving()
            ),
            Verdict::Beaten => {
                let beaten = self.baselines().filter(|comparison| comparison.shown == Shown::Less);
                let least = beaten.min_by(|a, b| value(&a.more_hits).total_cmp(&value(&b.more_hits)));
                least.map_or_else(String::new, |by| {
                    format!(
                        "DOES NOT PAY: {} finds {} hits in {selected} molecules, `{score}` {}: {} fewer ({})",
                        alone(&by.with),
                        number(by.hits),
                        number(*found),
                        number(-value(&by.more_hits)),
                        interval(&turned(&by.more_hits))
                    )
                })
            }
            Verdict::NotShown => {
                let weakest = self.baselines().filter(|comparison| comparison.shown == Shown::Nothing);
                let weakest = weakest.min_by(|a, b| value(&a.more_hits).total_cmp(&value(&b.more_hits)));
                weakest.map_or_else(String::new, |by| {
                    format!(
                        "NOT SHOWN: in {selected} molecules `{score}` finds {} of {hits} hits and {} {}: this truth does not tell them apart (difference {}, {})",
                        number(*found),
                        alone(&by.with),
                        number(by.hits),
                        number(value(&by.more_hits)),
                        interval(&by.more_hits)
                    )
                })
            }
        }
    }

    /// What it saves against the best of the baselines that are columns.
    fn least(&self) -> String {
        let columns = self.baselines().filter(|comparison| comparison.with != RANDOM);
        let best = columns.min_by(|a, b| value(&a.fewer_molecules).total_cmp(&value(&b.fewer_molecules)));
        best.map_or_else(String::new, |best| {
            let fewer = &best.fewer_molecules;
            format!(
                ", of which `{}` takes {}: {} fewer ({})",
                best.with,
                best.molecules_other,
                number(value(fewer)),
                interval(fewer)
            )
        })
    }

    /// What the score saves against an even order.
    fn saving(&self) -> String {
        let Some(random) = self.comparisons.first() else { return String::new() };
        let money = random.saved.as_ref().map_or_else(String::new, |saved| format!(", {}", money(saved)));
        format!(
            "for {} of {} hits `{}` takes {} molecules, random order {}: {} fewer ({}){money}",
            number(self.found),
            self.hits,
            self.score,
            random.molecules_score,
            random.molecules_other,
            number(value(&random.fewer_molecules)),
            interval(&random.fewer_molecules)
        )
    }
}

/// What an order is called that is enough by itself.
fn alone(order: &str) -> String {
    if order == RANDOM { named(order) } else { format!("{} alone", named(order)) }
}

/// The money that is not paid, with its interval.
fn money(saved: &Saved) -> String {
    let (amount, currency) = (&saved.amount, &saved.currency);
    format!("{} {currency} saved ({})", number(value(amount)), interval(amount))
}

fn value(estimate: &Estimate) -> f64 {
    estimate.value.unwrap_or_default()
}

fn turned(estimate: &Estimate) -> Estimate {
    let turn = |number: Option<f64>| number.map(|number| -number);
    Estimate { value: turn(estimate.value), low: turn(estimate.high), high: turn(estimate.low) }
}
