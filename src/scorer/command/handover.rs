//! How the files of a reply get from the directory of a child to the sink.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::jsonl::reply::Reply;
use crate::error::Result;
use crate::fs;
use crate::scorer::row::RowBlock;
use crate::scorer::{KeptFile, Outcome, Sink, files};

/// The files of a reply, checked.
#[derive(Debug, Default)]
pub struct Handover(Vec<(KeptFile, PathBuf)>);

impl Handover {
    /// Checks the files of `reply`, which must lie in `dir`, the child's own.
    ///
    /// # Errors
    /// What is wrong with one, in words: a violation of the protocol.
    pub fn check(reply: &mut Reply, dir: Option<&Path>) -> std::result::Result<Self, String> {
        let mut checked = Vec::new();
        for offered in std::mem::take(&mut reply.files) {
            let dir = dir.ok_or("a file is given, and this child has no directory for files")?;
            let path = files::check(&offered, dir)?;
            checked.push((KeptFile { ordinal: offered.ordinal, name: offered.name, content: Vec::new() }, path));
        }
        Ok(Self(checked))
    }

    /// Gives `sink` what it wants of the files for `rows`, one after another, and removes them all.
    ///
    /// # Errors
    /// A file cannot be read or removed, or the checkpoint cannot be written (exit 6).
    pub fn give(self, rows: &RowBlock, sink: &mut dyn Sink) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let places: BTreeMap<_, _> = rows.metas().iter().zip(0..).map(|(meta, at)| (meta.ordinal, at)).collect();
        let paths: Vec<PathBuf> = self.0.iter().map(|(_, path)| path.clone()).collect();
        for (mut file, path) in self.0 {
            let place = places.get(&file.ordinal).filter(|at| rows.metas()[**at].outcome == Outcome::Ok);
            if place.is_some_and(|at| sink.wants(rows, *at)) {
                file.content = files::read(&path)?;
                sink.kept(&file)?;
            }
        }
        // Last, since two names may stand for one file.
        paths.iter().try_for_each(|path| fs::remove(path))
    }
}
