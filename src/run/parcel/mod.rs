//! Campaigns on nodes that share no files with whoever submits: what a task needs is carried to it in parcels, and what it returns is
//! taken in by whoever drives.
//!
//! A task begins in an empty directory. It unpacks two parcels there, one for all tasks of its wave and one of its own, and has a
//! campaign directory that is cut to its task groups: the frozen files, the blocks of the library that hold their records, and what
//! earlier attempts left. It works there as anywhere. What it leaves is brought back to a directory of its own, by a transfer that is
//! not atomic, from a machine that may be anybody's: [`returned`] looks at it before anything of it counts.
//! See `docs/formats/parcel.md`.

mod format;
pub mod open;
pub mod pack;
mod progress;
pub mod returned;
mod scorer;

use std::path::PathBuf;

use molsieve_adapters::{OwnFiles, Transfers};

use crate::campaign::file::Campaign;
use crate::campaign::scheduler::Cluster;
use crate::layout::CampaignDir;

/// What the program is called where a task begins.
pub const PROGRAM: &str = "./molsieve";

/// Where a task begins, as it says it itself.
pub const HERE: &str = ".";

/// Whether nodes see none of the files of `campaign`.
pub fn is_carried(campaign: &Campaign) -> bool {
    campaign.file.execution.cluster.as_ref().is_some_and(Cluster::is_carried)
}

/// What is carried to and from the `tasks` of wave `number` of `campaign`, by names: the files may be written later. None where nodes
/// see the campaign directory.
pub fn transfers(campaign: &Campaign, number: u64, tasks: u64) -> Option<Transfers> {
    if !is_carried(campaign) {
        return None;
    }
    let dir = &campaign.dir;
    // Groups and logs go both ways: a task that is tried again gets what the try before left.
    let both = |place: &CampaignDir| [place.groups(), place.logs()];
    let own = |task| {
        let place = dir.returned_task(number, task);
        let inputs = [dir.task_parcel(number, task)].into_iter().chain(both(&place)).collect();
        OwnFiles { inputs, place: place.root().to_path_buf() }
    };
    let names = both(&CampaignDir::anywhere()).map(|path: PathBuf| path.to_string_lossy().into_owned()).to_vec();
    Some(Transfers {
        inputs: vec![dir.wave_program(number), dir.common_parcel(number)],
        outputs: names.clone(),
        checkpoints: names,
        own: (0..tasks).map(own).collect(),
    })
}
