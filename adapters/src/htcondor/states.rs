//! The numbers that HTCondor has for the state of a job, and what they mean here.
//!
//! Source: the page "Job Status Codes" of HTCondor's manual and `proc.h`, from 23.0 to 25.13.

use super::holds;
use super::rows::Row;
use crate::job::TaskState;

/// Every number, by what it means of a job in the queue and of one in the books.
const NUMBERS: &[(u64, Meaning, Meaning)] = &[
    // Idle; of the books it says nothing.
    (1, Meaning::Is(TaskState::Pending), Meaning::Is(TaskState::Unknown)),
    (2, Meaning::Is(TaskState::Running), Meaning::Is(TaskState::Unknown)),
    // Removed. It is still being ended while it is in the queue.
    (3, Meaning::Is(TaskState::Running), Meaning::Removed),
    // Completed; some stay in the queue until they are fetched.
    (4, Meaning::Exited, Meaning::Exited),
    (5, Meaning::Is(TaskState::Held), Meaning::Is(TaskState::Unknown)),
    // Its results are being brought back.
    (6, Meaning::Is(TaskState::Running), Meaning::Is(TaskState::Unknown)),
    // Suspended. It has its place, and goes on when its node says so.
    (7, Meaning::Is(TaskState::Running), Meaning::Is(TaskState::Unknown)),
    // Failed, and blocked: not used yet.
    (8, Meaning::Is(TaskState::Unknown), Meaning::Is(TaskState::Unknown)),
    (9, Meaning::Is(TaskState::Unknown), Meaning::Is(TaskState::Unknown)),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Is(TaskState),
    /// It ended by itself: how, the exit code says.
    Exited,
    /// It was taken out of the queue: by somebody, or since it took too long or too much.
    Removed,
}

/// Where a row is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Queue,
    Books,
}

/// What has become of the job of `row`. A number that is not in the table is `Unknown`, never an end.
pub fn state(row: &Row, place: Place) -> TaskState {
    let found = NUMBERS.iter().find(|(number, ..)| *number == row.status);
    let meaning = found.map_or(Meaning::Is(TaskState::Unknown), |(_, queue, books)| match place {
        Place::Queue => *queue,
        Place::Books => *books,
    });
    match meaning {
        Meaning::Is(state) => state,
        Meaning::Exited => exited(row),
        Meaning::Removed => removed(row),
    }
}

fn exited(row: &Row) -> TaskState {
    match (row.by_signal, row.exit) {
        (Some(false), Some(code)) => TaskState::of_exit(code),
        // A signal that nobody claims: an operator, the kernel, a machine that is going down.
        _ => TaskState::NodeFailed,
    }
}

fn removed(row: &Row) -> TaskState {
    let end = row.hold.and_then(|code| holds::end(code, row.subcode.unwrap_or(0)));
    end.unwrap_or(TaskState::Cancelled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(status: u64) -> Row {
        Row { status, ..Row::default() }
    }

    #[test]
    fn every_number_that_htcondor_documents_has_one_line() {
        for number in 1..=9 {
            assert_eq!(NUMBERS.iter().filter(|(known, ..)| *known == number).count(), 1, "{number}");
        }
        assert_eq!(NUMBERS.len(), 9);
    }

    #[test]
    fn a_number_that_nobody_knows_is_not_an_end() {
        for number in [0, 8, 9, 10, 1000] {
            for place in [Place::Queue, Place::Books] {
                assert_eq!(state(&row(number), place), TaskState::Unknown, "{number}");
            }
        }
    }

    #[test]
    fn how_a_job_exited_is_told_apart() {
        let exited = |by_signal, exit| state(&Row { by_signal, exit, ..row(4) }, Place::Books);
        assert_eq!(exited(Some(false), Some(0)), TaskState::Succeeded);
        assert_eq!(exited(Some(false), Some(75)), TaskState::Checkpointed);
        assert_eq!(exited(Some(false), Some(2)), TaskState::Failed { exit: 2 });
        assert_eq!(exited(Some(true), None), TaskState::NodeFailed);
        assert_eq!(exited(None, None), TaskState::NodeFailed);
    }

    #[test]
    fn what_was_removed_was_cancelled_unless_it_was_held_for_time_or_memory() {
        let removed = |hold, subcode| state(&Row { hold, subcode, ..row(3) }, Place::Books);
        assert_eq!(removed(None, None), TaskState::Cancelled);
        assert_eq!(removed(Some(1), Some(0)), TaskState::Cancelled);
        assert_eq!(removed(Some(47), Some(0)), TaskState::TimedOut);
        assert_eq!(removed(Some(34), Some(102)), TaskState::OutOfMemory);
        assert_eq!(state(&row(3), Place::Queue), TaskState::Running);
    }
}
