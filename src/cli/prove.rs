//! `molsieve prove`: proves that one row is in a pack, and checks such a proof.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::exit_code::Exit;
use super::output::Output;
use super::values;
use super::verify::pack_at;
use crate::error::{Error, Result};
use crate::fs;
use crate::id::Ordinal;
use crate::pack::keys::PublicKey;
use crate::pack::prove::{self, Asked, Proof, Trusted};

/// Arguments of `prove`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve prove night-1 --id ZINC000012345678 --out proof.json\n  molsieve prove --check proof.json --attestation attestation.dsse.json --key signer.pub.pem\n  molsieve prove --check proof.json --digest sha256:9f86… --rows 100000",
    group = clap::ArgGroup::new("what").required(true).args(["id", "ordinal", "check"])
)]
pub struct Args {
    /// The pack: a zip, its directory, or the directory of its campaign.
    #[arg(required_unless_present = "check", conflicts_with = "check")]
    pack: Option<PathBuf>,
    /// The id of the record whose row is proven.
    #[arg(long)]
    id: Option<OsString>,
    /// The ordinal of the record whose row is proven.
    #[arg(long, value_parser = values::ordinal)]
    ordinal: Option<Ordinal>,
    /// Where the proof goes [default: standard output].
    #[arg(long, conflicts_with = "check")]
    out: Option<PathBuf>,
    /// Check this proof. Nothing else is needed.
    #[arg(long, value_name = "PROOF")]
    check: Option<PathBuf>,
    /// The attestation of the pack: what the key signed is what the proof is compared with.
    #[arg(long, requires = "check", requires = "key", conflicts_with = "digest")]
    attestation: Option<PathBuf>,
    /// The public key (SPKI PEM) that you trust; may be given several times.
    #[arg(long, requires = "attestation")]
    key: Vec<PathBuf>,
    /// The payload digest that you trust, from a verified pack.
    #[arg(long, requires = "check")]
    digest: Option<String>,
    /// How many rows that payload has.
    #[arg(long, requires = "digest")]
    rows: Option<u64>,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    if let Some(path) = &args.check {
        return check(path, trusted(args)?.as_ref(), output);
    }
    let asked = match (&args.id, args.ordinal) {
        (Some(id), _) => Asked::Id(id.clone().into_vec()),
        (None, Some(ordinal)) => Asked::Ordinal(ordinal),
        (None, None) => return Err(Error::bug("a proof of no row was asked for")),
    };
    let pack = args.pack.as_deref().unwrap_or(Path::new("."));
    args.out.as_deref().map_or(Ok(()), fs::must_be_new)?;
    let proof = prove::prove(&pack_at(pack)?, &asked)?;
    let bytes = proof.to_bytes()?;
    args.out.as_deref().map_or(Ok(()), |out| fs::put_new(out, &bytes))?;
    match &args.out {
        Some(out) if !output.document(&proof)? => {
            output.say(format!("proven: leaf {} of {}: {}", proof.row.leaf_index, proof.tree_size, proof.row.line));
            output.say(format!("payload  {}", proof.payload_digest));
            output.say(format!("proof    {}", out.display()));
        }
        None if !output.document(&proof)? => output.say(String::from_utf8_lossy(&bytes).trim_end()),
        _ => {}
    }
    Ok(Exit::Done)
}

/// What the proof is compared with, if anything was given.
fn trusted(args: &Args) -> Result<Option<Trusted>> {
    if let Some(attestation) = &args.attestation {
        let keys = args.key.iter().map(|path| PublicKey::load(path)).collect::<Result<Vec<_>>>()?;
        return Trusted::attested(attestation, &keys).map(Some);
    }
    args.digest.as_deref().map(|digest| Trusted::stated(digest, args.rows)).transpose()
}

fn check(path: &Path, trusted: Option<&Trusted>, output: Output) -> Result<Exit> {
    let proof = Proof::load(path)?;
    proof.check(trusted)?;
    let rows = trusted.and_then(|trusted| trusted.rows);
    let facts = serde_json::json!({
        "schema": "molsieve.proof-check.v1",
        "holds": true,
        "trusted": trusted.is_some(),
        "rows": rows,
        "payload_digest": proof.payload_digest,
        "pack_digest": proof.pack_digest,
        "header": proof.header.line,
        "row": proof.row.line,
    });
    if output.document(&facts)? {
        return Ok(Exit::Done);
    }
    output.say(if trusted.is_some() {
        "PROVEN: this row is in the payload that you trust"
    } else {
        "HOLDS: this row is in the payload named below; compare that digest with one that you trust"
    });
    output.say(format!("  {}", proof.header.line));
    output.say(format!("  {}", proof.row.line));
    output.say(format!("  payload  {}", proof.payload_digest));
    if let Some(rows) = rows {
        output.say(format!("  row      {} of {rows}", proof.row.leaf_index));
    }
    Ok(Exit::Done)
}
