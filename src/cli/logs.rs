//! `molsieve logs`: shows what the processes of a campaign wrote for people.

use std::io::Write;
use std::path::PathBuf;

use super::exit_code::Exit;
use super::output::Output;
use crate::campaign::file::Campaign;
use crate::error::{Error, Result};
use crate::layout::CampaignDir;

/// Arguments of `logs`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The campaign directory.
    dir: PathBuf,
    /// Only the files whose names contain this.
    filter: Option<String>,
    /// Only the last lines of each file.
    #[arg(long, default_value_t = 20)]
    lines: usize,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let campaign = Campaign::open(CampaignDir::new(&args.dir))?;
    let logs = campaign.dir.logs();
    let mut files: Vec<PathBuf> = match std::fs::read_dir(&logs) {
        Ok(entries) => entries.filter_map(|entry| Some(entry.ok()?.path())).collect(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(e) => return Err(Error::io("cannot list", &logs, &e)),
    };
    files.sort();
    let wanted = |path: &&PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        args.filter.as_ref().is_none_or(|filter| name.contains(filter.as_str()))
    };
    for path in files.iter().filter(wanted) {
        let bytes = std::fs::read(path).map_err(|e| Error::io("cannot read", path, &e))?;
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        if lines.is_empty() {
            continue;
        }
        output.say(format!("== {}", path.file_name().unwrap_or_default().to_string_lossy()));
        for line in &lines[lines.len().saturating_sub(args.lines)..] {
            output.say(line);
        }
    }
    let _ = std::io::stdout().flush();
    Ok(Exit::Done)
}
