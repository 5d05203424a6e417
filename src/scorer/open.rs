//! From a frozen identity to a running pool: the one list of scorers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::builtin::Builtin;
use super::builtin::compared::Compared;
use super::builtin::null::Null;
use super::builtin::pool::BuiltinPool;
use super::builtin::precomputed::{self, Loaded, Precomputed};
use super::builtin::similarity;
use super::builtin::spectral::Spectral2d;
use super::command::contain::{self, Contained, Container};
use super::command::hello;
use super::command::launch::{self, Launch, Told};
use super::command::oom;
use super::command::pool::CommandPool;
use super::command::settings::{Apart, Limits, Settings};
use super::command::translate;
use super::command::translate::spec::{Protocol, Spec, Translation};
use super::identity::{CommandLaunch, ScorerFile, ScorerIdentity, ScorerLaunch};
use super::seed::Seeder;
use super::{Pool, argv};
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

/// Checks that what `launch` starts is still what was frozen, as far as that is seen without starting it.
///
/// # Errors
/// The scorer's files or its settings changed (exit 2), or a file is gone (exit 6).
pub fn check(launch: &ScorerLaunch, frozen: &ScorerIdentity) -> Result<()> {
    checked(launch, frozen, 0).map(drop)
}

/// The pool that `launch` starts, after checking that it is still what was frozen.
///
/// # Errors
/// As [`check`].
pub fn pool(launch: &ScorerLaunch, frozen: &ScorerIdentity, post: &Post) -> Result<Box<dyn Pool>> {
    Ok(match checked(launch, frozen, post.seed)? {
        Checked::Builtin(scorer) => Box::new(BuiltinPool::new(scorer, post.cpus as usize)?),
        Checked::Command(command) => Box::new(CommandPool::new(settings(command, frozen, post)?)?),
    })
}

/// A scorer that is what was frozen.
enum Checked<'a> {
    /// What was checked is what scores: its files are loaded once.
    Builtin(Box<dyn Builtin>),
    Command(&'a CommandLaunch),
}

fn checked<'a>(launch: &'a ScorerLaunch, frozen: &ScorerIdentity, seed: u64) -> Result<Checked<'a>> {
    files_are_there(launch)?;
    let mut now = frozen.clone();
    let scorer = match launch {
        ScorerLaunch::Command(command) => {
            let (argv, mut files) = argv::identify(&command.argv)?;
            files.extend(argv::declared(&command.files)?);
            (now.argv, now.files) = (argv, argv::sorted(files));
            command.container.as_deref().map_or(Ok(()), Container::check)?;
            now.settings.extend(command.translation.iter().flat_map(|translation| translation.settings()));
            Checked::Command(command)
        }
        builtin => {
            let Built { scorer, files, settings } = built(builtin, seed)?;
            (now.description, now.files, now.settings) = (scorer.describe().clone(), files, settings);
            Checked::Builtin(scorer)
        }
    };
    unchanged(&now, frozen)?;
    Ok(scorer)
}

/// A built-in scorer, and what its identity says beside its description.
pub struct Built {
    /// What scores.
    pub scorer: Box<dyn Builtin>,
    /// The files that its answers depend on.
    pub files: Vec<ScorerFile>,
    /// The settings that they depend on.
    pub settings: Map<String, Json>,
}

/// The built-in scorer of `launch`, in a campaign with this seed.
///
/// # Errors
/// A setting means nothing, or a file is none of its kind (exit 2); a file cannot be read (exit 6).
pub fn built(launch: &ScorerLaunch, seed: u64) -> Result<Built> {
    let plain = |scorer: Box<dyn Builtin>| Built { scorer, files: Vec::new(), settings: Map::new() };
    match launch {
        ScorerLaunch::Null => Ok(plain(Box::<Null>::default())),
        ScorerLaunch::Similarity { actives, notation } => {
            let scorer = similarity::load(actives)?.reading(*notation);
            let files = scorer.files();
            Ok(Built { files, ..plain(Box::new(scorer)) })
        }
        ScorerLaunch::Spectral2d { settings, notation } => {
            let scorer = Spectral2d::new(settings.clone(), *notation).ok_or_else(|| {
                Error::usage(format!("`{}`, by which the scorer ranks, is none of its columns", settings.score))
                    .hint("plan the campaign again: what starts its scorer was changed by hand")
            })?;
            Ok(Built { settings: settings.identity(), ..plain(Box::new(scorer)) })
        }
        ScorerLaunch::Precomputed { settings, notation } => {
            let Loaded { scores, files, settings: identity, .. } = precomputed::load(settings)?;
            let scorer = Precomputed::new(scores, settings.order, *notation);
            Ok(Built { scorer: Box::new(scorer), files, settings: identity })
        }
        ScorerLaunch::Compared { scorer, decoys, notation } => {
            let mut of = built(scorer, seed)?;
            let name = of.scorer.describe().name.clone();
            let scorer = Compared::new(of.scorer, *notation, decoys, seed).ok_or_else(|| {
                Error::usage(format!("`[decoys]`: scorer `{name}` gives no number that could be compared with theirs"))
                    .hint("leave the section out, or use another scorer")
            })?;
            of.settings.insert("decoys".to_owned(), decoys.identity());
            Ok(Built { scorer: Box::new(scorer), ..of })
        }
        ScorerLaunch::Command(_) => Err(no_decoys_of_a_program()),
    }
}

/// A program of the user's cannot be asked for decoys.
pub fn no_decoys_of_a_program() -> Error {
    Error::usage("`[decoys]` is for scorers that are built in, and this one is a program of yours").hint(
        "see docs/signal.md: the decoys of a library are a file, which the program scores in a campaign of its own",
    )
}

/// Records that a pool of `cpus` cores scores at a time: its threads, or its children.
pub fn lanes(launch: &ScorerLaunch, cpus: u32) -> u32 {
    match launch {
        ScorerLaunch::Command(command) => lanes_of(command, cpus),
        _ => cpus.max(1),
    }
}

/// Children of `command` on `cpus` cores.
fn lanes_of(command: &CommandLaunch, cpus: u32) -> u32 {
    (cpus / command.threads.max(1)).max(1)
}

/// A file that was there when the campaign was planned is missing on this node, which is the node's
/// fault (a mount, most often) and not the scorer's.
fn files_are_there(launch: &ScorerLaunch) -> Result<()> {
    let files = files_of(launch);
    match files.into_iter().find(|file| !file.exists()) {
        None => Ok(()),
        Some(file) => Err(Error::environment(format!("`{}`, which the scorer needs, is not there", file.display()))
            .hint("it was there when the campaign was planned: check that its file system is mounted on this node")),
    }
}

fn files_of(launch: &ScorerLaunch) -> Vec<&Path> {
    match launch {
        ScorerLaunch::Null | ScorerLaunch::Spectral2d { .. } => Vec::new(),
        ScorerLaunch::Similarity { actives, .. } => vec![actives],
        ScorerLaunch::Precomputed { settings, .. } => settings.paths().collect(),
        ScorerLaunch::Compared { scorer, .. } => files_of(scorer),
        ScorerLaunch::Command(command) => {
            let templates = command.translation.as_ref().map_or(&[][..], |translation| &translation.templates);
            // What is in a container, nobody here can look at.
            let first = usize::from(command.container.is_some());
            let literal =
                command.argv.iter().enumerate().skip(first).filter(|(position, _)| !templates.contains(position));
            let arguments = literal.map(|(_, text)| Path::new(text)).filter(|path| path.is_absolute());
            arguments.chain(command.files.iter().map(PathBuf::as_path)).collect()
        }
    }
}

fn settings(command: &CommandLaunch, frozen: &ScorerIdentity, post: &Post) -> Result<Settings> {
    let gpus = launch::shares(&post.gpus, command.gpus as usize);
    let by_threads = lanes_of(command, post.cpus) as usize;
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
        apart: apart(command.translation.as_deref()),
        seeder: Seeder::new(post.seed, &frozen.seed_domain),
        limits: Limits {
            timeout: Duration::from_millis(command.timeout_ms),
            startup_timeout: Duration::from_millis(command.startup_timeout_ms),
            grace: Duration::from_millis(command.grace_ms),
            retry_patience: Duration::from_millis(command.retry_patience_ms),
            ..Limits::default()
        },
        memory_events: oom::own_events(),
    })
}

/// A `batch` program is started anew for every request; all others live on, or are asked for one record at a time.
fn apart(translation: Option<&Translation>) -> Apart {
    match translation.map(|translation| &translation.protocol) {
        Some(Protocol::Batch(_)) => Apart::Halves,
        Some(Protocol::Each(_) | Protocol::Easydock(_)) | None => Apart::OneByOne,
    }
}

/// How a child of `command` is started, for the campaign seed `seed`: the program itself if it speaks
/// `jsonl`, else a translator that starts the program.
///
/// # Errors
/// What a translator must know is more than one argument can hold (exit 2).
pub fn launch_of(command: &CommandLaunch, seed: u64, here: &Here, stderr: Option<PathBuf>) -> Result<Launch> {
    let argv = match (&command.translation, contained(command)) {
        (None, None) => command.argv.iter().map(Into::into).collect(),
        (None, Some(contained)) => {
            vec![here.program.clone().into(), contain::SUBCOMMAND.into(), contained.to_argument()?.into()]
        }
        (Some(translation), contained) => {
            let spec = Spec {
                argv: command.argv.clone(),
                translation: Translation::clone(translation),
                batch_size: command.batch_size,
                threads: command.threads,
                seed,
                contained: contained.map(|contained| Contained { argv: Vec::new(), ..contained }),
            };
            vec![here.program.clone().into(), translate::SUBCOMMAND.into(), spec.to_argument()?.into()]
        }
    };
    let mut told = Told::jsonl(command.argv.first().cloned().unwrap_or_default());
    if let Some(translation) = &command.translation {
        told.document = translation.protocol.document();
    }
    let keeper = command.container.as_deref().and_then(Container::keeper).map(Path::to_path_buf);
    Ok(Launch {
        shim: here.program.clone(),
        argv,
        directory: Some(command.directory.clone()),
        stderr,
        keeper,
        is_contained: command.container.is_some(),
        told,
    })
}

/// The container of `command`, and what the scorer in it reads.
fn contained(command: &CommandLaunch) -> Option<Contained> {
    let container = *command.container.clone()?;
    let is_file = |file: &&PathBuf| file.is_absolute() && file.is_file();
    let named: Vec<PathBuf> = command.argv.iter().map(PathBuf::from).collect();
    let image = PathBuf::from(&container.image);
    let files = named.iter().chain(&command.files).filter(is_file).filter(|file| **file != image).cloned().collect();
    Some(Contained {
        container,
        directory: command.directory.clone(),
        files,
        env: command.env.keys().cloned().collect(),
        argv: command.argv.clone(),
    })
}

fn changed(now: &ScorerIdentity, frozen: &ScorerIdentity) -> Error {
    let what = difference(now, frozen).unwrap_or_else(|| "its kind or its seeds differ".to_owned());
    Error::usage(format!("the scorer changed since the plan: {what}"))
        .hint("put back what was there, and `molsieve resume` goes on: the rows that are finished are of that scorer")
        .hint("the changed scorer is a campaign of its own: `molsieve run` its campaign file with another `--dir`")
}

/// The first thing that differs, as a sentence: what a person can look at comes first.
fn difference(now: &ScorerIdentity, frozen: &ScorerIdentity) -> Option<String> {
    let named = |of: &ScorerIdentity, name: &str| of.files.iter().any(|file| file.name == name);
    if let Some(ScorerFile { name, .. }) = now.files.iter().find(|file| !frozen.files.contains(file)) {
        let is_known = named(frozen, name);
        return Some(if is_known {
            format!("`{name}` has another content")
        } else {
            format!("`{name}` is a new file")
        });
    }
    if let Some(ScorerFile { name, .. }) = frozen.files.iter().find(|file| !now.files.contains(file)) {
        return Some(format!("`{name}` is not among its files any more"));
    }
    if now.argv.len() != frozen.argv.len() {
        return Some(format!("its command has {} words, and had {}", now.argv.len(), frozen.argv.len()));
    }
    if let Some((now, then)) = now.argv.iter().zip(&frozen.argv).find(|(now, then)| now != then) {
        return Some(format!("its command has `{now}` where it had `{then}`"));
    }
    if let Some(what) = hello::difference(&frozen.description, &now.description) {
        return Some(what);
    }
    let keys = frozen.settings.keys().chain(now.settings.keys());
    let mut differing = keys.filter(|key| now.settings.get(*key) != frozen.settings.get(*key));
    differing.next().map(|key| format!("its setting `{key}` differs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_told_of_the_users_program_whatever_its_arguments_look_like() {
        let here = Here { program: "/molsieve".into() };
        // A program of the user's whose arguments look like those of ours.
        let contained = r#"{"container":{"runtime":"podman","program":"/podman","image":"i","digest":"d"},"directory":"/",
            "files":[],"env":[],"argv":["other"]}"#;
        let command = serde_json::json!({
            "argv": ["/dock", contain::SUBCOMMAND, contained], "files": [], "directory": "/", "env": {},
            "timeout_ms": 1, "startup_timeout_ms": 1, "grace_ms": 1, "batch_size": 1, "threads": 1,
        });
        let mut command: CommandLaunch = serde_json::from_value(command).unwrap();
        let told = |command: &CommandLaunch| launch_of(command, 1, &here, None).unwrap().told;
        assert_eq!(told(&command), Told { program: "/dock".to_owned(), document: "docs/formats/jsonl.md" });
        let container = serde_json::from_str::<Contained>(contained).unwrap().container;
        command.container = Some(Box::new(container));
        assert_eq!(told(&command), Told { program: "/dock".to_owned(), document: "docs/formats/jsonl.md" });
        let translation = serde_json::json!({
            "description": {"name": "n", "version": "1", "columns": [], "deterministic": true, "reasons": []},
            "ok_exit": [0], "protocol": {"each": {"input": "smi", "source": "stdout", "pattern": "x"}},
        });
        command.translation = Some(serde_json::from_value(translation).unwrap());
        assert_eq!(told(&command), Told { program: "/dock".to_owned(), document: "docs/formats/each.md" });
    }
}
