//! `molsieve report proxy-truth`: labels that a rule makes, where nothing was measured yet.

use std::path::{Path, PathBuf};

use crate::campaign::file::Campaign;
use crate::cli::exit_code::Exit;
use crate::cli::output::Output;
use crate::error::{Error, Result};
use crate::fs;
use crate::layout::{CampaignDir, SnapshotDir};
use crate::library::snapshot::Snapshot;
use crate::lift::proxy;

/// Schema of the facts.
const SCHEMA: &str = "molsieve.proxy-truth.v1";

/// Arguments of `report proxy-truth`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  molsieve report proxy-truth night-1 --out proxy.csv")]
pub struct Args {
    /// The directory of a campaign or of a library snapshot: its records get labels.
    library: PathBuf,
    /// The table to write, which must be new: CSV, customer_truth.v1, with the source proxy_rule_v1.
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    fs::must_be_new(&args.out)?;
    let written = proxy::write(&snapshot(&args.library)?, &args.out)?;
    let facts = serde_json::json!({
        "schema": SCHEMA,
        "out": args.out,
        "source": proxy::SOURCE,
        "labels": written.labels,
        "hits": written.hits,
        "left_out": written.left_out,
    });
    if !output.document(&facts)? {
        output.say(format!(
            "{} labels, {} of them PASS, in `{}`: a rule made them (`{}`), they stand for no measurement",
            written.labels,
            written.hits,
            args.out.display(),
            proxy::SOURCE
        ));
        if written.left_out > 0 {
            output.note(format!("{} records have no structure or no text, and got no label", written.left_out));
        }
    }
    Ok(Exit::Done)
}

/// The snapshot that `path` stands for: that of a campaign, or itself.
fn snapshot(path: &Path) -> Result<Snapshot> {
    let dir = CampaignDir::new(path);
    if dir.campaign().is_file() {
        let campaign = Campaign::open(dir)?;
        return Snapshot::open(&campaign.dir.library_named(&campaign.file.execution.library));
    }
    if !SnapshotDir::new(path).snapshot().is_file() {
        return Err(Error::usage(format!("`{}` is neither a campaign nor a library snapshot", path.display()))
            .hint("give the directory of a campaign, or of what `molsieve library snapshot` took"));
    }
    Snapshot::open(path)
}
