//! A place of its own for each test: a temporary directory, a campaign file, and the program.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

#[path = "watchdog.rs"]
pub mod watchdog;

use watchdog::Place;

/// The program under test.
pub const MOLSIEVE: &str = env!("CARGO_BIN_EXE_molsieve");

/// A directory that goes away with the test.
pub struct TestEnv {
    // Dropped first: it fails the test of what was too slow.
    _place: Place,
    temp: tempfile::TempDir,
}

impl TestEnv {
    pub fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        Self { _place: Place::of(temp.path()), temp }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The program, with arguments, in this place.
    pub fn molsieve<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Run {
        Run(self.command(args).output().unwrap())
    }

    pub fn command<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(MOLSIEVE);
        command.args(args).current_dir(self.temp.path()).stdin(Stdio::null());
        command.env("MOLSIEVE_HOME", self.path("home")).env_remove("MOLSIEVE_FAULT");
        command
    }

    /// A campaign called `name`, in `name.toml`.
    pub fn campaign(&self, name: &str) -> CampaignText<'_> {
        CampaignText {
            env: self,
            name: name.to_owned(),
            seed: 1,
            library: "library.smi".to_owned(),
            format: String::new(),
            scorer: "kind = \"null\"".to_owned(),
            shards: "records = 64".to_owned(),
            rest: String::new(),
        }
    }

    /// A library of `records` small real structures, called `library.smi`.
    pub fn small_library(&self, records: usize) -> PathBuf {
        self.write("library.smi", small_library(records))
    }

    /// Facts that a command prints with `--json`.
    pub fn facts<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> serde_json::Value {
        let mut all = vec!["--json"];
        all.extend(args);
        let run = self.molsieve(all);
        serde_json::from_slice(&run.0.stdout).unwrap_or_else(|e| panic!("no facts ({e}): {run}"))
    }

    /// The payload digest of the pack in `dir`, as `verify` recomputes it from the rows.
    pub fn payload_of(&self, dir: &str) -> String {
        let facts = self.facts(["verify", "--allow-unsigned", &format!("{dir}/pack")]);
        assert_eq!(facts["verified"], true, "{facts}");
        facts["payload_digest"].as_str().unwrap().to_owned()
    }

    /// The archives of kept files of the campaign in `dir`, by task group.
    pub fn kept_archives(&self, dir: &str) -> BTreeMap<String, PathBuf> {
        let mut found = BTreeMap::new();
        for group in std::fs::read_dir(self.path(dir).join("groups")).unwrap().flatten() {
            for entry in std::fs::read_dir(group.path()).unwrap().flatten() {
                if entry.file_name().to_str().unwrap().ends_with(".files.zip") {
                    let name = group.file_name().into_string().unwrap();
                    assert!(found.insert(name, entry.path()).is_none(), "two archives in one task group");
                }
            }
        }
        found
    }

    /// The bytes of the archives that receipts name, by task group: a worker that died may have left another.
    pub fn kept_that_counts(&self, dir: &str) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        for group in std::fs::read_dir(self.path(dir).join("groups")).unwrap().flatten() {
            for entry in std::fs::read_dir(group.path()).unwrap().flatten() {
                let name = entry.file_name().into_string().unwrap();
                if let Some(attempt) = name.strip_suffix(".receipt.json") {
                    let archive = group.path().join(format!("{attempt}.files.zip"));
                    found.insert(group.file_name().into_string().unwrap(), std::fs::read(archive).unwrap());
                }
            }
        }
        found
    }
}

/// `records` structures with ids, from the shipped ones.
pub fn small_library(records: usize) -> String {
    include_str!("../../data/nci_first_5k.smi").lines().take(records).map(|line| format!("{line}\n")).collect()
}

/// What a run of the program left.
pub struct Run(pub Output);

impl Run {
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.0.status.code(), Some(code), "{self}");
        self
    }

    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    /// The error message says `text`.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr().contains(text) || self.stdout().contains(text), "`{text}` is not in: {self}");
        self
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}\n{}{}", self.0.status.code(), self.stdout(), self.stderr())
    }
}

/// A campaign file in the making.
pub struct CampaignText<'a> {
    env: &'a TestEnv,
    name: String,
    seed: u64,
    library: String,
    format: String,
    scorer: String,
    shards: String,
    rest: String,
}

impl CampaignText<'_> {
    pub fn library(mut self, path: &str) -> Self {
        path.clone_into(&mut self.library);
        self
    }

    /// Further lines of `[library]`.
    pub fn library_format(mut self, lines: &str) -> Self {
        lines.clone_into(&mut self.format);
        self
    }

    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    pub fn shard(self, records: u64) -> Self {
        self.shards(&format!("records = {records}"))
    }

    /// The lines of `[shards]`.
    pub fn shards(mut self, lines: &str) -> Self {
        lines.clone_into(&mut self.shards);
        self
    }

    /// The lines of `[scorer]`.
    pub fn scorer(mut self, lines: &str) -> Self {
        lines.clone_into(&mut self.scorer);
        self
    }

    /// A Python script of the test corpus, spoken to in `jsonl`.
    pub fn python(self, script: &Path, args: &[&str]) -> Self {
        let mut argv = vec![format!("{:?}", python()), format!("{:?}", script.display().to_string())];
        argv.extend(args.iter().map(|arg| format!("{arg:?}")));
        let lines = format!("kind = \"command\"\nprotocol = \"jsonl\"\nargv = [{}]", argv.join(", "));
        self.scorer(&lines)
    }

    /// Further sections.
    pub fn with(mut self, text: &str) -> Self {
        self.rest.push_str(text);
        self.rest.push('\n');
        self
    }

    /// Writes it; the name of the file.
    pub fn write(self) -> String {
        let file = format!("{}.toml", self.name);
        let text = format!(
            "[campaign]\nname = \"{}\"\nseed = {}\n[library]\npath = [\"{}\"]\n{}\n[scorer]\n{}\n[shards]\n{}\n{}",
            self.name, self.seed, self.library, self.format, self.scorer, self.shards, self.rest
        );
        self.env.write(&file, text);
        file
    }
}

/// The Python of the project's own environment if it is there, else the system's.
pub fn python() -> String {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python");
    if own.exists() { own.display().to_string() } else { "python3".to_owned() }
}

/// How many records are finished, by the facts of `status`.
pub fn finished(facts: &serde_json::Value) -> u64 {
    ["ok", "skip", "error"].iter().map(|key| facts["records"][key].as_u64().unwrap()).sum()
}

/// A file of the project.
pub fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Process ids whose command line holds all of `words`.
pub fn processes(words: &[&str]) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if words.iter().all(|word| line.contains(word)) {
            found.push(pid);
        }
    }
    found
}
