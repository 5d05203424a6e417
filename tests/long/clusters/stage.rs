//! The stage of the scenes: one library, its digest on this machine, and a cluster; a scene is a campaign on it.

use std::cell::RefCell;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use super::seen::{self, Element};
use super::slurm::{Slurm, strays, until};
use crate::env::{MOLSIEVE, TestEnv, processes, python};

/// Records of the library.
pub const RECORDS: usize = 100_000;

/// Each record's score is the length of its structure. While there is a file `hold` beside it, 250 records take so many
/// seconds; while there is one called `hungry`, whoever meets the task groups that it names wants 300 MB from then on.
const SCORER: &str = r#"
import json, os, sys, time
here = os.path.dirname(os.path.abspath(__file__))
hold, hungry = os.path.join(here, "hold"), os.path.join(here, "hungry")
fat = b""
def seconds():
    try:
        return float(open(hold).read())
    except (OSError, ValueError):
        return 0
print(json.dumps({"name": "length", "version": "1", "columns": [{"name": "length", "type": "int"}],
                  "reasons": ["every_997th"], "batch_size": 250, "deterministic": True}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    records = request["records"]
    began = time.monotonic()
    while time.monotonic() - began < seconds() * len(records) / 250:
        time.sleep(0.1)
    if not fat and os.path.exists(hungry) and {str(r[0] // 1000) for r in records} & set(open(hungry).read().split()):
        fat = b"x" * (300 << 20)
        time.sleep(4)
    results = [[r[0], "SKIP", "every_997th"] if r[0] % 997 == 0 else [r[0], "OK", {"length": len(r[2])}] for r in records]
    print(json.dumps({"seq": request["seq"], "results": results}), flush=True)
"#;

/// In the place of sbatch: ends its driver before or after it hands a job over, once, when a file beside it says so.
const SBATCH: &str = r#"#!/bin/sh
here=$(dirname "$0")
real=$(PATH=${PATH#"$here":}; command -v sbatch)
for script; do :; done
case ${script##*/} in wave-*) what=wave ;; tick-*) what=tick ;; *) what=other ;; esac
if rm "$here/before-$what" 2>/dev/null; then kill -9 $PPID; exit 1; fi
if rm "$here/after-$what" 2>/dev/null; then "$real" "$@" >"$here/answer"; kill -9 $PPID; exit 1; fi
exec "$real" "$@"
"#;

/// In the place of a site's modules: on the node that the file `bad` names, they cannot be loaded.
const MODULE: &str = "#!/bin/sh\n[ \"$SLURMD_NODENAME\" != \"$(cat \"$(dirname \"$0\")/bad\" 2>/dev/null)\" ]\n";

/// What all scenes share.
pub struct Stage {
    pub env: TestEnv,
    /// The payload digest of this machine.
    pub digest: String,
    /// The records by their outcome.
    pub counts: serde_json::Value,
}

impl Stage {
    /// Writes the library, and runs the campaign on this machine.
    pub fn new() -> Self {
        let env = TestEnv::new();
        let library: String = (0..RECORDS).map(|n| format!("{}O\tm{n}\n", "C".repeat(n % 60 + 1))).collect();
        env.write("library.smi", library);
        env.write("here/campaign.toml", text("", ""));
        env.write("here/score.py", SCORER);
        Self::of(env, RECORDS)
    }

    /// Runs the campaign of `here` on this machine; its library has so many records.
    pub fn of(env: TestEnv, records: usize) -> Self {
        env.molsieve(["run", "here/campaign.toml", "--dir", "here/d"]).exits(0);
        let facts = env.facts(["verify", "--allow-unsigned", "here/d/pack"]);
        assert_eq!(facts["records"]["total"], records, "{facts}");
        let digest = env.payload_of("here/d");
        Self { env, digest, counts: facts["records"].clone() }
    }

    /// A scene called `name`: a campaign file for the cluster, with `more` for `[scheduler]`, and what it calls.
    pub fn scene<'a>(&'a self, slurm: &'a Slurm, name: &'a str, walltime: &str, more: &str) -> Act<'a> {
        let default = |key: &str, line: &str| if more.contains(key) { String::new() } else { format!("{line}\n") };
        let (settle, tasks) = (default("settle", "settle = \"2s\""), default("tasks", "tasks = 40"));
        let scheduler = format!(
            "[scheduler]\nkind = \"slurm\"\n{settle}{tasks}running = 18\nrounds = 200\nexport = [\"PATH\"]\n\
             modules = [\"chemistry\"]\n{more}\n"
        );
        let resources = format!("[resources]\ncpus = 1\nmemory = \"200M\"\nwalltime = \"{walltime}\"\n");
        self.env.write(&format!("{name}/campaign.toml"), text(&resources, &scheduler));
        self.env.write(&format!("{name}/score.py"), SCORER);
        for (program, script) in [("sbatch", SBATCH), ("module", MODULE)] {
            let path = self.env.write(&format!("{name}/bin/{program}"), script);
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        Act::on(self, slurm, name)
    }
}

fn text(resources: &str, scheduler: &str) -> String {
    let argv = format!("argv = [\"{}\", \"score.py\"]", python());
    format!(
        "[campaign]\nname = \"long\"\nseed = 7\n[library]\npath = [\"../library.smi\"]\n[scorer]\nkind = \"command\"\n\
         protocol = \"jsonl\"\n{argv}\n[shards]\nrecords = 1000\n[checkpoint]\nsync = \"1s\"\n{resources}{scheduler}"
    )
}

/// A campaign on the cluster, and what befell it.
pub struct Act<'a> {
    pub stage: &'a Stage,
    pub slurm: &'a Slurm,
    pub name: &'a str,
    /// What proves that the faults hit.
    pub evidence: RefCell<Vec<String>>,
}

impl<'a> Act<'a> {
    /// A scene whose campaign file is there.
    pub fn on(stage: &'a Stage, slurm: &'a Slurm, name: &'a str) -> Self {
        Self { stage, slurm, name, evidence: RefCell::default() }
    }
}

impl Act<'_> {
    pub fn path(&self, below: &str) -> PathBuf {
        self.stage.env.path(self.name).join(below)
    }

    /// The campaign directory.
    pub fn dir(&self) -> PathBuf {
        self.path("d")
    }

    /// molsieve in the scene's directory, with its stand-ins first on PATH.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.slurm.command(MOLSIEVE);
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}:/usr/sbin", self.path("bin").display()));
        command.args(args).current_dir(self.path("")).env("MOLSIEVE_HOME", self.stage.env.path("home"));
        command.env_remove("MOLSIEVE_FAULT");
        command
    }

    pub fn submit(&self) {
        let said = self.try_to_submit();
        assert!(said.status.success(), "submit: {}", String::from_utf8_lossy(&said.stderr));
    }

    pub fn try_to_submit(&self) -> Output {
        self.command(&["submit", "campaign.toml", "--dir", "d"]).output().unwrap()
    }

    /// Submits it with `hold` seconds a request, and waits until tasks run on all of `nodes` and have rows.
    pub fn begin(&self, hold: u32, nodes: &[&str]) {
        self.switch("hold", Some(&hold.to_string()));
        self.submit();
        until("tasks run everywhere", 90, || nodes.iter().all(|node| !self.running_on(node).is_empty()));
    }

    /// Writes the file `name`, or takes it away.
    pub fn switch(&self, name: &str, content: Option<&str>) {
        match content {
            // Under its name it is whole: scorers read it at any time.
            Some(content) => {
                std::fs::write(self.path("new"), content).unwrap();
                std::fs::rename(self.path("new"), self.path(name)).unwrap();
            }
            None => drop(std::fs::remove_file(self.path(name))),
        }
    }

    /// From now on nothing holds the scorers.
    pub fn release(&self) {
        self.switch("hold", None);
    }

    /// All elements of all waves that the queue knows.
    pub fn elements(&self) -> Vec<Element> {
        seen::elements(self.slurm, &seen::jobs(&self.dir(), "wave_submitted"))
    }

    pub fn element(&self, id: &str) -> Option<Element> {
        self.elements().into_iter().find(|element| element.id == id)
    }

    /// What runs on `node`, as soon as something does.
    pub fn await_running_on(&self, node: &str) -> Vec<Element> {
        let mut running = Vec::new();
        until(&format!("something runs on {node}"), 120, || {
            running = self.running_on(node);
            !running.is_empty()
        });
        running
    }

    /// Which of `nodes` has most to do, as soon as one has something.
    pub fn busiest<'n>(&self, nodes: &[&'n str]) -> &'n str {
        let most = || {
            let mut all: Vec<(usize, &'n str)> =
                nodes.iter().map(|node| (self.running_on(node).len(), *node)).collect();
            all.sort_unstable();
            all.pop().unwrap()
        };
        until("something runs", 120, || most().0 > 0);
        most().1
    }

    pub fn running_on(&self, node: &str) -> Vec<Element> {
        self.elements().into_iter().filter(|element| element.runs() && element.node == node).collect()
    }

    pub fn note(&self, what: impl Into<String>) {
        let what = what.into();
        eprintln!("    {what}");
        self.evidence.borrow_mut().push(what);
    }

    /// Notes how some elements were before and are after what befell them.
    pub fn note_change(&self, what: &str, before: &[Element], after: &[Element]) {
        let list = |all: &[Element]| {
            let shown: Vec<String> = all.iter().take(2).map(Element::describe).collect();
            let more = if all.len() > 2 { format!(" and {} more", all.len() - 2) } else { String::new() };
            shown.join("; ") + &more
        };
        match (before.is_empty(), after.is_empty()) {
            (true, true) => self.note(what),
            (true, false) => self.note(format!("{what}: {}", list(after))),
            _ => self.note(format!("{what}: {} → {}", list(before), list(after))),
        }
    }

    /// What the tasks of all waves printed, and what SLURM wrote among it.
    pub fn outputs(&self) -> String {
        let logs = std::fs::read_dir(self.dir().join("logs")).into_iter().flatten().flatten();
        let outputs = logs.filter(|entry| entry.file_name().to_string_lossy().ends_with(".out"));
        outputs
            .map(|entry| String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap_or_default()).into_owned())
            .collect()
    }

    pub fn is_sealed(&self) -> bool {
        self.dir().join("pack/manifest.json").exists()
    }

    /// Nothing of ours runs that the scheduler did not start.
    pub fn has_no_strays(&self) {
        assert_eq!(strays(&self.dir()), [0_u32; 0], "processes of ours outside the scheduler");
    }

    /// Waits for the seal; nobody is there who would go on with a campaign that waits for somebody.
    pub fn await_seal(&self, seconds: u64, meanwhile: impl Fn()) {
        until("the pack is sealed", seconds, || {
            meanwhile();
            let last = seen::events(&self.dir()).pop().unwrap_or_default();
            assert!(
                !["stopped", "paused", "failed"].iter().any(|kind| last["kind"] == *kind),
                "nobody goes on: {last}"
            );
            self.is_sealed()
        });
    }

    /// Waits for the seal with nobody there, and checks what was left: the digest, the counts, the queue, processes.
    pub fn ends_well(&self, seconds: u64) {
        self.has_no_strays();
        self.await_seal(seconds, || {});
        let facts = self.stage.env.facts(["verify", "--allow-unsigned", &format!("{}/d/pack", self.name)]);
        assert_eq!(facts["verified"], true, "{facts}");
        assert_eq!(facts["payload_digest"], self.stage.digest.as_str(), "the digest of this machine");
        assert_eq!(facts["records"], self.stage.counts, "every record counted");
        until("the queue is empty", 60, || self.slurm.queue().is_empty());
        until("all processes have ended", 30, || self.processes().is_empty());
    }

    /// All processes that are at work in the scene's directory: jobs, workers, scorers.
    pub fn processes(&self) -> Vec<u32> {
        let here = self.path("");
        let is_here =
            |pid: &u32| std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(&here));
        processes(&[]).into_iter().filter(is_here).collect()
    }

    /// What is known of it, for a scene that failed.
    pub fn post_mortem(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.dir().join(name)).unwrap_or_default();
        let elements: Vec<String> = self.elements().iter().map(Element::describe).collect();
        let events: Vec<String> =
            seen::events(&self.dir()).iter().rev().take(12).map(|event| format!("  {event}")).rev().collect();
        let queue = self.slurm.command("squeue").arg("--array").output().unwrap();
        let argv = |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let processes = self.processes().into_iter().map(|pid| format!("  {pid} {}", argv(&pid).replace('\0', " ")));
        let outputs = self.outputs();
        let printed: Vec<&str> = outputs.lines().rev().take(20).collect();
        format!(
            "queue:\n{}\nelements:\n  {}\nevents:\n{}\nprocesses:\n{}\nprinted, from the end:\n{}\nticks:\n{}",
            String::from_utf8_lossy(&queue.stdout),
            elements.join("\n  "),
            events.join("\n"),
            processes.collect::<Vec<_>>().join("\n"),
            printed.join("\n"),
            read("logs/tick.out")
        )
    }
}
