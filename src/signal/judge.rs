//! The verdict on what was pooled: whether a score tells records from their look-alikes better than chance and a margin.

use serde::{Deserialize, Serialize};

use super::cells::Cells;
use super::interval::{Estimate, estimate};
use crate::random::Generator;
pub use crate::scorer::builtin::compared::judge::MARGIN;

/// The 95 % quantile of the normal distribution.
const QUANTILE: f64 = 1.644_853_626_951_472_2;

/// What is said of a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// The whole interval is at the gate or above.
    Pass,
    /// The whole interval is below the gate.
    Fail,
    /// The gate is within the interval, or there are too few records to say.
    Inconclusive,
    /// A control passed, so the test proves nothing.
    Invalid,
}

impl Verdict {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::Invalid => "INVALID",
        }
    }
}

/// A score among look-alikes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// The share of pairs that the record wins, a tie being half of one.
    pub auc: Estimate,
    /// What is asked of it: the 95 % quantile of the same by chance, plus [`MARGIN`]; at most 1.
    pub gate: f64,
    /// `auc` − `gate`.
    pub slack: f64,
    /// What follows.
    pub verdict: Verdict,
}

/// The judgement on `cells`; `generator` draws. None of fewer than [`super::interval::RECORDS_MIN`] records.
pub fn judge(cells: &Cells, generator: Generator) -> Option<Judgement> {
    let auc = estimate(cells, generator)?;
    let gate = gate(cells);
    let verdict = match auc {
        Estimate { low, .. } if low >= gate => Verdict::Pass,
        Estimate { high, .. } if high < gate => Verdict::Fail,
        _ => Verdict::Inconclusive,
    };
    Some(Judgement { auc, gate, slack: auc.value - gate, verdict })
}

/// By chance a record with n decoys has any of its n + 1 places with the same probability, so it wins n / 2 pairs with the
/// variance n (n + 2) / 12 (Mann and Whitney, Annals of Mathematical Statistics 18 (1947) 50, with one of one kind). The sum
/// over many records is normal.
fn gate(cells: &Cells) -> f64 {
    let (mut variance, mut pairs) = (0u128, 0u128);
    for (cell, count) in cells.iter() {
        let (n, count) = (u128::from(cell.pairs), u128::from(count));
        variance += n * (n + 2) * count;
        pairs += n * count;
    }
    let deviation = (variance as f64 / 12.0).sqrt() / pairs as f64;
    (0.5 + QUANTILE * deviation + MARGIN).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(of: &[(u32, i32, u64)]) -> Judgement {
        let mut cells = Cells::default();
        for (pairs, twice, count) in of {
            (0..*count).for_each(|_| cells.add(*pairs, *twice));
        }
        judge(&cells, Generator::new(1)).unwrap()
    }

    #[test]
    fn what_always_wins_passes_and_what_never_decides_fails() {
        assert_eq!(judged(&[(2, 4, 50)]).verdict, Verdict::Pass);
        assert_eq!(judged(&[(2, 2, 50)]).verdict, Verdict::Fail);
        assert_eq!(judged(&[(2, 0, 50)]).verdict, Verdict::Fail);
        assert_eq!(judged(&[(1, 2, 33), (1, 0, 17)]).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn the_gate_comes_down_to_the_margin_as_records_come_together() {
        let gate = |count| judged(&[(2, 4, count)]).gate;
        // A record with two decoys wins 0, 1 or 2 pairs, with a variance of 2 / 3.
        let wanted = 0.5 + QUANTILE * (10.0 * 8f64 / 12.0).sqrt() / 20.0 + 0.05;
        assert!((gate(10) - wanted).abs() < 1e-12, "{}", gate(10));
        assert!(gate(10) > gate(50) && gate(50) > gate(5_000) && gate(5_000) > 0.55 && gate(5_000) < 0.56);
    }

    #[test]
    fn a_score_that_knows_nothing_does_not_pass() {
        // Each record's place among five decoys is any of six.
        let mut generator = Generator::new(9);
        let passed = (0..200).filter(|_| {
            let mut cells = Cells::default();
            (0..60).for_each(|_| cells.add(5, 2 * generator.below(6) as i32));
            judge(&cells, generator.clone()).unwrap().verdict == Verdict::Pass
        });
        assert_eq!(passed.count(), 0);
    }
}
