//! `molsieve report hetero2`: a pack as an evidence pack of HETERO-2.

use std::path::PathBuf;

use super::sound;
use crate::cli::exit_code::Exit;
use crate::cli::output::Output;
use crate::error::Result;
use crate::fs::{self, Staged};
use crate::pack::hetero2;

/// Arguments of `report hetero2`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  molsieve report hetero2 night-1 --out hetero2.zip\n\nThe bytes are those of `hetero2.zip` in a pack whose campaign says `export = [\"hetero2\"]`. The pack is checked first,\nall of it, but not who signed it: `molsieve verify --key` does that."
)]
pub struct Args {
    /// The pack: a zip, its directory, or the directory of its campaign.
    pack: PathBuf,
    /// The archive to write, which must be new.
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    fs::must_be_new(&args.out)?;
    let (path, manifest) = sound::open(&args.pack)?;
    let mut staged = Staged::create_beside(&args.out)?;
    hetero2::export(&path, &manifest, &mut staged)?;
    staged.commit_to_new()?;
    let (sha256, bytes) = fs::sha256_input(&args.out)?;
    let facts = serde_json::json!({
        "schema": "molsieve.hetero2-export.v1",
        "out": args.out,
        "format": hetero2::SCHEMA,
        "rows": manifest.payload.rows,
        "bytes": bytes,
        "sha256": sha256,
        "payload_digest": manifest.payload.digest,
    });
    if !output.document(&facts)? {
        output.say(format!("{} records in `{}`, sha256 {sha256}", manifest.payload.rows, args.out.display()));
    }
    Ok(Exit::Done)
}
