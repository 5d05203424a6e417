//! `molsieve logs`: shows what the processes of a campaign wrote for people.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Value, json};

use super::exit_code::Exit;
use super::output::Output;
use crate::campaign::file::Campaign;
use crate::clock;
use crate::error::{Error, Result};
use crate::fs;
use crate::id::Ordinal;
use crate::journal;
use crate::layout::CampaignDir;
use crate::run::parcel::returned;
use crate::scorer::command::trace::{self, Whose};
use crate::scorer::command::translate::spec;
use crate::scorer::reason;
use crate::view::failures::{self, Failure};
use crate::view::record::{self, Fate};
use crate::view::tries;

/// Schema of what is said.
const SCHEMA: &str = "molsieve.logs.v1";
/// A line longer than this is cut off at its start.
const LINE_BYTES: u64 = 4096;
/// How much of the end of a file is searched for a record: more than a scorer's log ever holds.
const SEARCHED_BYTES: u64 = 8 << 20;
/// On a cluster, the logs of so many tasks that failed are shown, the last ones.
const FAILED_MAX: usize = 5;
/// Lines of a file that are shown, and how many where they are all of one record.
const LINES: u64 = 20;
const LINES_OF_RECORD: u64 = 200;

/// Arguments of `logs`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve logs night-1\n  molsieve logs night-1 stderr --lines 100\n  molsieve logs night-1 --record 4711"
)]
pub struct Args {
    /// The campaign directory.
    dir: PathBuf,
    /// Only the files whose names contain this.
    filter: Option<String>,
    /// Only the last lines of each file [default: 20, and 200 with --record].
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    lines: Option<u64>,
    /// What became of this record, by its ordinal, and what was noted of it: what was seen, the command, its stderr.
    #[arg(long)]
    record: Option<Ordinal>,
    /// With --record: all that was noted of records asked together with it, and not only the last of that.
    #[arg(long, requires = "record")]
    all: bool,
}

/// Lines of one file.
#[derive(Debug, Serialize)]
struct Shown {
    name: String,
    lines: Vec<String>,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let campaign = Campaign::open(CampaignDir::new(&args.dir))?;
    let mut paths = files_of(&campaign.dir.logs())?;
    // What nodes returned that share no files with us, and nobody took in yet.
    paths.extend(returned::logs(&campaign.dir));
    paths.retain(|path| args.filter.as_ref().is_none_or(|filter| name_of(path).contains(filter.as_str())));
    match args.record {
        Some(ordinal) => of_record(&campaign, &paths, ordinal, args, output),
        None => of_all(&campaign, paths, args, output),
    }
}

/// What failed, and the ends of all files; on a cluster, where there are as many as tasks, of those that say more than that all
/// went well.
fn of_all(campaign: &Campaign, mut paths: Vec<PathBuf>, args: &Args, output: Output) -> Result<Exit> {
    let lines = args.lines.unwrap_or(LINES);
    let failures = failures::failures(campaign, &journal::read(&campaign.dir)?.entries)?;
    let (all, mut are_all_failed) = (paths.len(), true);
    if campaign.file.execution.cluster.is_some() && args.filter.is_none() {
        (paths, are_all_failed) = telling(campaign, paths, &failures);
    }
    let left_out = all - paths.len();
    let mut files = Vec::new();
    for path in &paths {
        files.push(Shown { name: name_of(path), lines: last(end_of(path, lines * LINE_BYTES)?, lines) });
    }
    files.retain(|file| !file.lines.is_empty());
    if !output.document(&json!({"schema": SCHEMA, "failures": failures, "files": files, "left_out": left_out}))? {
        failures::in_words(&failures).iter().for_each(|failure| output.say(failure));
        tell(&files, output);
        if left_out > 0 {
            let dir = campaign.dir.root().display();
            let whose = if are_all_failed { ", of tasks that did not fail" } else { "" };
            output.say(format!("== and {left_out} more{whose}: `molsieve logs {dir} task-7` shows one"));
        }
    }
    Ok(Exit::Done)
}

/// Of the logs of a campaign on a cluster, those that a person wants to see: what jobs and ticks printed, the logs of the
/// last tasks that failed or of which a try did, and what their scorers said last; and whether all of which a try failed are among them.
fn telling(campaign: &Campaign, paths: Vec<PathBuf>, failures: &[Failure]) -> (Vec<PathBuf>, bool) {
    let last = failures.iter().rev().map(|failure| (failure.wave, failure.task)).take(FAILED_MAX);
    let failed: Vec<PathBuf> = last.map(|(wave, task)| campaign.dir.log(&CampaignDir::task_name(wave, task))).collect();
    let written = |path: &PathBuf| path.metadata().and_then(|m| m.modified()).ok();
    let mut stderr: Vec<PathBuf> =
        paths.iter().filter(|path| CampaignDir::is_stderr(&name_of(path))).cloned().collect();
    stderr.retain(|path| path.metadata().is_ok_and(|metadata| metadata.len() > 0));
    stderr.sort_by_key(written);
    stderr.drain(..stderr.len().saturating_sub(if failures.is_empty() { 1 } else { FAILED_MAX }));
    // Of a try that failed and that the scheduler makes good by itself, the task's own log tells alone.
    let mut tried: Vec<PathBuf> =
        paths.iter().filter(|path| CampaignDir::is_of_task(&name_of(path))).cloned().collect();
    tried.retain(|path| !tries::of_log(path).is_empty());
    tried.sort_by_key(written);
    let failing = tried.len();
    tried.drain(..failing.saturating_sub(FAILED_MAX));
    let is_wanted = |path: &PathBuf| {
        let name = name_of(path);
        let is_of_task = CampaignDir::is_of_task(&name) || CampaignDir::is_stderr(&name);
        !is_of_task || failed.contains(path) || stderr.contains(path) || tried.contains(path)
    };
    (paths.into_iter().filter(is_wanted).collect(), failing.saturating_sub(FAILED_MAX) == 0)
}

/// What became of a record, what was noted of it alone, and then what was noted of several that it may be among.
fn of_record(campaign: &Campaign, paths: &[PathBuf], ordinal: Ordinal, args: &Args, output: Output) -> Result<Exit> {
    let fate = record::fate(campaign, ordinal)?;
    let lines = args.lines.unwrap_or(LINES_OF_RECORD);
    let (mut files, mut shared) = (Vec::new(), Vec::new());
    for path in paths {
        let traces = Traces::read(path, ordinal)?;
        let together = if args.all { traces.shared } else { last_trace(traces.shared) };
        files.push(Shown { name: name_of(path), lines: last(traces.its, lines) });
        shared.push(Shown { name: name_of(path), lines: last(together, lines) });
    }
    files.append(&mut shared);
    files.retain(|file| !file.lines.is_empty());
    if !output.document(&json!({"schema": SCHEMA, "record": fate, "files": files}))? {
        output.say(sentence_of(ordinal, &fate, files.is_empty()));
        tell(&files, output);
    }
    Ok(Exit::Done)
}

/// Tells the files. Those that say the same, but for their times and names, are told once.
fn tell(files: &[Shown], output: Output) {
    for (names, lines) in alike(files) {
        output.say(format!("== {}", names.join(", ")));
        lines.iter().for_each(|line| output.say(line));
    }
}

/// The files in sentences, with the names of those that say the same.
fn alike(files: &[Shown]) -> Vec<(Vec<&str>, Vec<String>)> {
    let timeless = |lines: &[String]| lines.iter().map(|line| without_its_own(line)).collect::<Vec<_>>();
    let mut told: Vec<(Vec<&str>, Vec<String>)> = Vec::new();
    for Shown { name, lines } in files {
        let lines: Vec<String> = lines.iter().map(|line| sentence(line)).collect();
        match told.iter_mut().find(|(_, others)| timeless(others) == timeless(&lines)) {
            Some((names, _)) => names.push(name),
            None => told.push((vec![name.as_str()], lines)),
        }
    }
    told
}

/// A line without what is its own: when it was written, and by which attempt.
fn without_its_own(line: &str) -> String {
    let is_time = |word: &str| clock::of_utc(word).is_some();
    line.split(' ').filter(|word| !is_time(word) && !word.starts_with("attempt=")).collect::<Vec<_>>().join(" ")
}

fn sentence_of(ordinal: Ordinal, fate: &Fate, is_all: bool) -> String {
    let what = match fate {
        Fate::NotFinished => format!("record {ordinal}: it is not finished"),
        Fate::Archived => format!("record {ordinal}: the rows were removed when the campaign was archived"),
        Fate::Finished { id, outcome, reason } => {
            format!("record {ordinal} ({id}): {}", format!("{outcome} {reason}").trim_end())
        }
    };
    match fate {
        Fate::Finished { reason, .. } if is_all && fate.is_error() && !is_ours(reason) => {
            format!("{what}, a reason that the scorer gave; no log says more")
        }
        _ if is_all => format!("{what}; no log says more"),
        _ => what,
    }
}

/// Whether the reason is one that molsieve or a translator gives.
fn is_ours(reason: &str) -> bool {
    reason::OURS.contains(&reason) || spec::reason::ALL.contains(&reason)
}

/// What a log says of one record.
#[derive(Debug, Default)]
pub struct Traces {
    /// Of it alone.
    pub its: Vec<String>,
    /// Of several records, among which it may be.
    pub shared: Vec<String>,
}

impl Traces {
    /// What is in the last part of the file at `path` on `ordinal`.
    ///
    /// # Errors
    /// It cannot be read (exit 6).
    pub fn read(path: &Path, ordinal: Ordinal) -> Result<Self> {
        let mut traces = Self::default();
        for line in end_of(path, SEARCHED_BYTES)? {
            match trace::whose(&line, ordinal) {
                Some(Whose::Its) => traces.its.push(line),
                Some(Whose::Shared) => traces.shared.push(line),
                None => {}
            }
        }
        Ok(traces)
    }
}

/// The last trace among the lines of traces of several records, with what was said on stderr.
fn last_trace(mut lines: Vec<String>) -> Vec<String> {
    let begins = lines.iter().rposition(|line| !trace::is_said(line)).unwrap_or_default();
    lines.split_off(begins)
}

fn last(mut lines: Vec<String>, count: u64) -> Vec<String> {
    lines.split_off(lines.len().saturating_sub(count as usize))
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The regular files of `dir`, sorted; none if it is not there.
fn files_of(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = match std::fs::read_dir(dir) {
        Ok(entries) => entries.filter_map(|entry| Some(entry.ok()?.path())).collect(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(e) => return Err(Error::io("cannot list", dir, &e)),
    };
    files.retain(|path| path.symlink_metadata().is_ok_and(|m| m.is_file()));
    files.sort();
    Ok(files)
}

/// The lines in the last `bytes` of a file, however long it is.
fn end_of(path: &Path, bytes: u64) -> Result<Vec<String>> {
    let refused = |e| Error::io("cannot read", path, &e);
    let mut file = fs::open_plain(path).map_err(refused)?;
    let length = file.metadata().map_err(refused)?.len();
    let from = length.saturating_sub(bytes);
    file.seek(SeekFrom::Start(from)).map_err(refused)?;
    let mut end = Vec::new();
    file.take(bytes).read_to_end(&mut end).map_err(refused)?;
    let text = String::from_utf8_lossy(&end);
    // The first line may have lost its start.
    let whole = if from > 0 { text.split_once('\n').map_or("", |(_, rest)| rest) } else { &text };
    Ok(whole.lines().map(str::to_owned).collect())
}

/// A line of a structured log in words; any other line as it is.
fn sentence(line: &str) -> String {
    let Ok(Value::Object(entry)) = serde_json::from_str(line) else { return line.to_owned() };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if let Some(what) = entry.get("what") {
        // What a worker that failed said last.
        return text(what);
    }
    let (Some(time), Some(level), Some(Value::Object(fields))) =
        (entry.get("timestamp").and_then(Value::as_str), entry.get("level"), entry.get("fields"))
    else {
        return line.to_owned();
    };
    let day_and_time: String = time.chars().take("2026-11-20T21:33:24".len()).collect();
    let message = fields.get("message").map(text).unwrap_or_default();
    let others = fields.iter().filter(|(name, _)| *name != "message").map(|(name, v)| format!("  {name}={}", text(v)));
    format!("{day_and_time} {:<5} {message}{}", text(level), others.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_several_records_share_the_last_is_shown_with_what_was_said() {
        let [first, of, said] =
            ["0 to 9 (10 of them): died", "0 to 3 (4 of them): died", "0 to 3 (4 of them): stderr: oh"];
        let lines = [first, of, said].map(|what| format!("molsieve: records {what}"));
        assert_eq!(last_trace(lines.to_vec()), lines[1..]);
        assert_eq!(last_trace(Vec::new()), Vec::<String>::new());
    }

    #[test]
    fn a_record_without_a_trace_is_said_to_have_ended_all_the_same() {
        let fate = |outcome, reason: &str| Fate::Finished { id: "x".to_owned(), outcome, reason: reason.to_owned() };
        assert_eq!(sentence_of(7, &fate("OK", ""), true), "record 7 (x): OK; no log says more");
        assert_eq!(sentence_of(7, &fate("SKIP", "salt"), true), "record 7 (x): SKIP salt; no log says more");
        let given = "record 7 (x): ERROR odd, a reason that the scorer gave; no log says more";
        assert_eq!(sentence_of(7, &fate("ERROR", "odd"), true), given);
        assert_eq!(sentence_of(7, &fate("ERROR", "crash"), false), "record 7 (x): ERROR crash");
        assert_eq!(sentence_of(7, &Fate::NotFinished, true), "record 7: it is not finished; no log says more");
    }

    #[test]
    fn files_that_say_the_same_are_told_once() {
        let file = |name: &str, time: &str, what: &str| Shown {
            name: name.to_owned(),
            lines: vec![format!("2026-11-20T21:33:{time} ERROR failed  attempt=a{time}  what={what}")],
        };
        let files = [file("a", "01", "gone"), file("b", "02", "other"), file("c", "03", "gone")];
        let told = alike(&files);
        let names: Vec<_> = told.iter().map(|(names, _)| names.join(", ")).collect();
        assert_eq!(names, ["a, c", "b"]);
        assert_eq!(told[0].1, files[0].lines);
    }

    #[test]
    fn what_nodes_returned_is_shown_and_nothing_that_a_link_of_theirs_leads_to() {
        let temp = tempfile::tempdir().unwrap();
        let (dir, outside) = (CampaignDir::new(temp.path().join("d")), temp.path().join("outside"));
        for place in [&outside, &outside.join("logs")] {
            std::fs::create_dir(place).unwrap();
            std::fs::write(place.join("secret.log"), "secret").unwrap();
        }
        let place = |task| dir.returned_task(1, task);
        std::fs::create_dir_all(place(0).logs()).unwrap();
        std::fs::write(place(0).logs().join("a.log"), "a").unwrap();
        std::os::unix::fs::symlink(outside.join("secret.log"), place(0).logs().join("b.log")).unwrap();
        std::fs::create_dir_all(place(1).root()).unwrap();
        std::os::unix::fs::symlink(&outside, place(1).logs()).unwrap();
        std::os::unix::fs::symlink(&outside, place(2).root()).unwrap();
        assert_eq!(returned::logs(&dir), [place(0).logs().join("a.log")]);
    }

    #[test]
    fn a_structured_line_becomes_a_sentence_and_any_other_stays() {
        let line = r#"{"timestamp":"2026-11-20T21:33:24.5Z","level":"INFO","fields":{"message":"started","groups":3}}"#;
        assert_eq!(sentence(line), "2026-11-20T21:33:24 INFO  started  groups=3");
        assert_eq!(sentence(r#"{"schema":"x","exit":6,"what":"the disk is full"}"#), "the disk is full");
        assert_eq!(sentence("Traceback: no such module"), "Traceback: no such module");
        assert_eq!(sentence("[1, 2"), "[1, 2");
    }
}
