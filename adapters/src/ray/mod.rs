//! Ray, by its Jobs API: no package of Ray is needed where this runs.
//!
//! A job is one job of Ray, whose name (`submission_id`) is our tag: a second submission is the same job. What the head runs is
//! a short driver in Python, which hands one task to Ray for each task of the job and tells in its log what becomes of them. Ray
//! has no dependencies between jobs; the driver runs what follows when all tasks have ended. Jobs die with the head, and a new
//! head knows none of them: then a task is `Unknown`, and its files say how it ended.
//!
//! All nodes must see the same files at the same paths.

pub mod address;
mod answers;
pub mod facts;
pub mod http;
pub mod inside;
mod log;
pub mod script;
#[cfg(test)]
mod script_tests;
pub mod site;
pub mod token;

pub use address::{Address, Plain};
pub use http::Client;
pub use site::Site;
pub use token::Token;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::adapter::{Adapter, AdapterError, Capabilities, Finally};
use crate::clock;
use crate::dialect::Reports;
use crate::job::{EmittedFile, Explained, Job, JobId, JobSpec, JobTag, TaskId, TaskReport, TaskState};
use crate::text::Value;
use crate::utc;
use answers::{Asked, Details, RuntimeEnv, Submitted};

/// The most tasks of a job: each tells three lines or so, and the log is read as a whole.
const TASKS_MAX: u64 = 20_000;

/// How long Ray waits for a driver that it has asked to end, beyond the time that tasks have for a checkpoint.
const STOP_BEYOND_S: u64 = 30;

/// Words for why something waits: its job has no driver yet; a task waits for its turn; what runs at the end, for the tasks.
const NO_DRIVER: &str = "NoDriver";
const QUEUED: &str = "Queued";
const LAST: &str = "LastStep";

/// A Ray cluster.
#[derive(Debug)]
pub struct Ray {
    client: Client,
    site: Site,
    template: String,
}

impl Ray {
    /// The cluster that `client` asks.
    pub fn new(client: Client, site: Site) -> Self {
        Self { client, site, template: script::TEMPLATE.to_owned() }
    }

    /// With another driver; see [`script::TEMPLATE`] for the placeholders.
    #[must_use]
    pub fn with_template(self, template: String) -> Self {
        Self { template, ..self }
    }

    /// What is asked for, to run `job` under `name`; for people, over several lines.
    fn request(&self, job: &JobSpec, name: &str, for_people: bool) -> Result<String, AdapterError> {
        let entrypoint = script::entry_point(&self.site, job)?;
        let mut metadata =
            BTreeMap::from([(answers::TAG, job.tag.0.clone()), (answers::TASKS, job.tasks.count().to_string())]);
        metadata.extend(job.finally.as_ref().map(|last| (answers::FINALLY, last.tag.0.clone())));
        let begins_s = job.begin_after_s.map(|after_s| clock::since_epoch().as_secs() + after_s);
        metadata.extend(begins_s.and_then(utc::text).map(|time| (answers::BEGINS, time)));
        // Read by what supervises the driver: otherwise it is killed after 3 s, with whatever was about to be saved.
        let patience = (self.site.grace_s + STOP_BEYOND_S).to_string();
        let runtime_env = RuntimeEnv { env_vars: BTreeMap::from([("RAY_JOB_STOP_WAIT_TIME_S", patience)]) };
        let asked = Asked { submission_id: name, entrypoint: &entrypoint, metadata, runtime_env };
        let text = if for_people { serde_json::to_string_pretty(&asked) } else { serde_json::to_string(&asked) };
        text.map_err(|e| AdapterError::Rejected(e.to_string()))
    }

    /// The job called `id`; none where the head does not know it.
    fn details(&self, id: &str) -> Result<Option<Details>, AdapterError> {
        if !is_name(id) {
            return Ok(None);
        }
        answers::details(&self.client.get(&format!("/api/jobs/{id}"))?)
    }

    /// What its driver has told so far.
    fn told(&self, id: &str, job: &Details) -> Result<log::Told, AdapterError> {
        if job.status == "PENDING" {
            return Ok(log::Told::default());
        }
        let log = answers::logs(&self.client.get(&format!("/api/jobs/{id}/logs"))?)?;
        Ok(log::read(&log.unwrap_or_default(), job.tasks()))
    }

    /// What is known of all that `id` stands for: the tasks of the job, and what runs at its end.
    fn ask(&self, id: &str) -> Result<Option<Known>, AdapterError> {
        let Some(job) = self.details(id)? else { return Ok(None) };
        let told = self.told(id, &job)?;
        Ok(Some(Known { job, told }))
    }
}

/// A job, and what its driver has told.
struct Known {
    job: Details,
    told: log::Told,
}

impl Known {
    /// The state of every task of `asked`, which is this job or what runs at its end.
    fn reports(&self, asked: &Job) -> Reports {
        let task = |index| TaskId { job: asked.id.clone(), index };
        if asked.id.whole().is_some() {
            let is_meant = self.job.mark(answers::FINALLY) == Some(&asked.tag.0);
            let report = self.report(self.told.finally.as_ref(), LAST).filter(|_| is_meant);
            return report.map(|report| (task(0), report)).into_iter().collect();
        }
        // Somebody else may have given a job of theirs this name.
        if self.job.mark(answers::TAG) != Some(&asked.tag.0) {
            return Reports::new();
        }
        let all = 0..self.job.tasks().min(TASKS_MAX);
        all.filter_map(|index| Some((task(index), self.report(self.told.tasks.get(&index), QUEUED)?))).collect()
    }

    /// The state of one of which the driver has told `told`; what it has not told, the state of the job says. One that has not begun waits
    /// for `why`, unless more is known.
    fn report(&self, told: Option<&TaskReport>, why: &str) -> Option<TaskReport> {
        if let Some(told) = told.filter(|told| told.state.is_final()) {
            return Some(told.clone());
        }
        let state = match (self.job.status.as_str(), told) {
            ("PENDING" | "RUNNING", Some(told)) => return Some(told.clone()),
            ("PENDING" | "RUNNING", None) => TaskState::Pending,
            ("STOPPED", _) => TaskState::Cancelled,
            // The driver is gone, and its tasks with it.
            ("FAILED", _) => TaskState::NodeFailed,
            // It ended well, and its log does not say how the task did; or Ray has a new word.
            _ => return None,
        };
        let begins = self.job.mark(answers::BEGINS).and_then(Value::new).filter(|_| state == TaskState::Pending);
        let reason = match state {
            TaskState::Pending if begins.is_some() => None,
            TaskState::Pending if self.job.status == "PENDING" => Some(NO_DRIVER.to_owned()),
            TaskState::Pending => self.told.waits.clone().filter(|_| why == QUEUED).or_else(|| Some(why.to_owned())),
            TaskState::NodeFailed => self.job.message.as_deref().and_then(last_line),
            _ => None,
        };
        let (node, start) = told.map_or((None, None), |told| (told.node.clone(), told.start.clone()));
        let start = start.or_else(|| begins.map(|time| time.as_str().to_owned()));
        Some(TaskReport { state, node, reason, start })
    }
}

impl Adapter for Ray {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            array_len_max: Some(TASKS_MAX),
            room: None,
            // Lost tasks it does start again, but not for one that asks.
            requeues: false,
            finally: Finally::Native,
            lifeline: false,
            // The driver asks a task to end when its time is up, and only then begins to count the grace.
        }
    }

    /// The driver, and what the Jobs API is asked for; without the token, which goes beside it.
    fn files(&self, job: &JobSpec) -> Result<Vec<EmittedFile>, AdapterError> {
        let mut files = vec![script::render(&self.site, &self.template, job)?];
        // What has the time in its name has no other request to be read before.
        if job.begin_after_s.is_none() {
            let text = self.request(job, &submission_id(job)?, true)?;
            files.push(EmittedFile { path: script::request_path(job), text: text + "\n" });
        }
        Ok(files)
    }

    fn submit(&mut self, job: &JobSpec) -> Result<JobId, AdapterError> {
        if job.tasks.count() > TASKS_MAX {
            return Err(AdapterError::TooMany(format!("a job of Ray has at most {TASKS_MAX} tasks here")));
        }
        self.files(job)?;
        let name = submission_id(job)?;
        let body = self.request(job, &name, false)?;
        match answers::submitted(&self.client.post("/api/jobs/", &body)?)? {
            Submitted::Yes => Ok(JobId(name)),
            // An earlier try, whose answer was lost, or somebody else's job.
            Submitted::Before => match self.details(&name)? {
                Some(known) if known.mark(answers::TAG) == Some(&job.tag.0) => Ok(JobId(name)),
                _ => Err(AdapterError::Rejected(format!("the cluster has a job `{name}` that is not ours"))),
            },
        }
    }

    /// Asks for each job alone: a list would hold all jobs that the head has ever seen, with the ends of their logs.
    fn poll(&mut self, jobs: &[Job]) -> Result<Reports, AdapterError> {
        let mut known: BTreeMap<String, Option<Known>> = BTreeMap::new();
        let mut reports = Reports::new();
        for job in jobs {
            let id = own_name(&job.id);
            let answer = match known.entry(id) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let answer = self.ask(new.key())?;
                    new.insert(answer)
                }
            };
            if let Some(answer) = answer {
                reports.extend(answer.reports(job));
            }
        }
        Ok(reports)
    }

    /// What runs at the end of a job cannot be cancelled alone: the job ends with it, and then nothing follows.
    fn cancel(&mut self, jobs: &[JobId]) -> Result<(), AdapterError> {
        let mut asked: Vec<String> = jobs.iter().map(own_name).filter(|id| is_name(id)).collect();
        asked.sort_unstable();
        asked.dedup();
        for id in asked {
            answers::stopped(&self.client.post(&format!("/api/jobs/{id}/stop"), "")?)?;
        }
        Ok(())
    }

    fn explain(&self, reason: &str) -> Option<Explained> {
        if let Some(known) = own_word(reason) {
            return Some(known);
        }
        (reason == "no node has so much").then_some(Explained {
            what: "no node of the cluster has as much as one task asks for",
            hint: "`ray status` shows what nodes have; `molsieve cancel DIR`, then `molsieve resume DIR --cpus N --memory M` asks for less",
        })
    }

    fn find(&mut self, tag: &JobTag) -> Result<Vec<JobId>, AdapterError> {
        if let Some(job) = self.details(&tag.0)?
            && job.mark(answers::TAG) == Some(&tag.0)
        {
            return Ok(vec![JobId(tag.0.clone())]);
        }
        let jobs = answers::list(&self.client.get("/api/jobs/")?)?;
        let named = jobs.iter().filter_map(|job| Some((job.submission_id.as_deref()?, job)));
        let found = named.filter_map(|(name, job)| {
            let is_itself = job.mark(answers::TAG) == Some(&tag.0);
            let follows = job.mark(answers::FINALLY) == Some(&tag.0);
            let job = JobId(name.to_owned());
            let last = follows.then(|| job.finally());
            if is_itself { Some(job) } else { last }
        });
        Ok(found.collect())
    }
}

/// What one of our own words for waiting means: Ray has none.
fn own_word(reason: &str) -> Option<Explained> {
    let (what, hint) = match reason {
        NO_DRIVER => ("the driver of its job has not begun", "Ray starts it on the head, within a minute or so"),
        QUEUED => ("no node has room for it yet, or `running` tasks are at work", "it starts by itself, as others end"),
        log::AGAIN => ("a try of it failed, and Ray tries it once more", "`molsieve logs` says how it failed"),
        LAST => ("it follows the tasks of its job", "it starts when all of them have ended"),
        _ => return None,
    };
    Some(Explained { what, hint })
}

/// What task `index` of `job` is called: as the driver calls it.
pub fn task_name(job: &JobId, index: u64) -> String {
    format!("{job}_{index}")
}

/// The name of a job: its tag, so that it can be submitted once. What begins later and again, under the same tag, has the time
/// in its name.
fn submission_id(job: &JobSpec) -> Result<String, AdapterError> {
    let tag = &job.tag.0;
    if !is_name(tag) {
        return Err(AdapterError::Rejected(format!("`{}` cannot be the name of a job", tag.escape_debug())));
    }
    if job.begin_after_s.is_none() {
        return Ok(tag.clone());
    }
    Ok(format!("{tag}-{}", clock::since_epoch().as_millis()))
}

/// The job of Ray that `id` is, or is the end of.
fn own_name(id: &JobId) -> String {
    id.whole().unwrap_or_else(|| id.clone()).0
}

/// Whether `text` can be the name of a job of ours, and so stand in the path of a request.
fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (1..=128).contains(&text.len()) && text.chars().all(plain) && !text.starts_with('.')
}

fn last_line(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).rfind(|line| !line.is_empty())?;
    Some(line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(120).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(status: &str, marks: &str, log: &str) -> Known {
        let text = format!(
            r#"{{"status": "{status}", "metadata": {{"molsieve_tag": "w", "molsieve_tasks": "2", "molsieve_finally": "t"{marks}}}}}"#
        );
        Known { job: serde_json::from_str(&text).unwrap(), told: log::read(log, 2) }
    }

    fn why(known: &Known, id: JobId, tag: &str) -> Vec<Option<String>> {
        known.reports(&Job { id, tag: JobTag(tag.to_owned()) }).into_values().map(|report| report.reason).collect()
    }

    #[test]
    fn whatever_waits_says_for_what_and_each_word_is_explained() {
        let wave = || JobId("w".to_owned());
        let word = |word: &str| Some(word.to_owned());
        let started = "molsieve: {\"task\": 0, \"state\": \"started\"}\n";
        assert_eq!(why(&known("PENDING", "", ""), wave(), "w"), [word("NoDriver"), word("NoDriver")]);
        assert_eq!(why(&known("RUNNING", "", started), wave(), "w"), [None, word("Queued")]);
        assert_eq!(why(&known("RUNNING", "", started), wave().finally(), "t"), [word("LastStep")]);
        let so_much = "molsieve: {\"state\": \"waits\", \"why\": \"no node has so much\"}\n";
        assert_eq!(why(&known("RUNNING", "", so_much), wave(), "w")[0], word("no node has so much"));
        assert_eq!(why(&known("RUNNING", "", so_much), wave().finally(), "t"), [word("LastStep")]);
        for word in [NO_DRIVER, QUEUED, LAST, log::AGAIN] {
            assert!(own_word(word).is_some_and(|known| !known.what.is_empty() && !known.hint.is_empty()), "{word}");
        }
    }

    #[test]
    fn what_begins_later_is_told_with_its_time() {
        let look = |status, log| {
            let known = known(status, r#", "molsieve_begins": "2026-11-29T05:00:00""#, log);
            known
                .reports(&Job { id: JobId("w-1".to_owned()), tag: JobTag("w".to_owned()) })
                .into_values()
                .next()
                .unwrap()
        };
        for status in ["PENDING", "RUNNING"] {
            let report = look(status, "");
            assert_eq!((report.state, report.start.as_deref()), (TaskState::Pending, Some("2026-11-29T05:00:00")));
        }
        let started =
            look("RUNNING", "molsieve: {\"task\": 0, \"state\": \"started\", \"start\": \"2026-11-29T05:00:09\"}\n");
        assert_eq!(started.start.as_deref(), Some("2026-11-29T05:00:09"));
    }
}
