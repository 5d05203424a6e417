//! `molsieve doctor [DIR]`: this machine, and the file system of a directory.

use std::path::{Path, PathBuf};

use crate::cli::exit_code::Exit;
use crate::cli::output::Output;
use crate::cli::place;
use crate::doctor::tools::{self, Tool};
use crate::doctor::{Finding, Verdict, disk, limits};
use crate::error::{Error, Kind, Result};
use crate::host;
use crate::run::launch::launched::RANK_PROGRAM;
use crate::scheduler;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where campaigns would lie.
    #[arg(default_value = ".")]
    pub(super) dir: PathBuf,
}

impl Args {
    /// The directory, which must be there.
    pub(super) fn place(&self) -> Result<&Path> {
        if !self.dir.is_dir() {
            return Err(Error::usage(format!("there is no directory `{}`", self.dir.display()))
                .hint("give the directory where campaigns would lie"));
        }
        Ok(&self.dir)
    }
}

/// Runs it: exit 6 if a campaign would fail here.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let mut found = disk::check(args.place()?)?;
    found.extend(limits::check());
    found.extend(tools::check(scheduler::all().map(|(_, binding)| Tool {
        kind: binding.product(),
        programs: binding.programs(),
        without: binding.without_programs(),
    })));
    let rank_program = place::this_program()?.with_file_name(RANK_PROGRAM);
    found.push(tools::rank_program(&rank_program, env!("CARGO_PKG_VERSION")));
    let worst = found.iter().map(|f| f.verdict).max();
    let facts = serde_json::json!({
        "schema": "molsieve.doctor.v1",
        "dir": args.dir,
        "host": host::name(),
        "molsieve": env!("CARGO_PKG_VERSION"),
        "findings": found,
    });
    if !output.document(&facts)? {
        found.iter().for_each(|finding| tell(finding, output));
        output.say(match worst {
            Some(Verdict::Problem) => "There are problems: mend them before you start a campaign here.",
            Some(Verdict::Warning) => "Campaigns can run here; look at the warnings.",
            _ => "Campaigns can run here.",
        });
    }
    Ok(if worst == Some(Verdict::Problem) { Exit::Of(Kind::Environment) } else { Exit::Done })
}

/// Tells a person what was found.
pub fn tell(finding: &Finding, output: Output) {
    let mark = match finding.verdict {
        Verdict::Info => "     ",
        Verdict::Good => "ok   ",
        Verdict::Warning => "WARN ",
        Verdict::Problem => "FAIL ",
    };
    output.say(format!("{mark}{:<16} {}", finding.check, finding.what));
    if let Some(hint) = &finding.hint {
        output.say(format!("     {:<16} → {hint}", ""));
    }
}
