//! One record among its decoys, as HETERO-2's `hetero_audit.v2` judges it.
//!
//! With one record against k decoys the null distribution of the statistic of Mann and Whitney is even over its k + 1
//! values, so the gate is 1 for nearly every k. It is computed for compatibility; the campaign's verdict is
//! `crate::signal`'s.

use super::tally::ThreeWays;

/// What is asked of a score beyond chance.
pub const MARGIN: f64 = 0.05;

/// What is said of one record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// (won + tied / 2) / scored.
    pub auc: f64,
    /// The 95 % quantile of that by chance, plus [`MARGIN`]; at most 1.
    pub gate: f64,
    /// `auc` − `gate`.
    pub slack: f64,
}

impl Judged {
    /// The judgement; none without a pair.
    pub fn of(ways: ThreeWays) -> Option<Self> {
        let pairs = ways.pairs();
        if pairs == 0 {
            return None;
        }
        let auc = f64::from(ways.twice()) / f64::from(2 * pairs);
        let gate = (null_quantile(pairs) + MARGIN).min(1.0);
        Some(Self { auc, gate, slack: auc - gate })
    }

    /// `PASS` or `FAIL`.
    pub const fn verdict(self) -> &'static str {
        if self.slack >= 0.0 { "PASS" } else { "FAIL" }
    }
}

/// The smallest U / `pairs` whose cumulative probability is at least 0.95, where U is even over 0 … `pairs`.
pub fn null_quantile(pairs: u32) -> f64 {
    let u = (95 * (pairs + 1)).div_ceil(100) - 1;
    f64::from(u) / f64::from(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gate_is_that_of_the_contract() {
        let gate = |pairs| Judged::of(ThreeWays { won: pairs, ..ThreeWays::default() }).unwrap().gate;
        let ones = (1..=18).chain([20, 21, 30, 40, 50, 100]);
        assert!(ones.into_iter().all(|pairs| gate(pairs).to_bits() == 1f64.to_bits()));
        assert_eq!(
            (format!("{:.4}", gate(19)), format!("{:.4}", gate(39))),
            ("0.9974".to_owned(), "0.9987".to_owned())
        );
    }

    #[test]
    fn a_record_passes_where_it_beats_every_decoy_and_a_tie_is_half_a_win() {
        let judged = |won, tied, lost| Judged::of(ThreeWays { won, tied, lost }).unwrap();
        assert_eq!(judged(2, 0, 0), Judged { auc: 1.0, gate: 1.0, slack: 0.0 });
        assert_eq!((judged(2, 0, 0).verdict(), judged(1, 1, 0).verdict()), ("PASS", "FAIL"));
        assert_eq!(judged(1, 1, 2).auc.to_bits(), 0.375f64.to_bits());
        assert_eq!(Judged::of(ThreeWays::default()), None);
    }
}
