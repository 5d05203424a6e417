//! A snapshot that is interrupted at any write is no snapshot, and is simply taken again.

use super::*;
use std::process::Command;

/// Runs `library snapshot` with a fault on cue; whether it got to its end.
fn snapshot_with_fault(place: &Place, fault: &str) -> bool {
    let status = Command::new(env!("CARGO_BIN_EXE_molsieve"))
        .args(["library", "snapshot", "x.smi", "y.smi.gz", "--out", "snapshot"])
        .current_dir(place.path(""))
        .env("MOLSIEVE_FAULT", fault)
        .output()
        .unwrap()
        .status;
    assert!(status.success() || status.code().is_none(), "{fault}: {status}");
    status.success()
}

#[test]
fn at_every_write_a_kill_or_a_power_cut_leaves_a_whole_snapshot_or_none() {
    for fault in ["kill", "power"] {
        let place = Place::with("x.smi", &three_blocks());
        place.write("y.smi.gz", &gzip(&three_blocks()));
        let mut cuts_before_it_was_named = 0;
        for n in 1.. {
            assert!(n < 200, "the command never got to its end");
            let _ = std::fs::remove_dir_all(place.path("snapshot"));
            let is_done = snapshot_with_fault(&place, &format!("{fault}@{n}"));
            match Snapshot::open(&place.path("snapshot")) {
                Ok(snapshot) => {
                    snapshot.check_index().unwrap();
                    assert_eq!(all(&snapshot).len(), 20_000, "{fault}@{n}");
                }
                Err(e) => {
                    assert!(!is_done && e.kind().exit_code() == 2, "{fault}@{n}: {e}");
                    assert!(!place.path("snapshot/snapshot.json").exists(), "{fault}@{n}: a part of it has its name");
                    cuts_before_it_was_named += 1;
                }
            }
            let again = place.take(&place.request(&["x.smi", "y.smi.gz"])).unwrap();
            assert_eq!(all(&again).len(), 20_000, "{fault}@{n}, taken again");
            if is_done {
                break;
            }
        }
        assert!(cuts_before_it_was_named >= 5, "{fault}: only {cuts_before_it_was_named} cuts tested anything");
    }
}
