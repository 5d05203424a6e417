//! What HTCondor's commands answer: rows, refusals, noise around both; and what follows from them of each task.

use crate::adapter::AdapterError;
use crate::command::Said;
use crate::dialect::Reports;
use crate::job::{Job, JobId, TaskId, TaskReport, TaskState};

use super::emit::FINAL;
use super::holds;
use super::rows::{self, Row};
use super::states::{Place, state};
use crate::utc;

/// Sentences by which a command says that nobody answered.
const AWAY: &[&str] = &[
    "Failed to fetch ads",
    "Failed to connect",
    "Can't connect",
    "Can't find address of local schedd",
    "Can't find address for schedd",
    "Couldn't find address",
    "Unable to connect",
    "Connection refused",
    "Connection timed out",
    "Connection reset",
    "CEDAR:6001",
    "COMMUNICATION ERROR",
    "SECMAN:2007",
    "Failed to end classad message",
    "Error communicating",
    "AUTHENTICATE:1003",
    "Extra Info: You probably saw this error because the condor_schedd is not running",
    "unable to find schedd",
    "Schedd is not running",
    "Failed to create new proc",
    "no condor_schedd",
    "Disk quota exceeded",
    "Neither the environment variable CONDOR_CONFIG",
];

/// Sentences by which a submission is refused for the number of its jobs.
const TOO_MANY: &[&str] =
    &["MAX_JOBS_PER_OWNER", "MAX_JOBS_SUBMITTED", "MAX_JOBS_PER_SUBMISSION", "Number of submitted jobs would exceed"];

/// Sentences by which a command says that a job is not known (any more), or that it has ended.
const UNKNOWN_JOB: &[&str] = &[
    "not found",
    "There are no jobs",
    "Couldn't find/remove all jobs",
    "Couldn't find/release all jobs",
    "Couldn't find/hold all jobs",
    "already marked for removal",
    "not held to be released",
];

/// What kind of no an answer is.
pub fn refusal(said: &Said) -> AdapterError {
    let both = format!("{}\n{}", said.stderr, said.stdout);
    if TOO_MANY.iter().any(|sentence| both.contains(sentence)) {
        return AdapterError::TooMany(said.gist());
    }
    if AWAY.iter().any(|away| both.contains(away)) {
        return AdapterError::Unreachable(said.gist());
    }
    if said.code.is_some() && (both.contains("ERROR") || both.contains("Error") || both.contains("refused")) {
        return AdapterError::Rejected(said.gist());
    }
    AdapterError::Unparsed(said.gist())
}

/// The job of `condor_submit` or `condor_submit_dag`, by the sentence that both end with.
pub fn submitted(said: &Said) -> Result<JobId, AdapterError> {
    if !said.is_ok() {
        return Err(refusal(said));
    }
    let id = |line: &str| {
        let (_, rest) = line.split_once(" submitted to cluster ")?;
        let digits = rest.trim().strip_suffix('.')?;
        number(digits).map(|id| JobId(id.to_string()))
    };
    // Accepted, perhaps: the caller looks for the tag.
    said.stdout
        .lines()
        .rev()
        .find_map(id)
        .ok_or_else(|| AdapterError::Unreachable(format!("HTCondor did not say which job it is: {}", said.gist())))
}

/// Whether an end or a release was understood; jobs that are gone are fine.
pub fn done(said: &Said) -> Result<(), AdapterError> {
    let both = format!("{}\n{}", said.stderr, said.stdout);
    let is_away = AWAY.iter().any(|away| both.contains(away));
    if said.is_ok() || !is_away && UNKNOWN_JOB.iter().any(|sentence| both.contains(sentence)) {
        return Ok(());
    }
    Err(refusal(said))
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// The number of the cluster of `job`, and whether its last part is meant.
pub fn cluster(job: &JobId) -> Option<(u64, bool)> {
    match job.whole() {
        Some(whole) => Some((number(&whole.0)?, true)),
        None => Some((number(&job.0)?, false)),
    }
}

/// The jobs of which all that has to do with `jobs` is true.
pub fn constraint(jobs: &[Job]) -> String {
    of_clusters(jobs.iter().filter_map(|job| cluster(&job.id)).map(|(id, _)| id))
}

fn of_clusters(ids: impl Iterator<Item = u64>) -> String {
    let mut ids: Vec<u64> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    let one = |id: &u64| format!("ClusterId == {id} || DAGManJobId == {id}");
    if ids.is_empty() { "False".to_owned() } else { ids.iter().map(one).collect::<Vec<_>>().join(" || ") }
}

/// Words for why a task waits, or is not in the queue although its job is.
pub const NOT_SUBMITTED: &str = "NotSubmitted";
pub const AGAIN: &str = "TriedAgain";
pub const LAST: &str = "LastNode";
pub const DAG_HELD: &str = "DagHeld";
pub const DAG_REMOVED: &str = "DagRemoved";
/// As [`NOT_SUBMITTED`] and [`LAST`], where nothing of the DAG is in the queue.
pub const DAG_IDLE: &str = "DagIdle";
/// What the books say where nothing of a DAG has ended for [`STILL_S`].
pub const STILL: &str = "Still";
/// The two together: the DAG waits for an end that it will never hear of.
pub const DAG_STUCK: &str = "DagStuck";

/// A DAG that has nothing in the queue submits, or ends, within seconds; where submissions fail, within two minutes. One that has done
/// neither for so long has lost the end of a job: its log was not written to, as on a full disk.
const STILL_S: u64 = 300;

/// The rows of `condor_q` for `jobs`.
pub fn queue(jobs: &[Job], said: &Said) -> Result<Reports, AdapterError> {
    if !said.is_ok() {
        return Err(refusal(said));
    }
    let rows = rows::read(said)?;
    let mut reports = Reports::new();
    for job in jobs {
        let Some((id, is_final)) = cluster(&job.id) else { continue };
        let Some(whole) = Whole::of(&rows, id, &job.tag.0, is_final) else { continue };
        for row in &whole.parts {
            reports.insert(TaskId { job: job.id.clone(), index: index(row) }, report(row, Place::Queue));
        }
        // What is not there was not submitted yet, or has left.
        let Some(own) = whole.own else { continue };
        let is_idle =
            own.still_s.is_some_and(|still_s| still_s >= STILL_S) && !rows.iter().any(|row| row.dag == Some(id));
        for index in 0..whole.count {
            let task = TaskId { job: job.id.clone(), index };
            reports.entry(task).or_insert_with(|| unsubmitted(own, is_final, is_idle));
        }
    }
    Ok(reports)
}

/// What follows for a task that is not in the queue from its DAG, which is. What follows a DAG does so after its removal too.
fn unsubmitted(dag: &Row, is_final: bool, is_idle: bool) -> TaskReport {
    let (state, why) = match state(dag, Place::Queue) {
        TaskState::Running if dag.is_dag() && dag.status == 2 && is_idle => (TaskState::Pending, DAG_IDLE),
        _ if !dag.is_dag() => (TaskState::Pending, NOT_SUBMITTED),
        TaskState::Held => (TaskState::Held, DAG_HELD),
        _ if dag.status == 3 && !is_final => (TaskState::Cancelled, DAG_REMOVED),
        _ => (TaskState::Pending, if is_final { LAST } else { NOT_SUBMITTED }),
    };
    TaskReport { reason: Some(why.to_owned()), ..TaskReport::of(state) }
}

/// What is known of a task that the queue speaks of as `queue`, if it does, and the books as `books`: none where the queue knows better.
pub fn both(queue: Option<&TaskReport>, books: TaskReport) -> Option<TaskReport> {
    let is = |report: &TaskReport, word| report.reason.as_deref() == Some(word);
    let is_still = is(&books, STILL);
    let Some(queue) = queue else {
        // (A DAG that is gone tries nothing again.)
        return (!is_still || books.state.is_final()).then(|| said(books, None));
    };
    if is_still && is(queue, DAG_IDLE) {
        return Some(said(books, Some(DAG_STUCK)));
    }
    if books.state.is_final() {
        return is_guess(queue).then(|| said(books, None));
    }
    // How long ago its last try was says nothing where the DAG has something in the queue.
    let waits = is(queue, NOT_SUBMITTED) || is(queue, DAG_IDLE);
    if is_still || is(&books, AGAIN) {
        return waits.then(|| said(books, Some(AGAIN)));
    }
    is_guess(queue).then_some(books)
}

/// `report` with another word for why, in the place of [`STILL`].
fn said(report: TaskReport, why: Option<&str>) -> TaskReport {
    let own = report.reason.filter(|own| own != STILL);
    TaskReport { reason: why.map(str::to_owned).or(own), ..report }
}

/// Whether a report follows from the silence of the queue alone.
pub fn is_guess(report: &TaskReport) -> bool {
    let guesses = [NOT_SUBMITTED, AGAIN, LAST, DAG_HELD, DAG_REMOVED, DAG_IDLE];
    report.reason.as_deref().is_some_and(|reason| guesses.contains(&reason))
}

/// Whether a DAG that is still there submits what ended so once more.
fn is_tried_again(row: &Row) -> bool {
    let left = row.attempt.zip(row.retries).is_some_and(|(attempt, retries)| attempt < retries);
    let ended = state(row, Place::Books);
    left && ended != TaskState::Succeeded && (row.exit.is_none() || row.exit != row.unless)
}

/// `report`, with the word for a DAG of which nothing has ended for long.
fn marked(report: TaskReport, still: Option<&String>) -> TaskReport {
    TaskReport { reason: still.cloned().or(report.reason), ..report }
}

fn again() -> TaskReport {
    TaskReport { reason: Some(AGAIN.to_owned()), ..TaskReport::of(TaskState::Pending) }
}

/// The rows of `condor_history` for `jobs`, the newest first.
pub fn history(jobs: &[Job], said: &Said) -> Result<Reports, AdapterError> {
    if !said.is_ok() {
        return Err(refusal(said));
    }
    let rows = rows::read(said)?;
    let mut reports = Reports::new();
    for job in jobs {
        let Some((id, is_final)) = cluster(&job.id) else { continue };
        // (Of a DAG's parts that have left, the last.)
        let still_s = rows.iter().filter(|row| row.dag == Some(id)).map(|row| row.still_s.unwrap_or(0)).min();
        let still = still_s.filter(|still_s| *still_s >= STILL_S).map(|_| STILL.to_owned());
        let Some(whole) = Whole::of(&rows, id, &job.tag.0, is_final) else {
            // What follows a DAG is in the books only when it has ended.
            let report = TaskReport { reason: still, ..TaskReport::of(TaskState::Pending) };
            let follows = is_final && report.reason.is_some();
            reports.extend(follows.then(|| (TaskId { job: job.id.clone(), index: 0 }, report)));
            continue;
        };
        // A DAG that was removed submits nothing any more.
        let is_removed = whole.own.is_some_and(|dag| dag.status == 3);
        for row in &whole.parts {
            let task = TaskId { job: job.id.clone(), index: index(row) };
            let ended = || match whole.own {
                None if is_tried_again(row) => again(),
                // It would have been tried again, and was not, since somebody removed its DAG.
                Some(_) if is_removed && !is_final && is_tried_again(row) => TaskReport::of(TaskState::Cancelled),
                _ => report(row, Place::Books),
            };
            let ended = || if whole.own.is_none() { marked(ended(), still.as_ref()) } else { ended() };
            reports.entry(task).or_insert_with(ended);
        }
        if is_removed {
            for index in 0..whole.count {
                let cancelled = || TaskReport::of(TaskState::Cancelled);
                reports.entry(TaskId { job: job.id.clone(), index }).or_insert_with(cancelled);
            }
        }
    }
    Ok(reports)
}

/// A job and its parts, among rows.
struct Whole<'a> {
    /// The job of the DAG itself, or of a plain submission that has not made all its jobs.
    own: Option<&'a Row>,
    /// A row a try of a task.
    parts: Vec<&'a Row>,
    /// How many tasks it has, as far as is known.
    count: u64,
}

impl<'a> Whole<'a> {
    /// The job `id` under `tag`; none if there is no trace of it. Numbers come again after years; a tag of ours does not.
    fn of(rows: &'a [Row], id: u64, tag: &str, is_final: bool) -> Option<Self> {
        let is_ours = |row: &&Row| row.tag.as_deref() == Some(tag);
        let dag_tag = |row: &&Row| if is_final { row.final_tag.as_deref() } else { row.tag.as_deref() } == Some(tag);
        let own = rows.iter().find(|row| row.cluster == id && row.is_dag() && dag_tag(row));
        let is_part = |row: &&Row| (row.node_name.as_deref() == Some(FINAL)) == is_final;
        let nodes = rows.iter().filter(|row| row.dag == Some(id)).filter(is_ours).filter(is_part);
        let plain = rows
            .iter()
            .filter(|row| row.cluster == id && !row.is_dag() && row.dag.is_none() && !is_final)
            .filter(is_ours);
        let parts: Vec<&Row> = nodes.chain(plain).filter(|row| row.task.is_some()).collect();
        let of_plain = parts.iter().filter(|row| row.dag.is_none()).find_map(|row| row.tasks.map(|_| *row));
        let count = match own.or(of_plain) {
            Some(_) if is_final => 1,
            Some(row) => row.tasks.unwrap_or(1).min(TASKS_MAX),
            None => 0,
        };
        (own.is_some() || !parts.is_empty()).then_some(Self { own: own.or(of_plain), parts, count })
    }
}

/// The number of the task that `row` is of.
fn index(row: &Row) -> u64 {
    if row.node_name.as_deref() == Some(FINAL) { 0 } else { row.task.unwrap_or(0) }
}

/// No job of ours has more tasks: a number that a stranger wrote is not believed.
const TASKS_MAX: u64 = 1_000_000;

fn report(row: &Row, place: Place) -> TaskReport {
    let state = state(row, place);
    let reason = (state == TaskState::Held)
        .then(|| holds::reason(row.hold.unwrap_or(0), row.subcode.unwrap_or(0), &row.hold_words));
    let is_again = state == TaskState::Pending && row.attempt.is_some_and(|attempt| attempt > 0);
    let reason = reason.or_else(|| is_again.then(|| AGAIN.to_owned()));
    let begins_s = row.begins_s.filter(|_| state == TaskState::Pending);
    let start = row.start_s.or(begins_s).and_then(utc::text);
    TaskReport { state, node: row.host.clone(), reason, start }
}

/// The jobs that carry `tag`, each once.
pub fn found(tag: &str, said: &Said) -> Result<Vec<JobId>, AdapterError> {
    if !said.is_ok() {
        return Err(refusal(said));
    }
    let mut jobs: Vec<JobId> = Vec::new();
    for row in rows::read(said)? {
        let own = JobId(row.cluster.to_string());
        let is_tagged = row.tag.as_deref() == Some(tag);
        let job = match row.dag {
            Some(dag) if is_tagged && row.node_name.as_deref() == Some(FINAL) => JobId(dag.to_string()).finally(),
            Some(dag) if is_tagged => JobId(dag.to_string()),
            _ if is_tagged => own,
            _ if row.is_dag() && row.final_tag.as_deref() == Some(tag) => own.finally(),
            _ => continue,
        };
        if !jobs.contains(&job) {
            jobs.push(job);
        }
    }
    Ok(jobs)
}
