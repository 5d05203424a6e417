//! What the end of a launch says of its task. Pure.
//!
//! The exit code of a launcher is that of some rank, or of none. Whatever a rank did, its files say; a rank that was killed, and a
//! launcher that failed, are no fault of the program.

use crate::campaign::launch::Launcher;
use crate::error::{Error, Kind};
use crate::journal::last_words::LastWords;

/// How a launcher ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ending {
    /// Its exit code, if it ended by itself.
    pub code: Option<i32>,
    /// The signal that ended it, if one did.
    pub signal: Option<i32>,
}

/// What it comes to.
#[derive(Debug)]
pub enum Outcome {
    /// Every task group has its receipt.
    Done,
    /// Something is left, at checkpoints.
    Stopped,
    /// A rank failed, and left these words.
    Failed(LastWords),
    /// The launch did, or a rank that could say nothing.
    Broken(Error),
}

/// What launchers print where nothing can be launched, however often it is tried, and what is to be done.
const HOPELESS: &[(&str, &str)] = &[
    (
        "has detected an attempt to run as root",
        "Open MPI starts nothing for the superuser: run it as somebody else, or set OMPI_ALLOW_RUN_AS_ROOT=1 and \
         OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 (on a cluster `export = [...]` lets them go along)",
    ),
    (
        "There are not enough slots available",
        "fewer `ranks`, or `launcher_options = [\"--oversubscribe\"]` where more of them are to share the cores",
    ),
    (
        "error while loading shared libraries",
        "`molsieve-mpi` was built with a library that is not here: build it anew, or say `hand_out = \"static\"`",
    ),
    (
        "Invalid MPI type",
        "this SLURM has no PMIx: say `launcher_options = [\"--mpi=pmi2\"]` if your MPI library knows that, or `launcher = \"mpirun\"`",
    ),
    ("unknown option", "`launcher_options` holds what this launcher does not know"),
    ("unrecognized option", "`launcher_options` holds what this launcher does not know"),
    ("unrecognized argument", "`launcher_options` holds what this launcher does not know"),
];

/// What `ending` comes to, where `is_complete` says whether all receipts are there, `words` are what a rank left in this life, `printed`
/// is the end of what was printed, and `was_stopped` says whether this launch was told to stop.
pub fn of(
    launcher: Launcher,
    ending: Ending,
    is_complete: bool,
    words: Option<LastWords>,
    printed: &str,
    was_stopped: bool,
) -> Outcome {
    if is_complete {
        return Outcome::Done;
    }
    if let Some(words) = words {
        return Outcome::Failed(words);
    }
    if was_stopped || ending.code == Some(i32::from(Kind::Stopped.exit_code())) {
        return Outcome::Stopped;
    }
    let program = launcher.program();
    let how = match (ending.code, ending.signal) {
        (Some(0), _) => format!("`{program}` ended, and task groups are left"),
        (Some(code @ 129..=192), _) => format!("a rank was ended by signal {}, as `{program}` says", code - 128),
        (Some(code), _) => format!("`{program}` ended with exit code {code}"),
        (None, Some(signal)) => format!("`{program}` was ended by signal {signal}"),
        (None, None) => format!("nobody knows how `{program}` ended"),
    };
    let known = HOPELESS.iter().find(|(said, _)| printed.contains(said));
    Outcome::Broken(match known {
        Some((said, hint)) => Error::usage(format!("{how}: \"{said}\"")).hint(*hint),
        None => Error::environment(how).hint(
            "what it printed is in `molsieve logs DIR`; what ranks had finished is kept, and the rest is begun again",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(ending: Ending, printed: &str) -> Error {
        match of(Launcher::Mpirun, ending, false, None, printed, false) {
            Outcome::Broken(error) => error,
            other => panic!("{other:?}"),
        }
    }

    const KILLED: Ending = Ending { code: Some(137), signal: None };

    #[test]
    fn a_rank_that_was_killed_is_no_fault_of_the_program() {
        let error = broken(KILLED, "");
        assert_eq!(error.kind(), Kind::Environment);
        assert!(error.what().contains("signal 9"), "{error}");
        let all_there = of(Launcher::Mpirun, KILLED, true, None, "", false);
        assert!(matches!(all_there, Outcome::Done), "files are the truth");
    }

    #[test]
    fn a_stop_that_was_asked_for_is_one_however_the_launcher_ended() {
        for code in [0, 1, 75, 143] {
            let ending = Ending { code: Some(code), signal: None };
            assert!(matches!(of(Launcher::Srun, ending, false, None, "", true), Outcome::Stopped), "{code}");
        }
        let by_a_rank = Ending { code: Some(75), signal: None };
        assert!(matches!(of(Launcher::Srun, by_a_rank, false, None, "", false), Outcome::Stopped));
    }

    #[test]
    fn what_a_rank_says_comes_before_what_the_launcher_makes_of_it() {
        let words = LastWords::of(&Error::new(Kind::Scorer, "the licence is gone"));
        let Outcome::Failed(heard) = of(Launcher::Mpirun, KILLED, false, Some(words.clone()), "", true) else {
            panic!()
        };
        assert_eq!(heard, words);
    }

    #[test]
    fn what_can_never_be_launched_is_not_tried_again() {
        let ending = Ending { code: Some(1), signal: None };
        for (said, hint) in HOPELESS {
            let error = broken(ending, &format!("----\n{said} in this system:\n"));
            assert_eq!(error.kind(), Kind::Usage, "{said}");
            assert_eq!(error.hints(), [*hint]);
        }
        assert_eq!(broken(ending, "").kind(), Kind::Environment);
        assert_eq!(broken(Ending { code: None, signal: Some(9) }, "").kind(), Kind::Environment);
    }
}
