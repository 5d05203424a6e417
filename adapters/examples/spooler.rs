//! The smallest binding: to task-spooler, the queue of one machine (Debian's `task-spooler`, its command `tsp`).
//!
//! It is here to show what a new scheduler takes, and `README.md` beside it says the rest. It is no toy: the conformance suite
//! asks of it what it asks of SLURM, with the real program. To see it at work:
//!
//! ```text
//! cargo run -p molsieve-adapters --example spooler
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use molsieve_adapters::command::{Call, Runner, Said, System};
use molsieve_adapters::{
    Adapter, AdapterError, Capabilities, Finally, Job, JobId, JobSpec, JobTag, TaskId, TaskReport, TaskState,
};

/// A queue of one machine. A job of `n` tasks is `n` of its entries, labelled with our tag and their numbers, so the tag is the
/// job's name as well.
#[derive(Debug, Default)]
pub struct Spooler<R = System> {
    /// What runs its commands.
    pub runner: R,
    /// What was taken out of the queue before it began: of that nothing is left to ask about.
    taken_out: BTreeSet<TaskId>,
}

/// One line of its list.
struct Entry {
    number: String,
    task: TaskId,
    state: TaskState,
}

impl<R: Runner> Spooler<R> {
    /// The queue that `runner` reaches.
    pub fn with(runner: R) -> Self {
        Self { runner, taken_out: BTreeSet::new() }
    }

    fn says(&mut self, call: &Call) -> Result<Said, AdapterError> {
        self.runner.run(call).map_err(|silent| AdapterError::Unreachable(format!("`tsp` {silent}")))
    }

    /// Every entry that is labelled as ours are; whoever else uses the queue is left alone.
    fn list(&mut self) -> Result<Vec<Entry>, AdapterError> {
        let said = self.says(&Call::new(["tsp", "-l"]))?;
        if !said.is_ok() {
            return Err(AdapterError::Unreachable(said.gist()));
        }
        Ok(said.stdout.lines().skip(1).filter_map(entry).collect())
    }
}

/// Reads `ID STATE OUTPUT [EXIT TIMES] [LABEL]COMMAND`. A word that nobody knows is `Unknown`, never an end.
fn entry(line: &str) -> Option<Entry> {
    let mut words = line.split_whitespace();
    let (number, word, _output, next) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let (state, labelled) = match (word, next.parse()) {
        ("queued" | "allocating", _) => (TaskState::Pending, next),
        ("running", _) => (TaskState::Running, next),
        // A signal ended it, and nobody says which.
        ("finished", Ok(-1)) => (TaskState::NodeFailed, words.nth(1)?),
        ("finished", Ok(exit)) => (TaskState::of_exit(exit), words.nth(1)?),
        ("skipped", _) => (TaskState::Cancelled, words.nth(1)?),
        _ => (TaskState::Unknown, next),
    };
    let (tag, index) = labelled.strip_prefix('[')?.split_once(']')?.0.rsplit_once('.')?;
    let task = TaskId { job: JobId(tag.to_owned()), index: index.parse().ok()? };
    Some(Entry { number: number.to_owned(), task, state })
}

impl<R: Runner> Adapter for Spooler<R> {
    fn capabilities(&self) -> Capabilities {
        Capabilities { array_len_max: None, room: None, requeues: false, finally: Finally::Driver, lifeline: false }
    }

    fn submit(&mut self, job: &JobSpec) -> Result<JobId, AdapterError> {
        if job.argv.is_empty() || job.ranks.is_some() || job.finally.is_some() || !job.after.is_empty() {
            return Err(AdapterError::Rejected(
                "this queue runs tasks of one process each, and nothing after them".into(),
            ));
        }
        let text = |word: &std::ffi::OsStr| word.to_str().map(str::to_owned);
        let argv =
            job.argv.iter().map(|word| text(word)).chain([text(job.logs.as_os_str())]).collect::<Option<Vec<_>>>();
        let Some((logs, argv)) = argv.as_deref().and_then(<[String]>::split_last) else {
            return Err(AdapterError::Rejected("it has a word that is not UTF-8".into()));
        };
        for index in 0..job.tasks.count() {
            let label = format!("{}.{index}", job.tag.0);
            // The shell reads this one constant line; what is ours comes to it as arguments.
            let begins = ["tsp", "-n", "-L", &label, "/bin/sh", "-c", "exec \"$@\" >>\"$0\" 2>&1", logs];
            let said = self.says(&Call::new(
                begins.into_iter().chain(argv.iter().map(String::as_str)).chain([&*index.to_string()]),
            ))?;
            if !said.is_ok() {
                return Err(AdapterError::Rejected(said.gist()));
            }
        }
        Ok(JobId(job.tag.0.clone()))
    }

    fn poll(&mut self, jobs: &[Job]) -> Result<BTreeMap<TaskId, TaskReport>, AdapterError> {
        let ended = self.taken_out.iter().cloned().map(|task| (task, TaskReport::of(TaskState::Cancelled)));
        let mut all: BTreeMap<_, _> = ended.collect();
        all.extend(self.list()?.into_iter().map(|entry| (entry.task, TaskReport::of(entry.state))));
        all.retain(|task, _| jobs.iter().any(|job| job.id == task.job));
        Ok(all)
    }

    fn cancel(&mut self, jobs: &[JobId]) -> Result<(), AdapterError> {
        for entry in self.list()?.into_iter().filter(|entry| jobs.contains(&entry.task.job)).rev() {
            // What begins or ends in between is seen by who polls, and a cancellation may be repeated.
            match entry.state {
                TaskState::Pending if self.says(&Call::new(["tsp", "-r", &entry.number]))?.is_ok() => {
                    self.taken_out.insert(entry.task);
                }
                TaskState::Pending | TaskState::Running => {
                    self.says(&Call::new(["tsp", "-k", &entry.number]))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn find(&mut self, tag: &JobTag) -> Result<Vec<JobId>, AdapterError> {
        let is_there = self.list()?.iter().any(|entry| entry.task.job.0 == tag.0);
        Ok(is_there.then(|| JobId(tag.0.clone())).into_iter().collect())
    }
}

#[cfg_attr(test, expect(dead_code, reason = "the conformance suite has it as a module"))]
#[expect(clippy::print_stdout, reason = "an example shows what it sees")]
fn main() -> Result<(), AdapterError> {
    let mut queue = Spooler::<System>::default();
    let job = JobSpec {
        tag: JobTag(format!("example-{}", std::process::id())),
        argv: ["/bin/sh", "-c", "sleep 1; exit $1", "task"].map(Into::into).to_vec(),
        tasks: molsieve_adapters::Tasks::Array(3),
        logs: "/dev/null".into(),
        ..JobSpec::default()
    };
    let job = Job { id: queue.submit(&job)?, tag: job.tag };
    loop {
        let seen = queue.poll(std::slice::from_ref(&job))?;
        println!("{:?}", seen.values().map(|report| report.state).collect::<Vec<_>>());
        if seen.values().all(|report| report.state.is_final()) {
            return Ok(());
        }
        queue.wait(Duration::from_millis(500));
    }
}
