//! What would be submitted: told before it is, and where no scheduler is at hand.

use std::collections::BTreeSet;
use std::path::Path;

use molsieve_adapters::command::System;
use molsieve_adapters::{Adapter, AdapterError, Capabilities, JobId, JobSpec};
use serde::Serialize;

use crate::campaign::file::Campaign;
use crate::campaign::scheduler::Cluster;
use crate::error::{Error, Result};
use crate::fs;
use crate::id::GroupIndex;
use crate::journal;
use crate::journal::state::State;
use crate::patience::Patience;
use crate::run::drive::jobs::{self, Making};
use crate::run::drive::room::{self, JOBS_BESIDE};
use crate::run::look::Look;
use crate::run::wave;
use crate::scheduler::{self, Allows, Asked, Queue};

/// What stands in a tick's script for the number that its wave will get.
const WAVE_JOB: &str = "JOB_OF_THE_WAVE";

/// A reason why a wave has no more tasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bound {
    /// So many tasks.
    pub tasks: u64,
    /// Where that is said.
    pub by: String,
}

/// A file that would be submitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Script {
    /// `wave` or `tick`.
    pub of: &'static str,
    /// Where it would lie.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// What the scheduler makes of the wave, without being given it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rehearsal {
    /// When it would start, in the scheduler's words; none where it does not say, or would refuse it.
    pub start: Option<String>,
    /// Why it would not be accepted.
    pub refused: Option<String>,
}

/// The next submission of a campaign on a cluster.
#[derive(Clone, Debug, Serialize)]
pub struct Outlook {
    /// The site whose profile was under the campaign file.
    pub site: Option<String>,
    /// The cluster's name, where it was asked.
    pub cluster: Option<String>,
    /// Why the cluster's limits are not known, where they are not.
    pub limits_unknown: Option<String>,
    /// The number of the wave.
    pub wave: u64,
    /// Its tasks.
    pub tasks: u64,
    /// The task groups in it: all that have no receipt.
    pub task_groups: u64,
    /// The most of them that one task works on, one after the other.
    pub task_groups_a_task: u64,
    /// What keeps it from having more tasks, the tightest first; the last is the number of task groups.
    pub bounds: Vec<Bound>,
    /// How many of its tasks run at a time, where the campaign or the site says so.
    pub running: Option<Bound>,
    /// Jobs that the user has in the queue, where that was asked.
    pub queued: Option<u64>,
    /// How often ticks may submit what is left, by themselves; 0 where jobs may not submit jobs.
    pub rounds: u64,
    /// Whether a tick is part of its wave, and started again by the scheduler itself, so that nothing stands in for it.
    pub is_one_job: bool,
    /// How often a look follows, in seconds; none where there are no looks.
    pub look_s: Option<u64>,
    /// The scripts.
    pub scripts: Vec<Script>,
    /// What the scheduler makes of it, where it was asked.
    pub rehearsal: Option<Rehearsal>,
}

/// What `campaign` would submit next, by `program`; none where it runs on this machine. With `rehearse` the scheduler is
/// asked what it makes of it, and nothing is submitted.
///
/// # Errors
/// The campaign's files cannot be read; it is rehearsed, and the scheduler cannot be reached (exit 5).
pub fn of(campaign: &Campaign, program: &Path, rehearse: bool, patience: &Patience) -> Result<Option<Outlook>> {
    let execution = &campaign.file.execution;
    let Some(cluster) = execution.cluster.as_ref() else { return Ok(None) };
    let binding = scheduler::of(execution.scheduler)?;
    scheduler::check(execution)?;
    let most = System::default().limit;
    let waiting = patience.waits("the scheduler has not answered yet: it is waited for", most);
    let answer = binding.ask(cluster, Queue::Always);
    drop(waiting);
    let (mut adapter, allows, limits_unknown) = match answer {
        Ok(Asked { adapter, allows }) => (adapter, Some(allows), None),
        Err(away) if rehearse => return Err(away),
        Err(away) => (binding.unasked(cluster)?, None, Some(away.what().to_owned())),
    };
    let state = State::of(&journal::read(&campaign.dir)?.entries)?;
    let mut look = Look::new(campaign)?;
    look.refresh()?;
    let Capabilities { finally, requeues, .. } = adapter.capabilities();
    let making = Making { campaign, state: &state, program, lifeline: false, requeues, finally };
    let budget = execution.core_ms_max.map(|_| room::affordable(&making));
    let bounds = bounds(cluster, allows.as_ref(), budget, look.missing().len() as u64);
    let dealt = dealt(campaign, look.missing(), bounds[0].tasks);
    let number = state.waves + 1;
    let (mut scripts, mut rehearsal) = (Vec::new(), None);
    if !dealt.is_empty() {
        let wave = jobs::wave_with_tick(&making, number, dealt.len() as u64, state.ticks + 1)?;
        scripts.extend(rendered(adapter.as_ref(), "wave", &wave)?);
        if wave.finally.is_none() {
            let tick = jobs::tick_job(&making, state.ticks + 1)?;
            let tick = JobSpec { after: vec![JobId(WAVE_JOB.to_owned())], ..tick };
            scripts.extend(rendered(adapter.as_ref(), "tick", &tick)?);
        }
        let waiting = patience.waits("the scheduler thinks about when it would start this: it is waited for", most);
        rehearsal = rehearse.then(|| rehearsed(campaign, adapter.as_mut(), wave)).transpose()?;
        drop(waiting);
    }
    Ok(Some(Outlook {
        site: cluster.site.clone(),
        cluster: allows.as_ref().and_then(|allows| allows.cluster.clone()),
        limits_unknown,
        wave: number,
        tasks: dealt.len() as u64,
        task_groups: look.missing().len() as u64,
        task_groups_a_task: dealt.iter().map(Vec::len).max().unwrap_or(0) as u64,
        running: running(cluster, allows.as_ref()),
        queued: allows.and_then(|allows| allows.queued),
        bounds,
        rounds: if cluster.nodes_may_submit { cluster.rounds_max } else { 0 },
        is_one_job: making.is_one_job(),
        look_s: cluster.look_s.filter(|_| cluster.nodes_may_submit),
        scripts,
        rehearsal,
    }))
}

/// The tasks of a wave of `missing`; none where nothing is missing.
fn dealt(campaign: &Campaign, missing: &BTreeSet<GroupIndex>, tasks: u64) -> Vec<Vec<GroupIndex>> {
    if missing.is_empty() {
        return Vec::new();
    }
    wave::deal(&campaign.plan, campaign.file.identity.seed, missing, tasks)
}

/// What keeps a wave of so many task groups from having more tasks, the tightest first.
/// `budget` is over how many tasks what is left of it can be dealt.
fn bounds(cluster: &Cluster, allows: Option<&Allows>, budget: Option<u64>, groups: u64) -> Vec<Bound> {
    let bound = |tasks: u64, by: &str| Bound { tasks: tasks.max(1), by: by.to_owned() };
    let mut all = vec![match cluster.tasks_max {
        Some(tasks) => bound(tasks, "scheduler.tasks"),
        None => bound(scheduler::tasks(cluster), "the default of scheduler.tasks"),
    }];
    if let Some(allows) = allows {
        all.extend(allows.tasks.iter().map(|cap| bound(cap.most, &cap.of)));
        all.extend(allows.submit.as_ref().map(|cap| {
            let queued = allows.queued.unwrap_or(0);
            let by = format!("{cap}, less {queued} in the queue and {JOBS_BESIDE} for what goes on afterwards");
            bound(cap.most.saturating_sub(queued).saturating_sub(JOBS_BESIDE), &by)
        }));
    }
    all.extend(budget.map(|tasks| bound(tasks, "what is left of limits.core_hours")));
    all.push(bound(groups, "one task group a task"));
    // Of equal ones the first: what somebody said, before what follows from it.
    all.sort_by_key(|bound| bound.tasks);
    all
}

/// How many tasks run at a time.
fn running(cluster: &Cluster, allows: Option<&Allows>) -> Option<Bound> {
    let said = cluster.running_max.map(|tasks| Bound { tasks, by: "scheduler.running".to_owned() });
    let allowed = allows.and_then(|allows| allows.running.as_ref());
    let allowed = allowed.map(|cap| Bound { tasks: cap.most, by: cap.of.clone() });
    said.into_iter().chain(allowed).min_by_key(|bound| bound.tasks)
}

fn rendered(adapter: &dyn Adapter, of: &'static str, job: &JobSpec) -> Result<Vec<Script>> {
    let files = adapter.files(job).map_err(|e| Error::usage(e.to_string()))?;
    let script =
        |file: molsieve_adapters::EmittedFile| Script { of, path: file.path.display().to_string(), text: file.text };
    Ok(files.into_iter().map(script).collect())
}

/// Asks what the scheduler makes of `wave`. Its script lies under another name for that moment: the numbers of waves are
/// given by drivers.
fn rehearsed(campaign: &Campaign, adapter: &mut dyn Adapter, wave: JobSpec) -> Result<Rehearsal> {
    let wave = JobSpec { file: campaign.dir.rehearsed_script(), ..wave };
    let files = adapter.files(&wave).map_err(|e| crate::scheduler::refused(&e))?;
    fs::create_dir(&campaign.dir.launch())?;
    for file in &files {
        fs::replace(&file.path, file.text.as_bytes())?;
    }
    let answer = adapter.would_start(&wave);
    for file in &files {
        fs::remove(&file.path)?;
    }
    match answer {
        Ok(start) => Ok(Rehearsal { start, refused: None }),
        Err(AdapterError::Rejected(what) | AdapterError::TooMany(what)) => {
            Ok(Rehearsal { start: None, refused: Some(what) })
        }
        Err(away) => Err(crate::scheduler::refused(&away)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::scheduler::SchedulerSection;
    use crate::scheduler::Cap;

    fn cluster(text: &str) -> Cluster {
        toml::from_str::<SchedulerSection>(text).unwrap().cluster().unwrap().unwrap()
    }

    fn tightest(text: &str, allows: Option<&Allows>, groups: u64) -> (u64, String) {
        let first = bounds(&cluster(text), allows, None, groups).remove(0);
        (first.tasks, first.by)
    }

    #[test]
    fn the_tightest_bound_is_told_with_where_it_is_said() {
        let said = |tasks: u64, by: &str| (tasks, by.to_owned());
        let slurm = "kind = \"slurm\"\n";
        assert_eq!(tightest(slurm, None, 4000), said(1000, "the default of scheduler.tasks"));
        assert_eq!(tightest(slurm, None, 40), said(40, "one task group a task"));
        assert_eq!(tightest("kind = \"slurm\"\ntasks = 7", None, 40), said(7, "scheduler.tasks"));
        let cap = |most: u64, of: &str| Cap { most, of: of.to_owned() };
        let tasks = vec![cap(11, "MaxArraySize of the cluster"), cap(20, "max_array_tasks of the cluster")];
        let mut allows = Allows { tasks, ..Allows::default() };
        assert_eq!(tightest(slurm, Some(&allows), 4000), said(11, "MaxArraySize of the cluster"));
        allows.submit = Some(cap(12, "MaxSubmitJobs of the account chem"));
        allows.queued = Some(4);
        let (tasks, by) = tightest(slurm, Some(&allows), 4000);
        assert_eq!(tasks, 4);
        assert!(by.contains("MaxSubmitJobs of the account chem") && by.contains("less 4 in the queue"), "{by}");
        allows.queued = Some(400);
        assert_eq!(tightest(slurm, Some(&allows), 4000).0, 1, "the scheduler says no, if it is one");
        let first = bounds(&cluster(slurm), None, Some(3), 40).remove(0);
        assert_eq!((first.tasks, first.by.as_str()), (3, "what is left of limits.core_hours"));
    }
}
