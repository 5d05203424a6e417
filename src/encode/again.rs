//! Whether a file is exactly the encoding of the rows: it is made again from them, and the bytes are compared.
//!
//! The bytes of a format are a function of the rows and of [`Facts`], in every build that knows the
//! format. So nothing of a foreign file is ever parsed: what it holds beside the rows (another column, a link, an
//! attribute, a statistic that lies, bytes that nobody reads) makes it another file, and what would
//! make a reader of it stumble never meets one.

use std::path::PathBuf;

use super::block::{Block, Blocks};
use super::{Encoding, Facts, Written};
use crate::canonical::row::Halt;
use crate::error::{Error, Result};
use crate::fs;

/// An encoding on its way to be made again.
pub struct Again {
    blocks: Blocks,
    making: Making,
}

/// What was made so far, and what it should become.
struct Making {
    encoding: Box<dyn Encoding>,
    /// Where it is being written.
    path: PathBuf,
    expected: Written,
}

impl Again {
    /// Starts to make the file anew that should be `expected`, of the payload that `facts` describe.
    ///
    /// # Errors
    /// The format cannot hold such a payload (exit 4), or the system refuses (exit 6).
    pub fn start(expected: Written, facts: &Facts) -> Result<Self> {
        if let Some(why) = super::cannot_hold(expected.format, &facts.columns) {
            return Err(Error::verification(why));
        }
        let staged = fs::scratch()?;
        let path = staged.temporary_path().to_path_buf();
        let encoding = super::open(expected.format, facts, staged)?;
        let blocks = Blocks::new(&facts.columns, facts.rows);
        Ok(Self { blocks, making: Making { encoding, path, expected } })
    }

    /// Takes the next bytes of `summary.csv`.
    ///
    /// # Errors
    /// It cannot be the encoding of these rows (exit 4, in a fragment that goes on from the name of the file), or the
    /// system refuses (exit 6).
    pub fn feed(&mut self, bytes: &[u8]) -> Result<()> {
        let Self { blocks, making } = self;
        blocks.feed(bytes, &mut |block| making.take(block)).map_err(|halt| match halt {
            Halt::Taker(error) => error,
            Halt::Fault(fault) => Error::verification(format!("cannot hold the rows: {fault}")),
        })
    }

    /// All bytes were fed.
    ///
    /// # Errors
    /// As [`Again::feed`].
    pub fn finish(self) -> Result<()> {
        let Self { blocks, mut making } = self;
        blocks.finish(&mut |block| making.take(block))?;
        let Making { encoding, expected, .. } = making;
        let made = encoding.finish()?;
        let (sha256, bytes) = fs::sha256_input(made.temporary_path())?;
        if (sha256, bytes) == (expected.sha256, expected.bytes) { Ok(()) } else { Err(differs(expected)) }
    }
}

impl Making {
    /// Takes the next rows. No more is written than the file in question is long: a small archive of many rows fills no disk.
    fn take(&mut self, block: &Block) -> Result<()> {
        self.encoding.block(block)?;
        let made = std::fs::metadata(&self.path).map_err(|e| Error::io("cannot read", &self.path, &e))?.len();
        if made > self.expected.bytes { Err(differs(self.expected)) } else { Ok(()) }
    }
}

fn differs(expected: Written) -> Error {
    Error::verification(format!(
        "is not the {} encoding of the rows of `summary.csv`: made again from them, it has other bytes",
        expected.format.title()
    ))
}
