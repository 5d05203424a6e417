//! Scorers: what computes a record, and the pools that feed them.
//!
//! A scorer is either built in ([`builtin`], a pure function of one record) or the user's own
//! program ([`command`], a pool of child processes). Both are driven through one joint, [`Pool`]:
//! it draws records from a [`Source`], and hands finished rows to a [`Sink`]. Everything about
//! shards, checkpoints and order is on the other side of that joint, in `crate::shard`.

pub mod argv;
pub mod builtin;
pub mod command;
pub mod difference;
pub mod files;
pub mod identity;
pub mod open;
pub mod precheck;
pub mod rank;
pub mod row;
pub mod seed;
pub mod trial;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

pub use crate::canonical::row::Outcome;
use crate::error::Result;
use crate::id::Ordinal;
use crate::library::record::RecordBlock;
use crate::stop::Stop;
use row::RowBlock;

/// Reasons that molsieve itself gives; a scorer declares its own, and may not declare these.
pub mod reason {
    /// The record has no structure (SKIP).
    pub const EMPTY: &str = "empty_structure";
    /// The structure is not text that this scorer can be given: not UTF-8, or a control character (ERROR).
    pub const ENCODING: &str = "bad_encoding";
    /// The structure is longer than [`super::STRUCTURE_BYTES_MAX`] (ERROR).
    pub const TOO_LONG: &str = "too_long";
    /// The scorer died, twice, with this record alone in the request (ERROR, circumstantial).
    pub const CRASH: &str = "crash";
    /// The request with this record alone took longer than `timeout` (ERROR, circumstantial).
    pub const TIMEOUT: &str = "timeout";
    /// The scorer ran out of memory with this record alone in the request (ERROR, circumstantial).
    pub const OOM: &str = "oom";
    /// The scorer broke its protocol, twice, with this record alone in the request (ERROR).
    pub const PROTOCOL: &str = "bad_reply";

    /// All of them.
    pub const OURS: [&str; 7] = [EMPTY, ENCODING, TOO_LONG, CRASH, TIMEOUT, OOM, PROTOCOL];

    /// Those that load and memory cause: promise P2 is claimed only where none occurred.
    pub const CIRCUMSTANTIAL: [&str; 3] = [CRASH, TIMEOUT, OOM];
}

/// Structures longer than this are not handed to any scorer.
pub const STRUCTURE_BYTES_MAX: usize = 64 << 10;

/// A unit has no more characters.
pub const UNIT_CHARS_MAX: usize = 64;

/// What a column is in words has no more characters.
pub const ABOUT_CHARS_MAX: usize = 256;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// A finite double.
    Float,
    /// An integer of magnitude below 2^53.
    Int,
    /// Text.
    String,
}

/// Which end of a column is best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Lower is better.
    Asc,
    /// Higher is better.
    #[default]
    Desc,
}

/// One column that a scorer fills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name in the header of `summary.csv`: `[A-Za-z0-9_.-]{1,64}`.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// Which end is best.
    #[serde(default)]
    pub order: Order,
    /// The unit of its values, such as `kcal/mol`; `1` where they have none. At most [`UNIT_CHARS_MAX`] characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What it is, in words. At most [`ABOUT_CHARS_MAX`] characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl Column {
    /// A column of which nothing more is said.
    pub fn new(name: &str, kind: ColumnType, order: Order) -> Self {
        Self { name: name.to_owned(), kind, order, unit: None, description: None }
    }
}

/// What a scorer says about itself; frozen when the campaign is planned, checked again by each worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Its version; for a built-in one, of its algorithm.
    pub version: String,
    /// The columns that it fills, in order.
    pub columns: Vec<Column>,
    /// Whether it claims to give the same answer to the same record every time.
    pub deterministic: bool,
    /// The reason codes of its own, sorted: `[a-z0-9_]{1,64}`. Any other is a violation.
    pub reasons: Vec<String>,
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// No value: an empty cell.
    Null,
    /// A finite double.
    Float(f64),
    /// An integer of magnitude below 2^53.
    Int(i64),
    /// Text, as bytes.
    Text(Vec<u8>),
}

/// What became of one record.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// How it ended.
    pub outcome: Outcome,
    /// The reason code; empty for `OK`.
    pub reason: Cow<'static, str>,
    /// One value a column; may be empty for `SKIP` and `ERROR`.
    pub values: Vec<Value>,
}

impl Verdict {
    /// Scored, with one value a column.
    pub const fn ok(values: Vec<Value>) -> Self {
        Self { outcome: Outcome::Ok, reason: Cow::Borrowed(""), values }
    }

    /// Not applicable.
    pub fn skip(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { outcome: Outcome::Skip, reason: reason.into(), values: Vec::new() }
    }

    /// Failed.
    pub fn error(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { outcome: Outcome::Error, reason: reason.into(), values: Vec::new() }
    }
}

/// A file that a scorer handed over for a record, such as a pose; never part of a payload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptFile {
    /// The record.
    pub ordinal: Ordinal,
    /// What it is called: `[A-Za-z0-9._-]{1,64}`, and does not begin with a dot.
    pub name: String,
    /// Its content, at most [`files::BYTES_MAX`].
    pub content: Vec<u8>,
}

/// What a [`Source`] answers.
#[derive(Debug)]
pub enum Supply {
    /// Records to be scored now.
    Records {
        /// The records; never empty.
        block: RecordBlock,
        /// Each of them must be asked alone: an earlier worker died while they were being scored.
        alone: bool,
    },
    /// Nothing now: too much is unfinished. Ask again after the next finished rows.
    Wait,
    /// There will be no more.
    End,
}

/// Where a pool draws records from.
pub trait Source {
    /// The next records, about `max` of them and never more.
    ///
    /// # Errors
    /// The library cannot be read, or has changed since the plan.
    fn next(&mut self, max: usize) -> Result<Supply>;
}

/// Where a pool puts what it finished. Rows may come in any order, those of one call as well.
pub trait Sink {
    /// These records are about to be given to the scorer.
    ///
    /// # Errors
    /// The checkpoint cannot be written.
    fn started(&mut self, ordinals: &[Ordinal]) -> Result<()>;

    /// Whether a file that the scorer hands over for row `index` of `rows`, which are about to be final, is wanted.
    fn wants(&self, rows: &RowBlock, index: usize) -> bool {
        let _ = (rows, index);
        false
    }

    /// A file that was wanted, before the row of its record is [`Sink::finished`].
    ///
    /// # Errors
    /// The checkpoint cannot be written.
    fn kept(&mut self, file: &KeptFile) -> Result<()> {
        let _ = file;
        Ok(())
    }

    /// These rows are final; they are in the checkpoint when this returns.
    ///
    /// # Errors
    /// The checkpoint cannot be written.
    fn finished(&mut self, rows: RowBlock) -> Result<()>;

    /// Called now and then, also when nothing is finished: time to sync, if it is time.
    ///
    /// # Errors
    /// The checkpoint cannot be synced.
    fn idle(&mut self) -> Result<()>;
}

/// How a pool ended, when nothing was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The source was drawn to its end and every record of it is finished.
    Done,
    /// It was asked to stop; what is not finished stays for the next attempt.
    Stopped,
}

/// Facts about an execution, for provenance; never part of a payload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolFacts {
    /// Requests that ended with the death of a child.
    pub crashes: u64,
    /// Lines on stdout that were not protocol.
    pub noise_lines: u64,
    /// Children that were started.
    pub starts: u64,
    /// Requests that took longer than the limit.
    pub timeouts: u64,
    /// Replies that broke the protocol.
    pub violations: u64,
    /// The requests that took longest, answered or not, the longest first; none for a built-in scorer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slowest: Vec<SlowRequest>,
}

/// A request that took long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlowRequest {
    /// Ordinal of its first record.
    pub first: Ordinal,
    /// How many records it held.
    pub records: u64,
    /// How long the scorer had it, in milliseconds.
    pub ms: u64,
    /// Whether that was longer than the limit, so that it was never answered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub timed_out: bool,
}

/// How many slow requests are kept.
pub const SLOWEST_MAX: usize = 8;

impl PoolFacts {
    /// Notes how long a request took, if it is among the longest.
    pub fn note_request(&mut self, request: SlowRequest) {
        let at = self.slowest.partition_point(|kept| (kept.ms, request.first) >= (request.ms, kept.first));
        if at < SLOWEST_MAX {
            self.slowest.insert(at, request);
            self.slowest.truncate(SLOWEST_MAX);
        }
    }

    /// Adds what another pool went through. It is what a receipt says, and may say anything: no sum is trusted to fit.
    pub fn include(&mut self, other: &Self) {
        for (sum, more) in [
            (&mut self.crashes, other.crashes),
            (&mut self.noise_lines, other.noise_lines),
            (&mut self.starts, other.starts),
            (&mut self.timeouts, other.timeouts),
            (&mut self.violations, other.violations),
        ] {
            *sum = sum.saturating_add(more);
        }
        other.slowest.iter().for_each(|request| self.note_request(*request));
    }
}

/// A running scorer: the joint between the worker and whatever computes.
pub trait Pool {
    /// Scores all that `source` gives, until its end or until `stop`.
    ///
    /// # Errors
    /// The source or the sink failed, the scorer cannot start, or it keeps breaking its protocol.
    fn run(&mut self, source: &mut dyn Source, sink: &mut dyn Sink, stop: &Stop) -> Result<Ended>;

    /// What happened so far.
    fn facts(&self) -> PoolFacts;
}
