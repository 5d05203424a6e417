//! SIGKILL at random moments of every phase, to the driver, a worker, or a scorer's child.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::chance::Chance;
use crate::env::{MOLSIEVE, TestEnv, processes, project};
use crate::scene::{Phase, Scene, look};

/// Each phase must have been hit so often.
const HITS_A_PHASE: usize = 5;

/// Aimed shots a phase: some land later than they were aimed.
const SHOTS_A_PHASE: usize = 60;

/// A campaign that is run again and again and killed.
struct Target {
    env: TestEnv,
    reference: String,
    groups: usize,
    shard: u64,
    scorer: String,
}

impl Target {
    /// Many small task groups and no computing: the phases around the scoring are wide.
    fn quick() -> Self {
        let env = TestEnv::new();
        let library = env.path("library.smi").display().to_string();
        env.molsieve(["library", "generate", "--records", "60000", "--seed", "7", "--out", &library]).exits(0);
        Self::with(env, 500, 120, "kind = \"null\"".to_owned())
    }

    /// A Python scorer that takes its time.
    fn slow() -> Self {
        let env = TestEnv::new();
        env.small_library(400);
        let script = project("tests/scorers/seeded.py").display().to_string();
        let argv = [crate::env::python(), script, "4".to_owned()].map(|arg| format!("{arg:?}")).join(", ");
        Self::with(env, 50, 8, format!("kind = \"command\"\nargv = [{argv}]"))
    }

    fn with(env: TestEnv, shard: u64, groups: usize, scorer: String) -> Self {
        env.molsieve(["keygen", "--out", "K.pem"]).exits(0);
        let mut target = Self { env, reference: String::new(), groups, shard, scorer };
        let file = target.file("reference");
        target.env.molsieve(["run", &file, "--dir", "reference"]).exits(0);
        target.reference = target.env.payload_of("reference");
        target
    }

    fn file(&self, name: &str) -> String {
        let campaign = self.env.campaign(name).shard(self.shard).scorer(&self.scorer);
        campaign.with("[checkpoint]\nsync = \"0ms\"\n[pack]\nkey = \"K.pem\"").write()
    }

    fn start(&self, file: &str, dir: &str) -> Child {
        let mut command = self.env.command(["run", file, "--dir", dir, "--workers", "2"]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// The campaign ends in the same signed pack as the reference.
    fn check(&self, dir: &str, scene: Scene) {
        assert_eq!(self.env.payload_of(dir), self.reference, "killed at {scene:?}");
        let pack = format!("{dir}/pack/evidence_pack.zip");
        self.env.molsieve(["verify", &pack, "--key", "K.pub.pem"]).exits(0).says("VERIFIED");
    }

    fn tell(&self, trial: usize, victim: &str, scene: Scene) {
        let shard = scene.sealed;
        let line = format!(
            "trial {trial:3}  {victim:6}  {:9}  {shard:3} of {} shards sealed  {:8} bytes to resume from\n",
            format!("{:?}", scene.phase),
            self.groups,
            scene.bytes
        );
        std::io::stdout().write_all(line.as_bytes()).unwrap();
    }
}

/// Waits until the campaign in `dir` is in `phase` or past it, and then up to `extra` more.
fn wait_for(phase: Phase, dir: &Path, groups: usize, extra: Duration) {
    let begun = Instant::now();
    while look(dir, groups).phase < phase && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_micros(200));
    }
    std::thread::sleep(extra);
}

fn wait_until_gone(dir: &Path) {
    let (begun, dir) = (Instant::now(), dir.display().to_string());
    while !processes(&[MOLSIEVE, &dir]).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(30), "orphans of `{dir}`");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_driver_killed_in_any_phase_is_resumed_to_the_same_pack() {
    let target = Target::quick();
    let mut chance = Chance::new(0x5eed_0001);
    let mut hits: BTreeMap<Phase, usize> = BTreeMap::new();
    let phases = [Phase::Planning, Phase::Starting, Phase::Scoring, Phase::Sealing, Phase::Gathering, Phase::Signing];
    let mut trial = 0;
    for phase in phases {
        for _ in 0..SHOTS_A_PHASE {
            if hits.get(&phase).copied().unwrap_or(0) >= HITS_A_PHASE {
                break;
            }
            trial += 1;
            let dir = format!("t{trial}");
            let (file, path) = (target.file(&dir), target.env.path(&dir));
            let mut run = target.start(&file, &dir);
            // The snapshot of this library takes tens of milliseconds; the other phases announce themselves.
            let spread = if phase == Phase::Planning { 30_000 } else { 4_000 };
            wait_for(phase, &path, target.groups, Duration::from_micros(chance.below(spread)));
            run.kill().unwrap();
            run.wait().unwrap();
            let scene = look(&path, target.groups);
            wait_until_gone(&path);
            *hits.entry(scene.phase).or_default() += 1;
            target.tell(trial, "driver", scene);
            target.env.molsieve(["run", &file, "--dir", &dir, "--workers", "2"]).exits(0);
            target.check(&dir, scene);
            std::fs::remove_dir_all(&path).unwrap();
        }
    }
    for phase in phases {
        let count = hits.get(&phase).copied().unwrap_or(0);
        assert!(count >= HITS_A_PHASE, "{phase:?} was hit {count} times only: {hits:?}");
    }
}

/// Kills processes whose command lines hold `words` in mid-run, `HITS_A_PHASE` times and more.
fn kill_in_mid_run(target: &Target, victim: &str, words: impl Fn(&Path) -> Vec<String>, phases: &[Phase]) {
    let mut chance = Chance::new(0x5eed_0002);
    let mut hits: BTreeMap<Phase, usize> = BTreeMap::new();
    for trial in 1..=SHOTS_A_PHASE {
        if phases.iter().all(|phase| hits.get(phase).copied().unwrap_or(0) >= HITS_A_PHASE) {
            break;
        }
        let dir = format!("{victim}{trial}");
        let (file, path) = (target.file(&dir), target.env.path(&dir));
        let mut run = target.start(&file, &dir);
        wait_for(Phase::Scoring, &path, target.groups, Duration::from_micros(chance.below(400_000)));
        let words = words(&path);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let victims: Vec<u32> = processes(&words).into_iter().filter(|pid| *pid != run.id()).collect();
        for pid in &victims {
            let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).stderr(Stdio::null()).status();
        }
        let scene = look(&path, target.groups);
        let code = run.wait().unwrap().code();
        if victims.is_empty() {
            continue;
        }
        *hits.entry(scene.phase).or_default() += 1;
        target.tell(trial, victim, scene);
        assert_eq!(code, Some(0), "the run goes on without its {victim}");
        target.check(&dir, scene);
    }
    for phase in phases {
        let count = hits.get(phase).copied().unwrap_or(0);
        assert!(count >= HITS_A_PHASE, "{phase:?} was hit {count} times only: {hits:?}");
    }
}

#[test]
fn killed_workers_are_replaced_and_the_pack_is_the_same() {
    let words = |dir: &Path| vec!["worker".to_owned(), dir.display().to_string()];
    kill_in_mid_run(&Target::slow(), "worker", words, &[Phase::Scoring]);
}

#[test]
fn killed_scorers_are_started_again_and_the_pack_is_the_same() {
    let target = Target::slow();
    // The children do not know the campaign; this suite runs one test at a time, and so they are its own.
    let words = |_: &Path| vec!["seeded.py".to_owned(), "python".to_owned()];
    kill_in_mid_run(&target, "child", words, &[Phase::Scoring]);
}
