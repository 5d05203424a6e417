//! Last words: what a worker leaves when it fails, for the driver to report as its own.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::event::PauseCode;
use crate::canonical::json;
use crate::error::{Error, Kind, Result};
use crate::fs;
use crate::layout::CampaignDir;

/// Schema of [`LastWords`].
pub const SCHEMA: &str = "molsieve.last-words.v1";

/// Why a worker failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastWords {
    /// [`SCHEMA`].
    pub schema: String,
    /// The exit code of that kind of failure.
    pub exit: u8,
    /// What happened, and what to do about it.
    pub what: String,
    /// Where it waits for somebody: for what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<PauseCode>,
    /// The node, as the scheduler calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Whether the same again would fail the same way, in every task: the program or its input is at fault.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub program: bool,
}

impl LastWords {
    /// The words of `error`.
    pub fn of(error: &Error) -> Self {
        let what = std::iter::once(error.what()).chain(error.hints().iter().map(String::as_str));
        Self {
            schema: SCHEMA.to_owned(),
            exit: error.kind().exit_code(),
            what: what.collect::<Vec<_>>().join("; "),
            pause: match error.kind() {
                Kind::Incomplete => Some(PauseCode::Retry),
                Kind::Full => Some(PauseCode::DiskFull),
                Kind::Hopeless => Some(PauseCode::AllErrors),
                _ => None,
            },
            node: None,
            program: error.kind() != Kind::Environment,
        }
    }

    /// The words of a worker that has used its share of the core time.
    pub fn spent() -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            exit: Kind::Incomplete.exit_code(),
            what: "the task has used its share of `limits.core_hours`".to_owned(),
            pause: Some(PauseCode::CoreHours),
            node: None,
            program: false,
        }
    }

    /// With the node on which they were said: a scheduler may have forgotten it by the time they are heard.
    #[must_use]
    pub fn on(self, node: Option<String>) -> Self {
        Self { node, ..self }
    }

    /// Leaves them for whoever ends the wave.
    ///
    /// Where the program is at fault, they are left for the tasks of this wave that have not begun, too: no other would do
    /// better, and a broken scorer does not tour the cluster.
    ///
    /// # Errors
    /// The system refuses (exit 6); then only the exit code is learnt.
    pub fn leave(&self, dir: &CampaignDir, wave: u64, task: u64) -> Result<()> {
        let line = json::to_line(self)?;
        fs::replace(&dir.last_words(wave, task), &line)?;
        if self.program { fs::replace(&dir.wave_problem(wave), &line) } else { Ok(()) }
    }

    /// The words that a worker left, if any that can be read.
    pub fn hear(dir: &CampaignDir, wave: u64, task: u64) -> Option<Self> {
        Self::read(&dir.last_words(wave, task))
    }

    /// Why no task of `wave` needs to begin, if one has failed by the program's fault.
    pub fn of_wave(dir: &CampaignDir, wave: u64) -> Option<Self> {
        Self::read(&dir.wave_problem(wave))
    }

    fn read(path: &Path) -> Option<Self> {
        json::from_slice("last words", &fs::read_small(path).ok()?).ok()
    }

    /// The exit code of the process that leaves them. A broken scorer is the program's fault, not the machine's (exit 2); and
    /// what waits for somebody says so (exit 3), since a full disk is full for every task.
    pub const fn process_exit(&self) -> u8 {
        match self.pause {
            Some(_) => Kind::Incomplete.exit_code(),
            None if self.program && self.exit == Kind::Scorer.exit_code() => Kind::Usage.exit_code(),
            None => self.exit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_program_did_is_left_for_the_other_tasks_of_the_wave() {
        let cases = [
            (Kind::Environment, 6, false),
            (Kind::Scorer, 2, true),
            (Kind::Usage, 2, true),
            (Kind::Bug, 1, true),
            (Kind::Full, 3, true),
            (Kind::Hopeless, 3, true),
        ];
        for (wave, (kind, exit, is_for_all)) in (1..).zip(cases) {
            let temp = tempfile::tempdir().unwrap();
            let dir = CampaignDir::new(temp.path());
            fs::create_dir(&dir.logs()).unwrap();
            let words = LastWords::of(&Error::new(kind, "why").hint("what to do"));
            words.leave(&dir, wave, 3).unwrap();
            assert_eq!(LastWords::hear(&dir, wave, 3).as_ref(), Some(&words), "{kind:?}");
            assert_eq!(
                (words.process_exit(), LastWords::of_wave(&dir, wave).is_some()),
                (exit, is_for_all),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn the_words_of_an_earlier_version_are_heard() {
        let old = br#"{"exit":6,"schema":"molsieve.last-words.v1","what":"why"}"#;
        let words: LastWords = json::from_slice("last words", &[old.as_slice(), b"\n"].concat()).unwrap();
        assert_eq!((words.exit, words.program, words.pause), (6, false, None));
    }
}
