//! `status --watch` on a terminal: it is drawn on, and left as it was, whoever ends it.

use std::process::Command;
use std::time::{Duration, Instant};

use super::{RECORDS, Server, Then, licensed};
use crate::support::env::{MOLSIEVE, TestEnv, finished, python};

/// Runs its arguments on a terminal of its own, of 60 columns; when the screen is there, types a key or sends a signal. Prints how
/// it ended, whether the terminal reads keys as before, and all that was drawn.
const TERMINAL: &str = r#"
import fcntl, json, os, pty, select, signal, struct, sys, termios, time
how, argv = sys.argv[1], sys.argv[2:]
ours, theirs = pty.openpty()
fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
before = termios.tcgetattr(theirs)
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
    for stream in range(3):
        os.dup2(theirs, stream)
    os.execv(argv[0], argv)
drawn, asked, end = b"", False, time.monotonic() + 60
while time.monotonic() < end:
    if select.select([ours], [], [], 0.1)[0]:
        drawn += os.read(ours, 65536)
    if not asked and b"q ends this screen" in drawn:
        asked = True
        os.write(ours, b"q") if how == "q" else os.kill(pid, getattr(signal, how))
    done, status = os.waitpid(pid, os.WNOHANG)
    if done:
        break
while select.select([ours], [], [], 0.1)[0]:
    drawn += os.read(ours, 65536)
print(json.dumps({"exit": os.waitstatus_to_exitcode(status) if done else None,
                  "same": termios.tcgetattr(theirs) == before, "drawn": drawn.decode()}))
"#;

#[test]
fn a_screen_ends_at_a_key_or_a_signal_and_leaves_the_terminal_as_it_was() {
    let env = TestEnv::new();
    env.small_library(RECORDS);
    // After so many records the scorer waits for a licence: the campaign stays at work.
    let server = Server::start(0, 5, Then::Hangs);
    let file = licensed(&env, "d", server.port, "grace = \"100ms\"", "");
    let mut run = env.command(["run", &file, "--dir", "d", "--workers", "1"]).spawn().unwrap();
    let begun = Instant::now();
    while !env.path("d/campaign.json").exists() || finished(&env.facts(["status", "d"])) < 8 {
        assert!(begun.elapsed() < Duration::from_secs(60), "8 records were never finished");
        std::thread::sleep(Duration::from_millis(20));
    }
    let terminal = env.write("terminal.py", TERMINAL);
    for how in ["q", "SIGINT", "SIGTERM"] {
        let mut watch = Command::new(python());
        watch.arg(&terminal).args([how, MOLSIEVE, "status", "d", "--watch"]).current_dir(env.path(""));
        let said = watch.env("MOLSIEVE_HOME", env.path("home")).env("TERM", "xterm").output().unwrap();
        let facts: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
        assert_eq!((&facts["exit"], &facts["same"]), (&0.into(), &true.into()), "{how}: {facts}");
        let drawn = facts["drawn"].as_str().unwrap();
        let (enter, leave) = (drawn.find("\u{1b}[?1049h"), drawn.rfind("\u{1b}[?1049l"));
        assert!(enter.is_some() && leave > enter && drawn.contains("\u{1b}[?25h"), "{how}: {drawn:?}");
        let after = &drawn[leave.unwrap()..];
        assert!(after.contains("running") && after.contains("molsieve cancel d"), "{how}: {after:?}");
        let screen = &drawn[enter.unwrap()..leave.unwrap()];
        assert!(screen.contains(" of 120 finished") && screen.contains('█'), "{how}: {screen:?}");
    }
    env.molsieve(["status", "d", "--watch", "--json"]).exits(2).says("--json");
    env.molsieve(["cancel", "d"]).exits(0);
    run.wait().unwrap();
    env.molsieve(["status", "d", "--watch"]).exits(0).says("stopped").says("molsieve resume d");
}
