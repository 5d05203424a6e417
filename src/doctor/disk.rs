//! The file system that a campaign directory would lie on.

use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use super::{Finding, Verdict};
use crate::clock::{self, Stopwatch};
use crate::error::{Error, Result};
use crate::fs;
use crate::fs::tree::StagedDir;
use crate::layout;

/// Fewer free bytes than this are hardly a night's work.
const FREE_BYTES_LOW: u64 = 1 << 30;
/// A campaign is a few thousand files.
const FREE_FILES_LOW: u64 = 10_000;
/// How often a checkpoint is made durable is worth thinking about when one takes longer.
const SYNC_SLOW: Duration = Duration::from_millis(250);
/// A file server whose clock is further off confuses people who read logs.
const SKEW_MAX: Duration = Duration::from_secs(5);
/// Writes that are timed.
const WRITES: u32 = 8;

/// Looks at the file system of `dir`, which must exist.
///
/// # Errors
/// Nothing can be written there (exit 6).
pub fn check(dir: &Path) -> Result<Vec<Finding>> {
    // Never committed: it goes away with all that is in it.
    let place = StagedDir::create_beside(&layout::doctor_place(dir))?;
    let mut found = vec![kind(dir)];
    found.extend(room(dir));
    found.push(first_one_wins(place.building_at())?);
    found.push(replaced_whole(place.building_at())?);
    found.push(speed(place.building_at())?);
    found.extend(skew(place.building_at())?);
    Ok(found)
}

/// Which file system it is.
fn kind(dir: &Path) -> Finding {
    const KNOWN: [(i64, &str); 9] = [
        (0xEF53, "ext4"),
        (0x5846_5342, "xfs"),
        (0x9123_683E, "btrfs"),
        (0x794C_7630, "overlayfs"),
        (0x0102_1994, "tmpfs"),
        (0x6969, "NFS"),
        (0x0BD0_0BD0, "Lustre"),
        (0x4750_4653, "GPFS"),
        (0x2FC1_2FC1, "ZFS"),
    ];
    let Ok(stat) = rustix::fs::statfs(dir) else {
        return Finding::new("file system", Verdict::Info, "the system does not say which it is");
    };
    let name = KNOWN.iter().find(|(magic, _)| *magic == stat.f_type).map_or("unknown", |(_, name)| name);
    match name {
        "tmpfs" => Finding::new("file system", Verdict::Warning, "tmpfs: it is gone with the machine's next start")
            .hint("keep campaigns on a disk"),
        "unknown" => Finding::new("file system", Verdict::Info, format!("of type {:#x}", stat.f_type)),
        name => Finding::new("file system", Verdict::Info, name),
    }
}

/// Free space and free inodes.
fn room(dir: &Path) -> Vec<Finding> {
    let Ok(room) = fs::room(dir) else { return Vec::new() };
    let judged = |low: bool| if low { Verdict::Warning } else { Verdict::Good };
    let space = format!("{} MiB free", room.bytes >> 20);
    let mut found = vec![Finding::new("space", judged(room.bytes < FREE_BYTES_LOW), space)];
    if let Some(inodes) = room.inodes {
        let what = format!("{inodes} more files fit");
        found.push(Finding::new("inodes", judged(inodes < FREE_FILES_LOW), what));
    }
    found
}

/// Two workers on one task group are harmless only if the second cannot take a name that is taken.
fn first_one_wins(place: &Path) -> Result<Finding> {
    Ok(if is_exclusive(&layout::doctor_file(place, "first"))? {
        Finding::new("exclusive names", Verdict::Good, "a name that is taken stays taken")
    } else {
        Finding::new("exclusive names", Verdict::Problem, "a second writer took a name that was taken")
            .hint("use another file system: results could be overwritten on this one")
    })
}

/// Whether the name at `path`, which nobody has yet, stays taken once it is.
///
/// # Errors
/// The system refuses (exit 6).
pub fn is_exclusive(path: &Path) -> Result<bool> {
    let (first, second) = (fs::write_new(path, b"1")?, fs::write_new(path, b"2")?);
    let content = std::fs::read(path).map_err(|e| Error::io("cannot read", path, &e))?;
    Ok(first && !second && content == b"1")
}

/// A directory is replaced as a whole, as a pack is.
fn replaced_whole(place: &Path) -> Result<Finding> {
    Ok(if is_replaced_whole(place)? {
        Finding::new("renames", Verdict::Good, "a directory is replaced whole")
    } else {
        Finding::new("renames", Verdict::Problem, "a directory that was replaced shows its old content")
            .hint("use another file system: a pack could be a mixture on this one")
    })
}

/// Whether a directory in `place` is replaced as a whole.
///
/// # Errors
/// The system refuses (exit 6).
pub fn is_replaced_whole(place: &Path) -> Result<bool> {
    let target = layout::doctor_file(place, "pack");
    for content in [b"1", b"2"] {
        let staged = StagedDir::create_beside(&target)?;
        fs::write_new(&layout::doctor_file(staged.building_at(), "member"), content)?;
        staged.commit()?;
    }
    let path = layout::doctor_file(&target, "member");
    Ok(std::fs::read(&path).map_err(|e| Error::io("cannot read", &path, &e))? == b"2")
}

/// How long it takes until a small file is durable: what each checkpoint costs.
fn speed(place: &Path) -> Result<Finding> {
    let each = sync_time(place)?;
    let what = format!("a small file is durable after {:.1} ms", each.as_secs_f64() * 1e3);
    Ok(if each > SYNC_SLOW {
        Finding::new("durable writes", Verdict::Warning, what)
            .hint("set `[checkpoint] sync` to a minute or more, or keep the campaign on a faster disk")
    } else {
        Finding::new("durable writes", Verdict::Good, what)
    })
}

/// How long it takes until a small file in `place` is durable.
///
/// # Errors
/// The system refuses (exit 6).
pub fn sync_time(place: &Path) -> Result<Duration> {
    let path = layout::doctor_file(place, "speed");
    let watch = Stopwatch::start();
    for _ in 0..WRITES {
        fs::replace(&path, &[0; 4096])?;
    }
    Ok(watch.elapsed() / WRITES)
}

/// Whether the file server's clock is this machine's.
fn skew(place: &Path) -> Result<Option<Finding>> {
    let path = layout::doctor_file(place, "speed");
    let modified =
        std::fs::metadata(&path).and_then(|m| m.modified()).map_err(|e| Error::io("cannot read", &path, &e))?;
    let theirs = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    let apart = Duration::from_millis(clock::unix_ms()).abs_diff(theirs);
    let what = format!("the clocks of this machine and of the file system are {} s apart", apart.as_secs());
    Ok((apart > SKEW_MAX).then(|| {
        Finding::new("clocks", Verdict::Warning, what)
            .hint("have the clocks set by NTP: times in logs and packs would not fit together")
    }))
}
