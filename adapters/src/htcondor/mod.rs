//! HTCondor: `condor_submit_dag`, `condor_submit`, `condor_q`, `condor_history`, `condor_rm`, `condor_release`.
//!
//! A job is a DAG with a node a task, and what follows it is the DAG's last node: HTCondor knows no job that waits for another. One
//! query for all jobs asks the queue, and one the books for what has left it. A task that is in neither is waited for while its DAG
//! is there; after that it is `Unknown`, and its files say how it ended.

mod answers;
#[cfg(test)]
mod answers_tests;
mod describe;
mod emit;
#[cfg(test)]
mod emit_tests;
mod holds;
pub mod inside;
pub mod limits;
pub mod nodes;
mod recall;
mod rows;
pub mod site;
mod states;
mod words;

pub use limits::Limits;
pub use site::{Expression, Files, Site};

use crate::adapter::{AdapterError, Capabilities, Finally};
use crate::command::{Call, Said};
use crate::dialect::{Dialect, Reports};
use crate::job::{EmittedFile, Explained, Job, JobId, JobSpec, JobTag, Recalled, TaskReport, TaskState};

/// No list of tasks in a command is longer, in bytes; the rest is done when somebody looks again.
const LIST_MAX: usize = 100_000;

/// How HTCondor is spoken to.
#[derive(Clone, Debug, Default)]
pub struct HtCondor {
    site: Site,
    limits: Limits,
}

impl HtCondor {
    /// For a site with these habits and limits.
    pub const fn new(site: Site, limits: Limits) -> Self {
        Self { site, limits }
    }

    /// What the pool allows.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Asks what the pool allows; [`Limits::parse`] reads the answer.
    pub fn ask_limits() -> Call {
        Limits::ask()
    }
}

impl Dialect for HtCondor {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            // A DAG submits its tasks as there is room for them.
            array_len_max: None,
            room: None,
            requeues: true,
            finally: Finally::Native,
            lifeline: false,
        }
    }

    fn render(&self, job: &JobSpec) -> Result<Vec<EmittedFile>, AdapterError> {
        emit::files(&self.site, &self.limits, job)
    }

    fn submit(&self, files: &[EmittedFile]) -> Call {
        let file = files.first().map_or_else(|| std::path::Path::new(""), |file| file.path.as_path());
        let is_dag = file.extension().is_some_and(|extension| extension == "dag");
        let path = file.to_string_lossy().into_owned();
        // After an answer that was lost the files of the first try are there; `-force` would throw the rescue file away.
        let words = if is_dag { vec!["condor_submit_dag", "-update_submit"] } else { vec!["condor_submit"] };
        Call::new(words.into_iter().map(str::to_owned).chain([path]))
            .carrying(self.site.export.iter().map(crate::text::Value::as_str))
    }

    fn parse_submit(&self, said: &Said) -> Result<JobId, AdapterError> {
        answers::submitted(said)
    }

    fn rehearse(&self, _: &[EmittedFile]) -> Option<Call> {
        None
    }

    fn parse_rehearse(&self, _: &Said) -> Result<Option<String>, AdapterError> {
        Ok(None)
    }

    fn poll(&self, jobs: &[Job]) -> Call {
        rows::ask("condor_q", &answers::constraint(jobs))
    }

    fn parse_poll(&self, jobs: &[Job], said: &Said) -> Result<Reports, AdapterError> {
        answers::queue(jobs, said)
    }

    fn is_guess(&self, report: &TaskReport) -> bool {
        answers::is_guess(report)
    }

    fn both(&self, queue: Option<&TaskReport>, books: TaskReport) -> Option<TaskReport> {
        answers::both(queue, books)
    }

    fn is_stuck(&self, reason: &str) -> bool {
        reason == answers::DAG_STUCK
    }

    fn history(&self, jobs: &[Job]) -> Option<Call> {
        Some(rows::ask("condor_history", &answers::constraint(jobs)))
    }

    fn parse_history(&self, jobs: &[Job], said: &Said) -> Result<Reports, AdapterError> {
        answers::history(jobs, said)
    }

    fn cancel(&self, jobs: &[JobId]) -> Call {
        let ids: Vec<(u64, bool)> = jobs.iter().filter_map(answers::cluster).collect();
        let wholes: Vec<u64> = ids.iter().filter(|(_, is_final)| !is_final).map(|(id, _)| *id).collect();
        // A DAG that is removed takes its last node with it, if that runs; and if it does not, nobody can.
        let lasts: Vec<u64> =
            ids.iter().filter(|(id, is_final)| *is_final && !wholes.contains(id)).map(|(id, _)| *id).collect();
        // A cluster by its number: what is true of jobs is not true of those that a plain submission has not made yet. But numbers and a
        // condition together mean what both are true of.
        if lasts.is_empty() && !wholes.is_empty() {
            return Call::new(["condor_rm".to_owned()].into_iter().chain(wholes.iter().map(u64::to_string)));
        }
        let whole = wholes.iter().map(|id| format!("ClusterId == {id}"));
        let last = lasts.iter().map(|id| format!("(DAGManJobId == {id} && DAGNodeName == \"{}\")", emit::FINAL));
        let any = whole.chain(last).collect::<Vec<_>>().join(" || ");
        Call::new(["condor_rm", "-constraint", if any.is_empty() { "False" } else { &any }])
    }

    fn parse_cancel(&self, said: &Said) -> Result<(), AdapterError> {
        answers::done(said)
    }

    fn is_own_hold(&self, reason: &str) -> bool {
        holds::is_own(reason)
    }

    fn release(&self, job: &JobId, tasks: &[u64]) -> Option<Call> {
        Some(Call::new(["condor_release", "-constraint", &parts(job, tasks)?]))
    }

    fn parse_release(&self, said: &Said) -> Result<(), AdapterError> {
        answers::done(said)
    }

    fn cancel_tasks(&self, job: &JobId, tasks: &[u64]) -> Option<Call> {
        let constraint = parts(job, tasks).filter(|_| !tasks.is_empty())?;
        Some(Call::new(["condor_rm", "-constraint", &constraint]))
    }

    fn recall(&self, job: &JobId) -> Option<Call> {
        recall::hold(job).filter(|_| self.site.files == Files::Transferred)
    }

    fn recalled(&self, job: &JobId) -> Option<[Call; 2]> {
        Some([recall::spool(), recall::ask(job)?]).filter(|_| self.site.files == Files::Transferred)
    }

    fn parse_recalled(&self, said: &[Said; 2]) -> Result<Vec<Recalled>, AdapterError> {
        recall::read(said)
    }

    fn diagnose(&self, _: &str) -> Option<TaskState> {
        None
    }

    fn explain(&self, reason: &str) -> Option<Explained> {
        let (what, hint) = match reason {
            answers::NOT_SUBMITTED | answers::DAG_IDLE => {
                ("its DAG has not submitted it yet", "it is submitted by itself, as there is room for it")
            }
            answers::AGAIN => {
                ("a try of it failed, and its DAG tries it once more", "`molsieve logs` says how it failed")
            }
            answers::DAG_STUCK => (
                "its DAG has had nothing in the queue for minutes, and does not end: it never heard of an end, as after a full disk",
                "the next look takes it back and goes on from the files, and `molsieve tick` does so now; or `molsieve cancel`, then \
                 `molsieve resume`",
            ),
            answers::LAST => ("it follows the tasks of its DAG", "it starts when all of them have ended"),
            answers::DAG_HELD => ("its DAG is held", "`condor_release {job}` lets it go"),
            answers::DAG_REMOVED => ("its DAG is being removed", "`molsieve resume` goes on, when it is gone"),
            _ => return holds::explain(reason),
        };
        Some(Explained { what, hint })
    }

    fn find(&self, tag: &JobTag) -> Call {
        rows::ask("condor_q", &tagged(tag))
    }

    fn find_ended(&self, tag: &JobTag) -> Option<Call> {
        Some(rows::ask("condor_history", &tagged(tag)))
    }

    fn parse_find(&self, tag: &JobTag, said: &Said) -> Result<Vec<JobId>, AdapterError> {
        answers::found(&tag.0, said)
    }
}

/// What task `index` of `job` is called: by its DAG and its node of that, since its jobs have another number in every life.
pub fn task_name(job: &JobId, index: u64) -> String {
    format!("{job}/{}", emit::node(index))
}

/// How `tasks` of `job`, or what belongs to it where none are named, are meant in a command that a person types: with a condition,
/// since each task is a job of its own that has another number in every life.
pub fn named(job: &JobId, tasks: &[u64]) -> Option<String> {
    parts(job, tasks).map(|constraint| format!("-constraint '{constraint}'"))
}

/// What is true of a job under `tag`, and not of a DAG's tasks: `condor_q` shows a user's own jobs alone.
fn tagged(tag: &JobTag) -> String {
    let Ok(tag) = words::string(&tag.0) else { return "False".to_owned() };
    let whole = format!("DAGManJobId =?= undefined || DAGNodeName == \"{}\"", emit::FINAL);
    format!("(MolsieveTag == {tag} || MolsieveFinalTag == {tag}) && ({whole})")
}

/// What is true of `tasks` of `job`; of all that belongs to it where none are named. None if it is no job of HTCondor's.
fn parts(job: &JobId, tasks: &[u64]) -> Option<String> {
    let (id, is_final) = answers::cluster(job)?;
    if is_final {
        return Some(format!("DAGManJobId == {id} && DAGNodeName == \"{}\"", emit::FINAL));
    }
    let whole = format!("ClusterId == {id} || DAGManJobId == {id}");
    if tasks.is_empty() {
        return Some(whole);
    }
    let mut list = String::new();
    for task in tasks {
        if list.len() > LIST_MAX {
            break;
        }
        list += &format!("{}{task}", if list.is_empty() { "" } else { "," });
    }
    Some(format!("({whole}) && DAGNodeName =!= \"{}\" && member(MolsieveTask, {{{list}}})", emit::FINAL))
}
