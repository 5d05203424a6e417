//! `molsieve library`: looks at a library, takes its snapshot, or generates one.

use std::path::PathBuf;

use clap::Subcommand;

use super::exit_code::Exit;
use super::output::Output;
use crate::error::Result;

/// Arguments of `library`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what molsieve sees in library files: format, columns, first records.
    Inspect(Inspect),
    /// Take a snapshot: count, digest and index, once for many campaigns.
    Snapshot(Snapshot),
    /// Write a library of any size, the same for the same seed; for tests and benches.
    Generate(Generate),
}

/// How the files are read, where sniffing is not to decide.
#[derive(Debug, clap::Args)]
struct Format {
    /// `smi`, `cxsmiles`, `csv` or `tsv`.
    #[arg(long)]
    format: Option<String>,
    /// `tab`, `comma`, `space`, or one character.
    #[arg(long)]
    delimiter: Option<String>,
    /// Whether the first line names the columns.
    #[arg(long)]
    header: Option<bool>,
    /// Name or number (from 1) of the structure column.
    #[arg(long)]
    structure_column: Option<String>,
    /// Name or number (from 1) of the id column.
    #[arg(long)]
    id_column: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Inspect {
    /// Files and globs.
    #[arg(required = true)]
    path: Vec<String>,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, clap::Args)]
struct Snapshot {
    /// Files and globs.
    #[arg(required = true)]
    path: Vec<String>,
    /// The directory of the snapshot.
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, clap::Args)]
struct Generate {
    /// How many records.
    #[arg(long)]
    records: u64,
    /// The seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The file to write.
    #[arg(long)]
    out: PathBuf,
}
