//! The words that SLURM has for the state of a job, and what they mean here.
//!
//! Source: the sections "JOB STATE CODES" of squeue(1) and sacct(1), from 18.08 to 25.05. Base states and
//! flags are in one table: a command prints whichever it thinks matters most.

use super::reasons;
use crate::job::TaskState;

/// Every word, as the long form that commands print.
const WORDS: &[(&str, Word)] = &[
    // Base states.
    ("PENDING", Word::Pending),
    ("RUNNING", Word::Running),
    // It holds its memory and its place, and goes on by itself (gang scheduling) or when an operator says so.
    ("SUSPENDED", Word::Running),
    ("COMPLETED", Word::Ended),
    ("FAILED", Word::Ended),
    ("CANCELLED", Word::Final(TaskState::Cancelled)),
    ("TIMEOUT", Word::Final(TaskState::TimedOut)),
    // It could not end before a deadline that somebody gave it: the same cause as a time limit.
    ("DEADLINE", Word::Final(TaskState::TimedOut)),
    ("OUT_OF_MEMORY", Word::Final(TaskState::OutOfMemory)),
    ("PREEMPTED", Word::Final(TaskState::Preempted)),
    ("NODE_FAIL", Word::Final(TaskState::NodeFailed)),
    ("BOOT_FAIL", Word::Final(TaskState::NodeFailed)),
    // Flags.
    ("COMPLETING", Word::Running),
    ("CONFIGURING", Word::Pending),
    ("POWER_UP_NODE", Word::Pending),
    ("EXPEDITING", Word::Pending),
    ("RESIZING", Word::Running),
    ("SIGNALING", Word::Running),
    ("STAGE_OUT", Word::Running),
    ("STOPPED", Word::Running),
    ("UPDATE_DB", Word::Running),
    ("REQUEUED", Word::Pending),
    ("REQUEUE_FED", Word::Pending),
    ("REQUEUE_HOLD", Word::Held),
    ("SPECIAL_EXIT", Word::Held),
    ("RESV_DEL_HOLD", Word::Held),
    ("LAUNCH_FAILED", Word::Final(TaskState::NodeFailed)),
    ("RECONFIG_FAIL", Word::Final(TaskState::NodeFailed)),
    // Another cluster of a federation took it: what has become of it there is not known here.
    ("REVOKED", Word::Final(TaskState::Unknown)),
];

/// The kinds of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// Waits, unless the reason says that it is held.
    Pending,
    Held,
    Running,
    /// Ended by itself: how, the exit code says.
    Ended,
    Final(TaskState),
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// With this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl Exit {
    /// Reads `code:signal`, as sacct and scontrol print it, or a raw wait status, as squeue 22.05 does.
    pub fn parse(text: &str) -> Option<Self> {
        let (code, signal) = if let Some((code, signal)) = text.split_once(':') {
            (code.parse().ok()?, signal.parse().ok()?)
        } else {
            let raw: i32 = text.parse().ok()?;
            (raw >> 8, raw & 0x7f)
        };
        Some(if signal == 0 { Self::Code(code) } else { Self::Signal(signal) })
    }
}

/// What SLURM's `word` means, with how the process ended and why the job waits.
///
/// A word that is not in the table is `Unknown`, never an end.
pub fn state(word: &str, exit: Option<Exit>, reason: &str) -> TaskState {
    // sacct says who did it: "CANCELLED by 1000".
    let word = word.split([' ', '+']).next().unwrap_or("");
    match WORDS.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning) {
        Some(Word::Pending) if reasons::holds(reason) => TaskState::Held,
        Some(Word::Pending) => TaskState::Pending,
        Some(Word::Held) => TaskState::Held,
        Some(Word::Running) => TaskState::Running,
        Some(Word::Ended) => ended(word, exit),
        Some(Word::Final(state)) => state,
        None => TaskState::Unknown,
    }
}

/// Sentences of slurmstepd, in the output of a job that it ended for want of memory. Where slurmd counts memory itself, and
/// not a control group, the queue says of such a job only that a signal ended it.
const OVER_MEMORY: &[&str] =
    &["exceeded memory limit", "Exceeded job memory limit", "oom-kill event", "oom_kill event"];

/// What the output of jobs says of the end of one that a signal ended.
pub fn diagnosed(output: &str) -> Option<TaskState> {
    let is_of_slurm = |line: &str| line.starts_with("slurmstepd") && OVER_MEMORY.iter().any(|why| line.contains(why));
    output.lines().any(is_of_slurm).then_some(TaskState::OutOfMemory)
}

fn ended(word: &str, exit: Option<Exit>) -> TaskState {
    match exit {
        _ if word == "COMPLETED" => TaskState::Succeeded,
        Some(Exit::Code(code)) if code != 0 => TaskState::of_exit(code),
        // A signal that nobody claims: an operator, the kernel, a machine that is going down. Or failed with exit code 0: it
        // never ran (a prolog, a file system).
        _ => TaskState::NodeFailed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of squeue(1) 25.05, base states and flags.
    const DOCUMENTED: &str = "BOOT_FAIL CANCELLED COMPLETED DEADLINE FAILED NODE_FAIL OUT_OF_MEMORY PENDING PREEMPTED \
        RUNNING SUSPENDED TIMEOUT COMPLETING CONFIGURING EXPEDITING LAUNCH_FAILED POWER_UP_NODE RECONFIG_FAIL \
        REQUEUED REQUEUE_FED REQUEUE_HOLD RESIZING RESV_DEL_HOLD REVOKED SIGNALING SPECIAL_EXIT STAGE_OUT STOPPED \
        UPDATE_DB";

    #[test]
    fn every_word_that_slurm_documents_has_one_line() {
        for word in DOCUMENTED.split_whitespace() {
            assert_eq!(WORDS.iter().filter(|(known, _)| *known == word).count(), 1, "{word}");
        }
        assert_eq!(WORDS.len(), DOCUMENTED.split_whitespace().count());
    }

    #[test]
    fn an_end_for_want_of_memory_is_known_by_what_slurmstepd_wrote() {
        let said =
            "hello\nslurmstepd-n1: error: StepId=2.batch exceeded memory limit (139571200 > 62914560), being killed\n";
        assert_eq!(diagnosed(said), Some(TaskState::OutOfMemory));
        assert_eq!(
            diagnosed("slurmstepd: error: Detected 1 oom-kill event(s) in StepId=7.batch.\n"),
            Some(TaskState::OutOfMemory)
        );
        for other in ["", "slurmstepd: error: *** JOB 2 ON n1 CANCELLED ***\n", "my scorer exceeded memory limit\n"] {
            assert_eq!(diagnosed(other), None, "{other}");
        }
    }

    #[test]
    fn a_word_that_nobody_knows_is_not_an_end() {
        for word in ["", "FROBNICATED", "completed", "C"] {
            assert_eq!(state(word, None, ""), TaskState::Unknown, "{word:?}");
        }
    }

    #[test]
    fn what_waits_for_somebody_is_held_and_what_waits_for_room_is_not() {
        for reason in ["JobHeldUser", "(DependencyNeverSatisfied)", "launch failed requeued held"] {
            assert_eq!(state("PENDING", None, reason), TaskState::Held, "{reason}");
        }
        for reason in ["Priority", "Resources", "JobArrayTaskLimit", "QOSMaxJobsPerUserLimit", "", "BeginTime"] {
            assert_eq!(state("PENDING", None, reason), TaskState::Pending, "{reason}");
        }
    }

    #[test]
    fn an_exit_is_read_in_both_ways_of_writing_it() {
        assert_eq!(Exit::parse("75:0"), Some(Exit::Code(75)));
        assert_eq!(Exit::parse("0:11"), Some(Exit::Signal(11)));
        assert_eq!(Exit::parse("19200"), Some(Exit::Code(75)));
        assert_eq!(Exit::parse("9"), Some(Exit::Signal(9)));
        assert_eq!(Exit::parse("139"), Some(Exit::Signal(11)));
        assert_eq!(Exit::parse("0"), Some(Exit::Code(0)));
        assert_eq!(Exit::parse("x"), None);
    }

    #[test]
    fn the_exit_code_tells_a_checkpoint_from_a_failure() {
        assert_eq!(state("FAILED", Exit::parse("19200"), "NonZeroExitCode"), TaskState::Checkpointed);
        assert_eq!(state("FAILED", Exit::parse("2:0"), ""), TaskState::Failed { exit: 2 });
        assert_eq!(state("FAILED", Exit::parse("0:7"), ""), TaskState::NodeFailed);
        assert_eq!(state("FAILED", Exit::parse("0:0"), ""), TaskState::NodeFailed);
        assert_eq!(state("COMPLETED", Exit::parse("0:0"), ""), TaskState::Succeeded);
        assert_eq!(state("CANCELLED by 1000", Exit::parse("0:15"), ""), TaskState::Cancelled);
    }
}
