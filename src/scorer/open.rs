//! From a frozen identity to a running pool: the one list of scorers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::builtin::Builtin;
use super::builtin::null::Null;
use super::builtin::pool::BuiltinPool;
use super::builtin::similarity;
use super::command::launch::{self, Launch};
use super::command::pool::CommandPool;
use super::command::settings::{Limits, Settings};
use super::identity::{CommandLaunch, ScorerFile, ScorerIdentity, ScorerLaunch};
use super::seed::Seeder;
use super::{Description, Pool, argv};
use crate::error::{Error, Result};

/// What this process can say about where it is.
#[derive(Clone, Debug)]
pub struct Here {
    /// The path of the running program, which becomes a scorer's child.
    pub program: PathBuf,
}

/// What a worker gives its pool.
#[derive(Clone, Debug)]
pub struct Post {
    /// Where it is.
    pub here: Here,
    /// The campaign seed.
    pub seed: u64,
    /// Cores to use.
    pub cpus: u32,
    /// Where the children's stderr goes.
    pub stderr: PathBuf,
}

/// Whether the scorer is still the one that was frozen.
///
/// # Errors
/// It is not (exit 2): the message says what differs.
pub fn unchanged(now: &ScorerIdentity, frozen: &ScorerIdentity) -> Result<()> {
    if now == frozen { Ok(()) } else { Err(changed(now, frozen)) }
}

/// The pool that `launch` starts, after checking that it is still what was frozen.
///
/// # Errors
/// The scorer's files changed (exit 2), or are gone (exit 2).
pub fn pool(launch: &ScorerLaunch, frozen: &ScorerIdentity, post: &Post) -> Result<Box<dyn Pool>> {
    files_are_there(launch)?;
    let threads = post.cpus as usize;
    let check = |now: &Description, files: &[ScorerFile]| {
        if *now == frozen.description && *files == frozen.files {
            return Ok(());
        }
        Err(changed(&ScorerIdentity { description: now.clone(), files: files.to_vec(), ..frozen.clone() }, frozen))
    };
    match launch {
        ScorerLaunch::Null => {
            let scorer = Null::new();
            check(scorer.describe(), &[])?;
            Ok(Box::new(BuiltinPool::new(scorer, threads)?))
        }
        ScorerLaunch::Similarity { actives } => {
            let scorer = similarity::load(actives)?;
            check(scorer.describe(), &scorer.files())?;
            Ok(Box::new(BuiltinPool::new(scorer, threads)?))
        }
        ScorerLaunch::Command(command) => {
            let (argv, mut files) = argv::identify(&command.argv)?;
            files.extend(argv::declared(&command.files)?);
            if argv != frozen.argv {
                return Err(changed(&ScorerIdentity { argv, ..frozen.clone() }, frozen));
            }
            check(&frozen.description, &argv::sorted(files))?;
            Ok(Box::new(CommandPool::new(settings(command, frozen, post))?))
        }
    }
}

/// Records that a pool of `cpus` cores scores at a time: its threads, or its children.
pub fn lanes(launch: &ScorerLaunch, cpus: u32) -> u32 {
    match launch {
        ScorerLaunch::Null | ScorerLaunch::Similarity { .. } => cpus.max(1),
        ScorerLaunch::Command(command) => lanes_of(command, cpus),
    }
}

/// Children of `command` on `cpus` cores.
fn lanes_of(command: &CommandLaunch, cpus: u32) -> u32 {
    (cpus / command.threads.max(1)).max(1)
}

/// A file that was there when the campaign was planned is missing on this node, which is the node's
/// fault (a mount, most often) and not the scorer's.
fn files_are_there(launch: &ScorerLaunch) -> Result<()> {
    let files: Vec<&Path> = match launch {
        ScorerLaunch::Null => Vec::new(),
        ScorerLaunch::Similarity { actives } => vec![actives],
        ScorerLaunch::Command(command) => {
            let arguments = command.argv.iter().map(Path::new).filter(|path| path.is_absolute());
            arguments.chain(command.files.iter().map(PathBuf::as_path)).collect()
        }
    };
    match files.into_iter().find(|file| !file.exists()) {
        None => Ok(()),
        Some(file) => Err(Error::environment(format!("`{}`, which the scorer needs, is not there", file.display()))
            .hint("it was there when the campaign was planned: check that its file system is mounted on this node")),
    }
}

fn settings(command: &CommandLaunch, frozen: &ScorerIdentity, post: &Post) -> Settings {
    let children = lanes_of(command, post.cpus) as usize;
    let mut environments = launch::environments(children, command.threads as usize, &[]);
    for environment in &mut environments {
        environment.extend(command.env.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    Settings {
        launch: launch_of(command, &post.here, Some(post.stderr.clone())),
        children: environments,
        files: command
            .argv
            .iter()
            .map(PathBuf::from)
            .chain(command.files.clone())
            .filter(|f| f.is_absolute() && f.is_file())
            .collect(),
        batch: command.batch_size as usize,
        description: frozen.description.clone(),
        seeder: Seeder::new(post.seed, &frozen.seed_domain),
        limits: Limits {
            timeout: Duration::from_millis(command.timeout_ms),
            startup_timeout: Duration::from_millis(command.startup_timeout_ms),
            grace: Duration::from_millis(command.grace_ms),
            retry_patience: Duration::from_millis(command.retry_patience_ms),
            ..Limits::default()
        },
    }
}

/// How a child of `command` is started.
pub fn launch_of(command: &CommandLaunch, here: &Here, stderr: Option<PathBuf>) -> Launch {
    Launch {
        shim: here.program.clone(),
        argv: command.argv.iter().map(Into::into).collect(),
        directory: Some(command.directory.clone()),
        stderr,
    }
}

fn changed(now: &ScorerIdentity, frozen: &ScorerIdentity) -> Error {
    let what = if now.files != frozen.files {
        "one of its files"
    } else if now.argv != frozen.argv {
        "its command line, or a file in it"
    } else if now.description != frozen.description {
        "what it says about itself (name, version, columns)"
    } else {
        "its settings"
    };
    Error::usage(format!("the scorer changed since the plan: {what} differs"))
        .hint("put back what was there, or run the changed scorer as a campaign of its own in another directory")
}
