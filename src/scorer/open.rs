//! From a frozen identity to a running pool: the one list of scorers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::builtin::Builtin;
use super::builtin::null::Null;
use super::builtin::pool::BuiltinPool;
use super::builtin::similarity;
use super::command::launch::{self, Launch};
use super::command::oom;
use super::command::pool::CommandPool;
use super::command::settings::{Limits, Settings};
use super::command::translate;
use super::command::translate::spec::{Spec, Translation};
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
    /// GPUs to use, by their names in `CUDA_VISIBLE_DEVICES`.
    pub gpus: Vec<String>,
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
            let spoken = command.translation.as_ref().map(Translation::settings).unwrap_or_default();
            if spoken.iter().any(|(key, value)| frozen.settings.get(key) != Some(value)) {
                return Err(changed(&ScorerIdentity { settings: spoken, ..frozen.clone() }, frozen));
            }
            Ok(Box::new(CommandPool::new(settings(command, frozen, post)?)?))
        }
    }
}

/// A file that was there when the campaign was planned is missing on this node, which is the node's
/// fault (a mount, most often) and not the scorer's.
fn files_are_there(launch: &ScorerLaunch) -> Result<()> {
    let files: Vec<&Path> = match launch {
        ScorerLaunch::Null => Vec::new(),
        ScorerLaunch::Similarity { actives } => vec![actives],
        ScorerLaunch::Command(command) => {
            let templates = command.translation.as_ref().map_or(&[][..], |translation| &translation.templates);
            let literal = command.argv.iter().enumerate().filter(|(position, _)| !templates.contains(position));
            let arguments = literal.map(|(_, text)| Path::new(text)).filter(|path| path.is_absolute());
            arguments.chain(command.files.iter().map(PathBuf::as_path)).collect()
        }
    };
    match files.into_iter().find(|file| !file.exists()) {
        None => Ok(()),
        Some(file) => Err(Error::environment(format!("`{}`, which the scorer needs, is not there", file.display()))
            .hint("it was there when the campaign was planned: check that its file system is mounted on this node")),
    }
}

fn settings(command: &CommandLaunch, frozen: &ScorerIdentity, post: &Post) -> Result<Settings> {
    let gpus = launch::shares(&post.gpus, command.gpus as usize);
    let by_threads = (post.cpus / command.threads.max(1)).max(1) as usize;
    // Where each child has GPUs of its own, there are no more children than that makes.
    let children = if command.gpus > 0 { by_threads.min(gpus.len().max(1)) } else { by_threads };
    let mut environments = launch::environments(children, command.threads as usize, &gpus);
    for environment in &mut environments {
        environment.extend(command.env.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    Ok(Settings {
        launch: launch_of(command, post.seed, &post.here, Some(post.stderr.clone()))?,
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
            ..Limits::default()
        },
        memory_events: oom::own_events(),
    })
}

/// How a child of `command` is started, for the campaign seed `seed`: the program itself if it speaks
/// `jsonl`, else a translator that starts the program.
///
/// # Errors
/// What a translator must know is more than one argument can hold (exit 2).
pub fn launch_of(command: &CommandLaunch, seed: u64, here: &Here, stderr: Option<PathBuf>) -> Result<Launch> {
    let argv = match &command.translation {
        None => command.argv.iter().map(Into::into).collect(),
        Some(translation) => {
            let spec = Spec {
                argv: command.argv.clone(),
                translation: translation.clone(),
                batch_size: command.batch_size,
                threads: command.threads,
                seed,
            };
            vec![here.program.clone().into(), translate::SUBCOMMAND.into(), spec.to_argument()?.into()]
        }
    };
    Ok(Launch { shim: here.program.clone(), argv, directory: Some(command.directory.clone()), stderr })
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
