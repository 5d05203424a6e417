//! The columns that a comparison fills, after those of the scorer.

use super::judge::Judged;
use super::tally::{Tally, ThreeWays};
use crate::scorer::builtin::decoys::{Band, Strategy};
use crate::scorer::{Column, ColumnType, Order, Value};

/// Heavy atoms of the record.
pub const HEAVY_ATOMS: &str = "parent_heavy_atoms";
/// log P of the record.
pub const LOG_P: &str = "parent_logp";
/// Decoys that were found.
pub const DECOYS: &str = "decoys";
/// Decoys that the scorer gave a number, if it gave the record one.
pub const DECOYS_SCORED: &str = "decoys_scored";
/// Which bonds were exchanged.
pub const STRATEGY: &str = "decoy_strategy";
/// HETERO-2's judgement of one record.
pub const AUC: &str = "auc";
/// The same.
pub const GATE: &str = "gate";
/// The same.
pub const SLACK: &str = "slack";
/// The same: `PASS`, `FAIL`, or `SKIP` where no decoy has a score.
pub const VERDICT: &str = "verdict";

/// What wins, ties and loses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contest {
    /// The score, against the decoys of a band.
    Score(Band),
    /// log P, against the decoys of a band.
    LogP(Band),
    /// The score of one that was drawn to be the record, against all others.
    Permuted,
}

impl Contest {
    /// All, in the order of the columns.
    pub const ALL: [Self; 7] = [
        Self::Score(Band::Easy),
        Self::Score(Band::Medium),
        Self::Score(Band::Hard),
        Self::LogP(Band::Easy),
        Self::LogP(Band::Medium),
        Self::LogP(Band::Hard),
        Self::Permuted,
    ];

    /// The names of its columns: won, tied, lost.
    pub fn names(self) -> [String; 3] {
        let stem = match self {
            Self::Score(band) => band.name().to_owned(),
            Self::LogP(band) => format!("logp_{}", band.name()),
            Self::Permuted => "permuted".to_owned(),
        };
        ["won", "tied", "lost"].map(|way| format!("{stem}_{way}"))
    }

    fn about(self) -> String {
        match self {
            Self::Score(band) => format!("decoys that are {} to tell from the record", band.name()),
            Self::LogP(band) => format!("the same {} ones, where log P is the score", band.name()),
            Self::Permuted => "all decoys, where one drawn among them and the record is the record".to_owned(),
        }
    }
}

/// What is said of one record.
#[derive(Clone, Copy, Debug)]
pub struct Compared {
    /// Heavy atoms.
    pub heavy_atoms: usize,
    /// log P.
    pub log_p: f64,
    /// Decoys that were found.
    pub decoys: usize,
    /// Which bonds were exchanged.
    pub strategy: Option<Strategy>,
    /// By the score.
    pub by_score: Tally,
    /// By log P.
    pub by_log_p: Tally,
    /// By the score, with a drawn label.
    pub permuted: ThreeWays,
}

/// All of them, in order.
pub fn all() -> Vec<Column> {
    let column = |name: &str, kind: ColumnType, about: &str| Column {
        unit: (kind != ColumnType::String).then(|| "1".to_owned()),
        description: Some(about.to_owned()),
        ..Column::new(name, kind, Order::default())
    };
    let mut columns = vec![
        column(HEAVY_ATOMS, ColumnType::Int, "heavy atoms of the record"),
        column(
            LOG_P,
            ColumnType::Float,
            "octanol-water partition coefficient of the record, decadic logarithm, estimated",
        ),
        column(DECOYS, ColumnType::Int, "look-alikes that were found"),
        column(DECOYS_SCORED, ColumnType::Int, "look-alikes that have a score, if the record has one"),
        column(STRATEGY, ColumnType::String, "which bonds were exchanged to make them"),
    ];
    for contest in Contest::ALL {
        let about = contest.about();
        for (name, way) in contest.names().iter().zip(["beats", "ties with", "loses to"]) {
            columns.push(column(name, ColumnType::Int, &format!("how many the record {way}: {about}")));
        }
    }
    columns.extend([
        column(AUC, ColumnType::Float, "share of scored decoys that the record beats, a tie is half"),
        column(GATE, ColumnType::Float, "95 % quantile of that by chance, plus 0.05, at most 1"),
        column(SLACK, ColumnType::Float, "auc minus gate"),
        column(
            VERDICT,
            ColumnType::String,
            "PASS where slack is not negative, FAIL, or SKIP where no decoy has a score",
        ),
    ]);
    columns
}

/// The first of them: what is known of a record that has no decoys, too.
pub fn of_alone(heavy_atoms: usize, log_p: f64) -> [Value; 2] {
    [Value::Int(heavy_atoms as i64), Value::Float(log_p)]
}

/// The values of one record, in the order of [`all`].
pub fn values(of: &Compared) -> Vec<Value> {
    let int = |value: usize| Value::Int(value as i64);
    let scored = of.by_score.all();
    let mut values = of_alone(of.heavy_atoms, of.log_p).to_vec();
    values.extend([
        int(of.decoys),
        Value::Int(i64::from(scored.pairs())),
        of.strategy.map_or(Value::Null, |strategy| Value::Text(strategy.name().into())),
    ]);
    for contest in Contest::ALL {
        let ThreeWays { won, tied, lost } = match contest {
            Contest::Score(band) => of.by_score.of(band),
            Contest::LogP(band) => of.by_log_p.of(band),
            Contest::Permuted => of.permuted,
        };
        values.extend([won, tied, lost].map(|count| Value::Int(i64::from(count))));
    }
    values.extend(match Judged::of(scored) {
        Some(judged) => [
            Value::Float(judged.auc),
            Value::Float(judged.gate),
            Value::Float(judged.slack),
            Value::Text(judged.verdict().into()),
        ],
        None => [Value::Null, Value::Null, Value::Null, Value::Text(b"SKIP".to_vec())],
    });
    values
}
