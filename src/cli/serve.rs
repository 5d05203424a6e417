//! `molsieve serve-remote`: the far end of `--on`, at the end of one ssh channel. Not for people.

use std::path::PathBuf;

use super::exit_code::Exit;
use super::place;
use crate::error::Result;
use crate::remote::serve;

/// Arguments of `serve-remote`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The directory in which everything lies.
    #[arg(long)]
    root: PathBuf,
}

/// Runs it.
///
/// # Errors
/// As [`serve::serve`].
pub fn run(args: &Args) -> Result<Exit> {
    serve::serve(&args.root, &place::this_program()?, std::io::stdin(), std::io::stdout())?;
    Ok(Exit::Done)
}
