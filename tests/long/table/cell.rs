//! A cell of the table: a campaign on an engine, what befell it, and what came of it.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use super::engine::{AtEnd, Contender, Fault, proven};
use super::ranks::signal;
use super::{SCORER, Size};
use crate::clusters::seen;
use crate::clusters::slurm::until;
use crate::clusters::stage::Stage;
use crate::env::{MOLSIEVE, finished, processes, python};

/// How long a record takes while the campaign is held.
const HOLD: &str = "0.25";

/// One campaign.
pub struct Cell<'a> {
    pub stage: &'a Stage,
    /// While this file is there, the scorers of all cells are slow. It is where every node sees it.
    hold: &'a Path,
    pub engine: &'a dyn Contender,
    /// Its directory, in which the campaign file and the campaign directory `d` are.
    pub name: String,
    /// What proves that the fault hit.
    pub proof: RefCell<Vec<String>>,
}

/// A process of ours that works on a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    pub pid: u32,
    pub wave: String,
    pub task: String,
}

impl<'a> Cell<'a> {
    /// The campaign file is written.
    pub fn new(stage: &'a Stage, hold: &'a Path, engine: &'a dyn Contender, size: Size, fault: Fault) -> Self {
        let part = |text: &str| text.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let name = format!("{}-{}-{}", part(engine.name()), size.0, part(fault.name()));
        let cell = Self { stage, hold, engine, name, proof: RefCell::default() };
        stage.env.write(&format!("{}/score.py", cell.name), SCORER);
        let text = campaign(size, &engine.keys(), hold);
        stage.env.write(&format!("{}/campaign.toml", cell.name), text);
        cell
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.stage.env.path(&self.name).join(below)
    }

    /// The campaign directory.
    pub fn dir(&self) -> PathBuf {
        self.path("d")
    }

    pub fn note(&self, what: impl Into<String>) {
        let what = what.into();
        eprintln!("    {}: {what}", self.name);
        self.proof.borrow_mut().push(what);
    }

    /// molsieve in the cell's directory, with its engine around it.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.engine.command(MOLSIEVE);
        command.args(args).current_dir(self.path("")).env("MOLSIEVE_HOME", self.stage.env.path("home"));
        command.env_remove("MOLSIEVE_FAULT").stdin(Stdio::null());
        // Whom Open MPI would else start nothing for.
        command.env("OMPI_ALLOW_RUN_AS_ROOT", "1").env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
        command
    }

    /// molsieve does it; what it prints.
    pub fn does(&self, args: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.command(args).output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert!(status.success(), "{args:?}, {status}: {said}");
        said
    }

    /// From now on every record takes its time, or none does. (One file for all cells, which come one after the other: so it is one scorer
    /// by its identity, and one campaign.)
    pub fn hold(&self, is_held: bool) {
        if is_held {
            // Under its name it is whole: scorers read it at any time.
            let new = self.hold.with_extension("new");
            std::fs::write(&new, HOLD).unwrap();
            std::fs::rename(&new, self.hold).unwrap();
        } else {
            let _ = std::fs::remove_file(self.hold);
        }
    }

    pub fn submit(&self) -> String {
        self.does(&[&["submit", "campaign.toml", "--dir", "d"], self.engine.submit_options()].concat())
    }

    /// Submits it, and waits until tasks are in the middle of their work.
    pub fn begin(&self) {
        self.hold(true);
        self.submit();
        self.await_work();
    }

    /// Waits until a task that is not finished has rows in its checkpoint, and its worker is there.
    pub fn await_work(&self) {
        until("tasks are in the middle of their work", 120, || self.engine.is_at_work(self));
    }

    /// The same where tasks work in the campaign directory.
    pub fn is_at_work_here(&self) -> bool {
        rows_in_checkpoints(&self.dir().join("groups")) > 0 && !self.workers().is_empty()
    }

    /// The campaign goes on after a fault that nothing of it survived.
    pub fn resume(&self) {
        let before = self.waves();
        self.hold(false);
        self.does(&["resume", "d"]);
        let last = seen::events_of(&self.dir(), "wave_intended").pop().unwrap();
        assert!(self.waves() > before, "there was something left to do");
        self.note(format!("`molsieve resume`: wave {} began with {} records finished", last["wave"], last["finished"]));
    }

    /// How many waves there were.
    pub fn waves(&self) -> usize {
        seen::events_of(&self.dir(), "wave_intended").len()
    }

    /// The facts of `status`.
    pub fn facts(&self) -> Value {
        let said = self.command(&["--json", "status", "d"]).output().unwrap();
        serde_json::from_slice(&said.stdout).unwrap_or_else(|e| panic!("no facts ({e}): {said:?}"))
    }

    pub fn finished(&self) -> u64 {
        finished(&self.facts())
    }

    /// The processes that work on tasks, the lowest first.
    pub fn workers(&self) -> Vec<Worker> {
        let dir = self.dir().display().to_string();
        let mut found: Vec<Worker> = processes(&[&dir, "--wave"]).into_iter().filter_map(worker).collect();
        found.sort_by_key(|worker| worker.pid);
        found
    }

    /// Everything that is at work in the cell's directory, or on it.
    pub fn processes(&self) -> Vec<u32> {
        let here = self.path("");
        let cwd = |pid: &u32| std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(&here));
        let named = processes(&[&self.dir().display().to_string()]);
        processes(&[]).into_iter().filter(|pid| cwd(pid) || named.contains(pid)).collect()
    }

    /// `kill -9` of one process of ours; it is gone.
    pub fn kill(&self, pid: u32, what: &str) {
        let line = plainly(&argv(pid).join(" "), &self.stage.env.path(""));
        signal("-KILL", &[pid]);
        until("it is dead", 20, || !is_alive(pid));
        self.note(format!("`kill -9 {pid}`, {what} (`{}`)", shortened(&line)));
    }

    /// Waits until no process of it is left.
    pub fn await_nobody(&self) {
        until("nobody is at work", 60, || self.processes().is_empty());
    }

    /// What the journal says of tasks that failed.
    pub fn note_failures(&self) {
        let failed = seen::events_of(&self.dir(), "task_failed");
        assert!(!failed.is_empty(), "the journal tells of no task that failed");
        let tell = |event: &Value| {
            let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
            format!("wave {} task {} {} ({})", event["wave"], event["task"], text("state"), text("what"))
        };
        let more = if failed.len() > 1 { format!(", and {} more", failed.len() - 1) } else { String::new() };
        self.note(format!("journal: {}{more}; waves in all: {}", tell(&failed[0]), self.waves()));
    }

    /// Somebody stops it at a checkpoint, and goes on later.
    pub fn stop(&self) {
        self.does(&["cancel", "d"]);
        until("it is stopped", 90, || self.facts()["state"] == "stopped");
        until("the queue is empty", 180, || self.engine.queue().is_empty());
        self.await_nobody();
        let stops = seen::log_lines(&self.dir(), "stopped before all records were finished");
        let finished = self.finished();
        assert!(finished > 0 && !self.is_sealed(), "it was in the middle of its work: {finished}");
        self.note(format!(
            "`molsieve cancel` with {finished} records finished: stopped, logged by {stops} at a checkpoint; nothing in the queue, no process"
        ));
        self.resume();
    }

    /// A second submission, and a second worker on a task that runs.
    pub fn twice(&self) -> AtEnd<'_> {
        self.submit();
        self.note(format!("`molsieve submit` again: exit 0, {} wave(s) in the journal", self.waves()));
        self.engine.note_submitted_twice(self);
        if !self.engine.has_twins() {
            return proven();
        }
        self.await_work();
        let (mut child, group) = self.twin();
        Box::new(move || {
            let status = child.wait().unwrap();
            assert!(status.success(), "the twin ends well: {status}");
            let receipts = seen::group_files(&self.dir().join("groups"), ".receipt.json");
            let of_both = receipts.iter().filter(|file| Path::new(file).starts_with(&group)).count();
            self.note(format!("receipts of task group {group}: {of_both}"));
        })
    }

    /// A worker by hand on a task that runs; the task group on which both are at work.
    fn twin(&self) -> (Child, String) {
        let worker = self.workers().remove(0);
        let before = self.checkpoints();
        let dir = self.dir().display().to_string();
        let mut command = self.command(&["worker", &dir, "--wave", &worker.wave, "--task", &worker.task]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let group = |file: &String| file.split('/').next().unwrap().to_owned();
        let mut shared = None;
        until("the twin writes where the task does", 60, || {
            let now = self.checkpoints();
            let new = now.iter().filter(|file| !before.contains(file)).map(group);
            shared = new.into_iter().find(|one| now.iter().filter(|file| group(file) == *one).count() > 1);
            shared.is_some()
        });
        let group = shared.unwrap();
        let (wave, task) = (&worker.wave, &worker.task);
        self.note(format!(
            "twin: processes {} and {} at once on wave {wave} task {task}, two checkpoints in task group {group}",
            worker.pid,
            child.id()
        ));
        (child, group)
    }

    fn checkpoints(&self) -> Vec<String> {
        seen::group_files(&self.dir().join("groups"), ".checkpoint")
    }

    pub fn is_sealed(&self) -> bool {
        self.dir().join("pack/manifest.json").exists()
    }

    /// Waits for the seal; nobody is there who would go on with a campaign that waits for somebody.
    pub fn await_seal(&self, seconds: u64) {
        until("the pack is sealed", seconds, || {
            let last = seen::events(&self.dir()).pop().unwrap_or_default();
            let waits = ["stopped", "paused", "failed"].iter().any(|kind| last["kind"] == *kind);
            assert!(!waits, "nobody goes on: {last}");
            self.is_sealed()
        });
    }

    /// The pack is that of this machine, every record is counted, and nothing is left; the digest and the records.
    pub fn ends_well(&self) -> (String, u64) {
        let facts = self.stage.env.facts(["verify", "--allow-unsigned", &format!("{}/d/pack", self.name)]);
        assert_eq!(facts["verified"], true, "{facts}");
        assert_eq!(facts["payload_digest"], self.stage.digest.as_str(), "the digest of this machine");
        let records = &facts["records"];
        let total = records["total"].as_u64().unwrap();
        assert_eq!(finished(&facts), total, "every record is OK, SKIP or ERROR: {records}");
        assert_eq!(*records, self.stage.counts, "every record is counted");
        let manifest = std::fs::read_to_string(self.dir().join("pack/manifest.json")).unwrap();
        let manifest: Value = serde_json::from_str(&manifest).unwrap();
        assert_eq!(manifest["complete"], true, "{manifest}");
        assert_eq!(manifest["circumstantial"], 0, "nobody was blamed for what befell it");
        let identity = |dir: &str| {
            let text = std::fs::read_to_string(self.stage.env.path(dir).join("campaign.json")).unwrap();
            serde_json::from_str::<Value>(&text).unwrap()["identity"].clone()
        };
        assert_eq!(identity(&format!("{}/d", self.name)), identity("here/d"), "it is the same campaign");
        until("the queue is empty", 180, || self.engine.queue().is_empty());
        self.await_nobody();
        (facts["payload_digest"].as_str().unwrap().to_owned(), total)
    }

    /// After a cell that failed: nothing of it is left.
    pub fn clear(&self) {
        self.hold(false);
        let _ = self.command(&["cancel", "d"]).output();
        self.engine.mend();
        std::thread::sleep(std::time::Duration::from_secs(3));
        for pid in self.processes() {
            let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).output();
        }
    }

    /// What is known of it, for a cell that failed.
    pub fn post_mortem(&self) -> String {
        let events =
            seen::events(&self.dir()).iter().rev().take(10).rev().map(|e| format!("  {e}\n")).collect::<String>();
        let of = |pid: u32| format!("  {pid} {}\n", argv(pid).join(" "));
        let processes = self.processes().into_iter().map(of).collect::<String>();
        let logs = std::fs::read_dir(self.dir().join("logs")).into_iter().flatten().flatten();
        let tail = |path: PathBuf| {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default()).into_owned();
            let last: Vec<&str> = text.lines().rev().take(3).collect();
            format!(
                "  {}: {}\n",
                path.file_name().unwrap().display(),
                last.into_iter().rev().collect::<Vec<_>>().join(" | ")
            )
        };
        let logs: String = logs.map(|entry| tail(entry.path())).take(12).collect();
        format!("events:\n{events}processes:\n{processes}queue:\n{}\nlogs:\n{logs}", self.engine.queue())
    }
}

/// The same for all cells but for shards and scheduler, which change no result.
pub fn campaign(size: Size, keys: &str, hold: &Path) -> String {
    let argv = format!("argv = [\"{}\", \"score.py\"]", python());
    let hold = hold.display();
    format!(
        "[campaign]\nname = \"table\"\nseed = 7\n[library]\npath = [\"../library.smi\"]\n[scorer]\nkind = \"command\"\n\
         protocol = \"jsonl\"\n{argv}\nenv = {{ HOLD = \"{hold}\" }}\n[shards]\nrecords = {}\n[checkpoint]\nsync = \"1s\"\n\
         [resources]\ncpus = 1\nmemory = \"300M\"\nwalltime = \"10min\"\n[scheduler]\n{keys}\n",
        size.0
    )
}

/// The worker that the process is, if it is one.
fn worker(pid: u32) -> Option<Worker> {
    let argv = argv(pid);
    let exe = std::fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let is_rank = exe == Path::new(MOLSIEVE).with_file_name("molsieve-mpi");
    let is_worker = exe == Path::new(MOLSIEVE) && argv.get(1).is_some_and(|verb| verb == "worker");
    let after = |name: &str| Some(argv.get(argv.iter().position(|word| word == name)? + 1)?.clone());
    (is_rank || is_worker).then_some(())?;
    Some(Worker { pid, wave: after("--wave")?, task: after("--task")? })
}

/// The argument vector of a process.
pub fn argv(pid: u32) -> Vec<String> {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).split_terminator('\0').map(str::to_owned).collect()
}

/// A variable in the environment of a process.
pub fn variable(pid: u32, name: &str) -> Option<String> {
    let all = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    let all = String::from_utf8_lossy(&all).into_owned();
    let mut values = all.split('\0').filter_map(|pair| pair.split_once('='));
    values.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

/// Whether it is there, and no zombie.
pub fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

/// A text without the directories of this machine: neither those of the programs, nor `place`.
pub fn plainly(text: &str, place: &Path) -> String {
    let programs = Path::new(MOLSIEVE).parent().unwrap();
    let places = [programs, place, Path::new(env!("CARGO_MANIFEST_DIR"))]
        .map(|dir| format!("{}/", dir.display()).replace("//", "/"));
    places.iter().fold(text.to_owned(), |text, place| text.replace(place, ""))
}

/// No more than a line of a table can hold.
fn shortened(line: &str) -> String {
    if line.chars().count() <= 90 {
        line.to_owned()
    } else {
        format!("{}…", line.chars().take(90).collect::<String>())
    }
}

/// How many frames of rows the checkpoints of all task groups hold.
pub fn rows_in_checkpoints(groups: &Path) -> usize {
    let read = |file: &String| std::fs::read(groups.join(file)).unwrap_or_default();
    seen::group_files(groups, ".checkpoint").iter().map(|file| row_frames(&read(file))).sum()
}

/// How many of the frames of a checkpoint hold rows: docs/formats/checkpoint.md.
fn row_frames(mut bytes: &[u8]) -> usize {
    let mut rows = 0;
    while bytes.len() > 36 {
        let length = u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
        rows += usize::from(bytes[36] == 3);
        bytes = bytes.get(36 + length..).unwrap_or_default();
    }
    rows
}
