//! Lines to records, by whichever format they have; the same for a snapshot and for a slice.

use std::io::{self, Read};
use std::ops::ControlFlow;

use super::counts::Counts;
use super::format::Format;
use super::lines::Lines;
use super::parse::Parser;
use super::sdf::SdfReader;

/// One record as it is found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    /// Where its first line starts in the decoded stream.
    pub offset: u64,
    /// The structure.
    pub structure: &'a [u8],
    /// The id.
    pub id: &'a [u8],
}

/// Reads the records of a stream of lines.
pub(super) enum Reader {
    /// A line is a record, or none.
    Table(Parser),
    /// A record has many lines.
    Sdf(SdfReader),
}

impl Reader {
    /// A reader for `format`; `None` if that is not one of lines.
    pub(super) fn new(format: &Format) -> Option<Self> {
        match format {
            Format::Table(table) => Some(Self::Table(Parser::new(table))),
            Format::Sdf { sdf } => Some(Self::Sdf(SdfReader::new(sdf))),
            Format::Parquet { .. } => None,
        }
    }

    /// Hands each record to `each`, until that breaks or the stream ends. Nothing is read after the
    /// last line of the record that it breaks at.
    pub(super) fn each<R: Read, B>(
        &mut self,
        lines: &mut Lines<R>,
        mut each: impl FnMut(Found<'_>) -> ControlFlow<B>,
    ) -> io::Result<Option<B>> {
        match self {
            Self::Table(parser) => {
                while let Some(line) = lines.next_line()? {
                    parser.counts.overlong += u64::from(line.is_cut);
                    parser.counts.unterminated = u64::from(!line.is_terminated && !line.is_cut);
                    if let Some((structure, id)) = parser.parse(line.bytes)
                        && let ControlFlow::Break(value) = each(Found { offset: line.offset, structure, id })
                    {
                        return Ok(Some(value));
                    }
                }
            }
            Self::Sdf(sdf) => {
                while let Some(offset) = sdf.read(lines)? {
                    let found = Found { offset, structure: sdf.structure(), id: sdf.id() };
                    if let ControlFlow::Break(value) = each(found) {
                        return Ok(Some(value));
                    }
                }
            }
        }
        Ok(None)
    }

    /// What became of the lines so far; without `not_utf8` and `nul`.
    pub(super) const fn counts(&self) -> Counts {
        match self {
            Self::Table(parser) => parser.counts,
            Self::Sdf(sdf) => sdf.counts,
        }
    }
}
