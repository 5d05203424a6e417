//! `molsieve-mpi`: one rank of a launch, to which rank 0 hands out task groups. It is a program of its own, since it needs an MPI
//! library; all that is not that library's is here.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use tracing::info;

use super::output::{Form, Output};
use super::panics::caught;
use super::{logging, signals, worker};
use crate::campaign::file::Campaign;
use crate::campaign::launch::Launcher;
use crate::error::{Error, Kind, Result};
use crate::host;
use crate::id::{AttemptId, GroupIndex};
use crate::layout::CampaignDir;
use crate::run::launch::message::End;
use crate::run::launch::rank::Rank;
use crate::run::launch::share::{self, Left, Post};
use crate::run::task::{self, Process, TaskName, by_this_node};
use crate::scorer::Ended;
use crate::shard::worker::Queue;
use crate::stop::Stop;

/// Arguments of `molsieve-mpi`.
#[derive(Debug, Parser)]
#[command(
    name = "molsieve-mpi",
    version,
    about = "One rank of a launch; `molsieve launch` starts it by mpirun or srun."
)]
pub struct Args {
    /// The campaign directory.
    dir: PathBuf,
    /// The wave.
    #[arg(long)]
    wave: u64,
    /// The task of that wave, from 0.
    #[arg(long)]
    task: u64,
    /// How many ranks there must be.
    #[arg(long)]
    ranks: u32,
    /// What started them.
    #[arg(long)]
    launcher: Launcher,
    /// The program `molsieve`, which becomes a scorer's child.
    #[arg(long)]
    molsieve: PathBuf,
    /// The version of that program.
    #[arg(long)]
    of_version: String,
    /// Rank 0 stops all when its standard input ends.
    #[arg(long)]
    lifeline: bool,
}

impl Args {
    /// Of a command line; if there is nothing to be done with it, the exit code. `library` says which MPI library this program was
    /// linked with.
    ///
    /// # Errors
    /// It is not understood, or only asked for help or the version.
    pub fn of(args: impl IntoIterator<Item = OsString>, library: impl FnOnce() -> String) -> Result<Self, ExitCode> {
        Self::try_parse_from(args).map_err(|error| {
            let _ = error.print();
            if error.kind() == ErrorKind::DisplayVersion {
                Output::new(Form::Human).say(in_short(&library()));
            }
            if error.use_stderr() { ExitCode::from(Kind::Usage.exit_code()) } else { ExitCode::SUCCESS }
        })
    }

    fn name(&self, post: &dyn Post) -> TaskName {
        TaskName { wave: self.wave, task: self.task, rank: Some(post.rank()) }
    }
}

/// The name and the version of an MPI library, of the page that it says of itself.
fn in_short(library: &str) -> String {
    let name = library.split(['\n', ',']).next().unwrap_or_default();
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The world ends in good order, and this process with this exit code.
    Finalize(u8),
    /// This process ends at once with this exit code: others are gone, and must not be waited for.
    Exit(u8),
}

/// Does the work of the rank that `post` says.
pub fn run(args: &Args, post: &dyn Post) -> Then {
    let dir = CampaignDir::new(&args.dir);
    let name = args.name(post);
    let failed = |failure: &Error| {
        Output::new(Form::Human).error(failure);
        worker::leave(failure, &dir, &name).process_exit()
    };
    let _ = logging::start(&dir, &name);
    let ready = checked(args, post).and_then(|()| {
        signals::survive_file_size_limit()?;
        let stop = Stop::new();
        signals::raise_on_signals(&stop)?;
        Ok(stop)
    });
    let stop = match ready {
        Ok(stop) => stop,
        Err(refused) => return Then::Exit(failed(&refused)),
    };
    if args.lifeline && post.rank() == 0 {
        signals::raise_at_end_of_lifeline(&stop);
    }
    // A rank 0 that cannot read them ends as one whose node is not fit, and says so to the others.
    let groups = if post.rank() == 0 { task::groups(&dir, args.wave, args.task) } else { Ok(Vec::new()) };
    let (groups, unread): (Vec<GroupIndex>, _) = groups.map_or_else(|e| (Vec::new(), Err(e)), |all| (all, Ok(())));
    info!(ranks = post.ranks(), groups = groups.len(), host = host::name(), "started");
    let own = |queue| match caught(|| unread.and_then(|()| work(args, &name, dir.clone(), queue, &stop))) {
        Ok(Ended::Done) => End::Done,
        Ok(Ended::Stopped) => End::Stopped,
        Err(failure) => End::Failed(failed(&failure)),
    };
    let left = caught(|| share::share(post, groups, &stop, own));
    match left {
        Ok(Left::Together(exit)) => Then::Finalize(exit),
        Ok(Left::Alone) => Then::Exit(Kind::Stopped.exit_code()),
        Err(failure) => Then::Exit(failed(&failure)),
    }
}

/// Whether this is one of the ranks that were asked for, of the program that asked for them.
fn checked(args: &Args, post: &dyn Post) -> Result<()> {
    Rank { number: post.rank(), of: post.ranks() }.checked(args.ranks, args.launcher)?;
    let ours = env!("CARGO_PKG_VERSION");
    if args.of_version != ours {
        let what = format!("`molsieve-mpi` is of version {ours}, and `molsieve` beside it of {}", args.of_version);
        return Err(Error::usage(what).hint("build both from the same sources"));
    }
    Ok(())
}

fn work(args: &Args, name: &TaskName, dir: CampaignDir, queue: Box<dyn Queue>, stop: &Stop) -> Result<Ended> {
    let campaign = Campaign::open(dir).map_err(by_this_node)?;
    let attempt = AttemptId::random()?;
    info!(%attempt, "begins");
    Process { campaign: &campaign, task: *name, attempt: &attempt, program: args.molsieve.clone() }.work(queue, stop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::last_words::LastWords;
    use crate::run::launch::message::Message;

    #[test]
    fn an_mpi_library_is_called_by_its_name_and_version() {
        assert_eq!(in_short("Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4"), "Open MPI v4.1.4");
        assert_eq!(in_short("MPICH Version:\t4.0.2\nMPICH Release date:\tThu Apr  7\n"), "MPICH Version: 4.0.2");
    }

    /// A world of one rank, whose library has a defect.
    struct Broken;

    impl Post for Broken {
        fn rank(&self) -> u32 {
            0
        }

        fn ranks(&self) -> u32 {
            1
        }

        fn send(&self, _: u32, _: Message) -> Result<()> {
            Ok(())
        }

        fn receive(&self) -> Result<Option<(u32, Message)>> {
            panic!("on purpose")
        }
    }

    #[test]
    fn a_rank_whose_messages_end_in_a_panic_ends_with_words() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().to_str().unwrap();
        let line =
            format!("molsieve-mpi {dir} --wave 1 --task 0 --ranks 1 --launcher mpirun --molsieve /m --of-version");
        let words = line.split(' ').chain([env!("CARGO_PKG_VERSION")]).map(OsString::from);
        let args = Args::of(words, String::new).unwrap();
        assert_eq!(run(&args, &Broken), Then::Exit(Kind::Bug.exit_code()));
        let said = LastWords::hear(&CampaignDir::new(temp.path()), 1, 0).unwrap();
        assert!(said.what.contains("panicked") && said.program, "{said:?}");
    }
}
