//! Everything that can happen to a campaign.

use std::collections::BTreeMap;

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

/// Why a campaign is paused: a closed list, for programs that read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseCode {
    /// More of its records are ERROR than `limits.max_error_rate` allows.
    MaxErrorRate,
    /// Its first records are all ERROR.
    AllErrors,
    /// The core time of `limits.core_hours` is used up.
    CoreHours,
    /// A disk or a quota is full.
    DiskFull,
    /// The scorer asks to retry, and gave no result for longer than `scorer.retry_patience`.
    Retry,
    /// As many rounds were submitted as may be without anybody.
    Rounds,
    /// Something is left to submit, and jobs may not submit jobs here.
    CannotSubmit,
    /// What goes on with it by itself failed again and again.
    TickFailed,
}

impl PauseCode {
    /// The word in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MaxErrorRate => "max_error_rate",
            Self::AllErrors => "all_errors",
            Self::CoreHours => "core_hours",
            Self::DiskFull => "disk_full",
            Self::Retry => "retry",
            Self::Rounds => "rounds",
            Self::CannotSubmit => "cannot_submit",
            Self::TickFailed => "tick_failed",
        }
    }
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
        /// Records that were finished before it; none in journals of the first version.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        finished: Option<u64>,
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
        /// Where it waits for somebody: for what.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pause: Option<PauseCode>,
        /// The node that it ran on, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<String>,
    },
    /// A tick is about to ask a wave to end.
    WaveCancelled {
        /// Its number.
        wave: u64,
    },
    /// The scheduler held tasks by itself, after a failure of its own.
    Held {
        /// Their wave.
        wave: u64,
        /// Those that are about to be let go.
        released: Vec<u64>,
        /// Those that were let go often enough, and are about to be ended.
        ended: Vec<u64>,
        /// Why they were held, in the scheduler's word.
        what: String,
    },
    /// A tick is about to be submitted: the job that goes on when the wave has ended.
    TickIntended {
        /// Its number, from 1.
        round: u64,
        /// Our mark on the job.
        tag: String,
    },
    /// The scheduler accepted it.
    TickSubmitted {
        /// Its number.
        round: u64,
        /// The scheduler's name for the job.
        job: String,
    },
    /// There is no such tick: the scheduler refused it, or does not know it any more.
    TickLost {
        /// Its number.
        round: u64,
        /// What was said.
        what: String,
    },
    /// A tick took over, as a job of its own.
    Ticked {
        /// Its number; none for a look, and if a person called it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        round: Option<u64>,
        /// Version of molsieve.
        molsieve: String,
        /// Node name.
        host: String,
    },
    /// Tasks used core time since the last such event: the cores of each running task × time.
    CoreTime {
        /// Core-milliseconds.
        core_ms: u64,
    },
    /// What is not frozen was changed: key to "old → new".
    Amended {
        /// The changes.
        changes: BTreeMap<String, String>,
    },
    /// The rows of another campaign's records were taken over, all but those that are scored again.
    CarriedOver {
        /// Digest of the identity of that campaign.
        parent: Digest,
        /// Records whose rows were taken over.
        carried: u64,
        /// Records that had a row and are scored again.
        retried: u64,
        /// Records that had no row.
        unfinished: u64,
    },
    /// What answers questions later was copied into one archive.
    Archived {
        /// SHA-256 of the archive.
        sha256: Digest,
        /// Its length.
        bytes: u64,
        /// Whether the rows of the task groups are about to be removed: the pack then stands alone.
        rows_removed: bool,
    },
    /// All tasks of a wave have ended.
    WaveEnded {
        /// Its number.
        wave: u64,
        /// Core time that its tasks say they used, in core-milliseconds; none where the driver looked on, and noted it as it went.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        core_ms: Option<u64>,
    },
    /// The campaign was stopped at a clean checkpoint.
    Stopped {
        /// Why.
        reason: String,
    },
    /// The scheduler was told to end whatever it has of a campaign that was stopped.
    QueueCleared {},
    /// The campaign waits for somebody.
    Paused {
        /// Why.
        reason: String,
        /// Why, as a code; none in journals of the first version.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<PauseCode>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_of_the_first_version_has_no_code_and_is_written_as_it_was() {
        let text = r#"{"kind":"paused","reason":"why"}"#;
        let event: Event = serde_json::from_str(text).unwrap();
        assert_eq!(event, Event::Paused { reason: "why".to_owned(), code: None });
        assert_eq!(serde_json::to_string(&event).unwrap(), text);
    }

    #[test]
    fn a_code_is_the_same_word_everywhere() {
        use PauseCode::{AllErrors, CannotSubmit, CoreHours, DiskFull, MaxErrorRate, Retry, Rounds};
        for code in [MaxErrorRate, AllErrors, CoreHours, DiskFull, Retry, Rounds, CannotSubmit] {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
