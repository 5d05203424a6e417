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

/// So many records with scores are looked at, until a look-alike of one of them has a score.
const LOOKS_MAX: usize = 50;

/// What is doubtful about scores that may yet be meant so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Of the look-alikes of so many records that have a score, none has one.
    NoLookAlikes(usize),
}

/// Looks whether the scores that `launch` takes from files, if it does, are of the records of `library` and of their
/// look-alikes in a campaign with `seed`.
///
/// # Errors
/// No record of the library has a score (exit 2); the library changed, or the system refuses (exit 6).
pub fn of(launch: &ScorerLaunch, seed: u64, library: &Snapshot) -> Result<Option<Doubt>> {
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
    look(&scores, compared.as_ref(), library)
}

/// How look-alikes are made.
struct Compared<'a> {
    decoys: &'a DecoySettings,
    notation: Notation,
    seed: Seed,
}

impl Compared<'_> {
    /// Whether the record has look-alikes, and if so, whether one of them has a score.
    fn is_scored(&self, record: &Record<'_>, scores: &Scores) -> Option<bool> {
        let found = compared::decoys_or_reason(record, self.notation, &self.seed, &self.decoys.to_decoys()).ok()?;
        Some(found.iter().any(|decoy| scores.of_decoy(decoy).is_some()))
    }
}

fn look(scores: &Scores, compared: Option<&Compared<'_>>, library: &Snapshot) -> Result<Option<Doubt>> {
    let (mut any, mut looked) = (false, 0);
    let mut slice = Slice::open(library, 0..library.records())?;
    while let Some(block) = slice.next_block()? {
        for record in block.iter().filter(|record| scores.of_record(record).is_some()) {
            any = true;
            let Some(compared) = compared else { return Ok(None) };
            match compared.is_scored(&record, scores) {
                Some(true) => return Ok(None),
                Some(false) => looked += 1,
                None => {}
            }
            if looked == LOOKS_MAX {
                return Ok(Some(Doubt::NoLookAlikes(looked)));
            }
        }
    }
    if !any {
        return Err(Error::usage(format!(
            "no record of the library has a score: none of the {} scores is under the id of one",
            scores.table.len()
        ))
        .hint("scores are told by ids: compare `id_column` of the file with the ids of `molsieve library inspect`")
        .hint(
            "`molsieve decoys CAMPAIGN.toml --missing -o missing.csv` counts which scores belong to something here",
        ));
    }
    Ok((looked > 0).then_some(Doubt::NoLookAlikes(looked)))
}
