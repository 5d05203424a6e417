//! From `[scorer]` to a frozen identity. A command is started once, for its hello.

use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::config::{Config, ScorerSection};
use super::container;
use super::known_keys;
use super::protocol::{self, Told};
use crate::digest;
use crate::error::{Error, Result};
use crate::library::format::Notation;
use crate::scorer::argv;
use crate::scorer::builtin::spectral::settings::{DESCRIPTORS, Settings};
use crate::scorer::command::hello::{self, Hello};
use crate::scorer::command::settings::Limits;
use crate::scorer::identity::{CommandLaunch, ScorerIdentity, ScorerLaunch};
use crate::scorer::open::{self, Built, Here, launch_of};
use crate::units;

/// Freezes what `[scorer]` asks for, for a library whose structures are written as `notation`; a command is started
/// once, for its hello.
///
/// # Errors
/// A key is missing or does not belong, or the program cannot be given such structures (exit 2), a file is not there (exit 2), or the scorer
/// cannot start (exit 6).
pub fn resolve(
    config: &Config,
    base: &Path,
    here: &Here,
    notation: Notation,
) -> Result<(ScorerIdentity, ScorerLaunch)> {
    const KINDS: [&str; 4] = ["null", "similarity", "spectral2d", "command"];
    let section = &config.scorer;
    if !KINDS.contains(&section.kind.as_str()) {
        return Err(Error::usage(format!("there is no scorer of kind `{}`", section.kind))
            .hint(known_keys::meant(&section.kind, KINDS.into_iter())));
    }
    keys_belong(section)?;
    let launch = match section.kind.as_str() {
        "null" => ScorerLaunch::Null,
        "similarity" => {
            let actives = base.join(section.actives.as_ref().ok_or_else(|| missing("actives"))?);
            ScorerLaunch::Similarity { actives, notation }
        }
        "spectral2d" => ScorerLaunch::Spectral2d { settings: spectral_settings(section)?, notation },
        _ if config.decoys.is_some() => return Err(open::no_decoys_of_a_program()),
        _ => return resolve_command(section, base, here, notation),
    };
    let launch = match &config.decoys {
        None => launch,
        Some(decoys) => {
            let decoys = decoys.settings()?;
            ScorerLaunch::Compared { scorer: Box::new(launch), decoys, notation }
        }
    };
    let Built { scorer, files, settings } = open::built(&launch, config.campaign.seed)?;
    let description = scorer.describe().clone();
    let identity = ScorerIdentity {
        kind: section.kind.clone(),
        seed_domain: section.seed_domain.clone().unwrap_or_else(|| description.name.clone()),
        description,
        argv: Vec::new(),
        files,
        settings,
    };
    Ok((identity, launch))
}

fn resolve_command(
    section: &ScorerSection,
    base: &Path,
    here: &Here,
    notation: Notation,
) -> Result<(ScorerIdentity, ScorerLaunch)> {
    let protocol = section.protocol.as_deref().unwrap_or("jsonl");
    if !protocol::PROTOCOLS.contains(&protocol) {
        return Err(Error::usage(format!("`scorer.protocol` is `{protocol}`, which this version does not speak"))
            .hint(known_keys::meant(protocol, protocol::PROTOCOLS.into_iter())));
    }
    let written = section.argv.as_ref().filter(|argv| !argv.is_empty()).ok_or_else(|| missing("argv"))?;
    let mut told = Told::default();
    let (spoken, written) = match protocol::resolve(section, protocol, written, base)? {
        Some(mut spoken) => {
            protocol::takes(&spoken, notation)?;
            let argv = std::mem::take(&mut spoken.argv);
            told = std::mem::take(&mut spoken.told);
            (Some(spoken), argv)
        }
        None => (None, written.clone()),
    };
    let (container, image) = section.container.as_ref().map(|it| container::resolve(it, base)).transpose()?.unzip();
    let place = if container.is_some() { argv::Place::Container } else { argv::Place::Here };
    let limits = Limits::default();
    let mut command = CommandLaunch {
        argv: argv::resolve(&written, base, place)?,
        files: section
            .files
            .iter()
            .map(|file| base.join(file))
            .chain(std::mem::take(&mut told.files))
            .chain(image.flatten())
            .collect(),
        directory: base.to_path_buf(),
        env: section.env.clone(),
        timeout_ms: milliseconds(section.timeout.as_ref(), "timeout", limits.timeout)?,
        startup_timeout_ms: milliseconds(section.startup_timeout.as_ref(), "startup_timeout", limits.startup_timeout)?,
        grace_ms: milliseconds(section.grace.as_ref(), "grace", limits.grace)?,
        retry_patience_ms: milliseconds(section.retry_patience.as_ref(), "retry_patience", limits.retry_patience)?,
        batch_size: spoken.as_ref().map_or(1, |spoken| spoken.batch_size),
        threads: section.threads.unwrap_or(1),
        gpus: section.gpus.unwrap_or(0),
        container: container.map(Box::new),
        translation: spoken.map(|spoken| Box::new(spoken.translation)),
    };
    // An element with fields is no path, whatever files there are.
    for position in command.translation.iter().flat_map(|translation| &translation.templates) {
        command.argv[*position].clone_from(&written[*position]);
    }
    let (argv, mut files) = argv::identify(&command.argv)?;
    files.extend(argv::declared(&command.files)?);
    let environment = command.env.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let startup = Duration::from_millis(command.startup_timeout_ms);
    let Hello { description, batch_size, threads } =
        hello::probe(&launch_of(&command, 0, here, None)?, &environment, startup)?;
    (command.batch_size, command.threads) = (batch_size as u32, section.threads.unwrap_or(threads as u32));
    let settings = settings(section, protocol, &command, told.identity);
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

/// The time that `scorer.key` says, in milliseconds.
fn milliseconds(text: Option<&String>, key: &str, default: Duration) -> Result<u64> {
    let said = text.map(|text| units::duration(text).map_err(|e| e.within(format!("`scorer.{key}`"))));
    Ok(said.transpose()?.unwrap_or(default).as_millis() as u64)
}

/// What changes an answer beside the argument vector and the files; `told` is what a server is told.
fn settings(
    section: &ScorerSection,
    protocol: &str,
    command: &CommandLaunch,
    told: Map<String, Json>,
) -> Map<String, Json> {
    let mut settings = Map::from_iter([("protocol".to_owned(), Json::from(protocol))]);
    if !section.env.is_empty() {
        // A value may be a secret, and an identity is published: its digest stands for it.
        let digests =
            section.env.iter().map(|(k, v)| (k.clone(), Json::from(digest::sha256(v.as_bytes()).sha256_uri())));
        settings.insert("env".to_owned(), Json::Object(digests.collect()));
    }
    if !told.is_empty() {
        settings.insert("init".to_owned(), Json::Object(told));
    }
    if let Some(container) = &command.container {
        // Which runtime it is, and what lies where, is this machine's affair.
        settings.insert("container".to_owned(), serde_json::json!({ "digest": container.digest }));
    }
    settings.extend(command.translation.iter().flat_map(|translation| translation.settings()));
    settings
}

/// What is said of `spectral2d`, and what is not.
fn spectral_settings(section: &ScorerSection) -> Result<Settings> {
    let default = Settings::default();
    let max_atoms = section.max_atoms.unwrap_or(default.max_atoms);
    if !(1..=Settings::MAX_ATOMS_MAX).contains(&max_atoms) {
        return Err(Error::usage(format!("`scorer.max_atoms` is {max_atoms}"))
            .hint(format!("say from 1 to {}: structures with more atoms are not read", Settings::MAX_ATOMS_MAX)));
    }
    let settings = Settings {
        physics_mode: section.physics_mode.unwrap_or(default.physics_mode),
        edge_weight: section.edge_weight.unwrap_or(default.edge_weight),
        max_atoms,
        require_connected: section.require_connected.unwrap_or(default.require_connected),
        score: section.score.clone().unwrap_or(default.score),
        order: section.order.unwrap_or(default.order),
    };
    let known: Vec<&str> = settings.descriptors().iter().map(|descriptor| descriptor.name).collect();
    if known.contains(&settings.score.as_str()) { Ok(settings) } else { Err(no_such_score(&settings.score, known)) }
}

/// What `scorer.score` names is none of the descriptors that are computed.
fn no_such_score(score: &str, known: Vec<&str>) -> Error {
    let what = format!("`scorer.score` is `{}`, which is none of the descriptors", score.escape_debug());
    let mut error = Error::usage(what).hint(known_keys::meant(score, known.into_iter()));
    if DESCRIPTORS.iter().any(|descriptor| descriptor.name == score) {
        error = error.hint("it is one with another `physics_mode` or `edge_weight`");
    }
    error
}

/// A key that the scorer of this kind does not read is a mistake, not a decoration.
fn keys_belong(section: &ScorerSection) -> Result<()> {
    let is_command = section.kind == "command";
    let is_spectral = section.kind == "spectral2d";
    let given = [
        ("actives", section.actives.is_some(), section.kind == "similarity"),
        ("physics_mode", section.physics_mode.is_some(), is_spectral),
        ("edge_weight", section.edge_weight.is_some(), is_spectral),
        ("max_atoms", section.max_atoms.is_some(), is_spectral),
        ("require_connected", section.require_connected.is_some(), is_spectral),
        ("score", section.score.is_some(), is_spectral),
        ("order", section.order.is_some(), is_spectral),
        ("protocol", section.protocol.is_some(), is_command),
        ("argv", section.argv.is_some(), is_command),
        ("files", !section.files.is_empty(), is_command),
        ("env", !section.env.is_empty(), is_command),
        ("timeout", section.timeout.is_some(), is_command),
        ("startup_timeout", section.startup_timeout.is_some(), is_command),
        ("grace", section.grace.is_some(), is_command),
        ("retry_patience", section.retry_patience.is_some(), is_command),
        ("threads", section.threads.is_some(), is_command),
        ("gpus", section.gpus.is_some(), is_command),
        ("container", section.container.is_some(), is_command),
        ("name", section.name.is_some(), is_command),
        ("version", section.version.is_some(), is_command),
        ("columns", section.columns.is_some(), is_command),
        ("reasons", !section.reasons.is_empty(), is_command),
        ("deterministic", section.deterministic.is_some(), is_command),
        ("batch_size", section.batch_size.is_some(), is_command),
        ("ok_exit", section.ok_exit.is_some(), is_command),
        ("input", section.input.is_some(), is_command),
        ("output", section.output.is_some(), is_command),
        ("output_header", section.output_header.is_some(), is_command),
        ("output_key", section.output_key.is_some(), is_command),
        ("keep", section.keep.is_some(), is_command),
        ("pattern", section.pattern.is_some(), is_command),
        ("source", section.source.is_some(), is_command),
        ("init", section.init.is_some(), is_command),
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
