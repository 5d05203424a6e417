//! `metrics.json`: what the payload holds, in numbers. Derived from the rows alone, in one pass.

use serde::{Deserialize, Serialize};

use super::histogram::{Histogram, Sketch};
use crate::scorer::{Column, ColumnType};
use crate::shard::receipt::Counts;

/// Schema of [`Metrics`].
pub const SCHEMA: &str = "molsieve.metrics.v2";

/// The schema before there were histograms.
pub const SCHEMA_V1: &str = "molsieve.metrics.v1";

/// What the payload holds, in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// [`SCHEMA`].
    pub schema: String,
    /// How many records ended how.
    pub records: Counts,
    /// The numeric columns, in the order of the payload.
    pub columns: Vec<ColumnMetrics>,
}

/// One numeric column, over the `OK` rows that have a value in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnMetrics {
    /// Its name.
    pub name: String,
    /// How many values.
    pub n: u64,
    /// The lowest; null if there is no value.
    pub min: Option<f64>,
    /// The highest; null if there is no value.
    pub max: Option<f64>,
    /// The plain double sum in order of ordinal, divided by `n`; null if there is no value or the sum overflows.
    pub mean: Option<f64>,
    /// How they are spread; absent if there is no value, and in what was written before version 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub histogram: Option<Histogram>,
}

impl Metrics {
    /// As version 1 wrote them: packs of that version are verified for ever.
    #[must_use]
    pub fn into_v1(mut self) -> Self {
        SCHEMA_V1.clone_into(&mut self.schema);
        self.columns.iter_mut().for_each(|column| column.histogram = None);
        self
    }
}

/// Accumulates one column, numeric or not.
#[derive(Debug)]
pub(super) struct Accumulator {
    name: String,
    pub(super) is_numeric: bool,
    n: u64,
    min: f64,
    max: f64,
    sum: f64,
    sketch: Sketch,
}

impl Accumulator {
    pub(super) fn new(column: &Column) -> Self {
        Self {
            name: column.name.clone(),
            is_numeric: column.kind != ColumnType::String,
            n: 0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            sum: 0.0,
            sketch: Sketch::new(column.kind == ColumnType::Int),
        }
    }

    pub(super) fn add(&mut self, value: f64) {
        self.n += 1;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.sum += value;
        self.sketch.add(value);
    }

    pub(super) fn finish(self) -> Option<ColumnMetrics> {
        let some = |value: f64| (self.n > 0 && value.is_finite()).then_some(value);
        self.is_numeric.then(|| ColumnMetrics {
            n: self.n,
            min: some(self.min),
            max: some(self.max),
            mean: some(self.sum / self.n as f64),
            name: self.name,
            histogram: self.sketch.finish(),
        })
    }
}
