//! What happens when the night does not go as planned: pauses, budgets, retries, and looking in between.

mod budget;
mod housekeeping;
mod licence;
mod looking;
mod poses;
mod retrying;
mod watching;

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::support::env::{TestEnv, finished, project};

/// Records of the library; eight a request, a shard and task group of ten.
pub const RECORDS: usize = 120;

/// What a licence server does after its last licence.
#[derive(Clone, Copy, PartialEq)]
pub enum Then {
    /// It dies: nobody listens any more.
    Dies,
    /// It hangs: it takes the call and says nothing.
    Hangs,
}

/// A licence server.
pub struct Server {
    pub port: u16,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// One that gives `licences`, on `port` or on any.
    pub fn start(port: u16, licences: usize, then: Then) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            let (mut left, mut hanging) = (licences, Vec::new());
            while let Ok((mut call, _)) = listener.accept() {
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                if left > 0 {
                    left -= 1;
                    let _ = call.write_all(b"y");
                } else {
                    hanging.push(call);
                }
                if left == 0 && then == Then::Dies {
                    return;
                }
            }
        });
        Self { port, over, thread: Some(thread) }
    }

    /// One that never ends.
    pub fn healthy(port: u16) -> Self {
        Self::start(port, usize::MAX, Then::Hangs)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], self.port)));
        let _ = self.thread.take().unwrap().join();
    }
}

/// A campaign called `name` whose scorer asks the server on `port`; further lines of `[scorer]`, further sections.
pub fn licensed(env: &TestEnv, name: &str, port: u16, scorer: &str, rest: &str) -> String {
    let script = project("tests/scorers/licensed.py");
    let file = env.campaign(name).shard(10).python(&script, &[&port.to_string()]).with(rest).write();
    let text = std::fs::read_to_string(env.path(&file)).unwrap();
    env.write(&file, text.replace("protocol =", &format!("{scorer}\nprotocol =")));
    file
}

/// The payload of a run that nothing disturbed.
pub fn undisturbed(env: &TestEnv) -> String {
    env.small_library(RECORDS);
    let file = licensed(env, "undisturbed", 0, "", "");
    env.molsieve(["run", &file, "--dir", "undisturbed"]).exits(0);
    env.payload_of("undisturbed")
}

/// A campaign in `d` whose licence server died after thirteen requests; its port. It is paused.
pub fn interrupted(env: &TestEnv, rest: &str) -> u16 {
    let server = Server::start(0, 13, Then::Dies);
    let port = server.port;
    let file = licensed(env, "d", port, "retry_patience = \"200ms\"", rest);
    env.molsieve(["run", &file, "--dir", "d", "--workers", "1"]).exits(3).says("paused");
    port
}

/// A campaign in `d` of which so many records are finished, or more, and whose licence server hangs; the server, and who is at work.
pub fn at_work(env: &TestEnv, records: u64) -> (Server, Child) {
    let server = Server::start(0, 13, Then::Hangs);
    let file = licensed(env, "d", server.port, "grace = \"100ms\"", "");
    let run = env.command(["run", &file, "--dir", "d", "--workers", "1"]).spawn().unwrap();
    let begun = Instant::now();
    while !env.path("d/campaign.json").exists() || finished(&env.facts(["status", "d"])) < records {
        assert!(begun.elapsed() < Duration::from_secs(60), "{records} records were never finished");
        std::thread::sleep(Duration::from_millis(20));
    }
    (server, run)
}

/// The kinds of the events in the journal of `dir`.
pub fn events(env: &TestEnv, dir: &str) -> Vec<serde_json::Value> {
    let mut segments: Vec<_> =
        std::fs::read_dir(env.path(dir).join("journal")).unwrap().map(|e| e.unwrap().path()).collect();
    segments.sort();
    let text: String = segments.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["event"].take()).collect()
}
