//! `molsieve logs`: shows what the processes of a campaign wrote for people.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::exit_code::Exit;
use super::output::Output;
use crate::campaign::file::Campaign;
use crate::error::{Error, Result};
use crate::fs;
use crate::id::Ordinal;
use crate::layout::CampaignDir;
use crate::scorer::command::trace;

/// A line longer than this is cut off at its start.
const LINE_BYTES: u64 = 4096;
/// How much of the end of a file is searched for a record: more than a scorer's log ever holds.
const SEARCHED_BYTES: u64 = 8 << 20;

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
    /// Only the last lines of each file.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    lines: u64,
    /// Only what was noted of this record, by its ordinal: what failed, what was seen, and the command.
    #[arg(long)]
    record: Option<Ordinal>,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let campaign = Campaign::open(CampaignDir::new(&args.dir))?;
    let mut files = Vec::new();
    for path in files_of(&campaign.dir.logs())? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if args.filter.as_ref().is_none_or(|filter| name.contains(filter.as_str())) {
            let bytes = args.record.map_or(args.lines * LINE_BYTES, |_| SEARCHED_BYTES);
            let mut lines = end_of(&path, bytes)?;
            lines.retain(|line| args.record.is_none_or(|record| trace::is_of(line, record)));
            files.push((name, lines.split_off(lines.len().saturating_sub(args.lines as usize))));
        }
    }
    files.retain(|(_, lines)| !lines.is_empty());
    let facts: Vec<Value> =
        files.iter().map(|(name, lines)| serde_json::json!({"name": name, "lines": lines})).collect();
    if output.document(&serde_json::json!({"schema": "molsieve.logs.v1", "files": facts}))? {
        return Ok(Exit::Done);
    }
    if let (Some(record), []) = (args.record, files.as_slice()) {
        output.say(format!("no log says anything of record {record}"));
    }
    for (name, lines) in &files {
        output.say(format!("== {name}"));
        lines.iter().for_each(|line| output.say(sentence(line)));
    }
    Ok(Exit::Done)
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
    use super::sentence;

    #[test]
    fn a_structured_line_becomes_a_sentence_and_any_other_stays() {
        let line = r#"{"timestamp":"2026-11-20T21:33:24.5Z","level":"INFO","fields":{"message":"started","groups":3}}"#;
        assert_eq!(sentence(line), "2026-11-20T21:33:24 INFO  started  groups=3");
        assert_eq!(sentence(r#"{"schema":"x","exit":6,"what":"the disk is full"}"#), "the disk is full");
        assert_eq!(sentence("Traceback: no such module"), "Traceback: no such module");
        assert_eq!(sentence("[1, 2"), "[1, 2");
    }
}
