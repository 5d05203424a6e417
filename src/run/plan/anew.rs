//! Planning anew: whether a campaign has no result that would be lost, and what is forgotten of it then.

use crate::campaign::file::Campaign;
use crate::error::{Error, Result};
use crate::journal;
use crate::journal::event::PauseCode;
use crate::journal::state::{Phase, State};
use crate::layout::EntryKind;
use crate::run::look::Look;
use crate::shard::recover;

/// Whether nothing but errors would be lost if `campaign` were planned anew: a scorer that was broken from the first record
/// on and is mended now costs nobody a result. What was packed is an answer that somebody may have taken away, and what was
/// carried over from a parent would have to be carried over again.
///
/// # Errors
/// The journal or a directory cannot be read (exit 4 or 6).
pub fn is_without_result(campaign: &Campaign) -> Result<bool> {
    Ok(errors_alone(campaign)?.is_some())
}

/// Whether `campaign` has come to an end with nothing but errors: it is paused for them, or its scorer was given up.
///
/// # Errors
/// The journal or a directory cannot be read (exit 4 or 6).
pub(in crate::run) fn ended_with_errors_alone(campaign: &Campaign) -> Result<bool> {
    let has_ended =
        matches!(phase(campaign)?, Phase::Paused { code: Some(PauseCode::AllErrors), .. } | Phase::Failed { .. });
    Ok(has_ended && errors_alone(campaign)?.is_some_and(|rows| rows > 0))
}

/// Removes what was finished of `campaign`, which is planned anew, and says how many rows that were. A receipt goes before
/// its rows, so that none is left without them.
///
/// # Errors
/// A result came meanwhile (exit 2): nothing was removed. Or the system refuses (exit 6).
pub(in crate::run) fn forget(campaign: &Campaign) -> Result<u64> {
    use EntryKind::{Checkpoint, Files, Receipt, Rows};
    let Some(rows) = errors_alone(campaign)? else {
        let root = campaign.dir.root().display();
        return Err(Error::usage(format!("the campaign in `{root}` was worked on meanwhile, and has results"))
            .hint(format!("`molsieve status {root}` says how far it is")));
    };
    for group in campaign.plan.all_groups() {
        let dir = campaign.dir.group(group);
        for kind in [Receipt, Rows, Files, Checkpoint] {
            for attempt in recover::attempts(&dir, kind)? {
                crate::fs::remove(&dir.file(&attempt, kind))?;
            }
        }
    }
    Ok(rows)
}

/// How many rows there are, if they are all ERROR and nothing was made of them.
fn errors_alone(campaign: &Campaign) -> Result<Option<u64>> {
    if campaign.file.identity.parent.is_some() || campaign.dir.pack().exists() || phase(campaign)? == Phase::Complete {
        return Ok(None);
    }
    let mut look = Look::new(campaign)?;
    look.refresh()?;
    Ok((look.finished() == look.errors()).then(|| look.finished()))
}

fn phase(campaign: &Campaign) -> Result<Phase> {
    Ok(State::of(&journal::read(&campaign.dir)?.entries)?.phase)
}
