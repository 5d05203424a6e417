//! `molsieve library`: looks at a library, takes its snapshot, or generates one.

use std::path::PathBuf;

use clap::Subcommand;

use super::exit_code::Exit;
use super::output::Output;
use super::progress;
use crate::error::Result;
use crate::host;
use crate::library::format::{Delimiter, FileFormat, FormatRequest};
use crate::library::inspect::{self, Extent};
use crate::library::request::LibraryRequest;
use crate::library::{generate, take};

/// Records of each file that `inspect` reads unless it is to read them all.
const SAMPLED: u64 = 10_000;

/// Arguments of `library`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve library inspect 'enamine/*.cxsmiles.bz2'\n  molsieve library snapshot big.smi.gz --out big-snapshot\n  molsieve library generate --records 100000 --out test.smi"
)]
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
struct Layout {
    /// `smi`, `txt`, `cxsmiles`, `csv`, `tsv`, `sdf` or `parquet`.
    #[arg(long)]
    format: Option<FileFormat>,
    /// `tab`, `comma`, `semicolon` or `whitespace`.
    #[arg(long)]
    delimiter: Option<Delimiter>,
    /// Whether the first line names the columns.
    #[arg(long)]
    header: Option<bool>,
    /// Name or number (from 1) of the structure column.
    #[arg(long)]
    structure_column: Option<String>,
    /// Name or number (from 1) of the id column; of an SD file, the name of a data field.
    #[arg(long)]
    id_column: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Inspect {
    /// Files and globs.
    #[arg(required = true)]
    path: Vec<String>,
    /// Read all of it, not only the first records.
    #[arg(long)]
    whole: bool,
    #[command(flatten)]
    layout: Layout,
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
    layout: Layout,
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

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    match &args.command {
        Command::Inspect(args) => inspect(args, output),
        Command::Snapshot(args) => snapshot(args, output),
        Command::Generate(args) => generate(args, output),
    }
}

fn inspect(args: &Inspect, output: Output) -> Result<Exit> {
    let extent = if args.whole { Extent::Whole } else { Extent::First(SAMPLED) };
    let found = inspect::inspect(&request(&args.path, &args.layout), extent)?;
    if !output.document(&found)? {
        output.say(found.to_string());
    }
    Ok(Exit::Done)
}

fn snapshot(args: &Snapshot, output: Output) -> Result<Exit> {
    let taken = take::take(&request(&args.path, &args.layout), &args.out, host::cores(), &progress::reading(output))?;
    let facts = serde_json::json!({
        "schema": "molsieve.snapshot-facts.v1",
        "dir": args.out,
        "root": taken.root(),
        "records": taken.records(),
    });
    if !output.document(&facts)? {
        output.say(format!("{} records, root {}", taken.records(), taken.root()));
        for (name, count) in taken.counts().named().into_iter().filter(|(_, count)| *count > 0) {
            output.say(format!("{count:>12} {name}"));
        }
        output.say(format!("use it with `path = [\"{}\"]` in `[library]`", args.out.display()));
    }
    Ok(Exit::Done)
}

fn generate(args: &Generate, output: Output) -> Result<Exit> {
    generate::generate(args.records, args.seed, &args.out)?;
    output.say(format!("{} records with seed {} in `{}`", args.records, args.seed, args.out.display()));
    Ok(Exit::Done)
}

fn request(paths: &[String], layout: &Layout) -> LibraryRequest {
    let format = FormatRequest {
        format: layout.format,
        delimiter: layout.delimiter,
        header: layout.header,
        structure_column: layout.structure_column.clone(),
        id_column: layout.id_column.clone(),
    };
    LibraryRequest { format, ..LibraryRequest::of(paths) }
}
