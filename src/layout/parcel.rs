//! The names of what is carried to nodes that share no files, and of where what they return is put.

use std::path::{Path, PathBuf};

use crate::id::AttemptId;

use super::{CampaignDir, SnapshotDir};

/// The name of the parcel that all tasks of a wave get.
const COMMON: &str = "common.parcel";

impl CampaignDir {
    /// Names as they are in a campaign directory, wherever that is: what a parcel calls what it holds.
    pub fn anywhere() -> Self {
        Self::new("")
    }

    /// The parcels of all waves.
    fn parcels(&self) -> PathBuf {
        self.launch().join("parcels")
    }

    /// The parcels of wave `number`.
    pub fn wave_parcels(&self, number: u64) -> PathBuf {
        self.parcels().join(format!("wave-{number}"))
    }

    /// What all tasks of wave `number` get.
    pub fn common_parcel(&self, number: u64) -> PathBuf {
        self.wave_parcels(number).join(COMMON)
    }

    /// The program that is carried to the tasks of wave `number`, under the name that it has there.
    pub fn wave_program(&self, number: u64) -> PathBuf {
        self.wave_parcels(number).join("molsieve")
    }

    /// What one task of wave `number` gets.
    pub fn task_parcel(&self, number: u64, task: u64) -> PathBuf {
        self.wave_parcels(number).join(format!("task-{task}.parcel"))
    }

    /// Where all that nodes return is put, until somebody has looked at it.
    pub fn returned(&self) -> PathBuf {
        self.root.join("returned")
    }

    /// What the tasks of wave `number` returned.
    pub fn returned_wave(&self, number: u64) -> PathBuf {
        self.returned().join(format!("wave-{number}"))
    }

    /// What one task of wave `number` returned: it has the names of a campaign directory.
    #[must_use]
    pub fn returned_task(&self, number: u64, task: u64) -> Self {
        Self::new(self.returned_wave(number).join(task.to_string()))
    }

    /// What a task printed, among what it returned.
    pub fn printed(&self, task: u64) -> PathBuf {
        self.root.join(format!("_task.{task}.out"))
    }

    /// The snapshot of the part of a library that came in a parcel.
    pub fn carried_library(&self) -> SnapshotDir {
        SnapshotDir::new(self.libraries().join("carried"))
    }

    /// Where the files of a scorer are that came in a parcel, and where it runs.
    pub fn carried_inputs(&self) -> PathBuf {
        self.root.join("inputs")
    }

    /// One of them that lay at `relative` beside the campaign file.
    pub fn input_beside(&self, relative: &Path) -> PathBuf {
        self.carried_inputs().join(relative)
    }

    /// One of them that lay elsewhere: the `number`-th, called `name`.
    pub fn input_from_elsewhere(&self, number: usize, name: &Path) -> PathBuf {
        self.root.join("elsewhere").join(number.to_string()).join(name)
    }

    /// Where the log `name` of `task` of `wave` belongs; none if it is none.
    pub fn log_of_task(&self, name: &str, wave: u64, task: u64) -> Option<PathBuf> {
        let here = Self::anywhere();
        let own = [here.log(&Self::task_name(wave, task)), here.last_words(wave, task), here.task_time(wave, task)];
        let attempt = || name.strip_prefix("scorer-")?.strip_suffix(".stderr")?.parse::<AttemptId>().ok();
        let is_own = own.into_iter().chain([here.wave_problem(wave)]).any(|path| path == here.logs().join(name));
        (is_own || attempt().is_some()).then(|| self.logs().join(name))
    }

    /// Whether `path`, a relative one of plain names, is one of those that parcels hold.
    pub fn is_carried(path: &Path) -> bool {
        let here = Self::anywhere();
        let first = path.components().next().map(|first| PathBuf::from(first.as_os_str()));
        let rooms = [here.launch(), here.libraries(), here.groups(), here.carried_inputs(), "elsewhere".into()];
        path == here.campaign()
            || path == here.plan()
            || first.is_some_and(|first| rooms.contains(&first) && first != path)
    }
}

impl SnapshotDir {
    /// The library file number `file`, as far as a parcel holds it.
    pub fn carried_file(&self, file: usize) -> PathBuf {
        self.root.join(format!("{file}.source"))
    }
}

/// The parcels of `task` in `dir`, where it begins: that of all tasks, and its own.
pub fn parcels_in(dir: &Path, task: u64) -> [PathBuf; 2] {
    [dir.join(COMMON), dir.join(format!("task-{task}.parcel"))]
}
