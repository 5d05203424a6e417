//! `molsieve archive`: what answers questions later, in one file; the bulky rest may go.

use std::path::{Path, PathBuf};

use super::exit_code::Exit;
use super::output::Output;
use crate::campaign::file::Campaign;
use crate::error::{Error, Result};
use crate::housekeeping::archive;
use crate::layout::CampaignDir;
use crate::units;

/// What an archive is: a tar, compressed with zstd. `tar` and people go by the name.
const ENDING: &str = ".tar.zst";

/// Arguments of `archive`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve archive night-1\n  molsieve archive night-1 --out /archive/ --remove-rows\n  tar --zstd -tf night-1.tar.zst"
)]
pub struct Args {
    /// The directory of a finished campaign.
    dir: PathBuf,
    /// The archive, which ends in `.tar.zst`, or an existing directory for it [default: the campaign directory's name and `.tar.zst`, beside it].
    #[arg(long)]
    out: Option<PathBuf>,
    /// Afterwards, remove the rows of the task groups: they are in the pack. Kept files stay: they are not.
    #[arg(long)]
    remove_rows: bool,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let campaign = Campaign::open(super::place::absolute(&CampaignDir::new(&args.dir))?)?;
    let out = match &args.out {
        Some(dir) if dir.is_dir() => dir.join(file_name(campaign.dir.root())),
        Some(file) => file.clone(),
        None => campaign.dir.root().with_file_name(file_name(campaign.dir.root())),
    };
    if !out.to_str().is_some_and(|name| name.ends_with(ENDING)) {
        return Err(Error::usage(format!("`{}` does not end in `{ENDING}`, which an archive is", out.display()))
            .hint(format!("write `--out NAME{ENDING}`, or name a directory that is there")));
    }
    let archived = archive::archive(&campaign, &out, args.remove_rows)?;
    let facts = serde_json::json!({
        "schema": "molsieve.archive.v1",
        "archive": archived.path,
        "bytes": archived.bytes,
        "sha256": archived.sha256,
        "members": archived.members,
        "freed": archived.freed,
        "kept_archives": archived.kept_archives,
        "kept_bytes": archived.kept_bytes,
    });
    if !output.document(&facts)? {
        let size = units::bytes(archived.bytes);
        output.say(format!("{} files in {size}: {}", archived.members, archived.path.display()));
        output.say(format!("sha256   {}", archived.sha256));
        if archived.kept_archives > 0 {
            let (archives, size) = (archived.kept_archives, units::bytes(archived.kept_bytes));
            output.say(format!("{archives} archives of kept files ({size}) are in it, and stay where they are"));
        }
        if args.remove_rows {
            output.say(format!("{} freed; the pack stays where it is", units::bytes(archived.freed)));
        }
    }
    Ok(Exit::Done)
}

fn file_name(dir: &Path) -> String {
    format!("{}{ENDING}", dir.file_name().and_then(|name| name.to_str()).unwrap_or("campaign"))
}
