//! A campaign on a cluster: what it computes, how it is begun, and what is seen of it.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use super::slurm::{Slurm, strays, until};
use crate::support::env::{MOLSIEVE, TestEnv, project, python};

/// Scores the length of a structure. A file beside it, or where `BESIDE` says, says how: `slow` (40 ms a record; with `slower`, 400), `broken` (it does not start),
/// `garbage` (it answers what nobody understands), `hungry` (it takes 130 MiB), `sour` (every record is an ERROR).
pub const SCORER: &str = r#"
import json, os, sys, time
beside = lambda name: os.path.join(os.environ.get("BESIDE", os.path.dirname(os.path.abspath(__file__))), name)
if os.path.exists(beside("broken")):
    sys.exit("the licence is gone")
room = bytearray(b"x") * (130 << 20) if os.path.exists(beside("hungry")) else None
print(json.dumps({"name": "length", "version": "1", "columns": [{"name": "length", "type": "int"}],
                  "batch_size": 8, "deterministic": True, "reasons": ["sour"]}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    if os.path.exists(beside("slow")):
        time.sleep((0.4 if os.path.exists(beside("slower")) else 0.04) * len(request["records"]))
    sour = os.path.exists(beside("sour"))
    results = [[r[0], "ERROR", "sour"] if sour else [r[0], "OK", {"length": len(r[2])}] for r in request["records"]]
    reply = {"seq": request["seq"], "results": results}
    print("{" if os.path.exists(beside("garbage")) else json.dumps(reply), flush=True)
"#;

/// A cluster, brought up for a test and taken down after it.
pub trait Engine: Sized {
    /// Its word in a campaign file.
    const KIND: &'static str;

    /// A cluster in `dir`; none where its packages are missing, which CI does not accept.
    fn up(dir: &Path, options: &[&str]) -> Option<Self>;

    /// A command that means this cluster.
    fn command(&self, program: &str) -> Command;

    /// Every task that runs, by a name of its own.
    fn running(&self) -> Vec<String>;

    /// All jobs that wait or run, one a line.
    fn queue(&self) -> String;

    /// What a command of its says.
    fn said(&self, program: &str, args: &[&str]) -> String {
        let output = self.command(program).args(args).output().unwrap();
        assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// molsieve, with this cluster around it.
    fn molsieve(&self, env: &TestEnv, args: &[&str]) -> Output {
        let mut command = self.command(MOLSIEVE);
        command.args(args).current_dir(env.path("")).env("MOLSIEVE_HOME", env.path("home"));
        // Whom Open MPI would else start nothing for.
        command.env("OMPI_ALLOW_RUN_AS_ROOT", "1").env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
        command.output().unwrap()
    }
}

/// What `tests/clusters/ENGINE VERB DIR WHAT` prints, which does what must be done to an engine of that name in `dir`.
pub fn script(engine: &str, verb: &str, dir: &Path, what: &[&str]) -> String {
    let program = project(&format!("tests/clusters/{engine}"));
    let output = Command::new(program).arg(verb).arg(dir).args(what).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tests/clusters/{engine} {verb} {what:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// What is said in the campaign file, beside what all have in common.
pub struct Wanted<'a> {
    /// Keys of `[scheduler]`.
    pub scheduler: &'a str,
    /// `[resources]` of each task: memory and time.
    pub memory: &'a str,
    pub walltime: &'a str,
    /// Further sections.
    pub more: &'a str,
    /// What is beside the scorer from the beginning.
    pub beside: &'a [&'a str],
}

impl Default for Wanted<'_> {
    fn default() -> Self {
        Self { scheduler: "", memory: "200M", walltime: "10min", more: "", beside: &["slow"] }
    }
}

/// A place with a cluster in it.
pub struct Scene<E: Engine = Slurm> {
    // Dropped before the directory that it is in.
    pub engine: E,
    pub env: TestEnv,
    /// The payload digest of this machine.
    pub digest: String,
}

impl Scene<Slurm> {
    /// A cluster, and the digest of a campaign of 4,000 records in 40 task groups, which was run on this machine; none where
    /// SLURM is missing.
    pub fn new(options: &[&str]) -> Option<Self> {
        Self::of(4000, options)
    }

    /// The same with another number of records, a hundred a task group.
    pub fn of(records: usize, options: &[&str]) -> Option<Self> {
        Self::on(records, options)
    }
}

impl<E: Engine> Scene<E> {
    /// The same on any cluster.
    pub fn on(records: usize, options: &[&str]) -> Option<Self> {
        let env = TestEnv::new();
        let engine = E::up(&env.path("cluster"), options)?;
        let library: String = (0..records).map(|n| format!("{}O\tm{n}\n", "C".repeat(n % 60 + 1))).collect();
        env.write("library.smi", library);
        env.write("score.py", SCORER);
        let here = campaign(&env, "here", "[scheduler]\n", &Wanted::default());
        env.molsieve(["run", &here, "--dir", "h"]).exits(0);
        let digest = env.payload_of("h");
        Some(Self { engine, env, digest })
    }

    /// The campaign file for the cluster.
    pub fn file(&self, wanted: &Wanted<'_>) -> String {
        wanted.beside.iter().for_each(|name| self.put(name));
        let settle = if wanted.scheduler.contains("settle") { "" } else { "settle = \"2s\"\n" };
        campaign(&self.env, "there", &format!("[scheduler]\nkind = \"{}\"\n{settle}", E::KIND), wanted)
    }

    /// Submits it to `d`.
    pub fn submit(&self, wanted: &Wanted<'_>) {
        let file = self.file(wanted);
        self.does(&["plan", &file, "--dir", "d"]);
        self.does(&["submit", &file, "--dir", "d"]);
    }

    /// molsieve does it, with the cluster around it.
    pub fn does(&self, args: &[&str]) {
        let said = self.engine.molsieve(&self.env, args);
        assert!(said.status.success(), "{args:?}: {}", String::from_utf8_lossy(&said.stderr));
    }

    /// In a script of [`Slurm::instead_of`]: molsieve does it once, the first time that this is reached.
    pub fn once(&self, args: &str) -> String {
        let at = |name: &str| self.env.path(name).display().to_string();
        let (here, home, mark) = (at(""), at("home"), at("once"));
        format!(
            "if mkdir '{mark}' 2>/dev/null; then (cd '{here}' && MOLSIEVE_HOME='{home}' '{MOLSIEVE}' {args} >'{mark}/said' 2>&1; echo $? >'{mark}/exit'); fi"
        )
    }

    /// How that ended; nothing if it has not.
    pub fn once_exited(&self) -> Option<i32> {
        std::fs::read_to_string(self.env.path("once/exit")).ok()?.trim().parse().ok()
    }

    /// Puts a file beside the scorer.
    pub fn put(&self, name: &str) {
        self.env.write(name, "");
    }

    /// Takes it away.
    pub fn take(&self, name: &str) {
        std::fs::remove_file(self.env.path(name)).unwrap();
    }

    /// Every task that runs, as `job_element`.
    pub fn running(&self) -> Vec<String> {
        self.engine.running()
    }

    /// Waits until at least so many tasks run.
    pub fn await_running(&self, count: usize) -> Vec<String> {
        until("tasks run", 60, || self.running().len() >= count);
        self.running()
    }

    /// The facts of `status`.
    pub fn facts(&self) -> serde_json::Value {
        self.env.facts(["status", "d"])
    }

    /// Waits until the campaign is in `state`; whether it came to that.
    pub fn ends_within(&self, state: &str, seconds: u64) -> bool {
        let started = Instant::now();
        while self.facts()["state"] != state {
            if started.elapsed().as_secs() > seconds {
                eprintln!("not {state} after {seconds} s\n{}", self.told());
                return false;
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        true
    }

    /// Waits until the campaign is in `state`.
    pub fn await_state(&self, state: &str, seconds: u64) -> serde_json::Value {
        assert!(self.ends_within(state, seconds));
        self.facts()
    }

    /// Waits for the seal; the pack is that of this machine.
    pub fn await_seal(&self, seconds: u64) {
        let started = Instant::now();
        while !self.is_sealed() {
            assert!(started.elapsed().as_secs() < seconds, "no pack after {seconds} s\n{}", self.told());
            std::thread::sleep(Duration::from_millis(500));
        }
        self.is_as_on_this_machine();
    }

    /// Whether there is a pack.
    pub fn is_sealed(&self) -> bool {
        self.env.path("d/pack/manifest.json").exists()
    }

    /// Nothing of ours runs outside the scheduler. (A process that is just ending has nobody above it for a moment.)
    #[track_caller]
    pub fn has_no_strays(&self) {
        let dir = self.env.path("d");
        let mut strays = strays(&dir);
        if !strays.is_empty() {
            std::thread::sleep(Duration::from_secs(1));
            let after = super::slurm::strays(&dir);
            strays.retain(|pid| after.contains(pid));
        }
        assert_eq!(strays, [0_u32; 0], "processes of ours that no scheduler's is above");
    }

    pub fn is_as_on_this_machine(&self) {
        assert_eq!(self.env.payload_of("d"), self.digest);
    }

    /// Waits until every job in the queue is as it should be.
    pub fn await_queue(&self, what: &str, seconds: u64, is_right: impl Fn(&str) -> bool) {
        let started = Instant::now();
        while !self.engine.queue().lines().all(&is_right) {
            assert!(started.elapsed().as_secs() < seconds, "{what}: not within {seconds} s\n{}", self.told());
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// Nothing of ours waits or runs, or is left.
    pub fn await_empty_queue(&self) {
        self.await_queue("the queue is empty", 60, |_| false);
    }

    /// The events of the journal that are of this kind.
    pub fn events(&self, kind: &str) -> Vec<serde_json::Value> {
        let mut segments: Vec<_> = std::fs::read_dir(self.env.path("d/journal")).unwrap().flatten().collect();
        segments.sort_by_key(std::fs::DirEntry::file_name);
        let text: String = segments.iter().map(|segment| std::fs::read_to_string(segment.path()).unwrap()).collect();
        let events = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        events.map(|entry| entry["event"].clone()).filter(|event| event["kind"] == kind).collect()
    }

    /// Leaves the journal as its writer left it that was killed before the first event of this kind.
    pub fn was_killed_before(&self, kind: &str) {
        let path = self.env.path("d/journal/000002.jsonl");
        let text = std::fs::read_to_string(&path).unwrap();
        let event = format!("\"kind\":\"{kind}\"");
        assert!(text.contains(&event), "{text}");
        let left: String = text.split_inclusive('\n').take_while(|line| !line.contains(&event)).collect();
        std::fs::write(path, left).unwrap();
    }

    /// Everything that is known, for a person who must find out why.
    fn told(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.env.path(name)).unwrap_or_default();
        let journal = ["wave_intended", "task_failed", "wave_ended", "ticked", "stopped", "paused", "failed"];
        let journal: Vec<_> =
            journal.iter().flat_map(|kind| self.events(kind)).map(|event| event.to_string()).collect();
        let queue = self.engine.queue();
        format!("queue:\n{queue}\nticks:\n{}\n{}", read("d/logs/tick.out"), journal.join("\n"))
    }
}

fn campaign(env: &TestEnv, name: &str, scheduler: &str, wanted: &Wanted<'_>) -> String {
    let scorer = format!("kind = \"command\"\nprotocol = \"jsonl\"\nargv = [\"{}\", \"score.py\"]", python());
    let Wanted { memory, walltime, more, .. } = wanted;
    let resources = format!("[resources]\ncpus = 1\nmemory = \"{memory}\"\nwalltime = \"{walltime}\"\n");
    let keys = if name == "here" { "" } else { wanted.scheduler };
    let rest = format!("{resources}[checkpoint]\nsync = \"1s\"\n{scheduler}{keys}\n{more}");
    env.campaign(name).scorer(&scorer).shards("records = 100").with(&rest).write()
}

impl Engine for Slurm {
    const KIND: &'static str = "slurm";

    fn up(dir: &Path, options: &[&str]) -> Option<Self> {
        Self::up_with(dir, options)
    }

    fn command(&self, program: &str) -> Command {
        self.command(program)
    }

    fn running(&self) -> Vec<String> {
        ["n1", "n2", "n3", "n4"].iter().flat_map(|node| self.running_on(node)).collect()
    }

    fn queue(&self) -> String {
        self.queue()
    }
}
