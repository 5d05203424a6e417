//! Rows from a stream of blocks: cut at line feeds, in bounded memory.

use super::{BYTES_MAX, Malformed};

/// Why a pass over rows ended early.
#[derive(Debug, PartialEq, Eq)]
pub enum Halt<E> {
    /// A row is not as it should be.
    Fault(Malformed),
    /// Whoever takes the rows wants no more.
    Taker(E),
}

/// Cuts a stream of blocks into lines.
#[derive(Debug, Default)]
pub struct Lines {
    carry: Vec<u8>,
}

impl Lines {
    /// Calls `each` with every line (without its line feed) that `block` completes.
    ///
    /// # Errors
    /// What `each` answers, or a line is longer than [`BYTES_MAX`].
    pub fn feed<E>(&mut self, block: &[u8], mut each: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), Halt<E>> {
        let mut rest = block;
        if !self.carry.is_empty() {
            let Some(end) = memchr::memchr(b'\n', rest) else { return self.keep(rest).map_err(Halt::Fault) };
            self.keep(&rest[..end]).map_err(Halt::Fault)?;
            rest = &rest[end + 1..];
            each(&self.carry).map_err(Halt::Taker)?;
            self.carry.clear();
        }
        while let Some(end) = memchr::memchr(b'\n', rest) {
            each(&rest[..end]).map_err(Halt::Taker)?;
            rest = &rest[end + 1..];
        }
        self.keep(rest).map_err(Halt::Fault)
    }

    /// Whether the last block ended with a line.
    pub const fn is_at_boundary(&self) -> bool {
        self.carry.is_empty()
    }

    fn keep(&mut self, part: &[u8]) -> Result<(), Malformed> {
        if self.carry.len() + part.len() > BYTES_MAX {
            return Err(Malformed::TooLong);
        }
        self.carry.extend_from_slice(part);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn whoever_takes_lines_ends_the_pass_and_so_does_a_line_without_end() {
        let mut lines = Lines::default();
        assert_eq!(
            lines.feed(b"a\nb\n", |line| if line == b"b" { Err("enough") } else { Ok(()) }),
            Err(Halt::Taker("enough"))
        );
        let (mut lines, block) = (Lines::default(), vec![b'x'; BYTES_MAX / 2]);
        let mut feed = || lines.feed(&block, |_| Ok::<(), ()>(()));
        assert_eq!([feed(), feed(), feed()], [Ok(()), Ok(()), Err(Halt::Fault(Malformed::TooLong))]);
    }

    proptest! {
        #[test]
        fn lines_do_not_depend_on_where_blocks_end(text in "[ab\n]{0,40}", cut in 1usize..7) {
            let mut lines = Lines::default();
            let mut seen = Vec::new();
            for block in text.as_bytes().chunks(cut) {
                lines.feed(block, |line| { seen.push(line.to_vec()); Ok::<(), ()>(()) }).unwrap();
            }
            let whole: Vec<Vec<u8>> = text.split_inclusive('\n').filter(|l| l.ends_with('\n'))
                .map(|l| l.trim_end_matches('\n').as_bytes().to_vec()).collect();
            prop_assert_eq!(seen, whole);
            prop_assert_eq!(lines.is_at_boundary(), text.is_empty() || text.ends_with('\n'));
        }
    }
}
