//! What came of all cells, as a document: docs/evidence/one-table.md.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use super::cell::plainly;
use super::engine::{Contender, Fault, first_line, molsieve};
use super::{MIDDLE, RECORDS, SIZES, Size};
use crate::clusters::stage::Stage;

/// What came of a cell.
pub struct Row {
    pub engine: &'static str,
    pub size: Size,
    pub fault: Fault,
    pub what: &'static str,
    pub proof: Vec<String>,
    /// The digest and the records, or why it failed.
    pub outcome: Result<(String, u64), String>,
    pub seconds: u64,
}

/// The table, and what stands above it.
pub struct Document {
    digest: String,
    counts: String,
    /// A line an engine.
    met: Vec<String>,
    missing: Vec<String>,
    rows: Vec<Row>,
    started: Instant,
    /// Directories that no reader needs to see.
    place: PathBuf,
}

impl Document {
    pub fn new(stage: &Stage) -> Self {
        let counts = &stage.counts;
        Self {
            digest: stage.digest.clone(),
            counts: format!("{} OK, {} SKIP, {} ERROR", counts["ok"], counts["skip"], counts["error"]),
            met: Vec::new(),
            missing: Vec::new(),
            rows: Vec::new(),
            started: Instant::now(),
            place: stage.env.path(""),
        }
    }

    /// An engine is up, after so many seconds.
    pub fn met(&mut self, engine: &dyn Contender, seconds: u64) {
        let (name, version, shape) = (engine.name(), engine.version(), engine.shape());
        self.met.push(format!("| {name} | {} | {shape} | {seconds} |", version.trim_matches('$').trim()));
    }

    /// One is not installed.
    pub fn missing(&mut self, name: &str) {
        eprintln!("  not run");
        self.missing.push(name.to_owned());
    }

    pub fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// The cells that failed.
    pub fn failed(&self) -> Vec<String> {
        let failed = self.rows.iter().filter(|row| row.outcome.is_err());
        failed.map(|row| format!("{}, {} a shard, {}", row.engine, row.size.0, row.fault.name())).collect()
    }

    /// Prints it, and writes it to the file that `MOLSIEVE_TABLE` names.
    pub fn print(&self) {
        let text = self.text();
        println!("{text}");
        if let Some(path) = std::env::var_os("MOLSIEVE_TABLE") {
            std::fs::write(&path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        }
    }

    fn text(&self) -> String {
        let failed = self.failed().len();
        let (cells, minutes) = (self.rows.len(), self.started.elapsed().as_secs().div_ceil(60));
        let faults = self.rows.iter().filter(|row| row.fault != Fault::None).count();
        let sizes: Vec<String> = SIZES.iter().map(|size| size.0.to_string()).collect();
        let verdict = match failed {
            0 => format!(
                "{cells} cells, {faults} of them with a fault that hit: one payload digest, no record unaccounted for."
            ),
            _ => format!("{failed} of {cells} cells FAILED."),
        };
        let mut text = format!(
            "# One table of all schedulers\n\nWritten by `./test --table`, as it was; [what it stands for](README.md#the-table-of-all-schedulers). {verdict}\n\n\
             - Payload digest of this machine, in one shard and without a fault: `{}`\n\
             - Records: {} of the shipped NCI structures, scored by RDKit ({}); shards of {} records\n\
             - {}, {} cores, Linux {}; {} minutes, ended {}\n\n",
            self.digest,
            RECORDS.len(),
            self.counts,
            sizes.join(", "),
            molsieve(),
            std::thread::available_parallelism().map_or(0, usize::from),
            first_line(Command::new("uname").arg("-r")).split('-').next().unwrap_or_default(),
            minutes,
            first_line(Command::new("date").args(["-u", "+%F %R UTC"])),
        );
        text += "| scheduler | version | what was up | s to come up |\n|---|---|---|---|\n";
        self.met.iter().for_each(|line| text += &format!("{line}\n"));
        self.missing.iter().for_each(|name| text += &format!("| {name} | not installed: not run | | |\n"));
        let _ = write!(
            text,
            "\nWithout a fault, with a worker killed, and stopped and resumed, every scheduler is tried at every shard size; the other \
             faults at {} records a shard, and the loss of a coordinator also with the whole library in one. \
             MPI in SLURM is tried at {} alone.\n\n\
             | scheduler | records a shard | fault | what shows that it hit | digest | records | s |\n|---|---|---|---|---|---|---|\n",
            MIDDLE.0, MIDDLE.0
        );
        self.rows.iter().for_each(|row| text += &self.line(row));
        text
    }

    fn line(&self, row: &Row) -> String {
        let Row { engine, size, what, seconds, .. } = row;
        let (digest, records) = match &row.outcome {
            Ok((digest, records)) => (if *digest == self.digest { "same" } else { "OTHER" }, records.to_string()),
            Err(why) => ("FAILED", why.lines().next().unwrap_or_default().to_owned()),
        };
        let proof = if row.proof.is_empty() { "-".to_owned() } else { row.proof.join("<br>") };
        let clean = |text: &str| plainly(text, &self.place).replace('|', "\\|");
        format!("| {engine} | {} | {what} | {} | {digest} | {} | {seconds} |\n", size.0, clean(&proof), clean(&records))
    }
}
