//! In which order rows come, and what can be wrong with a payload.

use crate::canonical::row::{Halt, Malformed};
use crate::id::{Ordinal, Ordinals};

/// What is wrong with a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The first line is not the header of this campaign.
    Header,
    /// It does not consist of rows as molsieve writes them; why.
    Malformed(String),
    /// The best rows take more than [`super::hits::BYTES_MAX`].
    HitsTooLarge,
    /// It is a row of another record than the one whose turn it is; `None` after the last.
    Order {
        /// The ordinal that it should have.
        expected: Option<Ordinal>,
        /// The ordinal that it has.
        found: Ordinal,
    },
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Header => f.write_str("the header line is not that of this campaign"),
            Self::Malformed(why) => f.write_str(why),
            Self::HitsTooLarge => write!(f, "the hits take more than {} MiB", super::hits::BYTES_MAX >> 20),
            Self::Order { expected: Some(expected), found } if found < expected => {
                write!(
                    f,
                    "the row of record {found} stands where that of {expected} should: a duplicate or misplaced row"
                )
            }
            Self::Order { expected: Some(expected), found } => {
                write!(
                    f,
                    "the row of record {found} stands where that of {expected} should: a row is missing or misplaced"
                )
            }
            Self::Order { expected: None, found } => write!(f, "the row of record {found} stands after the last one"),
        }
    }
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed.to_string())
    }
}

impl From<Halt<Self>> for Fault {
    fn from(halt: Halt<Self>) -> Self {
        match halt {
            Halt::Fault(malformed) => malformed.into(),
            Halt::Taker(fault) => fault,
        }
    }
}

/// Whose turn it is.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) next: Option<Ordinal>,
    end: Ordinal,
    later: std::vec::IntoIter<Ordinals>,
}

impl Turn {
    /// The turn of the first of the records in `present`.
    pub(super) fn over(present: Vec<Ordinals>) -> Self {
        let mut turn = Self { next: None, end: 0, later: present.into_iter() };
        turn.next_range();
        turn
    }

    fn next_range(&mut self) {
        let range = self.later.find(|range| range.start < range.end);
        self.next = range.as_ref().map(|range| range.start);
        self.end = range.map_or(0, |range| range.end);
    }

    /// Takes the row of the record `found`, whose turn it must be.
    pub(super) fn take(&mut self, found: Ordinal) -> Result<(), Fault> {
        if self.next != Some(found) {
            return Err(Fault::Order { expected: self.next, found });
        }
        self.next = Some(found + 1);
        if found + 1 == self.end {
            self.next_range();
        }
        Ok(())
    }
}
