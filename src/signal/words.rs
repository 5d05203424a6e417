//! What the comparison says of the score, in a sentence.

use super::{Band, Judgement, Signal};
use crate::canonical::escape;

/// Who wins fewer pairs than this has probably been asked with the wrong end first.
const TURNED: f64 = 0.4;

impl Signal {
    /// Of the band that decided: what is said of the score there.
    pub fn decisive(&self) -> Option<Judgement> {
        self.bands.iter().find(|it| Some(&it.band) == self.band.as_ref())?.score
    }

    /// The sentence, without an end.
    pub fn sentence(&self) -> String {
        self.sentence_with(&escape::visible(&self.column))
    }

    /// The same, where the column has to be written as `column`.
    pub fn sentence_with(&self, column: &str) -> String {
        let Self { reason, scored, decoys, .. } = self;
        let mut said = format!("`{column}` is {} ({reason})", self.verdict.as_str());
        if let (Some(judged), Some(band)) = (self.decisive(), &self.band) {
            let [won, low, high, gate] = [judged.auc.value, judged.auc.low, judged.auc.high, judged.gate].map(percent);
            said +=
                &format!(": of the pairs with {band} look-alikes it wins {won} ({low} to {high}), the gate is {gate}");
            if judged.auc.high < TURNED {
                said += "; it prefers look-alikes: does `order` say which end of it is best?";
            }
        }
        if self.reason == "unscored_could_decide" {
            said += "; those without a score could decide otherwise";
        }
        let elsewhere = self.log_p_is_better_elsewhere().join(" and ");
        match (self.beaten_by.is_empty(), elsewhere.is_empty()) {
            (true, true) => {}
            (false, true) => said += "; log P alone does better",
            (false, false) => said += &format!("; log P alone does better, with {elsewhere} look-alikes too"),
            (true, false) => {
                said += &format!("; log P alone does better with {elsewhere} look-alikes, which did not decide");
            }
        }
        if scored < decoys {
            said += &format!("; only {scored} of {decoys} look-alikes have a score");
        }
        said
    }

    /// The bands of likeness that did not decide, and in which log P alone does better than the score.
    pub fn log_p_is_better_elsewhere(&self) -> Vec<&str> {
        let others = self.bands.iter().filter(|it| it.band != "all" && Some(&it.band) != self.band.as_ref());
        others.filter(|it| log_p_is_better(it)).map(|it| it.band.as_str()).collect()
    }
}

/// Whether it is shown that log P alone does better in this band.
pub(super) fn log_p_is_better(band: &Band) -> bool {
    band.beyond_log_p.is_some_and(|beyond| beyond.high < 0.0)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
