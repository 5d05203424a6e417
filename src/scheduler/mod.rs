//! The one room that knows which clusters there are: the joint between the program and the bindings in `adapters/`.
//!
//! A [`Binding`] is all that the program wants of a scheduler beside its jobs, for which it is handed an [`Adapter`].
//! Nobody else names a scheduler: others say [`of`] and go on from there. This machine has no binding; its supervisor is
//! opened by who drives a campaign here.
//!
//! Who adds a scheduler writes a file beside this one and its line in [`of`]. The room lies below `run`, so a binding
//! knows what a campaign asks of a cluster, and nothing of journals, waves and drivers.

mod htcondor;
mod ray;
mod slurm;

use std::fmt;
use std::path::Path;
use std::time::Duration;

use molsieve_adapters::command::{Call, Runner, Said, System};
use molsieve_adapters::{Adapter, AdapterError, Attendant, Inside, JobId, Patient, Throttled};

use crate::campaign::file::Execution;
use crate::campaign::kind::{self, SchedulerKind};
use crate::campaign::launch::Launcher;
use crate::campaign::scheduler::{Cluster, SchedulerSection};
use crate::clock::Stopwatch;
use crate::doctor::Finding;
use crate::doctor::cluster::ClusterFacts;
use crate::error::{Error, Kind, Result};
use crate::patience::{Patience, Waiting};
use crate::scorer::argv;

/// Tasks of one submission, where neither the campaign nor the cluster says less.
const TASKS_MAX: u64 = 1000;

/// A scheduler is not asked about the same job more often.
const ASK_EVERY: Duration = Duration::from_secs(30);

/// Between two tries to reach a scheduler that does not answer.
const TRY_EVERY: Duration = Duration::from_secs(5);

/// How long a command may take with which a job tries out what it may do.
const TRIAL_MAX: Duration = Duration::from_secs(30);

/// The binding to `kind`.
///
/// # Errors
/// It is this machine, which has none (exit 2).
pub fn of(kind: SchedulerKind) -> Result<&'static dyn Binding> {
    binding(kind).ok_or_else(|| {
        Error::usage(format!("`{kind}` is this machine and no cluster"))
            .hint(format!("a cluster is chosen by {}", SchedulerKind::chosen(SchedulerKind::all())))
    })
}

fn binding(kind: SchedulerKind) -> Option<&'static dyn Binding> {
    match kind {
        SchedulerKind::Local | SchedulerKind::Mpi => None,
        SchedulerKind::Slurm => Some(&slurm::Slurm),
        SchedulerKind::HtCondor => Some(&htcondor::HtCondor),
        SchedulerKind::Ray => Some(&ray::Ray),
    }
}

/// The bindings that there are.
pub fn all() -> impl Iterator<Item = (SchedulerKind, &'static dyn Binding)> {
    SchedulerKind::all().filter_map(|kind| Some((kind, binding(kind)?)))
}

/// What the program wants of a scheduler, beside its jobs.
pub trait Binding: Sync {
    /// What people call it.
    fn product(&self) -> &'static str;

    /// The programs that show that it is there; the first is what submits.
    fn programs(&self) -> &'static [&'static str];

    /// What is to be said where none of them is here, if it does without.
    fn without_programs(&self) -> Option<&'static str> {
        None
    }

    /// Whether jobs can be submitted from this machine, as far as that shows without asking anybody.
    fn is_here(&self) -> bool {
        self.programs().first().is_some_and(|name| argv::program(name, Path::new("/")).is_ok())
    }

    /// Whether what `cluster` says can be said to it, for tasks with so many GPUs each: nothing is asked yet.
    ///
    /// # Errors
    /// A word cannot stand where it would (exit 2).
    fn check(&self, cluster: &Cluster, gpus: u32) -> Result<()>;

    /// How jobs for `cluster` are written down, where nobody asked what it allows.
    ///
    /// # Errors
    /// As [`Binding::check`].
    fn unasked(&self, cluster: &Cluster) -> Result<Box<dyn Adapter>>;

    /// Asks what `cluster` allows, and what its user may have: once. Who has patience says [`asked`].
    ///
    /// # Errors
    /// As [`Binding::check`]; the scheduler cannot be reached (exit 5).
    fn ask(&self, cluster: &Cluster, queue: Queue) -> Result<Asked>;

    /// For questions about jobs alone, each answered `within` so long or not at all.
    ///
    /// # Errors
    /// As [`Binding::check`].
    fn listener(&self, cluster: &Cluster, within: Duration) -> Result<Box<dyn Adapter>>;

    /// What this process can learn and ask of it about itself; none where it is not one of its tasks.
    fn inside(&self) -> Option<Box<dyn Inside>>;

    /// What a job may do on its node, where `job` is the [`file`](molsieve_adapters::JobSpec::file) of one. It is asked for, and
    /// nothing is submitted.
    fn rights(&self, job: &Path) -> Rights;

    /// What `cluster` is, and what is to be said of that, for somebody who looks before a campaign depends on it.
    ///
    /// # Errors
    /// It does not answer (exit 5), or one of its words is none (exit 2).
    fn examine(&self, cluster: &Cluster) -> Result<Examined>;

    /// Where somebody sees why there is no room, as a hint.
    fn when_full(&self) -> &'static str;

    /// What people call task `index` of `job`.
    fn task_name(&self, job: &str, index: u64) -> String;

    /// How `tasks` of `job` are meant in its commands; none are the job itself.
    fn named(&self, job: &str, tasks: &[u64]) -> String;

    /// Where somebody sees what became of files that were to be carried to a node, as a hint; none where none are carried.
    fn when_not_carried(&self) -> Option<&'static str> {
        None
    }

    /// The time limit that it makes of one that is asked for, in seconds.
    fn time_limit_s(&self, asked_s: u64) -> u64 {
        asked_s
    }

    /// How a task on `cluster` learns that its time limit is near, and how long before.
    fn notice(&self, cluster: &Cluster) -> Notice;
}

/// How a task learns that its time limit is near.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Its scheduler tells it.
    Told {
        /// So long before the limit,
        before: Duration,
        /// and by as much as this earlier.
        early: Duration,
    },
    /// Nobody tells it: it looks at the clock itself.
    OwnClock {
        /// It ends so long before the limit; of one that is shorter than twice that, after half of it.
        before: Duration,
    },
}

impl Notice {
    /// How long a task works whose limit is `left` away, before it ends by its own clock; none where it is told.
    pub fn works_for(self, left: Duration) -> Option<Duration> {
        match self {
            Self::Told { .. } => None,
            Self::OwnClock { before } => Some(left.saturating_sub(before).max(left / 2)),
        }
    }

    /// Whether what ended a task with `left` until its limit can have been this.
    pub fn is_due(self, left: Duration) -> bool {
        match self {
            Self::Told { before, early } => left <= before + early,
            // It knows why it ended, and a scheduler that speaks of limits is not asked.
            Self::OwnClock { .. } => true,
        }
    }
}

/// Whether it is asked how many jobs its user has in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Where that counts.
    IfLimited,
    /// For somebody who wants to know.
    Always,
}

/// A cluster that was asked.
#[derive(Debug)]
pub struct Asked {
    /// How it is spoken to from now on.
    pub adapter: Box<dyn Adapter>,
    /// What it said.
    pub allows: Allows,
}

/// What a cluster allows, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allows {
    /// The cluster's name.
    pub cluster: Option<String>,
    /// What keeps one submission from having more tasks.
    pub tasks: Vec<Cap>,
    /// How many tasks the user may have in the queue.
    pub submit: Option<Cap>,
    /// How many of them may run at a time.
    pub running: Option<Cap>,
    /// How many the user has in the queue, where that was asked.
    pub queued: Option<u64>,
}

/// A limit, and where it is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cap {
    /// So many.
    pub most: u64,
    /// As in `MaxSubmitJobs of the account chem`.
    pub of: String,
}

impl fmt::Display for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.most, self.of)
    }
}

/// What somebody sees who looks at a cluster.
#[derive(Clone, Debug)]
pub struct Examined {
    /// What it says of itself.
    pub facts: ClusterFacts,
    /// What is to be said of that.
    pub findings: Vec<Finding>,
    /// Lines of `[scheduler]` for a site profile, comments among them: what only this scheduler's sites say.
    pub profile: Vec<String>,
}

/// What a job may do on its node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// Whether it may submit jobs.
    pub may_submit: bool,
    /// Whether it may ask for the state of jobs.
    pub may_ask: bool,
    /// What was said to a no.
    pub said: Option<String>,
}

impl Rights {
    /// Of who runs `submit`, which submits nothing, and `ask`.
    fn tried(submit: &Call, ask: &Call) -> Self {
        let mut system = System { limit: TRIAL_MAX };
        let mut no = |call: &Call| match system.run(call) {
            Ok(said) if said.is_ok() => None,
            Ok(said) => Some(Said::gist(&said)),
            Err(silent) => Some(format!("`{}` {silent}", call.program())),
        };
        let (submit, ask) = (no(submit), no(ask));
        Self { may_submit: submit.is_none(), may_ask: ask.is_none(), said: submit.or(ask) }
    }
}

/// What people are told who wait for a scheduler.
const NOT_ANSWERED: &str = "the scheduler has not answered yet: it is asked again";

/// Somebody who waits while a scheduler is asked.
#[derive(Debug)]
struct Waiter {
    patience: Patience,
    waiting: Option<Waiting>,
}

impl Attendant for Waiter {
    fn begins(&mut self, most: Duration) {
        self.waiting = Some(self.patience.waits(NOT_ANSWERED, most));
    }

    fn ends(&mut self) {
        self.waiting = None;
    }

    fn has_enough(&self) -> bool {
        self.patience.has_enough()
    }
}

/// What `cluster`, one of `kind`, says it allows. One that does not answer is asked again for `most`, or until who waits has had enough.
///
/// # Errors
/// As [`Binding::ask`].
pub fn asked(kind: SchedulerKind, cluster: &Cluster, most: Duration, patience: &Patience) -> Result<Asked> {
    let binding = of(kind)?;
    patiently(most, patience, || binding.ask(cluster, Queue::IfLimited))
}

/// The cluster of `execution`. One that does not answer is asked again for `most`, or until who waits has had enough.
///
/// # Errors
/// As [`Binding::ask`].
pub fn open(execution: &Execution, cluster: &Cluster, most: Duration, patience: &Patience) -> Result<Box<dyn Adapter>> {
    let waiting = patience.waits(NOT_ANSWERED, most);
    let asked = asked(execution.scheduler, cluster, most, patience)?;
    drop(waiting);
    let waiter = Waiter { patience: patience.clone(), waiting: None };
    let patient = Patient::new(asked.adapter, most).attended(waiter);
    Ok(Box::new(Throttled::new(patient, ASK_EVERY)))
}

/// As [`Binding::check`], for the cluster of `execution`, if it has one.
///
/// # Errors
/// As [`Binding::check`].
pub fn check(execution: &Execution) -> Result<()> {
    if execution.gpus > 0 && execution.launch.as_ref().is_some_and(|launch| launch.launcher == Launcher::Mpirun) {
        return Err(Error::usage(
            "`resources.gpus` says GPUs for ranks that `mpirun` starts, which does not deal them out",
        )
        .hint("say `launcher = \"srun\"` on a cluster, or leave `ranks` away: a worker a task gets its own"));
    }
    execution.cluster.as_ref().map_or(Ok(()), |cluster| of(execution.scheduler)?.check(cluster, execution.gpus))
}

/// As [`Binding::inside`], for the scheduler of `execution`.
pub fn inside(execution: &Execution) -> Option<Box<dyn Inside>> {
    binding(execution.scheduler)?.inside()
}

/// The node that this process runs on, as the scheduler calls it whose task it is.
pub fn node() -> Option<String> {
    all().find_map(|(_, binding)| binding.inside()?.node().map(str::to_owned))
}

/// Whether a campaign for `kind` can be submitted from this machine.
pub fn is_here(kind: SchedulerKind) -> bool {
    binding(kind).is_none_or(Binding::is_here)
}

/// The cluster that this machine belongs to, as far as that shows; else the first that there is.
pub fn around_here() -> SchedulerKind {
    let mut clusters = SchedulerKind::all().filter(|kind| kind.is_cluster());
    let here = all().find(|(_, binding)| binding.is_here()).map(|(kind, _)| kind);
    here.or_else(|| clusters.next()).unwrap_or_default()
}

/// What a cluster is asked for, with the template that `section` names. That and other paths in it start at `base`.
///
/// # Errors
/// As [`SchedulerSection::cluster`] and [`SchedulerSection::template_text`].
pub fn cluster(section: &SchedulerSection, base: &Path) -> Result<Option<Cluster>> {
    let Some(mut cluster) = section.cluster()? else { return Ok(None) };
    for (key, path) in cluster.words.iter_mut().filter(|(key, _)| kind::PATHS.contains(&key.as_str())) {
        let whole = std::path::absolute(base.join(&*path)).map_err(|e| Error::input(Path::new(&*path), &e))?;
        let whole =
            whole.to_str().ok_or_else(|| Error::usage(format!("the path in `scheduler.{key}` is not UTF-8")))?;
        whole.clone_into(path);
    }
    Ok(Some(Cluster { template: section.template_text(base)?, ..cluster }))
}

/// The job of which `job` is the last part, as a tick may be of its wave's; else the job itself.
pub fn whole(job: &str) -> String {
    JobId(job.to_owned()).whole().map_or_else(|| job.to_owned(), |whole| whole.0)
}

/// Over how many tasks a wave is dealt.
pub fn tasks(cluster: &Cluster) -> u64 {
    cluster.tasks_max.unwrap_or(TASKS_MAX)
}

/// Asks until there is an answer, for at most `most` and as long as `patience` has it. A no for good is an answer.
fn patiently<T>(most: Duration, patience: &Patience, mut ask: impl FnMut() -> Result<T>) -> Result<T> {
    let started = Stopwatch::start();
    loop {
        let answer = ask();
        let is_silence = answer.as_ref().is_err_and(|error| error.kind() == Kind::Scheduler && !error.is_for_good());
        if !is_silence || started.elapsed() >= most || patience.has_enough() {
            return answer;
        }
        patience.pause(TRY_EVERY.min(most));
    }
}

/// The same, for somebody who looks at a cluster from a machine that may be none of its: it has no `program`, or says of itself in
/// `words` that it was never set up for one.
fn looked<T>(most: Duration, program: &str, words: &str, mut ask: impl FnMut() -> Result<T>) -> Result<T> {
    let is_here = argv::program(program, Path::new("/")).is_ok();
    let for_good = |error: Error| if !is_here || error.what().contains(words) { error.for_good() } else { error };
    patiently(most, &Patience::default(), || ask().map_err(for_good))
}

/// What `call` was answered, as `read` understands it; `hint` says what to look at where it was not.
fn told<T>(call: &Call, read: impl FnOnce(&Said) -> Result<T, AdapterError>, hint: &str) -> Result<T> {
    let unreachable = |what: String| {
        Error::new(Kind::Scheduler, what).hint(hint).hint("nothing is lost: the same command goes on from here")
    };
    match System::default().run(call) {
        Ok(said) => read(&said).map_err(|e| unreachable(e.to_string())),
        Err(silent) => Err(unreachable(format!("`{}` {silent}", call.program()))),
    }
}

/// What a person can do where a scheduler did not do its part.
pub const RESUME_HINT: &str = "nothing is lost: `molsieve resume DIR` goes on from here; where the campaign file must change, with `--config FILE`";

/// As an error that says what to do.
pub fn refused(error: &AdapterError) -> Error {
    Error::new(Kind::Scheduler, error.to_string()).hint(RESUME_HINT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cluster_has_a_binding_and_this_machine_has_none() {
        for kind in SchedulerKind::all() {
            assert_eq!(of(kind).is_ok(), kind.is_cluster(), "{kind}");
        }
        for (kind, binding) in all() {
            assert!(!binding.programs().is_empty() && !binding.when_full().is_empty(), "{kind}");
        }
        assert!(is_here(SchedulerKind::Local) && around_here().is_cluster());
    }

    #[test]
    fn a_scheduler_that_does_not_answer_is_asked_again_and_one_that_says_no_is_not() {
        let asked = |most, patience: &Patience, kind| {
            let mut times = 0;
            let answer: Result<u32> = patiently(most, patience, || {
                times += 1;
                if times < 3 { Err(Error::new(kind, "no")) } else { Ok(times) }
            });
            (answer.ok(), times)
        };
        let most = Duration::from_millis(200);
        assert_eq!(
            asked(most, &Patience::default(), Kind::Scheduler).1,
            2,
            "a pause is as long as the patience, at most"
        );
        assert_eq!(asked(Duration::ZERO, &Patience::default(), Kind::Scheduler), (None, 1));
        assert_eq!(asked(most, &Patience::default(), Kind::Usage), (None, 1));
        let gone = crate::stop::Stop::new();
        gone.raise();
        assert_eq!(asked(most, &Patience::until(&gone), Kind::Scheduler), (None, 1));
    }

    #[test]
    fn who_does_not_answer_is_told_in_words_with_something_to_look_at() {
        let silent = told(&Call::new(["no-such-program"]), |_| Ok(()), "look there").unwrap_err();
        assert_eq!(silent.what(), "`no-such-program` is not on the PATH of this machine");
        assert_eq!((silent.kind(), silent.hints()[0].as_str()), (Kind::Scheduler, "look there"));
    }

    #[test]
    fn a_task_has_the_name_that_its_scheduler_has_for_it() {
        let name = |kind, job: &str| of(kind).unwrap().task_name(job, 3);
        assert_eq!(name(SchedulerKind::Slurm, "47"), "47_3");
        assert_eq!(name(SchedulerKind::HtCondor, "47"), "47/t3");
        assert_eq!(name(SchedulerKind::Ray, "molsieve-ab-1"), "molsieve-ab-1_3");
        let named = |kind, tasks: &[u64]| of(kind).unwrap().named("47", tasks);
        assert_eq!(named(SchedulerKind::Slurm, &[3, 5]), "47_3,47_5");
        assert!(named(SchedulerKind::HtCondor, &[3, 5]).contains("member(MolsieveTask, {3,5})"));
        // No task of Ray's is stopped or let go alone.
        assert_eq!(named(SchedulerKind::Ray, &[3, 5]), "47");
    }

    #[test]
    fn a_task_learns_of_its_end_as_its_scheduler_has_it() {
        let notice = |kind: SchedulerKind| {
            let cluster = SchedulerSection::of(kind).cluster().unwrap().unwrap();
            of(kind).unwrap().notice(&cluster)
        };
        let s = Duration::from_secs;
        assert_eq!(notice(SchedulerKind::Slurm), Notice::Told { before: s(120), early: s(90) });
        assert_eq!(notice(SchedulerKind::HtCondor), Notice::OwnClock { before: s(120) });
        // What `signal_before` would be is no word of Ray's: its driver tells a task at the limit.
        assert_eq!(notice(SchedulerKind::Ray), Notice::Told { before: s(0), early: s(0) });
    }

    #[test]
    fn who_looks_at_the_clock_works_for_half_of_a_short_limit_and_who_is_told_until_then() {
        let s = Duration::from_secs;
        let own = Notice::OwnClock { before: s(120) };
        assert_eq!((own.works_for(s(3600)), own.works_for(s(100))), (Some(s(3480)), Some(s(50))));
        let told = Notice::Told { before: s(120), early: s(90) };
        assert_eq!((told.works_for(s(3600)), told.is_due(s(210)), told.is_due(s(211))), (None, true, false));
    }
}
