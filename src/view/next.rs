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
        PauseCode::TickFailed => vec![
            format!("`molsieve logs {dir}` shows what went wrong"),
            format!("when its cause is mended, `molsieve resume {dir}` goes on from the checkpoints"),
        ],
        PauseCode::Rounds | PauseCode::CannotSubmit => {
            vec![format!("`molsieve resume {dir}`, on a machine that may submit jobs, goes on from the checkpoints")]
        }
    }
}

/// The commands that are given a campaign directory and nothing else that must be there.
const GIVEN_A_DIR: [&str; 10] =
    ["resume", "status", "cancel", "logs", "tick", "peek", "gather", "clean", "verify", "sign"];

/// `text` with `dir` behind every command in it that is to be given a campaign directory and names none, so that it works as it
/// is copied.
pub fn with_dir(text: &str, dir: &str) -> String {
    let mut told = String::with_capacity(text.len());
    for (at, part) in text.split('`').enumerate() {
        if at > 0 {
            told.push('`');
        }
        // What is between backticks is every second part.
        match part.strip_prefix("molsieve ").filter(|_| at % 2 == 1) {
            Some(words) => told.push_str(&format!("molsieve {}", given(words, dir))),
            None => told.push_str(part),
        }
    }
    told
}

fn given(words: &str, dir: &str) -> String {
    let (verb, rest) = words.split_once(' ').unwrap_or((words, ""));
    let rest = rest.strip_prefix("DIR").map_or(rest, str::trim_start);
    if !GIVEN_A_DIR.contains(&verb) || !(rest.is_empty() || rest.starts_with("--")) {
        return words.to_owned();
    }
    let gap = if rest.is_empty() { "" } else { " " };
    format!("{verb} {dir}{gap}{rest}")
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
    fn a_command_that_is_told_works_as_it_is_copied() {
        for (text, told) in [
            ("`molsieve resume` goes on", "`molsieve resume d/1` goes on"),
            ("with `molsieve resume DIR --config FILE`", "with `molsieve resume d/1 --config FILE`"),
            (
                "`molsieve cancel`, then `molsieve resume --walltime` less",
                "`molsieve cancel d/1`, then `molsieve resume d/1 --walltime` less",
            ),
            ("`molsieve resume other` goes on", "`molsieve resume other` goes on"),
            ("`molsieve run` the file; molsieve resume", "`molsieve run` the file; molsieve resume"),
            ("`scontrol ping` must work", "`scontrol ping` must work"),
            ("no `", "no `"),
        ] {
            assert_eq!(with_dir(text, "d/1"), told);
        }
    }

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
