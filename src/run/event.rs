//! Everything that can happen to a campaign.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// Schema of [`Entry`].
pub const SCHEMA: &str = "molsieve.event.v1";

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// [`SCHEMA`].
    pub schema: String,
    /// Position in the journal, from 0.
    pub seq: u64,
    /// BLAKE3 of the previous line without its line feed; of nothing for the first.
    pub prev: Digest,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// What.
    pub event: Event,
}

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case", tag = "kind")]
pub enum Event {
    /// The campaign was frozen and cut into shards.
    Planned {
        /// Digest of its identity.
        campaign: Digest,
        /// Digest of its plan.
        plan: Digest,
    },
    /// A driver took over.
    DriverStarted {
        /// Version of molsieve.
        molsieve: String,
        /// Node name.
        host: String,
        /// SHA-256 of the scorer's program, `argv[0]`, as this driver found it; none for a built-in scorer and for one in a container.
        program: Option<Digest>,
    },
    /// Tasks are about to be submitted (promise P4: intent before effect).
    WaveIntended {
        /// Its number, from 1.
        wave: u64,
        /// Our mark on the job.
        tag: String,
        /// How many tasks.
        tasks: u64,
        /// Of how many task groups.
        groups: u64,
    },
    /// The scheduler accepted them.
    WaveSubmitted {
        /// Its number.
        wave: u64,
        /// The scheduler's name for the job.
        job: String,
    },
    /// The scheduler did not accept them.
    WaveRefused {
        /// Its number.
        wave: u64,
        /// What it said.
        what: String,
    },
    /// A task ended otherwise than with everything done.
    TaskFailed {
        /// Its wave.
        wave: u64,
        /// Its position in the wave.
        task: u64,
        /// The state that the scheduler gave it.
        state: String,
        /// Its task groups that are not complete.
        groups: Vec<u64>,
        /// Whether anything was finished since the last failure of these groups.
        progress: bool,
        /// Whether the same again would fail the same way: the program or its input is at fault.
        program: bool,
        /// The exit code that the campaign would end with for it.
        exit: u8,
        /// What the worker said, if it lived to say it.
        what: String,
    },
    /// All tasks of a wave have ended.
    WaveEnded {
        /// Its number.
        wave: u64,
    },
    /// The campaign was stopped at a clean checkpoint.
    Stopped {
        /// Why.
        reason: String,
    },
    /// The campaign waits for somebody.
    Paused {
        /// Why.
        reason: String,
    },
    /// The campaign cannot go on.
    Failed {
        /// The exit code.
        exit: u8,
        /// Why.
        what: String,
    },
    /// The pack was sealed.
    Sealed {
        /// The payload digest.
        payload: String,
        /// Digest of the manifest.
        pack: String,
        /// Whether every record is in it.
        complete: bool,
    },
    /// The pack was signed.
    Signed {
        /// With which key.
        keyid: String,
    },
}
