//! Faults on cue, for the tests of promise P5 (kill it anywhere).
//!
//! `MOLSIEVE_FAULT=kill@N` ends the process with SIGKILL just before its Nth write to disk
//! (creation, buffer flush, append, sync, rename, removal); an append is first done by half, so
//! that a torn frame is left. `MOLSIEVE_FAULT=power@N` does the same and cuts every file back to
//! the length that was last synced, which is what the loss of power may leave. `MOLSIEVE_FAULT=panic@N`
//! is a defect of ours at that write, by which the process need not end. Without the variable the cost is one relaxed load a write.
//!
//! The cargo features `sabotage-sync` and `sabotage-rename` take the sync or the rename out: the
//! chaos suite must fail on such a build, or it proves nothing.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Whether files are synced (always, but for a sabotaged test build).
pub const SYNC: bool = !cfg!(feature = "sabotage-sync");

/// Whether files get their names by a rename, and not by a copy (always, but for a sabotaged test build).
pub const RENAME: bool = !cfg!(feature = "sabotage-rename");

/// The environment variable that asks for a fault.
pub const VARIABLE: &str = "MOLSIEVE_FAULT";

#[derive(Clone, Copy, PartialEq)]
enum What {
    Kill,
    Power,
    Panic,
}

static WRITES: AtomicU64 = AtomicU64::new(0);
static SYNCED: Mutex<BTreeMap<PathBuf, u64>> = Mutex::new(BTreeMap::new());

/// The fault that the environment asks for, read once.
fn asked() -> Option<(What, u64)> {
    static ASKED: OnceLock<Option<(What, u64)>> = OnceLock::new();
    *ASKED.get_or_init(|| {
        let text = std::env::var(VARIABLE).ok()?;
        let (what, at) = text.split_once('@')?;
        let what = match what {
            "kill" => What::Kill,
            "power" => What::Power,
            "panic" => What::Panic,
            _ => return None,
        };
        Some((what, at.parse().ok()?))
    })
}

/// Counts one write; whether the fault is now.
fn is_now() -> Option<What> {
    let (what, at) = asked()?;
    (WRITES.fetch_add(1, Ordering::Relaxed) + 1 == at).then_some(what)
}

/// What takes the place of a rename in the build that has none: a copy, which a fault can interrupt.
pub(super) fn copy_slowly(from: &Path, to: &Path) -> std::io::Result<()> {
    let bytes = std::fs::read(from)?;
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(to)?;
    opened(to);
    for half in [&bytes[..bytes.len() / 2], &bytes[bytes.len() / 2..]] {
        file.write_all(half)?;
        before_write();
    }
    file.sync_data()?;
    synced(to, &file);
    Ok(())
}

/// Called before each write.
pub(super) fn before_write() {
    if let Some(what) = is_now() {
        die(what);
    }
}

/// Called before each append: half of it is done before the fault.
pub(super) fn before_append(file: &mut File, bytes: &[u8]) {
    if let Some(what) = is_now() {
        let _ = file.write_all(&bytes[..bytes.len() / 2]);
        die(what);
    }
}

/// Called when a file was created: nothing of it is durable.
pub(super) fn opened(path: &Path) {
    note(path, Some(0));
}

/// Called when a file was synced: all of it is durable.
pub(super) fn synced(path: &Path, file: &File) {
    note(path, file.metadata().ok().map(|m| m.len()));
}

/// Called when a file got another name: what was lost under the old one is lost under the new.
pub(super) fn renamed(from: &Path, to: &Path) {
    if matches!(asked(), Some((What::Power, _))) {
        let mut synced = SYNCED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(length) = synced.remove(from) {
            synced.insert(to.to_path_buf(), length);
        }
    }
}

fn note(path: &Path, length: Option<u64>) {
    if let (Some((What::Power, _)), Some(length)) = (asked(), length) {
        SYNCED.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_path_buf(), length);
    }
}

/// Loses what was not synced, if it is the power that fails, and ends the process.
fn die(what: What) -> ! {
    assert!(what != What::Panic, "on purpose, as {VARIABLE} says");
    if what == What::Power {
        for (path, length) in SYNCED.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if let Ok(file) = OpenOptions::new().write(true).open(path) {
                let _ = file.set_len(*length);
            }
        }
    }
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort()
}
