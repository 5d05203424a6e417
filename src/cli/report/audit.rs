//! `molsieve report audit`: what HETERO-2's audit says of one record.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use super::sound;
use crate::cli::exit_code::Exit;
use crate::cli::output::Output;
use crate::cli::values;
use crate::error::{Error, Result};
use crate::id::Ordinal;
use crate::pack::hetero2::audit;
use crate::pack::prove::Asked;

/// Arguments of `report audit`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve report audit night-1 --id ZINC000012345678\n  molsieve report audit evidence_pack.zip --ordinal 7\n\nIt prints a document of the contract hetero_audit.v2 (docs/formats/hetero2.md), with `--json` on one line.",
    group = clap::ArgGroup::new("which").required(true).args(["id", "ordinal"])
)]
pub struct Args {
    /// The pack: a zip, its directory, or the directory of its campaign.
    pack: PathBuf,
    /// The id of the record.
    #[arg(long)]
    id: Option<OsString>,
    /// The ordinal of the record.
    #[arg(long, value_parser = values::ordinal)]
    ordinal: Option<Ordinal>,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let asked = match (&args.id, args.ordinal) {
        (Some(id), _) => Asked::Id(id.clone().into_vec()),
        (None, Some(ordinal)) => Asked::Ordinal(ordinal),
        (None, None) => return Err(Error::bug("the audit of no record was asked for")),
    };
    let (path, manifest) = sound::open(&args.pack)?;
    let document = audit::of(&path, &manifest, &asked)?;
    if !output.document(&document)? {
        let text = serde_json::to_string_pretty(&document);
        output.say(text.map_err(|e| Error::bug(format!("the document has no JSON form: {e}")))?);
    }
    Ok(Exit::Done)
}
