//! From `[scorer]` to a frozen identity, and from that to a running pool: the one list of scorers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::builtin::null::Null;
use super::builtin::pool::BuiltinPool;
use super::builtin::{Builtin, similarity};
use super::command::hello::{self, Hello};
use super::command::launch::{self, Launch};
use super::command::pool::CommandPool;
use super::command::settings::{Limits, Settings};
use super::{Description, Pool, argv};
use crate::campaign::config::ScorerSection;
use crate::campaign::file::{CommandLaunch, ScorerLaunch};
use crate::campaign::identity::{ScorerFile, ScorerIdentity};
use crate::campaign::seed::Seeder;
use crate::campaign::units;
use crate::digest;
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

/// Freezes what `[scorer]` asks for; a command is started once, for its hello.
///
/// # Errors
/// A key is missing or does not belong (exit 2), a file is not there (exit 2), or the scorer
/// cannot start (exit 6).
pub fn resolve(section: &ScorerSection, base: &Path, here: &Here) -> Result<(ScorerIdentity, ScorerLaunch)> {
    const KINDS: [&str; 3] = ["null", "similarity", "command"];
    if !KINDS.contains(&section.kind.as_str()) {
        let near = KINDS.into_iter().find(|kind| strsim::jaro_winkler(kind, &section.kind) > 0.8);
        let hint =
            near.map_or_else(|| format!("known are: {}", KINDS.join(", ")), |kind| format!("did you mean `{kind}`?"));
        return Err(Error::usage(format!("there is no scorer of kind `{}`", section.kind)).hint(hint));
    }
    keys_belong(section)?;
    match section.kind.as_str() {
        "null" => Ok((builtin_identity(section, Null::new().describe(), Vec::new()), ScorerLaunch::Null)),
        "similarity" => {
            let actives = base.join(section.actives.as_ref().ok_or_else(|| missing("actives"))?);
            let scorer = similarity::load(&actives)?;
            let identity = builtin_identity(section, scorer.describe(), scorer.files());
            Ok((identity, ScorerLaunch::Similarity { actives }))
        }
        _ => resolve_command(section, base, here),
    }
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
    let children = (post.cpus / command.threads.max(1)).max(1) as usize;
    let mut environments = launch::environments(children, command.threads as usize, &[]);
    for environment in &mut environments {
        environment.extend(command.env.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    Settings {
        launch: launch_of(command, &post.here, Some(post.stderr.clone())),
        children: environments,
        batch: command.batch_size as usize,
        description: frozen.description.clone(),
        seeder: Seeder::new(post.seed, &frozen.seed_domain),
        limits: Limits {
            timeout: Duration::from_millis(command.timeout_ms),
            startup_timeout: Duration::from_millis(command.startup_timeout_ms),
            grace: Duration::from_millis(command.grace_ms),
            ..Limits::default()
        },
    }
}

fn launch_of(command: &CommandLaunch, here: &Here, stderr: Option<PathBuf>) -> Launch {
    Launch {
        shim: here.program.clone(),
        argv: command.argv.iter().map(Into::into).collect(),
        directory: Some(command.directory.clone()),
        stderr,
    }
}

fn resolve_command(section: &ScorerSection, base: &Path, here: &Here) -> Result<(ScorerIdentity, ScorerLaunch)> {
    let protocol = section.protocol.as_deref().unwrap_or("jsonl");
    if protocol != "jsonl" {
        return Err(Error::usage(format!("`scorer.protocol` is `{protocol}`, which this version does not speak"))
            .hint("use `protocol = \"jsonl\"`"));
    }
    let written = section.argv.as_ref().filter(|argv| !argv.is_empty()).ok_or_else(|| missing("argv"))?;
    let limits = Limits::default();
    let time = |text: &Option<String>, key: &str, default: Duration| match text {
        Some(text) => units::duration(text).map_err(|e| e.within(format!("`scorer.{key}`"))),
        None => Ok(default),
    };
    let mut command = CommandLaunch {
        argv: argv::resolve(written, base)?,
        files: section.files.iter().map(|file| base.join(file)).collect(),
        directory: base.to_path_buf(),
        env: section.env.clone(),
        timeout_ms: time(&section.timeout, "timeout", limits.timeout)?.as_millis() as u64,
        startup_timeout_ms: time(&section.startup_timeout, "startup_timeout", limits.startup_timeout)?.as_millis()
            as u64,
        grace_ms: time(&section.grace, "grace", limits.grace)?.as_millis() as u64,
        batch_size: 0,
        threads: 0,
    };
    let (argv, mut files) = argv::identify(&command.argv)?;
    files.extend(argv::declared(&command.files)?);
    let environment = command.env.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let startup = Duration::from_millis(command.startup_timeout_ms);
    let Hello { description, batch_size, threads } =
        hello::probe(&launch_of(&command, here, None), &environment, startup)?;
    (command.batch_size, command.threads) = (batch_size as u32, threads as u32);
    let mut settings = Map::from_iter([("protocol".to_owned(), Json::from(protocol))]);
    if !section.env.is_empty() {
        // A value may be a secret, and an identity is published: its digest stands for it.
        let digests =
            section.env.iter().map(|(k, v)| (k.clone(), Json::from(digest::sha256(v.as_bytes()).sha256_uri())));
        settings.insert("env".to_owned(), Json::Object(digests.collect()));
    }
    let identity = ScorerIdentity {
        kind: "command".to_owned(),
        seed_domain: section.seed_domain.clone().unwrap_or_else(|| description.name.clone()),
        description,
        argv,
        files: argv::sorted(files),
        settings,
    };
    Ok((identity, ScorerLaunch::Command(command)))
}

fn builtin_identity(section: &ScorerSection, description: &Description, files: Vec<ScorerFile>) -> ScorerIdentity {
    ScorerIdentity {
        kind: section.kind.clone(),
        description: description.clone(),
        seed_domain: section.seed_domain.clone().unwrap_or_else(|| description.name.clone()),
        argv: Vec::new(),
        files,
        settings: Map::new(),
    }
}

/// A key that the scorer of this kind does not read is a mistake, not a decoration.
fn keys_belong(section: &ScorerSection) -> Result<()> {
    let is_command = section.kind == "command";
    let given = [
        ("actives", section.actives.is_some(), section.kind == "similarity"),
        ("protocol", section.protocol.is_some(), is_command),
        ("argv", section.argv.is_some(), is_command),
        ("files", !section.files.is_empty(), is_command),
        ("env", !section.env.is_empty(), is_command),
        ("timeout", section.timeout.is_some(), is_command),
        ("startup_timeout", section.startup_timeout.is_some(), is_command),
        ("grace", section.grace.is_some(), is_command),
    ];
    match given.iter().find(|(_, given, belongs)| *given && !belongs) {
        None => Ok(()),
        Some((key, ..)) => {
            Err(Error::usage(format!("`scorer.{key}` means nothing to a scorer of kind `{}`", section.kind))
                .hint("remove it, or change `kind`"))
        }
    }
}

fn missing(key: &str) -> Error {
    Error::usage(format!("`scorer.{key}` is missing"))
        .hint(format!("a scorer of this kind needs `{key} = …` in `[scorer]`"))
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
