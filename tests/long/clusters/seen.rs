//! What is seen of a campaign on a cluster: its elements in the queue, and the events of its journal.

use std::path::Path;

use serde_json::Value;

use super::slurm::Slurm;

/// The columns that are asked for, and their widths.
const COLUMNS: &str = "ArrayJobID:16,ArrayTaskID:16,State:20,exit_code:12,RestartCnt:12,NodeList:40";

/// An element of an array, or a job that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// `job_index`; the job alone if it is no array.
    pub id: String,
    /// SLURM's word.
    pub state: String,
    /// The exit code, if it has ended by itself.
    pub exit: u32,
    /// How often it was put back into the queue.
    pub restarts: u32,
    /// Where it runs, or ran last.
    pub node: String,
}

impl Element {
    pub fn runs(&self) -> bool {
        self.state == "RUNNING"
    }

    /// For the table of evidence.
    pub fn describe(&self) -> String {
        let node = if self.node.is_empty() { String::new() } else { format!(" on {}", self.node) };
        let exit = if self.exit == 0 { String::new() } else { format!(" exit {}", self.exit) };
        let again = if self.restarts == 0 { String::new() } else { format!(", restart {}", self.restarts) };
        format!("{} {}{exit}{node}{again}", self.id, self.state)
    }
}

/// All elements of `jobs` that the queue still knows, ended ones too; none while nobody answers.
pub fn elements(slurm: &Slurm, jobs: &[String]) -> Vec<Element> {
    if jobs.is_empty() {
        return Vec::new();
    }
    let mut command = slurm.command("squeue");
    command
        .args(["--noheader", "--array", "--states=all", "--Format", COLUMNS])
        .arg(format!("--jobs={}", jobs.join(",")));
    let said = command.output().unwrap();
    String::from_utf8_lossy(&said.stdout).lines().filter_map(element).collect()
}

fn element(line: &str) -> Option<Element> {
    let cell = |from: usize, width: usize| line.get(from..line.len().min(from + width)).unwrap_or("").trim();
    let (job, index) = (cell(0, 16), cell(16, 16));
    let id = if index == "N/A" { job.to_owned() } else { format!("{job}_{index}") };
    // A raw wait status: the exit code is its second byte.
    let status: u32 = cell(52, 12).parse().ok()?;
    let node = cell(76, 40).to_owned();
    Some(Element { id, state: cell(32, 20).to_owned(), exit: status >> 8, restarts: cell(64, 12).parse().ok()?, node })
}

/// The events of the journal in `dir`, in the order of their writers.
pub fn events(dir: &Path) -> Vec<Value> {
    let Ok(segments) = std::fs::read_dir(dir.join("journal")) else { return Vec::new() };
    let mut paths: Vec<_> = segments.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let text: String = paths.iter().map(|path| std::fs::read_to_string(path).unwrap_or_default()).collect();
    // A line that is being written has no end yet.
    let entries = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    entries.map(|entry| entry["event"].clone()).collect()
}

/// The events of one kind.
pub fn events_of(dir: &Path, kind: &str) -> Vec<Value> {
    events(dir).into_iter().filter(|event| event["kind"] == kind).collect()
}

/// The jobs that the journal names in events of `kind`.
pub fn jobs(dir: &Path, kind: &str) -> Vec<String> {
    let mut jobs: Vec<String> =
        events_of(dir, kind).iter().filter_map(|event| event["job"].as_str().map(str::to_owned)).collect();
    jobs.dedup();
    jobs
}

/// Lines of the logs of all workers that hold `text`.
pub fn log_lines(dir: &Path, text: &str) -> usize {
    let Ok(logs) = std::fs::read_dir(dir.join("logs")) else { return 0 };
    let read = logs.flatten().map(|entry| std::fs::read_to_string(entry.path()).unwrap_or_default());
    read.map(|log| log.lines().filter(|line| line.contains(text)).count()).sum()
}

/// The files of all task groups with this ending.
pub fn group_files(groups: &Path, ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    for group in std::fs::read_dir(groups).into_iter().flatten().flatten() {
        for file in std::fs::read_dir(group.path()).into_iter().flatten().flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            if name.ends_with(ending) {
                found.push(format!("{}/{name}", group.file_name().to_string_lossy()));
            }
        }
    }
    found.sort();
    found
}
