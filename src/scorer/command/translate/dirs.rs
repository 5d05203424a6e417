//! A directory a request, each kept until its answer was surely taken.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;

use crate::fs::scratch;
use crate::scorer::command::lane::DEPTH;

/// The directories of the last requests.
#[derive(Debug)]
pub struct Dirs {
    above: PathBuf,
    dirs: VecDeque<PathBuf>,
}

impl Dirs {
    /// Directories below `above`.
    pub fn new(above: PathBuf) -> Self {
        Self { above, dirs: VecDeque::new() }
    }

    /// A fresh directory for request `seq`.
    ///
    /// A child holds two requests at once: when it reads one, the answer to the last but one has been
    /// taken, and with it the files that it names. The answer to the last one perhaps not yet.
    ///
    /// # Errors
    /// The system refuses.
    pub fn make(&mut self, seq: u64) -> io::Result<PathBuf> {
        while self.dirs.len() >= DEPTH {
            self.dirs.pop_front().iter().for_each(|dir| scratch::clear(dir));
        }
        let dir = self.above.join(seq.to_string());
        scratch::make_dir(&dir)?;
        self.dirs.push_back(dir.clone());
        Ok(dir)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_an_answer_stay_until_the_request_after_next() {
        let above = tempfile::tempdir().unwrap();
        let mut dirs = Dirs::new(above.path().to_path_buf());
        let first = dirs.make(1).unwrap();
        dirs.make(2).unwrap();
        assert!(first.is_dir());
        dirs.make(3).unwrap();
        assert!(!first.exists() && above.path().join("2").is_dir());
    }
}
