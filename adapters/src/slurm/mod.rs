//! SLURM: `sbatch`, `squeue`, `sacct`, `scancel`, `scontrol`.
//!
//! One array a job, one query for all jobs. Without accounting there are no books, and the queue forgets a
//! job some minutes after its end (`MinJobAge`): then a task is `Unknown`, and its files say how it ended.

pub mod allowance;
mod answers;
mod directives;
pub mod inside;
pub mod limits;
pub mod partitions;
mod reasons;
pub mod script;
#[cfg(test)]
mod script_tests;
pub mod site;
mod states;

pub use allowance::Allowance;
pub use limits::Limits;
pub use site::Site;

use crate::adapter::{AdapterError, Capabilities, Finally};
use crate::command::{Call, Said};
use crate::dialect::{Dialect, Reports};
use crate::job::{EmittedFile, Explained, Job, JobId, JobSpec, JobTag, TaskState};

/// How SLURM is spoken to.
#[derive(Clone, Debug)]
pub struct Slurm {
    site: Site,
    limits: Limits,
    allowance: Allowance,
    template: String,
}

impl Slurm {
    /// For a site with these habits and limits.
    pub fn new(site: Site, limits: Limits) -> Self {
        Self { site, limits, allowance: Allowance::default(), template: script::TEMPLATE.to_owned() }
    }

    /// With another batch script; see [`script::TEMPLATE`] for the placeholders.
    #[must_use]
    pub fn with_template(self, template: String) -> Self {
        Self { template, ..self }
    }

    /// With what its user may have.
    #[must_use]
    pub fn with_allowance(self, allowance: Allowance) -> Self {
        Self { allowance, ..self }
    }

    /// What the cluster allows.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Asks what the cluster allows; [`Limits::parse`] reads the answer.
    pub fn ask_limits() -> Call {
        Call::new(["scontrol", "show", "config"])
    }
}

impl Dialect for Slurm {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            array_len_max: Some(self.limits.tasks_max()),
            room: self.allowance.room(),
            requeues: self.limits.requeue,
            finally: Finally::Dependency,
            lifeline: false,
        }
    }

    fn render(&self, job: &JobSpec) -> Result<Vec<EmittedFile>, AdapterError> {
        Ok(vec![script::render(&self.site, &self.template, job)?])
    }

    fn submit(&self, files: &[EmittedFile]) -> Call {
        // `--export=NONE`, as the script says to who submits it by hand, makes each task load a login environment: seconds for
        // some dozens of them, and a task whose login fails is held. What is listed goes along this way, and nothing else.
        Call::new(["sbatch", "--parsable", "--export=ALL"].map(str::to_owned).into_iter().chain(script(files)))
            .carrying(self.site.export.iter().map(crate::text::Value::as_str))
    }

    fn parse_submit(&self, said: &Said) -> Result<JobId, AdapterError> {
        answers::submitted(said, self.limits.cluster.as_deref())
    }

    fn rehearse(&self, files: &[EmittedFile]) -> Option<Call> {
        Some(Call::new(["sbatch", "--test-only"].map(str::to_owned).into_iter().chain(script(files))))
    }

    fn parse_rehearse(&self, said: &Said) -> Result<Option<String>, AdapterError> {
        if !said.is_ok() {
            return Err(answers::refusal(said));
        }
        let start = said.stderr.split_once("to start at ").and_then(|(_, rest)| rest.split_whitespace().next());
        Ok(start.map(str::to_owned))
    }

    fn poll(&self, jobs: &[Job]) -> Call {
        let ids: Vec<&str> = jobs.iter().map(|job| job.id.0.as_str()).collect();
        let (jobs, format) = (format!("--jobs={}", ids.join(",")), format!("--Format={}", answers::columns()));
        Call::new(["squeue", "--noheader", "--array", "--states=all", &jobs, &format]).with("TZ", "UTC")
    }

    fn parse_poll(&self, jobs: &[Job], said: &Said) -> Result<Reports, AdapterError> {
        answers::queue(jobs, said)
    }

    fn history(&self, jobs: &[Job]) -> Option<Call> {
        let ids: Vec<&str> = jobs.iter().map(|job| job.id.0.as_str()).collect();
        let (jobs, format) = (format!("--jobs={}", ids.join(",")), format!("--format={}", answers::HISTORY));
        self.limits.accounting.then(|| {
            Call::new(["sacct", "--allocations", "--noheader", "--parsable2", &jobs, &format]).with("TZ", "UTC")
        })
    }

    fn parse_history(&self, jobs: &[Job], said: &Said) -> Result<Reports, AdapterError> {
        answers::history(jobs, said, self.limits.array_size)
    }

    fn cancel(&self, jobs: &[JobId]) -> Call {
        Call::new(["scancel"].into_iter().chain(jobs.iter().map(|job| job.0.as_str())))
    }

    fn parse_cancel(&self, said: &Said) -> Result<(), AdapterError> {
        if said.is_ok() || answers::is_unknown_job(said) { Ok(()) } else { Err(answers::refusal(said)) }
    }

    fn is_own_hold(&self, reason: &str) -> bool {
        reasons::is_own_hold(reason)
    }

    fn release(&self, job: &JobId, tasks: &[u64]) -> Option<Call> {
        Some(Call::new(["scontrol".to_owned(), "release".to_owned()].into_iter().chain(elements(job, tasks))))
    }

    fn parse_release(&self, said: &Said) -> Result<(), AdapterError> {
        answers::released(said)
    }

    fn cancel_tasks(&self, job: &JobId, tasks: &[u64]) -> Option<Call> {
        (!tasks.is_empty()).then(|| Call::new(["scancel".to_owned()].into_iter().chain(elements(job, tasks))))
    }

    fn diagnose(&self, output: &str) -> Option<TaskState> {
        states::diagnosed(output)
    }

    fn explain(&self, reason: &str) -> Option<Explained> {
        reasons::explain(reason)
    }

    fn find(&self, tag: &JobTag) -> Call {
        let (name, format) = (format!("--name={}", tag.0), format!("--Format={}", answers::columns()));
        // A stranger may give a job of theirs any name.
        let user = format!("--user={}", rustix::process::getuid().as_raw());
        Call::new(["squeue", "--noheader", "--states=all", &user, &name, &format])
    }

    fn find_all(&self, tags: &[JobTag]) -> Option<Call> {
        let names: Vec<&str> = tags.iter().map(|tag| tag.0.as_str()).collect();
        let mut call = self.find(&JobTag(names.join(","))).with("TZ", "UTC");
        call.argv.push("--array".to_owned());
        Some(call)
    }

    fn parse_find(&self, tag: &JobTag, said: &Said) -> Result<Vec<JobId>, AdapterError> {
        answers::found(&tag.0, said)
    }
}

/// What task `index` of `job`, an array, is called.
pub fn task_name(job: &JobId, index: u64) -> String {
    format!("{job}_{index}")
}

/// How `tasks` of `job`, or the job where none are named, are meant in a command that a person types.
pub fn named(job: &JobId, tasks: &[u64]) -> String {
    elements(job, tasks).join(",")
}

/// The names of `tasks` of `job`, an array; of the job where none are named.
fn elements(job: &JobId, tasks: &[u64]) -> Vec<String> {
    if tasks.is_empty() { vec![job.0.clone()] } else { tasks.iter().map(|task| task_name(job, *task)).collect() }
}

/// The path of the script, as an argument; a path in a campaign directory never begins with a dash.
fn script(files: &[EmittedFile]) -> Option<String> {
    files.first().map(|file| file.path.to_string_lossy().into_owned())
}
