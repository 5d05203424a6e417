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

/// What can be done about a campaign in `dir`, at which somebody is there as far as is known, or nobody.
pub fn commands(dir: &Path, phase: &Phase, is_there: bool, is_signed: bool) -> Vec<String> {
    let at = dir.display();
    match phase {
        Phase::Planned => vec![format!("`molsieve resume {at}` starts it")],
        Phase::Active if is_there => vec![format!("`molsieve cancel {at}` stops it at a checkpoint")],
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
        let next = |phase: &Phase, is_there| commands(Path::new("d"), phase, is_there, false).remove(0);
        assert!(next(&Phase::Planned, false).contains("resume d"));
        assert!(next(&Phase::Active, true).contains("cancel d"));
        assert!(next(&Phase::Active, false).contains("resume d"));
        assert!(next(&Phase::Stopped, false).contains("resume d"));
        assert!(next(&Phase::Complete, false).contains("sign d"));
        let paused = Phase::Paused { reason: String::new(), code: Some(PauseCode::DiskFull) };
        assert!(next(&paused, false).contains("make room"));
    }
}
