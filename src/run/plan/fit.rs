//! Whether scores from files are about this campaign at all: told before anything of it is computed.

use crate::error::{Error, Result};
use crate::library::format::Notation;
use crate::library::record::Record;
use crate::library::slice::Slice;
use crate::library::snapshot::Snapshot;
use crate::scorer::builtin::compared::{self, Settings as DecoySettings};
use crate::scorer::builtin::decoys::Seed;
use crate::scorer::builtin::precomputed::{self, Scores};
use crate::scorer::identity::ScorerLaunch;

/// The look-alikes of so many records with scores are looked at.
const LOOKS_MAX: u64 = 50;

/// Of so many records it is counted how many have a score.
const RECORDS_MAX: u64 = 1_000_000;

/// How scores from files fit a campaign, as far as its first records tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fit {
    /// Records that were looked at, and those that have a score.
    pub records: u64,
    /// See `records`.
    pub scored: u64,
    /// Records with a score and with look-alikes whose look-alikes were looked at.
    pub compared: u64,
    /// Their look-alikes, and those that have a score.
    pub decoys: u64,
    /// See `decoys`.
    pub decoys_scored: u64,
}

/// Looks whether the scores that `launch` takes from files, if it does, are of the records of `library` and of their
/// look-alikes in a campaign with `seed`.
///
/// # Errors
/// No record of the library has a score (exit 2); the library changed, or the system refuses (exit 6).
pub fn of(launch: &ScorerLaunch, seed: u64, library: &Snapshot) -> Result<Option<Fit>> {
    let (scorer, decoys) = match launch {
        ScorerLaunch::Compared { scorer, decoys, notation } => (&**scorer, Some((decoys, *notation))),
        launch => (launch, None),
    };
    let ScorerLaunch::Precomputed { settings, .. } = scorer else { return Ok(None) };
    let scores = precomputed::load(settings)?.scores;
    if scores.original.is_some() || library.records() == 0 {
        return Ok(None);
    }
    let compared = decoys.map(|(decoys, notation)| Compared { decoys, notation, seed: Seed::new(seed) });
    look(&scores, compared.as_ref(), library).map(Some)
}

/// How look-alikes are made.
struct Compared<'a> {
    decoys: &'a DecoySettings,
    notation: Notation,
    seed: Seed,
}

impl Compared<'_> {
    /// Counts the look-alikes of the record, if it has any.
    fn count(&self, record: &Record<'_>, scores: &Scores, fit: &mut Fit) {
        let found = compared::decoys_or_reason(record, self.notation, &self.seed, &self.decoys.to_decoys());
        let Ok(found) = found else { return };
        fit.compared += 1;
        fit.decoys += found.len() as u64;
        fit.decoys_scored += found.iter().filter(|decoy| scores.of_decoy(decoy).is_some()).count() as u64;
    }
}

fn look(scores: &Scores, compared: Option<&Compared<'_>>, library: &Snapshot) -> Result<Fit> {
    let mut fit = Fit::default();
    let mut slice = Slice::open(library, 0..library.records())?;
    while let Some(block) = slice.next_block()? {
        for record in block.iter() {
            fit.records += 1;
            if scores.of_record(&record).is_none() {
                continue;
            }
            fit.scored += 1;
            if let Some(compared) = compared.filter(|_| fit.compared < LOOKS_MAX) {
                compared.count(&record, scores, &mut fit);
            }
        }
        if fit.scored > 0 && fit.records >= RECORDS_MAX {
            return Ok(fit);
        }
    }
    if fit.scored > 0 {
        return Ok(fit);
    }
    Err(Error::usage(format!(
        "no record of the library has a score: none of the {} scores is under the id of one",
        scores.table.len()
    ))
    .hint("scores are told by ids: compare `id_column` of the file with the ids of `molsieve library inspect`")
    .hint("of look-alikes alone there may be scores in another file: `scores` may be a list"))
}
