//! What somebody can do next about a campaign, a sentence each, with the command.

use std::path::Path;

use crate::journal::event::PauseCode;
use crate::journal::state::Phase;

/// What can be done about a campaign in `dir` that is paused for `code`.
pub fn after_pause(dir: &Path, code: PauseCode) -> Vec<String> {
    let dir = dir.display();
    match code {
        PauseCode::CoreHours => vec![format!("`molsieve resume {dir} --core-hours N` goes on with a higher limit")],
        PauseCode::DiskFull => vec![format!("make room, then `molsieve resume {dir}` goes on from the checkpoints")],
        PauseCode::Retry => vec![format!("see to what the scorer waits for, then `molsieve resume {dir}` goes on")],
        PauseCode::AllErrors => vec![
            format!("`molsieve peek {dir} --errors` and `molsieve logs {dir}` show what went wrong"),
            format!("when the scorer is mended: `molsieve run` the campaign file with `--dir {dir}` again"),
            format!("when what it depends on is mended: `molsieve retry {dir} --errors` scores them again"),
            format!("if they are meant to be: `molsieve resume {dir} --max-error-rate 1` goes on all the same"),
        ],
        PauseCode::MaxErrorRate => vec![
            format!("`molsieve peek {dir} --errors` shows some of them"),
            format!("mend the cause and `molsieve resume {dir}`, or allow more with `--max-error-rate R`"),
        ],
        PauseCode::Rounds | PauseCode::CannotSubmit => {
            vec![format!("`molsieve resume {dir}`, on a machine that may submit jobs, goes on from the checkpoints")]
        }
    }
}

/// Who is at a campaign, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum There {
    /// Somebody is.
    Somebody,
    /// Nobody is.
    Nobody,
    /// Its jobs may be, which their scheduler was to end and has not heard of.
    Unheard,
}

/// What can be done about a campaign in `dir`.
pub fn commands(dir: &Path, phase: &Phase, who: There, is_signed: bool) -> Vec<String> {
    let at = dir.display();
    match phase {
        Phase::Planned => vec![format!("`molsieve resume {at}` starts it")],
        Phase::Stopped if who == There::Unheard => vec![
            format!("`molsieve cancel {at}` tells the scheduler again"),
            format!("`molsieve resume {at}` goes on after all"),
        ],
        Phase::Active if who == There::Somebody => vec![format!("`molsieve cancel {at}` stops it at a checkpoint")],
        Phase::Active | Phase::Stopped | Phase::Paused { code: None, .. } => {
            vec![format!("`molsieve resume {at}` goes on from the checkpoints")]
        }
        Phase::Paused { code: Some(code), .. } => after_pause(dir, *code),
        Phase::Failed { .. } => vec![
            format!("`molsieve logs {at}` says more"),
            format!("when the cause is mended, `molsieve resume {at}` goes on from the checkpoints"),
        ],
        Phase::Complete if is_signed => vec![format!("`molsieve verify {at} --key K.pub.pem` checks the pack")],
        Phase::Complete => vec![format!("`molsieve sign {at} --key K.pem` signs the pack")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_next_command() {
        use There::{Nobody, Somebody, Unheard};
        let next = |phase: &Phase, who| commands(Path::new("d"), phase, who, false).remove(0);
        assert!(next(&Phase::Planned, Nobody).contains("resume d"));
        assert!(next(&Phase::Active, Somebody).contains("cancel d"));
        assert!(next(&Phase::Active, Nobody).contains("resume d"));
        assert!(next(&Phase::Stopped, Nobody).contains("resume d"));
        assert!(next(&Phase::Stopped, Unheard).contains("cancel d"));
        assert!(next(&Phase::Complete, Nobody).contains("sign d"));
        let paused = Phase::Paused { reason: String::new(), code: Some(PauseCode::DiskFull) };
        assert!(next(&paused, Nobody).contains("make room"));
    }
}
