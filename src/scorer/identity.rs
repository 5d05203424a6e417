//! What is frozen of a scorer: what it is ([`ScorerIdentity`]), and how this copy of the campaign starts it
//! ([`ScorerLaunch`]). The first decides what is computed, the second may differ from one directory to the next.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::Description;
use super::builtin::compared;
use super::builtin::spectral::settings::Settings;
use super::command::contain::Container;
use super::command::translate::spec::Translation;
use crate::canonical;
use crate::digest::{self, Digest};
use crate::error::Result;
use crate::library::format::Notation;

/// What computes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScorerIdentity {
    /// `null`, `similarity`, `spectral2d` or `command`.
    pub kind: String,
    /// What it says about itself.
    pub description: Description,
    /// Which record seeds it gets: the scorer's name unless the campaign says another.
    pub seed_domain: String,
    /// The argument vector of a command, files replaced by `sha256:…`, directories by `<dir>`, and
    /// the program by its base name; empty for a built-in scorer.
    pub argv: Vec<String>,
    /// The files that it depends on, by the name of their role, with their digests; sorted.
    pub files: Vec<ScorerFile>,
    /// Settings that change the result, canonical.
    pub settings: serde_json::Map<String, serde_json::Value>,
}

impl ScorerIdentity {
    /// BLAKE3 of the canonical JSON: what a checkpoint names.
    ///
    /// # Errors
    /// A setting has no canonical form.
    pub fn digest(&self) -> Result<Digest> {
        Ok(digest::blake3(&canonical::json::to_vec(self)?))
    }
}

/// A file that a scorer depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScorerFile {
    /// Its base name, or its role (such as `actives`).
    pub name: String,
    /// SHA-256 of its content.
    pub sha256: Digest,
}

/// How a scorer is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
pub enum ScorerLaunch {
    /// Nothing to start.
    Null,
    /// Built in, with its file of actives.
    Similarity {
        /// Absolute path.
        actives: PathBuf,
        /// How the structures of the library are written.
        #[serde(default, skip_serializing_if = "Notation::is_smiles")]
        notation: Notation,
    },
    /// Built in, with what was chosen of it.
    Spectral2d {
        /// The same as in the identity.
        settings: Settings,
        /// How the structures of the library are written.
        #[serde(default, skip_serializing_if = "Notation::is_smiles")]
        notation: Notation,
    },
    /// Another one that is built in, with look-alikes of every record.
    Compared {
        /// The other one.
        scorer: Box<ScorerLaunch>,
        /// The same as in the identity.
        decoys: compared::Settings,
        /// How the structures of the library are written.
        #[serde(default, skip_serializing_if = "Notation::is_smiles")]
        notation: Notation,
    },
    /// The user's own program.
    Command(CommandLaunch),
}

/// How the user's own program is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandLaunch {
    /// Program and arguments; files and directories as absolute paths.
    pub argv: Vec<String>,
    /// Files that the identity names beside those in `argv`; absolute paths.
    pub files: Vec<PathBuf>,
    /// Where it runs: the directory of the campaign file.
    pub directory: PathBuf,
    /// Added to its environment.
    pub env: BTreeMap<String, String>,
    /// The time that one request may take, in milliseconds.
    pub timeout_ms: u64,
    /// The time until its hello, in milliseconds.
    pub startup_timeout_ms: u64,
    /// The time that work in flight gets after a stop signal, in milliseconds.
    pub grace_ms: u64,
    /// The time that it may ask to retry without any result, in milliseconds.
    #[serde(default = "ten_minutes_ms")]
    pub retry_patience_ms: u64,
    /// Records a request.
    pub batch_size: u32,
    /// Threads that one child uses.
    pub threads: u32,
    /// GPUs that one child has for itself; 0 if children share.
    #[serde(default, skip_serializing_if = "canonical::json::is_default")]
    pub gpus: u32,
    /// The container that it runs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Box<Container>>,
    /// How it is spoken to, if not in `jsonl`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub translation: Option<Box<Translation>>,
}

impl CommandLaunch {
    /// What may be told of how it is started: nothing that names a path or holds a value of the environment.
    pub fn told(&self) -> Vec<(&'static str, Json)> {
        // Without `..`: whoever adds a field decides whether it is told.
        let Self {
            argv: _,
            files: _,
            directory: _,
            env: _,
            timeout_ms,
            startup_timeout_ms,
            grace_ms,
            retry_patience_ms,
            batch_size,
            threads,
            gpus,
            container: _,
            translation: _,
        } = self;
        vec![
            ("timeout_ms", json!(timeout_ms)),
            ("startup_timeout_ms", json!(startup_timeout_ms)),
            ("grace_ms", json!(grace_ms)),
            ("retry_patience_ms", json!(retry_patience_ms)),
            ("batch_size", json!(batch_size)),
            ("threads_a_child", json!(threads)),
            ("gpus_a_child", json!(gpus)),
        ]
    }
}

/// What the first version of this file meant without saying it.
const fn ten_minutes_ms() -> u64 {
    600_000
}
