//! What to do next. Pure: state and observation in, one decision out.

use std::collections::BTreeSet;

use molsieve_adapters::{Blame, TaskState};

use crate::error::Kind;
use crate::id::GroupIndex;
use crate::journal::event::PauseCode;
use crate::journal::state::{Problem, State};
use crate::units;

/// Failures of one group without any progress in between, after which the campaign gives up.
pub const FAILURES_MAX: u32 = 4;

/// The exit code of a worker whose scorer waits for somebody.
const PAUSED: u8 = Kind::Incomplete.exit_code();

/// So many records that are all ERROR pause the campaign.
const ALL_ERROR_AFTER: u64 = 100;

/// The limit of whoever wants a campaign of errors alone: every record may be one.
pub(super) const EVERY_RECORD: u64 = 1_000_000;

/// The error rate is judged after so many records.
const JUDGED_AFTER: u64 = 1_000;

/// What is seen at one moment.
#[derive(Clone, Debug)]
pub struct Seen<'a> {
    /// Groups without a receipt.
    pub missing: &'a BTreeSet<GroupIndex>,
    /// Records that are finished, and those of them that are ERROR.
    pub finished: u64,
    /// See `finished`.
    pub errors: u64,
    /// The tasks of the active wave, as the scheduler sees them; empty if there is none.
    pub tasks: &'a [TaskState],
    /// Whether what ended has had the time to be seen: a network file system shows new files late, and a scheduler may
    /// not know a task for a moment.
    pub settled: bool,
    /// Whether somebody asked to stop.
    pub stopping: bool,
    /// The share of ERROR rows that pauses the campaign, in millionths.
    pub max_error_ppm: Option<u64>,
    /// Core time that was used and is not in the state yet, in core-milliseconds.
    pub core_ms: u64,
    /// The core time that drains the campaign, in core-milliseconds.
    pub core_ms_max: Option<u64>,
}

/// Why to pause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// As a code.
    pub code: PauseCode,
    /// As a sentence.
    pub reason: String,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Every group has its receipt: gather and seal.
    Seal,
    /// Submit these groups as a new wave.
    Submit(BTreeSet<GroupIndex>),
    /// Nothing; look again soon.
    Wait,
    /// Ask the active wave to end; look again soon.
    Cancel,
    /// Note that the active wave has ended.
    EndWave,
    /// It was asked to stop and everything has.
    Stopped,
    /// Pause, for the reason given.
    Pause(Pause),
    /// Give up, for the reason given: the exit code, and what happened.
    Fail(u8, String),
}

/// Decides.
pub fn decide(state: &State, seen: &Seen<'_>) -> Decision {
    // What a scheduler does not know may run all the same; after a while it is over, as far as anybody can tell.
    let runs = |task: &TaskState| !task.is_final() && (*task != TaskState::Unknown || !seen.settled);
    let unsettled = !seen.settled && !seen.missing.is_empty();
    let running = seen.tasks.iter().any(runs) || unsettled;
    let pause = over_error_rate(seen).or_else(|| over_budget(state, seen));
    let broken = state.broken.is_some() || seen.tasks.iter().any(|task| task.blame() == Blame::Program);
    if state.active.is_some() {
        let alive = seen.tasks.iter().any(|task| !task.is_final());
        return match (running, alive && (seen.stopping || broken || pause.is_some())) {
            (false, _) => Decision::EndWave,
            (true, true) => Decision::Cancel,
            (true, false) => Decision::Wait,
        };
    }
    if let Some(reason) = pause {
        return Decision::Pause(reason);
    }
    if seen.missing.is_empty() {
        return Decision::Seal;
    }
    match &state.broken {
        Some(Problem { what, pause: Some(code), .. }) => return Decision::Pause(Pause::new(*code, what.clone())),
        Some(Problem { exit: PAUSED, what, .. }) => {
            return Decision::Pause(Pause::new(PauseCode::Retry, what.clone()));
        }
        Some(Problem { exit, what, .. }) => return Decision::Fail(*exit, what.clone()),
        None => {}
    }
    if seen.stopping {
        return Decision::Stopped;
    }
    let hopeless = |group: &&GroupIndex| state.failures.get(group).is_some_and(|n| *n >= FAILURES_MAX);
    if let Some(group) = seen.missing.iter().find(hopeless) {
        let last = state.last_problem.as_ref();
        let why = last.map_or_else(|| "nobody lived to say why".to_owned(), |p| p.what.clone());
        let what = format!("task group {group} failed {FAILURES_MAX} times in a row without any progress: {why}");
        return Decision::Fail(last.map_or(Kind::Environment.exit_code(), |p| p.exit), what);
    }
    Decision::Submit(seen.missing.clone())
}

impl Pause {
    const fn new(code: PauseCode, reason: String) -> Self {
        Self { code, reason }
    }
}

/// The budget drains a campaign that has something left to do; one that is finished is sealed.
fn over_budget(state: &State, seen: &Seen<'_>) -> Option<Pause> {
    let used = state.core_ms.saturating_add(seen.core_ms);
    let limit = seen.core_ms_max.filter(|limit| used >= *limit && !seen.missing.is_empty())?;
    let (used, limit) = (units::core_hours(used), units::core_hours(limit));
    let reason = format!("{used:.4} core-hours are used, and `limits.core_hours` allows {limit}");
    Some(Pause::new(PauseCode::CoreHours, reason))
}

fn over_error_rate(seen: &Seen<'_>) -> Option<Pause> {
    let Seen { finished, errors, .. } = *seen;
    let is_wanted = seen.max_error_ppm == Some(EVERY_RECORD);
    let is_enough = finished >= ALL_ERROR_AFTER || finished > 0 && seen.missing.is_empty();
    if errors == finished && is_enough && !is_wanted {
        let which = if seen.missing.is_empty() { "all" } else { "all of the first" };
        let reason = format!("{which} {finished} records are ERROR: that is hardly the records' fault");
        return Some(Pause::new(PauseCode::AllErrors, reason));
    }
    let max_ppm = seen.max_error_ppm.filter(|_| finished >= JUDGED_AFTER)?;
    let over = u128::from(errors) * 1_000_000 > u128::from(finished) * u128::from(max_ppm);
    let limit = max_ppm as f64 / 1e6;
    let reason =
        || format!("{errors} of {finished} records are ERROR, more than `limits.max_error_rate` ({limit}) allows");
    over.then(|| Pause::new(PauseCode::MaxErrorRate, reason()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::state::Wave;

    fn groups(list: &[u64]) -> BTreeSet<GroupIndex> {
        list.iter().copied().map(GroupIndex).collect()
    }

    fn seen<'a>(missing: &'a BTreeSet<GroupIndex>, tasks: &'a [TaskState]) -> Seen<'a> {
        let (max_error_ppm, core_ms_max) = (None, None);
        Seen {
            missing,
            finished: 0,
            errors: 0,
            tasks,
            settled: true,
            stopping: false,
            max_error_ppm,
            core_ms: 0,
            core_ms_max,
        }
    }

    fn in_a_wave() -> State {
        State {
            active: Some(Wave { number: 1, tag: "t".into(), job: Some("1".into()), finished: 0 }),
            ..State::default()
        }
    }

    #[test]
    fn what_is_missing_is_submitted_and_what_is_there_is_sealed() {
        let (some, none) = (groups(&[1, 4]), groups(&[]));
        assert_eq!(decide(&State::default(), &seen(&some, &[])), Decision::Submit(some.clone()));
        assert_eq!(decide(&State::default(), &seen(&none, &[])), Decision::Seal);
    }

    #[test]
    fn a_task_that_the_scheduler_calls_completed_is_not_done_without_a_receipt() {
        let some = groups(&[0]);
        assert_eq!(decide(&in_a_wave(), &seen(&some, &[TaskState::Succeeded])), Decision::EndWave);
        assert_eq!(decide(&State::default(), &seen(&some, &[])), Decision::Submit(some.clone()));
    }

    #[test]
    fn a_stop_cancels_waits_and_then_is_one() {
        let some = groups(&[0]);
        let stopping = |tasks| Seen { stopping: true, ..seen(&some, tasks) };
        assert_eq!(decide(&in_a_wave(), &stopping(&[TaskState::Running])), Decision::Cancel);
        assert_eq!(decide(&in_a_wave(), &stopping(&[TaskState::Checkpointed])), Decision::EndWave);
        assert_eq!(decide(&State::default(), &stopping(&[])), Decision::Stopped);
    }

    #[test]
    fn a_group_that_fails_again_and_again_ends_the_campaign_by_name() {
        let some = groups(&[0, 7]);
        let mut state = State::default();
        state.failures.insert(GroupIndex(7), FAILURES_MAX);
        let Decision::Fail(6, what) = decide(&state, &seen(&some, &[])) else { panic!() };
        assert!(what.contains("000007"));
    }

    #[test]
    fn too_many_errors_pause_the_campaign_but_not_before_a_thousand_records() {
        let none = groups(&[]);
        let judge = |finished, errors, max_error_ppm| {
            decide(&State::default(), &Seen { finished, errors, max_error_ppm, ..seen(&none, &[]) })
        };
        assert_eq!(judge(999, 998, Some(200_000)), Decision::Seal);
        assert_eq!(judge(1000, 200, Some(200_000)), Decision::Seal);
        assert!(matches!(judge(1000, 201, Some(200_000)), Decision::Pause(_)), "even when all is done");
        assert_eq!(judge(1000, 999, None), Decision::Seal);
    }

    #[test]
    fn a_campaign_of_errors_alone_is_not_sealed_unless_somebody_says_that_every_record_may_be_one() {
        let (some, none) = (groups(&[1]), groups(&[]));
        let judge = |missing, finished, errors, max_error_ppm| {
            decide(&State::default(), &Seen { finished, errors, max_error_ppm, ..seen(missing, &[]) })
        };
        let code = |decision| if let Decision::Pause(pause) = decision { Some(pause.code) } else { None };
        assert_eq!(code(judge(&some, 99, 99, None)), None, "a small start may be a bad corner of the library");
        assert_eq!(code(judge(&some, 100, 100, None)), Some(PauseCode::AllErrors), "without any limit");
        assert_eq!(code(judge(&some, 100, 99, None)), None);
        for finished in [1, 99, 100, 5000] {
            assert_eq!(code(judge(&none, finished, finished, None)), Some(PauseCode::AllErrors), "{finished}");
            assert_eq!(code(judge(&none, finished, finished, Some(999_999))), Some(PauseCode::AllErrors), "{finished}");
            assert_eq!(judge(&none, finished, finished, Some(1_000_000)), Decision::Seal, "{finished}");
            assert_eq!(judge(&some, finished, finished, Some(1_000_000)), Decision::Submit(some.clone()), "{finished}");
        }
        assert_eq!(judge(&none, 5, 4, None), Decision::Seal, "one score is a result");
        assert_eq!(judge(&none, 0, 0, None), Decision::Seal, "nothing is known of a campaign whose rows are elsewhere");
    }

    #[test]
    fn a_scorer_that_waits_for_somebody_pauses_the_campaign() {
        let some = groups(&[0]);
        let broken =
            |exit, pause| State { broken: Some(Problem { exit, what: "why".into(), pause }), ..State::default() };
        let paused = |code| Decision::Pause(Pause { code, reason: "why".into() });
        assert_eq!(decide(&broken(3, None), &seen(&some, &[])), paused(PauseCode::Retry));
        assert_eq!(decide(&broken(6, Some(PauseCode::DiskFull)), &seen(&some, &[])), paused(PauseCode::DiskFull));
        assert_eq!(decide(&broken(2, None), &seen(&some, &[])), Decision::Fail(2, "why".into()));
    }

    #[test]
    fn a_budget_that_is_used_up_drains_what_runs_and_then_pauses_what_is_left() {
        let (some, none) = (groups(&[0]), groups(&[]));
        let used = |state: State, missing, tasks| {
            let state = State { core_ms: 700, ..state };
            decide(&state, &Seen { core_ms: 300, core_ms_max: Some(1000), ..seen(missing, tasks) })
        };
        assert_eq!(used(in_a_wave(), &some, &[TaskState::Running]), Decision::Cancel);
        assert_eq!(used(in_a_wave(), &some, &[TaskState::Checkpointed]), Decision::EndWave);
        let Decision::Pause(pause) = used(State::default(), &some, &[]) else { panic!() };
        assert_eq!(pause.code, PauseCode::CoreHours);
        assert_eq!(used(State::default(), &none, &[]), Decision::Seal, "all is there: nothing is left to save for");
    }
}
