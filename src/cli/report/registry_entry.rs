//! `molsieve report registry-entry`: the section of a pack in HETERO-2's registry of artefacts.

use std::path::{Path, PathBuf};

use crate::cli::exit_code::Exit;
use crate::cli::output::Output;
use crate::cli::registry::export;
use crate::cli::values;
use crate::cli::verify::pack_at;
use crate::clock;
use crate::error::{Error, Result};
use crate::fs;
use crate::layout;
use crate::pack::ARCHIVE;
use crate::pack::verify::{self, Trust};
use crate::suite::document::Release;
use crate::suite::pages;
use crate::suite::variant::Variant;

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
    #[arg(long, value_name = "40HEX", value_parser = values::commit)]
    commit: Option<String>,
    /// Where the pack is to be had: the address of the file, or what its name is appended to.
    #[arg(long)]
    url: Option<String>,
    /// Also write its entry in the lineage, with this title.
    #[arg(long, value_name = "TITLE")]
    lineage: Option<String>,
    /// The day of that entry, as `2026-11-29` [default: today, UTC].
    #[arg(long, requires = "lineage", value_parser = values::day)]
    date: Option<String>,
    /// Where it goes, which must be new [default: standard output].
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    args.out.as_deref().map_or(Ok(()), fs::must_be_new)?;
    let release = Release {
        tag: args.tag.clone(),
        date: args.date.clone().unwrap_or_else(clock::today),
        commit: args.commit.clone(),
        url: args.url.clone(),
    };
    release.check()?;
    let archive = archive(&pack_at(&args.pack)?)?;
    let (report, manifest) = verify::sound(&archive, &Trust::integrity())?;
    let variant = Variant::of(&manifest.campaign.name, &archive, report.pack_digest, &manifest)?;
    let text = pages::of_pack(&release, &variant, args.lineage.as_deref())?;
    let facts = serde_json::json!({"schema": "molsieve.registry-section.v1", "tag": args.tag, "markdown": text});
    if args.out.is_some() || !output.document(&facts)? {
        export(&text, args.out.as_deref(), output)?;
    }
    Ok(Exit::Done)
}

/// The archive of the pack: registries name a file, and its SHA-256.
fn archive(pack: &Path) -> Result<PathBuf> {
    let archive = if pack.is_dir() { layout::inside(pack, ARCHIVE) } else { pack.to_path_buf() };
    if archive.is_file() {
        return Ok(archive);
    }
    Err(Error::usage(format!("`{}` has no `{ARCHIVE}`, and a registry names a file", pack.display()))
        .hint("give the archive that the pack was unpacked from"))
}
