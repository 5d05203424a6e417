//! Watching a campaign that runs on a cluster: what its journal and its files say, until it is over.
//!
//! A watcher decides nothing and writes nothing. When it goes, the jobs go on.

use std::time::Duration;

use crate::campaign::file::Campaign;
use crate::clock::Stopwatch;
use crate::error::Result;
use crate::journal;
use crate::journal::state::{Phase, State};
use crate::run::look::Look;
use crate::run::look::Progress;
use crate::stop::Stop;

/// How often a watcher looks at the files.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Watches until the campaign is over, or `stop` is raised: then it is still [`Phase::Active`].
///
/// # Errors
/// Something cannot be read (exit 6), or the journal's chain is broken (exit 4).
pub fn watch(campaign: &Campaign, stop: &Stop, show: &mut dyn FnMut(&Progress<'_>)) -> Result<Phase> {
    let (mut look, started) = (Look::new(campaign)?, Stopwatch::start());
    look.refresh()?;
    let before = look.finished();
    loop {
        let phase = State::of(&journal::read(&campaign.dir)?.entries)?.phase;
        if phase != Phase::Active || stop.is_raised() {
            return Ok(phase);
        }
        let records = campaign.plan.records;
        show(&Progress {
            records,
            finished: look.finished().min(records),
            before,
            shards: (campaign.plan.shards(), look.shards_done()),
            sealed: look.sealed(),
            running: 0,
            elapsed: started.elapsed(),
        });
        std::thread::sleep(LOOK_EVERY);
        look.refresh()?;
    }
}
