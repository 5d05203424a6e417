//! What SLURM's commands answer: rows with columns of fixed width, or with bars; refusals; noise around both.

use std::collections::BTreeSet;

use crate::adapter::AdapterError;
use crate::command::Said;
use crate::dialect::Reports;
use crate::job::{Job, JobId, TaskId, TaskReport};
use crate::text;

use super::states::{Exit, state};

/// The columns of squeue, and the room that each gets. Fixed widths are understood by every version.
const COLUMNS: &[(&str, usize)] = &[
    ("ArrayJobID", 20),
    ("ArrayTaskID", 20),
    ("Name", 80),
    ("State", 24),
    ("exit_code", 16),
    ("StartTime", 28),
    ("NodeList", 64),
    // Last, because it is free text.
    ("Reason", 128),
];

/// The columns of sacct.
pub const HISTORY: &str = "JobID,JobName,State,ExitCode,Start,NodeList";

/// The format that squeue is asked for.
pub fn columns() -> String {
    COLUMNS.iter().map(|(name, width)| format!("{name}:{width}")).collect::<Vec<_>>().join(",")
}

/// Sentences by which a command says that nobody answered.
const AWAY: &[&str] = &[
    "Unable to contact slurm controller",
    "Unable to contact the slurm controller",
    "Socket timed out",
    "Connection refused",
    "Connection timed out",
    "Connection reset",
    "Transport endpoint is not connected",
    "Zero Bytes were transmitted or received",
    "controller in standby mode",
    "Controller is in standby mode",
    "temporarily unable to accept job",
    "Resource temporarily unavailable",
    "Unable to connect to database",
    "Could not resolve",
    "No route to host",
    "Protocol authentication error",
    "Munge encode failed",
    "Insane message length",
    "Error connecting slurm stream socket",
    "Configless",
    "Could not establish a configuration source",
];

/// Sentences by which a command says that a job is not known (any more).
const UNKNOWN_JOB: &[&str] =
    &["Invalid job id specified", "Invalid job id", "already completing or completed", "Job/step already completing"];

/// Sentences by which a submission is refused for the number of its tasks. The last one is said of other limits too.
const TOO_MANY: &[&str] =
    &["MaxSubmitJob", "GrpSubmitJob", "Invalid job array specification", "Job violates accounting/QOS policy"];

/// What kind of no an answer is.
pub fn refusal(said: &Said) -> AdapterError {
    let both = format!("{}\n{}", said.stderr, said.stdout);
    if AWAY.iter().any(|away| both.contains(away)) {
        return AdapterError::Unreachable(said.gist());
    }
    let refused = ["error:", "fatal:", "Batch job submission failed", "allocation failure"];
    if said.code.is_some() && refused.iter().any(|word| said.stderr.contains(word)) {
        if TOO_MANY.iter().any(|sentence| said.stderr.contains(sentence)) {
            return AdapterError::TooMany(said.gist());
        }
        return AdapterError::Rejected(said.gist());
    }
    AdapterError::Unparsed(said.gist())
}

/// Whether the answer is that the job is not known.
pub fn is_unknown_job(said: &Said) -> bool {
    !said.is_ok() && UNKNOWN_JOB.iter().any(|sentence| said.stderr.contains(sentence))
}

/// Whether `scontrol release` let all go that it could. Its no has no word that all versions write.
pub fn released(said: &Said) -> Result<(), AdapterError> {
    /// Of a job that has ended since.
    const FINISHED: &str = "already finished";
    if said.is_ok() || is_unknown_job(said) || said.stderr.contains(FINISHED) || said.stdout.contains(FINISHED) {
        return Ok(());
    }
    Err(match refusal(said) {
        AdapterError::Unparsed(what) if said.code.is_some() => AdapterError::Rejected(what),
        error => error,
    })
}

/// The job of `sbatch --parsable`: `id` or `id;cluster`, on the last line of its own. A job in another cluster than `own` is
/// refused: what asks about it later, or cancels it, means `own`.
pub fn submitted(said: &Said, own: Option<&str>) -> Result<JobId, AdapterError> {
    if !said.is_ok() {
        return Err(refusal(said));
    }
    let id = |line: &str| {
        let (id, cluster) = line.trim().split_once(';').map_or((line.trim(), None), |(id, name)| (id, Some(name)));
        number(id).map(|_| (JobId(id.to_owned()), cluster.map(str::to_owned)))
    };
    let complete = said.stdout.ends_with('\n');
    match said.stdout.lines().rev().find_map(id).filter(|_| complete) {
        Some((id, None)) => Ok(id),
        Some((id, Some(cluster))) if Some(cluster.as_str()) == own => Ok(id),
        Some((id, Some(cluster))) => {
            let cluster: String = cluster.chars().filter(|c| !c.is_control()).take(64).collect();
            Err(AdapterError::Rejected(format!(
                "job {id} went to the cluster `{cluster}`, whose jobs are not asked about from here: run molsieve on a machine \
                 of that cluster, and end the job there: `scancel {id}`"
            )))
        }
        // Accepted, perhaps: the caller looks for the tag.
        None => Err(AdapterError::Unreachable(format!("`sbatch` did not say which job it is: {}", said.gist()))),
    }
}

/// The rows of squeue for `jobs`.
pub fn queue(jobs: &[Job], said: &Said) -> Result<Reports, AdapterError> {
    if is_unknown_job(said) && rows(&said.stdout).next().is_none() {
        return Ok(Reports::new());
    }
    if !said.is_ok() && !is_unknown_job(said) {
        return Err(refusal(said));
    }
    let mut reports = Reports::new();
    for row in rows(&said.stdout) {
        let cut = || AdapterError::Unparsed(format!("`squeue` answered with part of a line: `{}`", row.trim()));
        let [job, task, name, word, exit, start, nodes, reason] = cells(row).ok_or_else(cut)?;
        // Numbers come again after years; a name of ours does not.
        let Some(job) = jobs.iter().find(|known| known.id.0 == job && known.tag.0 == name) else { continue };
        let index = if task == "N/A" { Some(0) } else { number(task) };
        let index = index.ok_or_else(cut)?;
        let report = TaskReport {
            state: state(word, Exit::parse(exit), reason),
            node: node_of(nodes),
            reason: word_of(reason),
            start: word_of(start),
        };
        reports.insert(TaskId { job: job.id.clone(), index }, report);
    }
    Ok(reports)
}

/// The jobs of squeue that carry `tag`, each once.
pub fn found(tag: &str, said: &Said) -> Result<Vec<JobId>, AdapterError> {
    if !said.is_ok() {
        return Err(refusal(said));
    }
    let mut jobs: Vec<JobId> = Vec::new();
    for row in rows(&said.stdout) {
        let cut = || AdapterError::Unparsed(format!("`squeue` answered with part of a line: `{}`", row.trim()));
        let [job, _, name, _] = cells(row).ok_or_else(cut)?;
        if name == tag && !jobs.iter().any(|known| known.0 == job) {
            jobs.push(JobId(job.to_owned()));
        }
    }
    Ok(jobs)
}

/// The rows of sacct for `jobs`, on a cluster whose arrays have less than `array_size` as their highest index: a row that says
/// another is none of its own.
pub fn history(jobs: &[Job], said: &Said, array_size: u64) -> Result<Reports, AdapterError> {
    if !said.is_ok() {
        return Err(refusal(said));
    }
    let mut reports = Reports::new();
    for line in said.stdout.lines() {
        let cells: Vec<&str> = line.split('|').collect();
        let &[task, name, word, exit, start, nodes] = cells.as_slice() else { continue };
        let (job, index) = task.split_once('_').unwrap_or((task, "0"));
        let Some(job) = jobs.iter().find(|known| known.id.0 == job && known.tag.0 == name) else { continue };
        let report = TaskReport {
            state: state(word, Exit::parse(exit), ""),
            node: node_of(nodes),
            reason: None,
            start: word_of(start),
        };
        // Elements that wait are one row, `7_[3-9%2]`.
        for index in elements(index, array_size) {
            reports.insert(TaskId { job: job.id.clone(), index }, report.clone());
        }
    }
    Ok(reports)
}

/// The lines that begin with a number in the first column; the others are banners and warnings.
fn rows(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| line.get(..COLUMNS[0].1.min(line.len())).is_some_and(|id| number(id.trim()).is_some()))
}

/// The cells of a row, cut at the widths; none if it ends before its last column begins.
fn cells<const N: usize>(row: &str) -> Option<[&str; N]> {
    let mut rest = row;
    let mut cells = [""; N];
    for (cell, (_, width)) in cells.iter_mut().zip(COLUMNS) {
        let at = (*width).min(rest.len());
        if rest.is_empty() {
            return None;
        }
        let (own, others) = rest.split_at_checked(at)?;
        *cell = own.trim();
        rest = others;
    }
    Some(cells)
}

/// The numbers of `3`, `[3-9]`, `[1,4-6%2]`, each once; none where it is anything else, or one of them is not below `size`. So a
/// row takes no more room than the largest array there can be.
fn elements(text: &str, size: u64) -> BTreeSet<u64> {
    let list = text.trim_matches(['[', ']']).split('%').next().unwrap_or("");
    let mut all = BTreeSet::new();
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last && last < size => all.extend(first..=last),
            _ => return BTreeSet::new(),
        }
    }
    all
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// A cell that says something.
fn word_of(cell: &str) -> Option<String> {
    let nothing = ["", "N/A", "None", "(null)", "Unknown"].contains(&cell);
    (!nothing).then(|| cell.chars().filter(|c| !c.is_control()).collect())
}

/// A cell that is the name of one node.
fn node_of(cell: &str) -> Option<String> {
    word_of(cell).filter(|node| text::is_node(node))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{JobTag, TaskState};
    use proptest::prelude::*;

    fn job() -> Vec<Job> {
        vec![Job { id: JobId("1".into()), tag: JobTag("molsieve-abc-1".into()) }]
    }

    fn row(cells: [&str; 8]) -> String {
        cells.iter().zip(COLUMNS).map(|(cell, (_, width))| format!("{cell:<width$}")).collect::<String>() + "\n"
    }

    fn ok(stdout: String) -> Said {
        Said { code: Some(0), stdout, stderr: String::new() }
    }

    fn no(stderr: &str) -> Said {
        Said { code: Some(1), stdout: String::new(), stderr: stderr.to_owned() }
    }

    const RUNNING: [&str; 8] = ["1", "4", "molsieve-abc-1", "RUNNING", "0", "2026-11-21T00:56:02", "n1", "None"];

    #[test]
    fn a_queue_is_read_between_banners() {
        let waiting = ["1", "5", "molsieve-abc-1", "PENDING", "0", "N/A", "", "JobArrayTaskLimit"];
        let text = format!("Welcome to the cluster!\n{}{}\n", row(RUNNING), row(waiting));
        let reports = queue(&job(), &ok(text)).unwrap();
        let of = |index| &reports[&TaskId { job: JobId("1".into()), index }];
        assert_eq!((of(4).state, of(4).node.as_deref()), (TaskState::Running, Some("n1")));
        assert_eq!((of(5).state, of(5).reason.as_deref()), (TaskState::Pending, Some("JobArrayTaskLimit")));
    }

    #[test]
    fn half_a_line_is_not_half_an_answer() {
        let text = row(RUNNING);
        for at in [21, 50, 130, 150] {
            let cut = queue(&job(), &ok(text[..at].to_owned()));
            assert!(matches!(cut, Err(AdapterError::Unparsed(_))), "{at}: {cut:?}");
        }
    }

    #[test]
    fn a_number_that_is_another_jobs_by_now_is_not_ours() {
        let mut other = RUNNING;
        other[2] = "somebody-else";
        assert!(queue(&job(), &ok(row(other))).unwrap().is_empty());
    }

    #[test]
    fn a_job_that_is_gone_has_no_rows_and_a_controller_that_is_gone_is_an_error() {
        assert!(queue(&job(), &no("slurm_load_jobs error: Invalid job id specified")).unwrap().is_empty());
        let away = queue(&job(), &no("slurm_load_jobs error: Unable to contact slurm controller (connect failure)"));
        assert!(matches!(away, Err(AdapterError::Unreachable(_))), "{away:?}");
        assert!(matches!(queue(&job(), &no("Segmentation fault")), Err(AdapterError::Unparsed(_))));
    }

    #[test]
    fn the_books_name_elements_that_wait_in_one_row() {
        use TaskState::{Checkpointed, Pending, Succeeded};
        let text = "1_0|molsieve-abc-1|COMPLETED|0:0|2026-11-21T00:56:02|n1\n\
                    1_1|molsieve-abc-1|FAILED|75:0|2026-11-21T00:56:02|n2\n\
                    1_[2-3,7%4]|molsieve-abc-1|PENDING|0:0|Unknown|None assigned\n\
                    2_0|molsieve-other-1|COMPLETED|0:0|Unknown|n1\n";
        let reports = history(&job(), &ok(text.to_owned()), 1001).unwrap();
        let states: Vec<_> = reports.iter().map(|(task, report)| (task.index, report.state)).collect();
        assert_eq!(states, [(0, Succeeded), (1, Checkpointed), (2, Pending), (3, Pending), (7, Pending)]);
    }

    #[test]
    fn a_row_of_the_books_makes_no_more_entries_than_an_array_has_elements() {
        let of = |index: &str| {
            let text = format!("1_{index}|molsieve-abc-1|PENDING|0:0|Unknown|None assigned\n");
            history(&job(), &ok(text), 1001).unwrap().len()
        };
        assert_eq!((of("[0-1000]"), of("[0-1000,0-1000,5]"), of("[0-1001]")), (1001, 1001, 0));
        assert_eq!((of("[0-9999999]"), of("18446744073709551615"), of("[0-18446744073709551615]")), (0, 0, 0));
    }

    #[test]
    fn what_is_no_name_of_a_node_is_no_node() {
        for bad in ["n1,n2", "n[1-900]", "n1 n2", "/etc/passwd", "n1;id", "None assigned", "-w", "é"] {
            let mut cells = RUNNING;
            cells[6] = bad;
            let reports = queue(&job(), &ok(row(cells))).unwrap();
            assert!(reports.len() == 1 && reports.values().all(|report| report.node.is_none()), "{bad}");
            let text = format!("1_0|molsieve-abc-1|COMPLETED|0:0|Unknown|{bad}\n");
            assert!(history(&job(), &ok(text), 1001).unwrap().values().all(|report| report.node.is_none()), "{bad}");
        }
    }

    #[test]
    fn a_submission_is_known_by_its_number_alone() {
        let submitted = |text: &str| submitted(&ok(text.into()), Some("ours"));
        for text in ["17\n", "17;ours\n", "Please read the news.\n17\n"] {
            assert_eq!(submitted(text).unwrap().0, "17", "{text:?}");
        }
        for vague in ["", "Submitted\n", "1", "17;clu"] {
            assert!(matches!(submitted(vague), Err(AdapterError::Unreachable(_))), "{vague:?}");
        }
    }

    #[test]
    fn a_job_in_a_cluster_that_later_commands_do_not_mean_is_refused() {
        for (own, text) in [(Some("ours"), "17;theirs\n"), (None, "17;ours\n"), (Some("ours"), "17;\n")] {
            let refused = submitted(&ok(text.into()), own).unwrap_err();
            assert!(matches!(&refused, AdapterError::Rejected(what) if what.contains("scancel 17")), "{refused}");
        }
    }

    #[test]
    fn a_no_is_a_no_and_silence_is_silence() {
        let no = |text: &str| submitted(&no(text), None).unwrap_err();
        let failed = "sbatch: error: Batch job submission failed:";
        assert!(matches!(no(&format!("{failed} Invalid partition name specified")), AdapterError::Rejected(_)));
        let policy =
            format!("{failed} Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)");
        for why in ["AssocMaxSubmitJobLimit", "QOSMaxSubmitJobPerUserLimit", "QOSGrpSubmitJobsLimit"] {
            assert!(matches!(no(&format!("sbatch: error: {why}\n{policy}")), AdapterError::TooMany(_)), "{why}");
        }
        assert!(matches!(no(&format!("{failed} Invalid job array specification")), AdapterError::TooMany(_)));
        assert!(matches!(
            no("sbatch: error: Batch job submission failed: Socket timed out on send/recv operation"),
            AdapterError::Unreachable(_)
        ));
    }

    #[test]
    fn a_release_of_what_has_ended_meanwhile_is_no_failure_and_silence_is_silence() {
        for text in ["1_1: Job has already finished", "Invalid job id specified for job 99"] {
            assert_eq!(released(&no(text)), Ok(()), "{text}");
        }
        let denied = "Access/permission denied for job 7_1";
        assert!(matches!(released(&no(denied)), Err(AdapterError::Rejected(_))));
        let away = "slurm_suspend error: Unable to contact slurm controller (connect failure)";
        assert!(matches!(released(&no(away)), Err(AdapterError::Unreachable(_))));
    }

    proptest! {
        #[test]
        fn no_answer_makes_us_panic(text in "\\PC{0,400}", code in proptest::option::of(0i32..3)) {
            let said = Said { code, stdout: text.clone(), stderr: text };
            let _ = queue(&job(), &said);
            let _ = history(&job(), &said, 1001);
            let _ = found("t", &said);
            let _ = submitted(&said, None);
        }

        #[test]
        fn rows_with_foreign_characters_are_cut_where_they_can_be(cell in "\\PC{0,130}") {
            let mut cells = RUNNING;
            cells[7] = &cell;
            let _ = queue(&job(), &ok(row(cells)));
        }
    }
}
