//! A table of truth, line by line: UTF-8, blank lines left out, fields without the spaces around them.

use std::path::Path;

use crate::csv::{Cutter, Fault, Line};
use crate::digest::{Digest, Sha256};
use crate::error::{Error, Result};
use crate::fs;

/// What some programs write at the beginning of a file in UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    line: Line<'a>,
    /// The line of the file on which it begins, from 1.
    pub begins: u64,
}

impl Fields<'_> {
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.line.fields()
    }

    /// The field at `index`, without the spaces around it; empty where there is none.
    pub fn get(&self, index: usize) -> &str {
        // (It was checked when it was read.)
        std::str::from_utf8(self.line.field(index)).unwrap_or_default().trim_matches([' ', '\t'])
    }
}

/// Why reading stops.
enum Halt {
    Fault(Fault),
    Taker(Error),
}

impl From<Fault> for Halt {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Taker(error)
    }
}

/// Calls `each` with every line of the table at `path`, the header first; SHA-256 of the file. Lines may end in CR LF, the last
/// one needs no end, and a byte order mark at the beginning is left out.
///
/// # Errors
/// There is no such file, or it is no table (exit 2); the system refuses (exit 6); or what `each` answers.
pub fn each_line(path: &Path, mut each: impl FnMut(Fields<'_>) -> Result<()>) -> Result<Digest> {
    let file = fs::open_input(path).map_err(|e| Error::input(path, &e))?;
    let (mut sha256, mut cutter) = (Sha256::default(), Cutter::default());
    let mut take = |line: Line<'_>| {
        let begins = line.begins;
        if (0..line.fields()).any(|index| std::str::from_utf8(line.field(index)).is_err()) {
            return Err(Halt::Taker(
                Error::usage(format!("line {begins} of `{}` is not UTF-8", path.display()))
                    .hint("save the table as CSV in UTF-8, unpacked"),
            ));
        }
        if line.is_blank() { Ok(()) } else { Ok(each(Fields { line, begins })?) }
    };
    let told = |halt: Halt, cutter: &Cutter| match halt {
        Halt::Taker(error) => error,
        Halt::Fault(fault) => refused(path, cutter.at(), fault),
    };
    // The beginning, until it is long enough to tell a mark.
    let mut start = Some(Vec::new());
    fs::each_block(file, path, |block| {
        sha256.update(block);
        let fed = match start.take() {
            None => cutter.feed(block, &mut take),
            Some(before) => {
                let begin: Vec<u8> = [before.as_slice(), block].concat();
                if begin.len() < MARK.len() {
                    start = Some(begin);
                    return Ok(());
                }
                cutter.feed(begin.strip_prefix(MARK).unwrap_or(&begin), &mut take)
            }
        };
        fed.map_err(|halt| told(halt, &cutter))
    })?;
    let mut rest = start.unwrap_or_default();
    if cutter.finish() == Err(Fault::Unended) || !rest.is_empty() {
        rest.push(b'\n');
    }
    cutter.feed(&rest, &mut take).map_err(|halt| told(halt, &cutter))?;
    cutter.finish().map_err(|fault| refused(path, cutter.at(), fault))?;
    Ok(sha256.finish())
}

fn refused(path: &Path, line: u64, fault: Fault) -> Error {
    let hint = match fault {
        Fault::TooLong | Fault::TooMany | Fault::Return => {
            "it looks like no table: see whether a quotation mark is not closed, or the line ends are those of no system in use"
        }
        Fault::Open | Fault::Unended => "close it, or double it where it belongs to the text",
        Fault::BehindQuote | Fault::QuoteWithin => {
            "put such a field in quotation marks, and double those that are in it"
        }
    };
    Error::usage(format!("line {line} of `{}` {fault}", path.display())).hint(hint)
}
