//! `molsieve keygen`: makes a key pair for signing.

use std::path::PathBuf;

use super::exit_code::Exit;
use super::output::Output;
use crate::error::Result;
use crate::pack::keys;

/// Arguments of `keygen`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  molsieve keygen --out me.pem")]
pub struct Args {
    /// The private key's file, such as `K.pem`; the public one goes to `K.pub.pem`.
    #[arg(long)]
    out: PathBuf,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let (public_path, public) = keys::generate(&args.out)?;
    let facts = serde_json::json!({
        "schema": "molsieve.keygen.v1",
        "private": args.out,
        "public": public_path,
        "keyid": public.keyid(),
    });
    if !output.document(&facts)? {
        output.say(format!("private key  {} (keep it; it never leaves this machine)", args.out.display()));
        output.say(format!("public key   {} (give it to whoever verifies)", public_path.display()));
        output.say(format!("key id       {}", public.keyid()));
    }
    Ok(Exit::Done)
}
