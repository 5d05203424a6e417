//! `molsieve decoys`: the look-alikes of a campaign's library as a file, all of them or those that have no score yet.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::exit_code::Exit;
use super::output::Output;
use super::values;
use super::{progress, signals};
use crate::campaign::config::Config;
use crate::campaign::precomputed;
use crate::decoys::{self, Facts, Wanted};
use crate::error::{Error, Result};
use crate::fs::scratch::Scratch;
use crate::fs::{self, Staged};
use crate::library::take;
use crate::run::plan;
use crate::scorer::builtin::precomputed as from_files;
use crate::stop::Stop;
use crate::{host, layout};

/// What stands for standard output.
const STDOUT: &str = "-";

/// Arguments of `decoys`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve decoys campaign.toml -o decoys.csv\n  molsieve decoys campaign.toml --missing -o missing.csv\n  molsieve decoys campaign.toml | head"
)]
pub struct Args {
    /// The campaign file (TOML), with a section `[decoys]`; nothing is planned or run.
    campaign: PathBuf,
    /// The file to write (a CSV file), which must be new; `-` is standard output.
    #[arg(long, short, default_value = STDOUT)]
    out: PathBuf,
    /// Only look-alikes that have no score, of records that have one: for `kind = "precomputed"`.
    #[arg(long)]
    missing: bool,
    /// How many threads [default: one a core]. The file is the same.
    #[arg(long, value_parser = values::count::<4096>)]
    threads: Option<u64>,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let to_stdout = args.out == Path::new(STDOUT);
    if to_stdout && output.is_json() {
        return Err(Error::usage("`--json` and the file cannot both go to standard output")
            .hint("say where the file goes with `-o FILE.csv`"));
    }
    if !to_stdout {
        fs::must_be_new(&args.out)?;
    }
    let (config, base) = (Config::read(&args.campaign)?, plan::base_of(&args.campaign)?);
    let section = config.decoys.as_ref().ok_or_else(|| {
        Error::usage(format!("`{}` has no section `[decoys]`", args.campaign.display())).hint(
            "it says how many look-alikes each record has and how they are made, as in `[decoys]` and `count = 20`",
        )
    })?;
    let settings = section.settings()?.to_decoys();
    let from_files = config.scorer.kind == precomputed::KIND;
    if args.missing && !from_files {
        return Err(Error::usage(format!(
            "a scorer of kind `{}` has no missing scores: it computes them",
            config.scorer.kind
        ))
        .hint("leave `--missing` out, or give the scores that are there with `kind = \"precomputed\"`"));
    }
    let loaded =
        if from_files { Some(from_files::load(&precomputed::settings(&config.scorer, &base)?)?) } else { None };
    let stop = Stop::new();
    signals::raise_on_signal(&stop, || {})?;
    let scratch = Scratch::create()?;
    let library = take::take(
        &plan::library_request(&config, &base),
        &layout::inside(scratch.path(), "library"),
        host::cores(),
        &progress::reading(output),
    )?;
    let wanted = Wanted {
        library: &library,
        seed: config.campaign.seed,
        decoys: &settings,
        scores: loaded.as_ref().map(|loaded| &loaded.scores),
        missing: args.missing,
        threads: args.threads.map_or_else(host::cores, |threads| threads as usize),
    };
    let facts = if to_stdout { print(&wanted, &stop)? } else { write(&wanted, &stop, &args.out)? };
    if !output.document(&facts)? {
        tell(&facts, &args.out, output);
    }
    Ok(Exit::Done)
}

/// Writes the file whole, or not at all.
fn write(wanted: &Wanted<'_>, stop: &Stop, out: &Path) -> Result<Facts> {
    let mut staged = Staged::create_beside(out)?;
    let facts = decoys::list(wanted, stop, |line| {
        staged.write(line)?;
        staged.write(b"\n")
    })?;
    staged.commit_to_new()?;
    Ok(facts)
}

/// Prints it. A reader that has gone away has seen enough.
fn print(wanted: &Wanted<'_>, stop: &Stop) -> Result<Facts> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    let mut is_read = true;
    let mut put = |bytes: &[u8], last: bool| {
        if !is_read {
            return Ok(());
        }
        let put = stdout.write_all(bytes).and_then(|()| if last { stdout.flush() } else { stdout.write_all(b"\n") });
        match put {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => is_read = false,
            Err(e) => return Err(Error::environment(format!("cannot write to standard output: {e}"))),
            Ok(()) => {}
        }
        Ok(())
    };
    let facts = decoys::list(wanted, stop, |line| put(line, false))?;
    put(b"", true)?;
    Ok(facts)
}

/// For a person, beside the file.
fn tell(facts: &Facts, out: &Path, output: Output) {
    let to = if out == Path::new(STDOUT) { String::new() } else { format!(" in `{}`", out.display()) };
    output.note(format!("{} different look-alikes{to}", facts.written));
    output.note(format!(
        "{} of {} records have look-alikes, {} in all",
        facts.records_with_decoys, facts.records, facts.decoys
    ));
    for (reason, records) in &facts.without {
        output.note(format!("{records:>12} records have none: {reason}"));
    }
    if let Some(coverage) = &facts.coverage {
        output.note(format!(
            "{} records have a score; of their {} look-alikes {} have one and {} do not, over {} records",
            coverage.records_scored,
            coverage.decoys,
            coverage.decoys_scored,
            coverage.decoys_missing,
            coverage.records_with_missing_decoys,
        ));
        if coverage.scores_unused > 0 {
            output.note(format!("{} scores belong to no record and no look-alike of one", coverage.scores_unused));
        }
    }
}
