//! The word for where a campaign stands, and why: by its journal, and by what its scheduler was heard to say.

use crate::campaign::file::Campaign;
use crate::clock::UnixMs;
use crate::journal::event::{Entry, Event};
use crate::journal::state::{Phase, State};
use crate::run::look::at_work::AtWork;
use crate::run::look::heard::{Heard, Hearing, Stand};

/// The word for a campaign that somebody is at.
pub const RUNNING: &str = "running";

/// The word for one that somebody should be at.
pub const NO_DRIVER_SEEN: &str = "no_driver_seen";

/// The word for one that was stopped, of which its scheduler has not been told.
pub const CANCELLING: &str = "cancelling";

/// So long after the last event somebody may be about to submit what is next.
const QUEUED_WITHIN_MS: u64 = 60_000;

/// The word, and why, where there is something to say.
pub fn of(
    campaign: &Campaign,
    state: &State,
    entries: &[Entry],
    hearing: &Hearing,
    now_ms: UnixMs,
) -> (&'static str, Option<String>) {
    let dir = campaign.dir.root().display();
    match (AtWork::on(campaign, state), hearing.heard()) {
        (AtWork::Silent(seconds), _) => {
            let reason = format!("no sign of a driver for {seconds} s: if it is dead, `molsieve resume {dir}` goes on");
            return (NO_DRIVER_SEEN, Some(reason));
        }
        (AtWork::Jobs, Some(heard)) if is_forgotten(state, heard) => {
            let reason = format!(
                "the scheduler knows none of its jobs any more, as after a restart that lost them, so nothing is at work \
                 there: `molsieve resume {dir}` goes on from its files"
            );
            return (NO_DRIVER_SEEN, Some(reason));
        }
        (AtWork::Jobs, Some(heard)) if heard.tick_failed || now_ms.saturating_sub(state.last_ms) > QUEUED_WITHIN_MS => {
            return in_queue(heard, &what_helps(campaign, state), now_ms);
        }
        _ => {}
    }
    match &state.phase {
        Phase::Planned => ("stopped", Some("planned, and not started yet".to_owned())),
        Phase::Active => (RUNNING, None),
        Phase::Stopped if is_being_cancelled(campaign, state, hearing) => {
            let reason = format!("the scheduler has not heard it yet: `molsieve cancel {dir}` tells it again");
            (CANCELLING, Some(reason))
        }
        Phase::Stopped => ("stopped", last_stop(entries)),
        Phase::Paused { reason, .. } => ("paused", Some(reason.clone())),
        Phase::Failed { what, .. } => ("failed", Some(what.clone())),
        Phase::Complete => ("complete", None),
    }
}

/// Whether a scheduler that had accepted a tick has lost it and all else: nobody needs to be waited for, since a tick that ends
/// leaves either another or a campaign that is over.
fn is_forgotten(state: &State, heard: &Heard) -> bool {
    heard.knows_none && state.tick.as_ref().is_some_and(|tick| tick.job.is_some())
}

/// Whether the jobs of a campaign that was stopped may still go on, since nobody could tell their scheduler.
fn is_being_cancelled(campaign: &Campaign, state: &State, hearing: &Hearing) -> bool {
    let is_gone = hearing.heard().is_some_and(|heard| !heard.is_in_queue());
    campaign.file.execution.cluster.is_some() && state.is_uncleared && !is_gone
}

/// Why it was stopped the last time.
fn last_stop(entries: &[Entry]) -> Option<String> {
    entries.iter().rev().find_map(|entry| match &entry.event {
        Event::Stopped { reason } => Some(reason.clone()),
        _ => None,
    })
}

/// What goes on with a campaign of which nothing does: a tick by hand, where it may submit; else a person.
fn what_helps(campaign: &Campaign, state: &State) -> String {
    let cluster = campaign.file.execution.cluster.as_ref();
    let may_submit = cluster.is_some_and(|cluster| cluster.nodes_may_submit && state.rounds < cluster.rounds_max);
    let verb = if may_submit { "tick" } else { "resume" };
    format!("`molsieve {verb} {}`", campaign.dir.root().display())
}

/// The word for a campaign whose journal says that its jobs are at work, by what the queue has of them.
fn in_queue(heard: &Heard, helps: &str, now_ms: UnixMs) -> (&'static str, Option<String>) {
    const GONE: &str = "neither its tick nor what stands in for it is in the queue";
    let look = heard.look.as_ref().filter(|look| look.element.stand != Stand::Ended).map(|look| {
        let left_min = look.element.start_ms.map_or(0, |ms| ms.saturating_sub(now_ms)).div_ceil(60_000);
        format!("the look (job {}, in {left_min} min)", look.job)
    });
    let tick = heard.tick.as_ref().filter(|_| heard.tick_failed).and_then(|tick| tick.reason.as_deref());
    let why = tick.map_or_else(String::new, |why| format!(" (of its tick the scheduler says: {why})"));
    let has_tasks = heard.wave.iter().any(|task| task.stand != Stand::Ended);
    match (has_tasks, heard.is_followed(), look) {
        (_, true, _) => (RUNNING, None),
        (true, false, Some(look)) => {
            (RUNNING, Some(format!("nothing follows its wave, as {GONE}: {look} puts one there, {helps} does so now")))
        }
        (true, false, None) => (RUNNING, Some(format!("nothing follows its wave, as {GONE}: {helps} puts one there"))),
        (false, false, Some(look)) => {
            let reason =
                format!("every task of its wave has ended, and {GONE}{why}: {look} goes on, {helps} does so now");
            (NO_DRIVER_SEEN, Some(reason))
        }
        (false, false, None) => {
            let reason = format!("nothing of it is in the queue, neither a wave nor a tick{why}: {helps} goes on");
            (NO_DRIVER_SEEN, Some(reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::state::Tick;
    use crate::run::look::heard::{Beside, Element};

    fn element(stand: Stand) -> Element {
        Element { task: 0, stand, node: None, reason: None, start_ms: Some(34 * 60_000) }
    }

    fn told(wave: Stand, tick: Option<Stand>, stand_in: Option<Stand>, look: Option<Stand>) -> (&'static str, String) {
        let beside = |job: &str, stand| Beside { job: job.to_owned(), element: element(stand) };
        let heard = Heard {
            wave: vec![element(wave)],
            tick: tick.map(element),
            stand_in: stand_in.map(|stand| beside("13", stand)),
            look: look.map(|stand| beside("14", stand)),
            ..Heard::default()
        };
        let (word, reason) = in_queue(&heard, "`molsieve tick d`", 0);
        (word, reason.unwrap_or_default())
    }

    #[test]
    fn a_campaign_runs_where_something_follows_its_wave() {
        use Stand::{Ended, Running, Waiting};
        for (tick, stand_in) in [(Some(Waiting), None), (Some(Ended), Some(Waiting)), (None, Some(Running))] {
            assert_eq!(told(Running, tick, stand_in, None), (RUNNING, String::new()));
            assert_eq!(told(Ended, tick, stand_in, Some(Waiting)), (RUNNING, String::new()));
        }
        assert_eq!(told(Ended, None, None, Some(Running)), (RUNNING, String::new()), "a look is at it");
    }

    #[test]
    fn a_scheduler_that_has_lost_an_accepted_tick_and_all_else_has_nothing_at_work() {
        let tick = |job: Option<&str>| Some(Tick { round: 1, tag: "m-t1".into(), job: job.map(str::to_owned) });
        let state = |job| State { phase: Phase::Active, tick: tick(job), ..State::default() };
        let none = Heard { knows_none: true, ..Heard::default() };
        assert!(is_forgotten(&state(Some("m-1/final")), &none));
        assert!(!is_forgotten(&state(None), &none), "its driver may be about to hand it over");
        assert!(!is_forgotten(&state(Some("8")), &Heard::default()), "it knows that something has ended");
        assert!(!is_forgotten(&State::default(), &none));
    }

    #[test]
    fn a_tick_and_a_stand_in_that_are_gone_are_missed_and_what_repairs_it_is_told() {
        use Stand::{Ended, Running, Waiting};
        let (word, reason) = told(Ended, Some(Ended), Some(Ended), Some(Waiting));
        assert_eq!(word, NO_DRIVER_SEEN);
        assert!(reason.starts_with("every task of its wave has ended, and neither its tick nor"), "{reason}");
        assert!(reason.contains("the look (job 14, in 34 min) goes on, `molsieve tick d` does so now"), "{reason}");
        let (word, reason) = told(Running, Some(Ended), None, Some(Waiting));
        assert_eq!(word, RUNNING);
        assert!(reason.starts_with("nothing follows its wave") && reason.contains("does so now"), "{reason}");
        assert!(told(Running, None, None, None).1.ends_with("`molsieve tick d` puts one there"));
        let (word, reason) = told(Ended, Some(Ended), None, Some(Ended));
        assert_eq!(word, NO_DRIVER_SEEN);
        assert!(reason.starts_with("nothing of it is in the queue"), "{reason}");
    }

    #[test]
    fn what_a_scheduler_says_of_a_tick_that_failed_is_told() {
        let tick = Element { reason: Some("no such interpreter".to_owned()), ..element(Stand::Ended) };
        let heard = Heard { wave: vec![element(Stand::Ended)], tick: Some(tick), ..Heard::default() };
        let told = |tick_failed| in_queue(&Heard { tick_failed, ..heard.clone() }, "`molsieve tick d`", 0).1.unwrap();
        assert!(told(true).contains("(of its tick the scheduler says: no such interpreter)"), "{}", told(true));
        assert!(!told(false).contains("interpreter"), "{}", told(false));
    }
}
