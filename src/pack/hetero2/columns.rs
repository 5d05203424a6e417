//! The columns of HETERO-2's tables, and where their cells come from.

use crate::campaign::identity::Identity;
use crate::canonical::row::Row;
use crate::scorer::Column;
use crate::scorer::builtin::compared::columns::{self as compared, Contest};
use crate::scorer::builtin::compared::settings::Settings as DecoySettings;
use crate::scorer::builtin::decoys::Band;
use crate::scorer::builtin::spectral::settings::{DESCRIPTORS, EdgeWeight, Settings as SpectralSettings};

/// `summary.csv`: what every record has.
pub const RECORD: [&str; 15] = [
    "id",
    "status",
    "reason",
    "skip_reason",
    "verdict",
    "gate",
    "slack",
    "margin",
    "n_decoys",
    "n_decoys_generated",
    "n_decoys_scored",
    "decoy_strategy_used",
    "warnings_count",
    "report_path",
    "seed_used",
];
/// What follows: of the Laplacian.
pub const SPECTRAL: [&str; 3] = ["spectral_gap", "spectral_entropy", "spectral_entropy_norm"];
/// How the operators were made.
pub const PHYSICS: [&str; 4] =
    ["physics_mode_used", "physics_params_source", "physics_entropy_beta", "physics_missing_params_count"];
/// Of the operators.
pub const OPERATORS: [&str; 6] = ["L_gap", "L_trace", "L_entropy_beta", "H_gap", "H_trace", "H_entropy_beta"];
/// Of those with weighted bonds, where there are any.
pub const WEIGHTED: [&str; 4] = ["W_gap", "W_entropy", "WH_gap", "WH_entropy"];
/// The last ones.
pub const OUTCOME: [&str; 2] = ["outcome_verdict", "outcome_reason"];

/// The header of `summary.csv`.
pub fn summary(weighted: bool) -> Vec<&'static str> {
    let weighted: &[&str] = if weighted { &WEIGHTED } else { &[] };
    [&RECORD[..], &SPECTRAL, &PHYSICS, &OPERATORS, weighted, &OUTCOME].concat()
}

/// The header of `operator_features.csv`.
pub fn operator_features(weighted: bool) -> Vec<&'static str> {
    let weighted: &[&str] = if weighted { &WEIGHTED } else { &[] };
    [&RECORD[..1], &PHYSICS, &OPERATORS, weighted].concat()
}

/// Cells of ours that theirs are made of: the descriptors in their order, then what is said of decoys.
const DECOYS: usize = DESCRIPTORS.len();
const SCORED: usize = DECOYS + 1;
const STRATEGY: usize = DECOYS + 2;
const GATE: usize = DECOYS + 3;
const SLACK: usize = DECOYS + 4;
const VERDICT: usize = DECOYS + 5;
const BANDS: usize = DECOYS + 6;
/// Won, tied and lost of three bands, by the score and by log P.
const CELLS: usize = BANDS + 18;

/// What a campaign's rows hold of what HETERO-2's have.
#[derive(Clone, Debug)]
pub struct Layout {
    /// By the index of our column: which cell it is.
    places: Vec<Option<usize>>,
    /// `[decoys]`, if the campaign has it.
    pub decoys: Option<DecoySettings>,
    /// The settings of `spectral2d`, if that is the scorer.
    pub spectral: Option<SpectralSettings>,
}

/// The cells of one row that are needed; empty where there is none.
#[derive(Clone, Copy, Debug)]
pub struct Cells<'a>([&'a [u8]; CELLS]);

impl Layout {
    /// Of the rows of `campaign`.
    pub fn of(campaign: &Identity) -> Self {
        let (scorer, columns) = (&campaign.scorer, &campaign.scorer.description.columns);
        let decoys = DecoySettings::of_identity(scorer);
        let spectral = SpectralSettings::of_identity(scorer);
        let mut layout = Self { places: vec![None; columns.len()], decoys, spectral };
        layout.place(columns);
        layout
    }

    fn place(&mut self, columns: &[Column]) {
        if self.spectral.is_some() {
            for (cell, descriptor) in DESCRIPTORS.iter().enumerate() {
                if let Some(at) = columns.iter().position(|column| column.name == descriptor.name) {
                    self.places[at] = Some(cell);
                }
            }
        }
        if self.decoys.is_none() {
            return;
        }
        let mut names = vec![
            compared::DECOYS.to_owned(),
            compared::DECOYS_SCORED.to_owned(),
            compared::STRATEGY.to_owned(),
            compared::GATE.to_owned(),
            compared::SLACK.to_owned(),
            compared::VERDICT.to_owned(),
        ];
        names.extend(Band::ALL.into_iter().flat_map(|band| Contest::Score(band).names()));
        names.extend(Band::ALL.into_iter().flat_map(|band| Contest::LogP(band).names()));
        for (cell, name) in (DECOYS..).zip(names) {
            // The scorer's own columns come first, and may have any name.
            if let Some(at) = columns.iter().rposition(|column| column.name == name) {
                self.places[at] = Some(cell);
            }
        }
    }

    /// Whether there are columns of operators with weighted bonds.
    pub fn is_weighted(&self) -> bool {
        self.spectral.as_ref().is_some_and(|spectral| spectral.edge_weight != EdgeWeight::Unweighted)
    }

    /// The cells of a row.
    pub fn cells<'a>(&self, row: &Row<'a>) -> Cells<'a> {
        let mut cells = [&b""[..]; CELLS];
        for (cell, place) in row.cells().zip(&self.places) {
            if let Some(place) = place {
                cells[*place] = cell;
            }
        }
        Cells(cells)
    }
}

impl<'a> Cells<'a> {
    /// The descriptor called `name`.
    pub fn descriptor(&self, name: &str) -> &'a [u8] {
        DESCRIPTORS.iter().position(|descriptor| descriptor.name == name).map_or(b"", |at| self.0[at])
    }

    /// How many decoys there are.
    pub fn decoys(&self) -> &'a [u8] {
        self.0[DECOYS]
    }

    /// How many of them have a score.
    pub fn scored(&self) -> &'a [u8] {
        self.0[SCORED]
    }

    /// Which bonds were exchanged.
    pub fn strategy(&self) -> &'a [u8] {
        self.0[STRATEGY]
    }

    /// What is to be reached.
    pub fn gate(&self) -> &'a [u8] {
        self.0[GATE]
    }

    /// By how much it is.
    pub fn slack(&self) -> &'a [u8] {
        self.0[SLACK]
    }

    /// What is said of the record.
    pub fn verdict(&self) -> &'a [u8] {
        self.0[VERDICT]
    }

    /// Won, tied and lost in a band, by the score, or with `by_log_p`.
    pub fn ways(&self, band: Band, by_log_p: bool) -> [u64; 3] {
        let at = BANDS + 3 * band as usize + if by_log_p { 9 } else { 0 };
        [0, 1, 2].map(|way| count(self.0[at + way]).unwrap_or_default())
    }
}

/// A count in a cell; none where it is empty or something else.
pub fn count(cell: &[u8]) -> Option<u64> {
    std::str::from_utf8(cell).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_thirty_columns_or_thirty_four_in_the_order_of_the_contract() {
        let plain = summary(false);
        assert_eq!(
            (plain.len(), plain[4], plain[14], plain[27], plain[29]),
            (30, "verdict", "seed_used", "H_entropy_beta", "outcome_reason")
        );
        let weighted = summary(true);
        assert_eq!(
            (weighted.len(), weighted[28], weighted[31], weighted[32]),
            (34, "W_gap", "WH_entropy", "outcome_verdict")
        );
        assert_eq!(operator_features(true).len(), 15);
    }
}
