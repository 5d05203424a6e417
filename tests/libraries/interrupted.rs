//! A snapshot that is interrupted at any write is no snapshot, and is simply taken again.

use super::*;
use std::process::Command;

/// Runs `library snapshot` with a fault on cue; whether it got to its end. One file is read by one thread,
/// so that the nth write is always the same.
fn snapshot_with_fault(place: &Place, file: &str, fault: &str) -> bool {
    let status = Command::new(env!("CARGO_BIN_EXE_molsieve"))
        .args(["library", "snapshot", file, "--out", "snapshot"])
        .current_dir(place.path(""))
        .env("MOLSIEVE_FAULT", fault)
        .output()
        .unwrap()
        .status;
    assert!(status.success() || status.code().is_none(), "{fault}: {status}");
    status.success()
}

/// Stops the snapshot of `file` at its 1st, 2nd, 3rd … write until it gets to its end; how often it was stopped.
fn stop_everywhere(place: &Place, file: &str, fault: &str) -> u32 {
    for n in 1..200 {
        let _ = std::fs::remove_dir_all(place.path("snapshot"));
        let is_done = snapshot_with_fault(place, file, &format!("{fault}@{n}"));
        match Snapshot::open(&place.path("snapshot")) {
            Ok(snapshot) => {
                snapshot.check_index().unwrap();
                assert_eq!(all(&snapshot).len(), 10_000, "{file}, {fault}@{n}");
            }
            Err(e) => {
                assert!(!is_done && e.kind().exit_code() == 2, "{file}, {fault}@{n}: {e}");
                let is_named = place.path("snapshot/snapshot.json").exists();
                assert!(!is_named, "{file}, {fault}@{n}: a part of it has its name");
            }
        }
        let again = place.take(&place.request(&[file])).unwrap();
        assert_eq!(all(&again).len(), 10_000, "{file}, {fault}@{n}, taken again");
        if is_done {
            return n - 1;
        }
    }
    panic!("the command never got to its end");
}

#[test]
fn at_every_write_a_kill_or_a_power_cut_leaves_a_whole_snapshot_or_none() {
    let place = Place::with("x.smi", &three_blocks());
    place.write("y.smi.gz", &gzip(&three_blocks()));
    for file in ["x.smi", "y.smi.gz"] {
        for fault in ["kill", "power"] {
            let stops = stop_everywhere(&place, file, fault);
            assert!(stops >= 6, "{file}, {fault}: only {stops} writes");
        }
    }
}
