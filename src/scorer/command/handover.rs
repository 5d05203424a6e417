//! How the files of a reply get from the directory of a child to the sink.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::jsonl::reply::Reply;
use crate::error::{Error, Result};
use crate::fs::held::Held;
use crate::scorer::row::RowBlock;
use crate::scorer::{KeptFile, Outcome, Sink, files};

/// The files of a reply, checked: each with its path below the directory of the child.
#[derive(Debug, Default)]
pub struct Handover {
    dir: Option<Held>,
    files: Vec<(KeptFile, PathBuf)>,
}

impl Handover {
    /// Checks the files of `reply`, which must lie in `dir`, the child's own.
    ///
    /// # Errors
    /// What is wrong with one, in words: a violation of the protocol.
    pub fn check(reply: &mut Reply, dir: Option<&Held>) -> std::result::Result<Self, String> {
        let offered = std::mem::take(&mut reply.files);
        if offered.is_empty() {
            return Ok(Self::default());
        }
        let dir = dir.ok_or("a file is given, and this child has no directory for files")?;
        let mut checked = Vec::new();
        for offered in offered {
            let below = files::check(&offered, dir)?;
            checked.push((KeptFile { ordinal: offered.ordinal, name: offered.name, content: Vec::new() }, below));
        }
        let dir = dir.another().map_err(|e| format!("its directory cannot be held: {e}"))?;
        Ok(Self { dir: Some(dir), files: checked })
    }

    /// Gives `sink` what it wants of the files for `rows`, one after another, and removes them all.
    ///
    /// # Errors
    /// A file cannot be read or removed, or the checkpoint cannot be written (exit 6).
    pub fn give(self, rows: &RowBlock, sink: &mut dyn Sink) -> Result<()> {
        let Some(dir) = self.dir else { return Ok(()) };
        let places: BTreeMap<_, _> = rows.metas().iter().zip(0..).map(|(meta, at)| (meta.ordinal, at)).collect();
        let paths: Vec<PathBuf> = self.files.iter().map(|(_, below)| below.clone()).collect();
        for (mut file, below) in self.files {
            let place = places.get(&file.ordinal).filter(|at| rows.metas()[**at].outcome == Outcome::Ok);
            if place.is_some_and(|at| sink.wants(rows, *at)) {
                file.content = files::read(&dir, &below)?;
                sink.kept(&file)?;
            }
        }
        // Last, since two names may stand for one file.
        let refused = |below: &PathBuf, e: std::io::Error| Error::io("cannot remove", &dir.path().join(below), &e);
        paths.iter().try_for_each(|below| dir.remove(below).map_err(|e| refused(below, e)))
    }
}
