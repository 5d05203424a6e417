//! Every exit code of the program, in one place.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | a defect of molsieve |
//! | 2 | usage, or the content of an input |
//! | 3 | incomplete, or paused |
//! | 4 | verification failed |
//! | 5 | the scheduler or the site refused, or cannot be reached |
//! | 6 | the system refused, or a scorer cannot start or breaks its protocol |
//! | 75 | stopped at a clean checkpoint: resume |
//! | 85 | the same, to HTCondor, which knows it as a checkpoint and goes on with the task by itself |

use std::process::ExitCode;

use crate::error::Kind;

/// What a command ends with when nothing went wrong with the command itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// The code of this kind, although there is no error to print: its facts were the output.
    Of(Kind),
    /// The code that the same command ended with on another machine, which has said why.
    Code(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Of(kind) => Self::from(kind.exit_code()),
            Exit::Code(code) => Self::from(code),
        }
    }
}
