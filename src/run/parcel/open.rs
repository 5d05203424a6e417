//! A task that finds its files in parcels.

use std::path::Path;

use super::format::Parcel;
use super::scorer;
use crate::campaign::file::Campaign;
use crate::error::{Error, Result};
use crate::fs;
use crate::layout::{CampaignDir, parcels_in};

/// What was unpacked.
#[derive(Debug)]
pub struct Unpacked(Vec<Parcel>);

/// Unpacks the parcels of `task` of `wave`, which are in `dir`, into `dir`. What an earlier life of the task left there stays.
///
/// # Errors
/// They are not there, or are none of this task; or the system refuses (exit 6).
pub fn unpack(dir: &CampaignDir, wave: u64, task: u64) -> Result<Unpacked> {
    let groups = CampaignDir::anywhere().groups();
    let mut unpacked = Vec::new();
    for (path, whose) in parcels_in(dir.root(), task).iter().zip([None, Some(task)]) {
        let mut parcel = Parcel::open(path)?;
        if (parcel.contents.wave, parcel.contents.task) != (wave, whose) {
            return Err(Error::environment(format!("`{}` is the parcel of another task", path.display())));
        }
        parcel.unpack(dir, |path| path.starts_with(&groups))?;
        unpacked.push(parcel);
    }
    fs::create_dir(&dir.carried_inputs())?;
    Ok(Unpacked(unpacked))
}

/// Makes the places for what a task leaves: they are brought back, however it ends.
///
/// # Errors
/// The system refuses (exit 6).
pub fn make_room(dir: &CampaignDir) -> Result<()> {
    [dir.groups(), dir.logs()].iter().try_for_each(|place| fs::create_dir(place))
}

impl Unpacked {
    /// Opens the campaign in `dir`, with the files of its scorer where they were unpacked.
    ///
    /// # Errors
    /// As [`Campaign::open`]; or the parcels are of another campaign (exit 6).
    pub fn campaign(&self, dir: CampaignDir) -> Result<Campaign> {
        let mut campaign = Campaign::open(dir)?;
        let plan = campaign.plan.digest()?;
        if self.0.iter().any(|parcel| parcel.contents.plan != plan) {
            return Err(Error::environment("the parcels are of two campaigns"));
        }
        for parcel in &self.0 {
            scorer::relocate(&mut campaign.file.execution.scorer, &parcel.contents.moved, &campaign.dir);
        }
        Ok(campaign)
    }
}

/// The directory in which a task begins whose campaign directory is `named`, by its whole path.
///
/// # Errors
/// The system refuses to say (exit 6).
pub fn whole_path(named: &Path) -> Result<CampaignDir> {
    std::path::absolute(named).map(CampaignDir::new).map_err(|e| Error::io("cannot find", named, &e))
}
