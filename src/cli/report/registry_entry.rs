//! `molsieve report registry-entry`: the section of a pack in HETERO-2's registry of artefacts.

use std::path::{Path, PathBuf};

use super::sound;
use crate::cli::exit_code::Exit;
use crate::cli::output::Output;
use crate::cli::registry::export;
use crate::clock;
use crate::error::{Error, Result};
use crate::fs;
use crate::layout;
use crate::pack::hetero2::registry::{self, Release};
use crate::pack::{ARCHIVE, verify};

/// Arguments of `report registry-entry`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve report registry-entry night-1 --tag value-ring-suite-2026-11-29\n  molsieve report registry-entry evidence_pack.zip --tag pilot-2026-11-29 --url https://host/evidence_pack.zip --lineage 'VALUE-M1: ring suite'\n\nIt prints Markdown to be appended to `artefacts_registry.md`, and with `--lineage` to the lineage. What only you know\n(commit, address) stands in it if you say it."
)]
pub struct Args {
    /// The pack: a zip, its directory, or the directory of its campaign.
    pack: PathBuf,
    /// The tag of the release.
    #[arg(long)]
    tag: String,
    /// The commit of the sources.
    #[arg(long, value_name = "40HEX", value_parser = commit)]
    commit: Option<String>,
    /// Where the pack is to be had.
    #[arg(long)]
    url: Option<String>,
    /// Also write its entry in the lineage, with this title.
    #[arg(long, value_name = "TITLE")]
    lineage: Option<String>,
    /// The day of that entry, as `2026-11-29` [default: today, UTC].
    #[arg(long, requires = "lineage", value_parser = day)]
    date: Option<String>,
    /// Where it goes, which must be new [default: standard output].
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let (path, manifest) = sound::open(&args.pack)?;
    let today = || clock::rfc3339(clock::unix_ms()).chars().take(10).collect();
    let release = Release {
        tag: args.tag.clone(),
        commit: args.commit.clone(),
        url: args.url.clone(),
        asset: asset(&path)?,
        lineage: args.lineage.clone().map(|title| (title, args.date.clone().unwrap_or_else(today))),
    };
    let text = registry::render(&manifest, &release, &mut |each| verify::each_line(&path, |line| each(line)))?;
    let facts = serde_json::json!({"schema": "molsieve.registry-section.v1", "tag": args.tag, "markdown": text});
    if args.out.is_some() || !output.document(&facts)? {
        export(&text, args.out.as_deref(), output)?;
    }
    Ok(Exit::Done)
}

/// The archive of the pack and its SHA-256, as registries write it.
fn asset(pack: &Path) -> Result<Option<(String, String)>> {
    let archive = if pack.is_dir() { layout::inside(pack, ARCHIVE) } else { pack.to_path_buf() };
    if !archive.is_file() {
        return Ok(None);
    }
    let name = archive.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| Error::usage(format!("the name of `{}` is not text", archive.display())))?;
    let (sha256, _) = fs::sha256_input(&archive)?;
    Ok(Some((name.to_owned(), sha256.to_string().to_ascii_uppercase())))
}

pub(in crate::cli) fn commit(text: &str) -> Result<String, String> {
    let is_hex = text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if is_hex { Ok(text.to_ascii_lowercase()) } else { Err("give the 40 hex digits of a commit".to_owned()) }
}

pub(in crate::cli) fn day(text: &str) -> Result<String, String> {
    let digits = |part: &str, n: usize| part.len() == n && part.bytes().all(|b| b.is_ascii_digit());
    match text.split('-').collect::<Vec<_>>().as_slice() {
        [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2) => Ok(text.to_owned()),
        _ => Err("give a day as `2026-11-29`".to_owned()),
    }
}
