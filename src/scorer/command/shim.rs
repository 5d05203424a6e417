//! The first thing that a child runs: our own executable, as `molsieve __child PARENT PROGRAM ARGUMENT…`.
//!
//! It asks the kernel to be killed when its parent dies, and then becomes the program. So a scorer
//! does not outlive its worker, not even one that was killed by SIGKILL. The wish survives `exec`,
//! but not `fork`: what the scorer itself starts sees the end of its input instead.

use std::convert::Infallible;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::process::{Signal, getppid, set_parent_process_death_signal};

use super::launch::TMP_VARIABLE;
use crate::error::{Error, Result};
use crate::fs::held::Held;
use crate::fs::scratch;

/// The hidden subcommand whose arguments are for [`exec`].
pub const SUBCOMMAND: &str = "__child";

/// A file in the private directory of a child: a program in it could not be started, and what ended is our own process.
/// No exit code could say so, as the program may end with any.
const NOT_STARTED: &str = "not-started";

/// Whether a program could not be started in the child whose private directory is `tmp`.
pub fn is_not_started(tmp: &Held) -> bool {
    tmp.open(Path::new(NOT_STARTED)).is_ok()
}

/// As [`is_not_started`], for a directory of our own in which nobody else moves things.
pub fn is_not_started_in(tmp: &Path) -> bool {
    tmp.join(NOT_STARTED).exists()
}

/// Becomes the program. `arguments` are those after [`SUBCOMMAND`]: the process id of the parent,
/// the program, its arguments. Returns only if that failed: the answer is why (exit 6).
pub fn exec(arguments: &[OsString]) -> Error {
    match try_exec(arguments) {
        Err(error) => error,
        Ok(never) => match never {},
    }
}

fn try_exec(arguments: &[OsString]) -> Result<Infallible> {
    let [parent, program, rest @ ..] = arguments else {
        return Err(Error::usage(format!("`{SUBCOMMAND}` is for molsieve itself"))
            .hint("to score records, use `molsieve run` with a campaign file"));
    };
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|e| Error::environment(format!("the kernel refuses to tie a scorer to its worker: {e}")))?;
    // The parent may have died before the kernel was asked: then nobody would send the signal.
    let alive = getppid().is_some_and(|now| parent.to_str() == Some(&now.as_raw_nonzero().to_string()));
    if !alive {
        return Err(Error::environment("the worker that wanted this scorer is gone"));
    }
    let failure = Command::new(program).args(rest).exec();
    note(&failure);
    Err(Error::environment(format!("cannot start `{}`: {failure}", program.display()))
        .hint("check `[scorer] argv` in the campaign file, and that the program is executable on this machine"))
}

/// Leaves word that the program could not be started. Arguments that are too long are their record's fault.
fn note(failure: &io::Error) {
    let Some(tmp) = std::env::var_os(TMP_VARIABLE).filter(|_| failure.kind() != io::ErrorKind::ArgumentListTooLong)
    else {
        return;
    };
    // Without it the end of this process is taken for that of the program, which is no worse than a crash.
    let _ = scratch::write(&Path::new(&tmp).join(NOT_STARTED), failure.to_string().as_bytes());
}
