//! What a planned campaign will take: time, core hours, files, room on disk. An estimate, told before work is spent.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::campaign::file::Campaign;
use crate::encode::{self, Format};
use crate::error::Result;
use crate::fs::{self, Room};
use crate::host;
use crate::library::snapshot::Snapshot;
use crate::run::{parcel, wave};
use crate::scheduler::{self, Binding, Notice};
use crate::scorer::identity::ScorerLaunch;
use crate::scorer::{Column, ColumnType};
use crate::shard::estimate::Pilot;
use crate::units;

/// Bytes that a checkpoint keeps of a row beside the row: its ordinal, lengths, reason and outcome.
const CHECKPOINT_ROW_BYTES: u64 = 6;

/// The zip of a pack is taken to be this much of its content, in percent.
const ZIP_PERCENT: u64 = 50;

/// Bytes of a pack's pages, lists and metadata, whatever is in it.
const PAGES_BYTES: u64 = 24 << 10;

/// Bytes that a report takes beside, where hits are drawn and scores are charted in it.
const CHARTS_BYTES: u64 = 64 << 10;

/// Bytes of a campaign's descriptions and its journal.
const DESCRIPTION_BYTES: u64 = 8 << 10;

/// Bytes of a receipt.
const RECEIPT_BYTES: u64 = 2 << 10;

/// Bytes of a task's log.
const LOG_BYTES: u64 = 1 << 10;

/// Task groups that a worker has open: the one whose records it draws, and the one whose last rows it waits for.
const OPEN_GROUPS: u64 = 2;

/// Files of a task group: its directory, its rows, its receipt.
const GROUP_FILES: u64 = 3;

/// Files and directories of a campaign that is done at once, beside its task groups, tasks and library: the directory
/// with what describes it, its plan, journal, wave and log, and the ten files that every pack has.
const OTHER_FILES: u64 = 23;

/// Files and directories of a task to whose node everything is carried: its parcel, the place of what it returns, and two
/// directories in that.
const CARRIED_TASK_FILES: u64 = 4;

/// The same of a wave: the parcels and the places of a wave each with a directory above, the program, and the parcel for all tasks.
const CARRIED_FILES: u64 = 6;

/// An expected number and its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Expected {
    /// The mean.
    pub expected: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Room on disk, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bytes {
    /// The sealed rows of all task groups.
    pub rows: u64,
    /// The most that checkpoints take at a time: they go when a task group is sealed.
    pub checkpoints: u64,
    /// The pack: its pages, hits and encodings, and the zip with them. Molblocks among the hits are not foreseen.
    pub pack: u64,
    /// Descriptions, journal, receipts and logs.
    pub other: u64,
    /// What is carried to nodes that share no files, as long as a wave is: the library once more, and the program. What they bring back
    /// is counted where it goes.
    pub carried: u64,
    /// All of these.
    pub total: u64,
}

/// What a campaign will take.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Forecast {
    /// Workers at a time.
    pub workers: u64,
    /// Tasks of the first wave.
    pub tasks: u64,
    /// Core hours; none without a pilot.
    pub core_hours: Option<Expected>,
    /// Seconds from the first task to the last, with so many workers; none without a pilot.
    pub wall_s: Option<Expected>,
    /// Files and directories, where nothing is killed on the way.
    pub files: u64,
    /// Room on disk.
    pub bytes: Bytes,
    /// Bytes that the file system has left.
    pub free_bytes: u64,
    /// Files that it has left; none where it has no limit.
    pub free_files: Option<u64>,
    /// What will not fit, a sentence each.
    pub warnings: Vec<String>,
}

impl Forecast {
    /// What `campaign` will take with `workers` at a time.
    ///
    /// # Errors
    /// The system does not say what the file system has left (exit 6); the encodings are not known here (exit 2).
    pub fn of(campaign: &Campaign, workers: u64) -> Result<Self> {
        let room = fs::room(campaign.dir.root())?;
        let identity = &campaign.file.identity;
        let formats = encode::asked(&identity.pack.outputs, &identity.scorer.description.columns)?;
        Ok(Self::with_room(campaign, workers.max(1), &formats, room))
    }

    fn with_room(campaign: &Campaign, workers: u64, formats: &[Format], room: Room) -> Self {
        let plan = &campaign.plan;
        let tasks = match &campaign.file.execution.cluster {
            // One submission, over as many tasks as there are workers or more.
            Some(cluster) => scheduler::tasks(cluster).min(plan.groups()).max(1),
            None if campaign.file.execution.launch.is_some() => 1,
            None => wave::tasks(plan.groups(), workers),
        };
        let columns = &campaign.file.identity.scorer.description.columns;
        let row = plan.pilot.as_ref().map_or_else(|| row_bytes(plan.records, columns), |pilot| pilot.row_bytes);
        let rows = plan.records.saturating_mul(row);
        let group_records = plan.group_shards.saturating_mul(plan.shard_records).min(plan.records);
        let open = (workers * OPEN_GROUPS).min(plan.groups());
        let checkpoints = open.saturating_mul(group_records).saturating_mul(row + CHECKPOINT_ROW_BYTES);
        let pack = pack_bytes(campaign, rows, row, formats);
        let other = DESCRIPTION_BYTES + plan.groups() * RECEIPT_BYTES + tasks * LOG_BYTES;
        let carried = if parcel::is_carried(campaign) { carried_bytes(campaign) } else { 0 };
        let total = [checkpoints, pack, other, carried].into_iter().fold(rows, u64::saturating_add);
        let files = files(campaign, tasks, formats);
        let core_hours = plan.pilot.as_ref().map(|pilot| expected(pilot.core_hours(plan.records, tasks)));
        // No more workers than tasks are at work.
        let cores = workers.min(tasks).saturating_mul(campaign.file.execution.task_cpus()).max(1) as f64;
        let seconds = |hours: f64| hours * 3600.0 / cores;
        let wall_s = core_hours.map(|h| expected([h.expected, h.low, h.high].map(seconds)));
        let bytes = Bytes { rows, checkpoints, pack, other, carried, total };
        let mut warnings = warnings(&bytes, files, room);
        warnings.extend(too_many_cores(campaign));
        warnings.extend(too_little_time(campaign));
        warnings.extend(core_hours.and_then(|hours| over_budget(&hours, campaign.file.execution.core_ms_max)));
        warnings.extend(plan.pilot.as_ref().and_then(fell_short));
        Self {
            workers,
            tasks,
            core_hours,
            wall_s,
            files,
            bytes,
            free_bytes: room.bytes,
            free_files: room.inodes,
            warnings,
        }
    }
}

/// Files and directories when the campaign is done; what checkpoints there are before, the pack takes the place of.
fn files(campaign: &Campaign, tasks: u64, formats: &[Format]) -> u64 {
    let (identity, execution) = (&campaign.file.identity, &campaign.file.execution);
    let of_group = GROUP_FILES + u64::from(execution.keep > 0);
    // A log, and what the program said if it is one of the user's.
    let of_task = 1 + u64::from(matches!(execution.scorer, ScorerLaunch::Command(_)));
    let library = std::fs::read_dir(campaign.dir.library_named(&execution.library));
    let library = 1 + library.map_or(0, |entries| entries.count() as u64);
    // The structures of the hits, and the signature.
    let some = u64::from(identity.pack.rank.is_some()) + u64::from(execution.key.is_some());
    // What look-alikes say of the score.
    let some = some + u64::from(identity.scorer.settings.contains_key("decoys"));
    let some = some + (formats.len() + execution.export.len()) as u64;
    // (As long as a wave is.)
    let carried = if parcel::is_carried(campaign) { tasks * CARRIED_TASK_FILES + CARRIED_FILES } else { 0 };
    campaign.plan.groups() * of_group + tasks * of_task + library + OTHER_FILES + some + carried
}

/// Bytes of the parcels of a wave: as those of all tasks together hold every record, the library once more. The program is one more name
/// for a file where that can be.
fn carried_bytes(campaign: &Campaign) -> u64 {
    let library = Snapshot::open(&campaign.dir.library_named(&campaign.file.execution.library));
    let (mut whole, mut parts) = (0_u64, BTreeMap::new());
    for file in library.iter().flat_map(Snapshot::files) {
        if file.is_in_place() {
            whole = whole.saturating_add(file.source.bytes);
        } else {
            // (Several files may be in one part, one after the other.)
            let end = parts.entry(&file.stored.part).or_insert(0);
            *end = file.stored.end.max(*end);
        }
    }
    let program = std::env::current_exe().and_then(|path| path.metadata()).map_or(0, |metadata| metadata.len());
    parts.into_values().fold(whole.saturating_add(program), u64::saturating_add)
}

/// Bytes of the pack, of which `rows` are those of `summary.csv`, `row` each.
fn pack_bytes(campaign: &Campaign, rows: u64, row: u64, formats: &[Format]) -> u64 {
    let pack = &campaign.file.identity.pack;
    // A hit is in two lists: with its row, and with its structure.
    let hits = pack.rank.as_ref().map_or(0, |_| CHARTS_BYTES + pack.top.min(campaign.plan.records) * row * 2);
    let encodings = formats.iter().map(|format| encoding_bytes(*format, rows));
    let exports = campaign.file.execution.export.iter().map(|_| export_bytes(rows));
    let content = encodings.chain(exports).chain([rows, PAGES_BYTES, hits]).fold(0, u64::saturating_add);
    content.saturating_add(content / 100 * ZIP_PERCENT)
}

/// Bytes of an encoding of `rows` bytes of `summary.csv`: measured with 24, 5,000 and 100,000 rows of two scorers.
const fn encoding_bytes(format: Format, rows: u64) -> u64 {
    let (fixed, percent) = match format {
        Format::Parquet => (4 << 10, 25),
        Format::Hdf5 => (40 << 10, 110),
    };
    (rows / 100).saturating_mul(percent).saturating_add(fixed)
}

/// Bytes of `rows` bytes of `summary.csv` in HETERO-2's shape: 115 % of those of `precomputed`, 165 % of those of `spectral2d`, whose
/// descriptors are in two tables there.
const fn export_bytes(rows: u64) -> u64 {
    (rows / 100).saturating_mul(165).saturating_add(8 << 10)
}

/// That a task is to get more cores than this machine has, where it is.
pub fn too_many_cores(campaign: &Campaign) -> Option<String> {
    let (asked, here) = (campaign.file.execution.task_cpus(), host::cores() as u64);
    let keys = if campaign.file.execution.launch.is_some() {
        "`scheduler.ranks` with `resources.cpus`"
    } else {
        "`resources.cpus`"
    };
    (asked > here && campaign.file.execution.cluster.is_none()).then(|| {
        format!(
            "{keys} gives a task {asked} cores, and {here} may be used here: its threads or children will share \
             them, and core time is counted as if there were {asked}"
        )
    })
}

/// That tasks are told to end as soon as they begin, where they are.
pub fn too_little_time(campaign: &Campaign) -> Option<String> {
    let execution = &campaign.file.execution;
    let binding = scheduler::of(execution.scheduler).ok()?;
    hardly_begins(binding, binding.notice(execution.cluster.as_ref()?), execution.walltime_s?)
}

/// The same of a task that asks `binding` for `asked_s`. (One that looks at the clock itself has half of its time at least.)
fn hardly_begins(binding: &dyn Binding, notice: Notice, asked_s: u64) -> Option<String> {
    let limit_s = binding.time_limit_s(asked_s);
    let Notice::Told { before, early } = notice else { return None };
    if !notice.is_due(Duration::from_secs(limit_s)) {
        return None;
    }
    let earlier =
        if early.is_zero() { String::new() } else { format!(", or as much as {} s earlier", early.as_secs()) };
    Some(format!(
        "`resources.walltime` gives a task {limit_s} s, and it is told to end {} s before that{earlier}: it will hardly begin; give it \
         more, or less with `scheduler.signal_before`",
        before.as_secs()
    ))
}

/// That the budget will drain the campaign, where even the low end of what is expected is above it.
fn over_budget(hours: &Expected, core_ms_max: Option<u64>) -> Option<String> {
    let limit = core_ms_max.map(units::core_hours).filter(|limit| *limit < hours.low)?;
    let what = "`limits.core_hours` will stop the campaign before its end";
    Some(format!("{what}: it allows {limit}, and {:.3} to {:.3} are expected", hours.low, hours.high))
}

fn expected([expected, low, high]: [f64; 3]) -> Expected {
    Expected { expected, low, high }
}

/// The size of a row, in bytes, where nobody has seen one: what values of the types of its columns usually take.
fn row_bytes(records: u64, columns: &[Column]) -> u64 {
    // Ordinal, an id of a dozen characters, `OK`, no reason, and a comma after each.
    let fixed = u64::from(records.max(1).ilog10()) + 1 + 12 + 2 + 4;
    let cell = |column: &Column| match column.kind {
        ColumnType::Float => 19,
        ColumnType::Int => 5,
        ColumnType::String => 13,
    };
    fixed + columns.iter().map(cell).sum::<u64>()
}

fn warnings(bytes: &Bytes, files: u64, room: Room) -> Vec<String> {
    let mut warnings = Vec::new();
    if bytes.total > room.bytes {
        warnings.push(format!(
            "the campaign is expected to take {} MiB, and the file system of its directory has {} MiB left",
            bytes.total >> 20,
            room.bytes >> 20
        ));
    }
    if let Some(inodes) = room.inodes.filter(|inodes| files > *inodes) {
        warnings.push(format!(
            "the campaign is expected to make {files} files, and the file system of its directory has inodes for {inodes}"
        ));
    }
    warnings
}

/// A pilot that could not do what it was asked says so.
fn fell_short(pilot: &Pilot) -> Option<String> {
    let few = pilot.records.saturating_mul(2) < pilot.asked;
    few.then(|| {
        format!(
            "the pilot finished {} of {} records in {} s: give it more `--time` for a narrower forecast",
            pilot.records,
            pilot.asked,
            pilot.wall_ms.div_ceil(1000)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::kind::SchedulerKind;
    use crate::campaign::scheduler::SchedulerSection;

    #[test]
    fn a_budget_that_even_luck_does_not_keep_is_said() {
        let hours = Expected { expected: 10.0, low: 8.0, high: 12.0 };
        assert_eq!(over_budget(&hours, None), None);
        assert_eq!(over_budget(&hours, Some(units::core_ms(9.0))), None);
        assert!(over_budget(&hours, Some(units::core_ms(7.5))).unwrap().contains("allows 7.5, and 8.000 to 12.000"));
    }

    #[test]
    fn only_a_task_that_is_told_to_end_before_it_has_begun_is_warned_of() {
        let warned = |kind: SchedulerKind, before: u64, walltime_s| {
            let mut cluster = SchedulerSection::of(kind).cluster().unwrap().unwrap();
            cluster.signal_before_s = before;
            let binding = scheduler::of(kind).unwrap();
            hardly_begins(binding, binding.notice(&cluster), walltime_s)
        };
        let said = warned(SchedulerKind::Slurm, 120, 170).unwrap();
        assert!(
            said.contains("a task 180 s") && said.contains("120 s before that, or as much as 90 s earlier"),
            "{said}"
        );
        // SLURM makes 240 s of it.
        assert_eq!(warned(SchedulerKind::Slurm, 120, 190), None);
        // A task of HTCondor's has half of a short limit, and one of Ray's all of it.
        assert_eq!(warned(SchedulerKind::HtCondor, 120, 60), None);
        assert_eq!(warned(SchedulerKind::Ray, 120, 60), None);
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let bytes = Bytes { rows: 4 << 20, checkpoints: 1 << 20, pack: 6 << 20, other: 0, carried: 0, total: 11 << 20 };
        let room = |bytes, inodes| Room { bytes, inodes };
        assert!(warnings(&bytes, 100, room(11 << 20, Some(100))).is_empty());
        assert!(warnings(&bytes, 100, room(11 << 20, None)).is_empty());
        let said = warnings(&bytes, 100, room(10 << 20, Some(99)));
        assert!(said[0].contains("11 MiB") && said[0].contains("10 MiB left"), "{said:?}");
        assert!(said[1].contains("100 files") && said[1].contains("inodes for 99"), "{said:?}");
    }
}
