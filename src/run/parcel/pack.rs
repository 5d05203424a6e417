//! What goes into the parcels of a wave.

use std::path::Path;

use super::format::{Contents, SCHEMA, Writer};
use super::scorer;
use crate::campaign::file::Campaign;
use crate::canonical::json;
use crate::error::{Error, Result};
use crate::fs;
use crate::id::GroupIndex;
use crate::layout::{CampaignDir, EntryKind, portable_beside};
use crate::library::cut;
use crate::library::snapshot::Snapshot;
use crate::shard::recover;

/// Writes the parcels of wave `number` of `campaign`, and makes the places for what its tasks return. The file of its tasks is there.
///
/// # Errors
/// The library, a file of the scorer or a checkpoint cannot be read, or the system refuses (exit 6).
pub fn write(campaign: &Campaign, number: u64, tasks: &[Vec<GroupIndex>], program: &Path) -> Result<()> {
    let dir = &campaign.dir;
    fs::create_dir(&dir.wave_parcels(number))?;
    let portable = portable_beside(program);
    fs::put::link_or_copy(if portable.is_file() { &portable } else { program }, &dir.wave_program(number))?;
    let library = Snapshot::open(&dir.library_named(&campaign.file.execution.library))?;
    let plan = campaign.plan.digest()?;
    let contents = Contents {
        schema: SCHEMA.to_owned(),
        plan,
        wave: number,
        task: None,
        groups: Vec::new(),
        moved: Vec::new(),
        parts: Vec::new(),
    };
    common(campaign, &library, number, contents.clone())?;
    for (task, groups) in (0..).zip(tasks) {
        let contents = Contents { task: Some(task), groups: groups.clone(), ..contents.clone() };
        own(campaign, &library, Writer::create(&dir.task_parcel(number, task), contents)?, groups)?;
        let place = dir.returned_task(number, task);
        [place.groups(), place.logs()].iter().try_for_each(|dir| fs::create_dir(dir))?;
    }
    Ok(())
}

/// What all tasks get: the frozen files, the wave, what the library is, and the files of the scorer.
fn common(campaign: &Campaign, library: &Snapshot, number: u64, contents: Contents) -> Result<()> {
    let (dir, there) = (&campaign.dir, CampaignDir::anywhere());
    let mut file = campaign.file.clone();
    let into = there.carried_library();
    into.root().clone_into(&mut file.execution.library);
    // A key stays where it is.
    file.execution.key = None;
    let moved = scorer::moved(&file.execution.scorer);
    let mut parcel = Writer::create(&dir.common_parcel(number), Contents { moved: moved.clone(), ..contents })?;
    parcel.text(&there.campaign(), &json::to_line(&file)?)?;
    parcel.text(&there.plan(), &json::to_line(&campaign.plan)?)?;
    parcel.whole(&there.wave_tasks(number), &dir.wave_tasks(number))?;
    let document = serde_json::to_vec(&cut::document(library, &into)?);
    parcel.text(&into.snapshot(), &document.map_err(|e| Error::bug(format!("a snapshot has no JSON form: {e}")))?)?;
    for moved in &moved {
        parcel.whole(&moved.to, &moved.from)?;
    }
    parcel.finish()
}

/// What one task gets: its part of the library, and what earlier attempts at its task groups left.
fn own(campaign: &Campaign, library: &Snapshot, mut parcel: Writer, groups: &[GroupIndex]) -> Result<()> {
    let (dir, there) = (&campaign.dir, CampaignDir::anywhere());
    let ranges: Vec<_> = groups.iter().map(|group| campaign.plan.group(*group)).collect();
    for part in cut::parts(library, &there.carried_library(), &ranges)? {
        parcel.ranges(&part.inside, &part.source, &part.ranges)?;
    }
    for group in groups {
        let (from, to) = (dir.group(*group), there.group(*group));
        for attempt in recover::attempts(&from, EntryKind::Checkpoint)? {
            let checkpoint = from.checkpoint(&attempt);
            // (One that is gone by now was of a task group that is sealed.)
            if checkpoint.is_file() {
                parcel.whole(&to.checkpoint(&attempt), &checkpoint)?;
            }
        }
    }
    parcel.finish()
}
