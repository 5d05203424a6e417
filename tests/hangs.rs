//! A command that hangs costs minutes and not hours: `tests/support/watchdog.rs`.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::env::TestEnv;
use crate::support::env::watchdog::end_old;

#[test]
fn a_command_that_hangs_is_killed_with_what_it_started_and_its_test_fails_with_its_name_and_output() {
    let env = TestEnv::new();
    let mut command = Command::new("sh");
    command.args(["-c", "echo begun; sleep 600 & sleep 600"]).current_dir(env.path("")).stdin(Stdio::null());
    let child = command.stdout(Stdio::piped()).spawn().unwrap();
    let (pid, started, mut seen) = (child.id(), Instant::now(), BTreeMap::new());
    end_old(&mut seen, Duration::from_secs(600), |child| child == pid);
    assert!(std::path::Path::new(&format!("/proc/{pid}")).exists(), "what is not too old stays");
    while !std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
        .is_ok_and(|children| !children.is_empty())
    {
        std::thread::yield_now();
    }
    end_old(&mut seen, Duration::ZERO, |child| child == pid);
    // Its output is at an end, too: nothing that it started holds it open.
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.signal(), output.stdout.as_slice()), (Some(9), b"begun\n".as_slice()));
    assert!(started.elapsed() < Duration::from_secs(300));
    let failed = catch_unwind(AssertUnwindSafe(|| drop(env))).unwrap_err();
    let told = failed.downcast_ref::<String>().unwrap();
    assert!(told.contains("too slow, and killed") && told.contains("sleep 600 & sleep 600"), "{told}");
}
