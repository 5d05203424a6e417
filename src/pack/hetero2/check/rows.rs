//! The rows of a foreign `summary.csv`: each by itself, and what they come to.

use std::collections::BTreeMap;

use super::findings::Report;
use crate::canonical::row::value;
use crate::csv::Line;
use crate::pack::SUMMARY;
use crate::pack::hetero2::columns::{self, RECORD};
use crate::scorer::builtin::compared::judge::{MARGIN, null_quantile};
use crate::scorer::builtin::compared::settings::COUNT_MAX;
use crate::scorer::builtin::decoys::Strategy;
use crate::signal::Slacks;

/// Numbers agree if they differ by no more.
pub const NEAR: f64 = 1e-9;

/// Different slacks, and different reasons, that are counted.
const KINDS_MAX: usize = 1 << 16;

/// Columns of one record, by their place in the contract.
mod at {
    pub const ID: usize = 0;
    pub const STATUS: usize = 1;
    pub const REASON: usize = 2;
    pub const SKIP_REASON: usize = 3;
    pub const VERDICT: usize = 4;
    pub const GATE: usize = 5;
    pub const SLACK: usize = 6;
    pub const MARGIN: usize = 7;
    pub const DECOYS: usize = 8;
    pub const GENERATED: usize = 9;
    pub const SCORED: usize = 10;
    pub const STRATEGY: usize = 11;
    pub const WARNINGS: usize = 12;
    pub const SEED: usize = 14;
    pub const SPECTRAL: usize = 15;
    pub const MODE: usize = 18;
    pub const BETA: usize = 20;
    pub const MISSING: usize = 21;
    pub const OPERATORS: usize = 22;
    pub const OUTCOME: usize = 32;
}

/// After so many lines that are no rows, no more of them are looked at.
const MALFORMED_MAX: u64 = 100_000;

/// What is known of the rows so far.
#[derive(Debug, Default)]
pub struct Rows {
    /// Where each column of the contract is in this file.
    places: Vec<Option<usize>>,
    width: usize,
    /// Rows, without the header.
    pub seen: u64,
    /// Lines that are no rows: their fields are not as many as the header's.
    malformed: u64,
    /// OK, SKIP, ERROR.
    pub statuses: [u64; 3],
    /// How often each reason was given; none if there are too many.
    pub reasons: Option<BTreeMap<String, u64>>,
    /// `OK` rows with a verdict, SKIP among them, and those that pass.
    pub with_verdict: [u64; 2],
    /// Slacks of `OK` rows; none if there are too many different ones.
    pub slacks: Option<Slacks>,
    /// Decoys, and those that have a score.
    pub decoys: [u64; 2],
}

impl Rows {
    /// Before the header.
    pub fn new() -> Self {
        Self { reasons: Some(BTreeMap::new()), slacks: Some(Slacks::default()), ..Self::default() }
    }

    /// Takes a line.
    pub fn take(&mut self, line: Line<'_>, report: &mut Report) {
        if line.number == 1 {
            return self.header(line, report);
        }
        self.seen += 1;
        let mut fault = |code: &'static str, message: String| report.at(code, SUMMARY, line.begins, message);
        if line.fields() != self.width {
            self.malformed += 1;
            if self.malformed > MALFORMED_MAX {
                return;
            }
            return fault("row-width", format!("it has {} fields, the header has {}", line.fields(), self.width));
        }
        if (0..line.fields()).any(|at| std::str::from_utf8(line.field(at)).is_err()) {
            return fault("row-text", "it is not UTF-8".to_owned());
        }
        let places = std::mem::take(&mut self.places);
        let row = One { line, places: &places };
        row.status(&mut fault);
        row.judgement(&mut fault);
        row.decoys(&mut fault);
        row.numbers(&mut fault);
        row.outcome(&mut fault);
        self.count(&row.facts());
        self.places = places;
    }

    /// Says what was not looked at.
    pub fn finish(&self, report: &mut Report) {
        if let Some(more) = self.malformed.checked_sub(MALFORMED_MAX).filter(|more| *more > 0) {
            report.unchecked(format!("{more} more lines of `{SUMMARY}` that are no rows"));
        }
    }

    fn header(&mut self, line: Line<'_>, report: &mut Report) {
        let names: Vec<String> =
            (0..line.fields()).map(|at| String::from_utf8_lossy(line.field(at)).into_owned()).collect();
        let all = columns::summary(true);
        self.width = names.len();
        self.places = all.iter().map(|name| names.iter().position(|found| found == name)).collect();
        let weighted = columns::WEIGHTED.iter().any(|name| names.iter().any(|found| found == name));
        let expected = columns::summary(weighted);
        if names == expected {
            return;
        }
        let missing: Vec<&str> =
            expected.iter().copied().filter(|name| !names.iter().any(|found| found == name)).collect();
        let unknown: Vec<&str> = names.iter().map(String::as_str).filter(|name| !all.contains(name)).collect();
        if !missing.is_empty() {
            report.at("columns-missing", SUMMARY, 1, format!("these are not there: {}", missing.join(", ")));
        }
        if !unknown.is_empty() {
            report.at("columns-unknown", SUMMARY, 1, format!("the contract does not know: {}", unknown.join(", ")));
        }
        if missing.is_empty() && unknown.is_empty() {
            let first = names.iter().zip(&expected).find(|(found, wanted)| found != *wanted);
            let what = first.map_or_else(
                || "a column is there twice".to_owned(),
                |(found, wanted)| format!("`{found}` stands where `{wanted}` should"),
            );
            report.at("columns-order", SUMMARY, 1, what);
        }
    }

    fn count(&mut self, row: &RowFacts<'_>) {
        if let Some(status) = row.status {
            self.statuses[status] += 1;
        }
        if let Some(reasons) = self.reasons.as_mut().filter(|_| !row.reason.is_empty()) {
            *reasons.entry(row.reason.to_owned()).or_default() += 1;
            if reasons.len() > KINDS_MAX {
                self.reasons = None;
            }
        }
        for (sum, count) in self.decoys.iter_mut().zip([row.generated, row.scored]) {
            *sum = sum.saturating_add(count.unwrap_or_default());
        }
        if row.status != Some(0) {
            return;
        }
        self.with_verdict[0] += u64::from(!row.verdict.is_empty());
        self.with_verdict[1] += u64::from(row.verdict == "PASS");
        if let Some((slacks, slack)) = self.slacks.as_mut().zip(row.slack) {
            slacks.add(slack, 1);
            if slacks.kinds() > KINDS_MAX {
                self.slacks = None;
            }
        }
    }
}

/// What a row adds to the sums.
struct RowFacts<'a> {
    status: Option<usize>,
    reason: &'a str,
    verdict: &'a str,
    slack: Option<f64>,
    generated: Option<u64>,
    scored: Option<u64>,
}

/// One row.
struct One<'a> {
    line: Line<'a>,
    places: &'a [Option<usize>],
}

const STATUSES: [&str; 3] = ["OK", "SKIP", "ERROR"];

type Fault<'f> = &'f mut dyn FnMut(&'static str, String);

impl<'a> One<'a> {
    /// The cell in a column of the contract; empty where the file does not have it.
    fn cell(&self, column: usize) -> &'a str {
        let at = self.places.get(column).copied().flatten();
        at.and_then(|at| std::str::from_utf8(self.line.field(at)).ok()).unwrap_or_default()
    }

    fn number(&self, column: usize) -> Option<f64> {
        value(self.cell(column).as_bytes())
    }

    fn count(&self, column: usize) -> Option<u64> {
        columns::count(self.cell(column).as_bytes())
    }

    fn facts(&self) -> RowFacts<'a> {
        RowFacts {
            status: STATUSES.iter().position(|status| *status == self.cell(at::STATUS)),
            reason: self.cell(at::REASON),
            verdict: self.cell(at::VERDICT),
            slack: self.number(at::SLACK),
            generated: self.count(at::GENERATED),
            scored: self.count(at::SCORED),
        }
    }

    /// Every row has a status, and whatever is not OK a reason.
    fn status(&self, fault: Fault<'_>) {
        let (status, reason, skip) = (self.cell(at::STATUS), self.cell(at::REASON), self.cell(at::SKIP_REASON));
        if self.cell(at::ID).is_empty() {
            fault("row-id", "it has no id".to_owned());
        }
        if !STATUSES.contains(&status) {
            fault("row-status", format!("`{status}` is no status"));
        }
        if (status == "OK") != reason.is_empty() {
            fault("row-reason", format!("a row that is `{status}` has the reason `{reason}`"));
        }
        if skip != if status == "SKIP" { reason } else { "" } {
            fault("row-skip-reason", format!("`skip_reason` is `{skip}`, status `{status}` and reason `{reason}`"));
        }
    }

    /// A verdict is PASS where slack is not negative, and comes with its numbers.
    fn judgement(&self, fault: Fault<'_>) {
        let (status, verdict) = (self.cell(at::STATUS), self.cell(at::VERDICT));
        let judged = matches!(verdict, "PASS" | "FAIL");
        if !(judged || matches!(verdict, "" | "SKIP"))
            || judged && status != "OK"
            || status == "ERROR" && !verdict.is_empty()
        {
            return fault("row-verdict", format!("a row that is `{status}` has the verdict `{verdict}`"));
        }
        let numbers = [at::GATE, at::SLACK, at::MARGIN].map(|column| self.cell(column));
        if !judged {
            if numbers.iter().any(|cell| !cell.is_empty()) {
                fault("row-gate", format!("the verdict is `{verdict}`, and there is a gate, a slack or a margin"));
            }
            return;
        }
        let (Some(gate), Some(slack), Some(margin)) =
            (value(numbers[0].as_bytes()), value(numbers[1].as_bytes()), value(numbers[2].as_bytes()))
        else {
            return fault("row-gate", format!("the verdict is `{verdict}`, and gate, slack or margin is no number"));
        };
        if (slack >= 0.0) != (verdict == "PASS") {
            fault("row-verdict", format!("the verdict is `{verdict}`, and slack is {slack}"));
        }
        let auc = gate + slack;
        if !(0.0..=1.0).contains(&gate) || !(-NEAR..=1.0 + NEAR).contains(&auc) {
            fault("row-gate", format!("gate {gate} and slack {slack} are those of no share from 0 to 1"));
        }
        let scored = self.count(at::SCORED).filter(|scored| (1..=u64::from(COUNT_MAX)).contains(scored));
        if let Some(scored) = scored.filter(|_| (margin - MARGIN).abs() <= NEAR) {
            let expected = (null_quantile(scored as u32) + MARGIN).min(1.0);
            if (gate - expected).abs() > NEAR {
                fault("row-gate", format!("the gate for {scored} scored decoys is {expected}, and not {gate}"));
            }
        }
    }

    fn decoys(&self, fault: Fault<'_>) {
        let (status, verdict) = (self.cell(at::STATUS), self.cell(at::VERDICT));
        if self.cell(at::DECOYS) != self.cell(at::GENERATED) {
            fault("row-decoys", "`n_decoys` and `n_decoys_generated` differ".to_owned());
        }
        let (generated, scored) = (self.count(at::GENERATED), self.count(at::SCORED));
        if status != "OK" && !self.cell(at::SCORED).is_empty() {
            fault("row-decoys", format!("a row that is `{status}` has `n_decoys_scored`"));
        }
        if scored.is_some() && scored > generated {
            fault("row-decoys", "more decoys have a score than there are".to_owned());
        }
        if matches!(verdict, "PASS" | "FAIL") && scored.is_none_or(|scored| scored == 0) {
            fault("row-decoys", format!("the verdict is `{verdict}`, and no decoy has a score"));
        }
        let strategy = self.cell(at::STRATEGY);
        if !strategy.is_empty() && !Strategy::ALL.iter().any(|known| known.name() == strategy) {
            fault("row-strategy", format!("`{strategy}` is no strategy"));
        }
    }

    /// What is a number in the contract is one, or nothing.
    fn numbers(&self, fault: Fault<'_>) {
        let names = columns::summary(true);
        let floats = [at::GATE, at::SLACK, at::MARGIN, at::BETA].into_iter();
        let floats = floats.chain(at::SPECTRAL..at::MODE).chain(at::OPERATORS..at::OUTCOME);
        for column in floats {
            let cell = self.cell(column);
            if !cell.is_empty() && self.number(column).is_none() {
                fault("row-number", format!("`{}` is `{cell}`, which is no finite number", names[column]));
            }
        }
        for column in [at::DECOYS, at::GENERATED, at::SCORED, at::WARNINGS, at::SEED, at::MISSING] {
            let cell = self.cell(column);
            if !cell.is_empty() && self.count(column).is_none() {
                fault("row-number", format!("`{}` is `{cell}`, which is no whole number", names[column]));
            }
        }
    }

    fn outcome(&self, fault: Fault<'_>) {
        let mode = self.cell(at::MODE);
        if !matches!(mode, "" | "topological" | "hamiltonian" | "both") {
            fault("row-physics", format!("`{mode}` is no `physics_mode_used`"));
        }
        let (verdict, reason) = (self.cell(at::OUTCOME), self.cell(at::OUTCOME + 1));
        let known = [
            ("", ""),
            ("ERROR_MISSING_PHYSICS_PARAMS", "missing_physics_params"),
            ("INCONCLUSIVE_SCF_NOT_CONVERGED", "scf_not_converged"),
        ];
        if !known.contains(&(verdict, reason)) {
            fault("row-outcome", format!("`{verdict}` for `{reason}` is no outcome"));
        }
    }
}

const _: () = assert!(RECORD.len() == at::SPECTRAL);
