//! One row of ours as a row of HETERO-2's `summary.csv`.

use super::columns::{Cells, Layout, OPERATORS, SPECTRAL, WEIGHTED, count};
use super::reason::{self, MISSING_PARAMETERS, MISSING_SMILES};
use crate::canonical::number;
use crate::canonical::row::Row;
use crate::scorer::Outcome;

/// The end of a line there.
pub const LINE_END: &[u8] = b"\r\n";

/// Where ε and χ come from, in HETERO-2's words: `spectral2d` has the values of that file.
const PARAMETERS: &str = "atoms_db_v1_json";

/// What stands in `outcome_verdict` where an element has no parameters.
const NO_PARAMETERS: &str = "ERROR_MISSING_PHYSICS_PARAMS";

/// One record, as HETERO-2 tells it.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// Its row here.
    pub row: Row<'a>,
    /// Its cells here.
    pub cells: Cells<'a>,
    /// Its status there.
    pub status: Outcome,
    /// Its reason there.
    pub reason: &'a str,
    /// What is said of its score; empty where nothing is.
    pub verdict: &'a [u8],
    /// How many warnings follow from its row.
    pub warnings: u32,
}

impl<'a> Told<'a> {
    /// The record of `row`.
    pub fn of(row: Row<'a>, layout: &Layout) -> Self {
        let cells = layout.cells(&row);
        let (status, reason) = reason::theirs(row.outcome, row.reason);
        let verdict: &[u8] = match status {
            Outcome::Ok => cells.verdict(),
            Outcome::Skip if layout.decoys.is_some() && reason != MISSING_SMILES => b"SKIP",
            _ => b"",
        };
        let mut told = Self { row, cells, status, reason, verdict, warnings: 0 };
        told.warnings = told.warnings(layout);
        told
    }

    /// One for each of: the strategy that was used, fewer decoys than were asked for, decoys without a score, a record that
    /// is skipped.
    fn warnings(&self, layout: &Layout) -> u32 {
        let Some(decoys) = &layout.decoys else { return u32::from(self.status == Outcome::Skip) };
        match self.status {
            Outcome::Skip => 1,
            Outcome::Error => 0,
            Outcome::Ok => {
                let (found, scored) = (count(self.cells.decoys()), count(self.cells.scored()));
                let few = found.is_some_and(|found| found < u64::from(decoys.count));
                u32::from(!self.cells.strategy().is_empty()) + u32::from(few) + u32::from(scored < found)
            }
        }
    }

    /// What it is called there: its id as `summary.csv` here shows it, or `mol_` and its ordinal.
    pub fn push_id(&self, out: &mut Vec<u8>) {
        match self.row.id() {
            b"" => {
                out.extend_from_slice(b"mol_");
                number::push_u64(out, self.row.ordinal);
            }
            id => out.extend_from_slice(id),
        }
    }

    /// Appends the line of `summary.csv`, its end included.
    pub fn push_summary(&self, out: &mut Vec<u8>, layout: &Layout, seed: &str) {
        let (cells, is_ok) = (&self.cells, self.status == Outcome::Ok);
        self.push_id(out);
        let reason = self.reason.as_bytes();
        push(out, self.status.as_str().as_bytes());
        push(out, reason);
        push(out, if self.status == Outcome::Skip { reason } else { b"" });
        let judged = is_ok && matches!(self.verdict, b"PASS" | b"FAIL");
        push(out, self.verdict);
        push(out, if judged { cells.gate() } else { b"" });
        push(out, if judged { cells.slack() } else { b"" });
        push(out, if judged { margin() } else { b"" });
        let decoys: &[u8] = match self.status {
            Outcome::Ok => cells.decoys(),
            // Nothing was asked of a record without a structure.
            Outcome::Skip if layout.decoys.is_some() && self.reason != MISSING_SMILES => b"0",
            _ => b"",
        };
        push(out, decoys);
        push(out, decoys);
        push(out, if is_ok { cells.scored() } else { b"" });
        push(out, if is_ok { cells.strategy() } else { b"" });
        push(out, self.warnings.to_string().as_bytes());
        // Nothing is written for single records.
        push(out, b"");
        push(out, seed.as_bytes());
        SPECTRAL.iter().for_each(|name| push(out, if is_ok { cells.descriptor(name) } else { b"" }));
        self.push_operators(out, layout);
        let lacks = self.reason == MISSING_PARAMETERS;
        push(out, if lacks { NO_PARAMETERS.as_bytes() } else { b"" });
        push(out, if lacks { MISSING_PARAMETERS.as_bytes() } else { b"" });
        out.extend_from_slice(LINE_END);
    }

    /// Appends the line of `operator_features.csv`, its end included.
    pub fn push_features(&self, out: &mut Vec<u8>, layout: &Layout) {
        self.push_id(out);
        self.push_operators(out, layout);
        out.extend_from_slice(LINE_END);
    }

    /// How the operators were made, and what is said of each.
    fn push_operators(&self, out: &mut Vec<u8>, layout: &Layout) {
        let spectral = layout.spectral.as_ref().filter(|_| self.status == Outcome::Ok);
        match spectral {
            Some(spectral) => {
                push(out, super::word(&spectral.physics_mode).as_bytes());
                push(out, PARAMETERS.as_bytes());
                push(out, b"1.0");
                push(out, b"0");
            }
            None => (0..4).for_each(|_| push(out, b"")),
        }
        let weighted: &[&str] = if layout.is_weighted() { &WEIGHTED } else { &[] };
        for name in OPERATORS.iter().chain(weighted) {
            push(out, if spectral.is_some() { self.cells.descriptor(name) } else { b"" });
        }
    }
}

fn push(out: &mut Vec<u8>, cell: &[u8]) {
    out.push(b',');
    out.extend_from_slice(cell);
}

/// What is asked of a score beyond chance, as it is written.
const fn margin() -> &'static [u8] {
    // A test keeps the two together.
    b"0.05"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scorer::builtin::compared::judge::MARGIN;

    #[test]
    fn the_margin_is_the_one_that_is_asked() {
        assert_eq!(std::str::from_utf8(margin()).unwrap().parse::<f64>().unwrap().to_bits(), MARGIN.to_bits());
    }
}
