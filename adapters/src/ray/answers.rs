//! What a Jobs API answers: jobs, refusals, and what is neither.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::http::Answer;
use crate::adapter::AdapterError;

/// Our marks on a job, among its metadata: its tag, how many tasks it has, and the tag of what runs at its end.
pub const TAG: &str = "molsieve_tag";
pub const TASKS: &str = "molsieve_tasks";
pub const FINALLY: &str = "molsieve_finally";
/// When what begins later does so.
pub const BEGINS: &str = "molsieve_begins";

/// What is asked for: a job.
#[derive(Debug, Serialize)]
pub struct Asked<'a> {
    /// Its name; Ray takes each one once.
    pub submission_id: &'a str,
    /// What the head runs.
    pub entrypoint: &'a str,
    /// Our marks.
    pub metadata: BTreeMap<&'static str, String>,
    /// The environment of the driver and of its tasks.
    pub runtime_env: RuntimeEnv,
}

/// The environment of a job.
#[derive(Debug, Serialize)]
pub struct RuntimeEnv {
    /// Variables.
    pub env_vars: BTreeMap<&'static str, String>,
}

/// A job, as far as it matters here; a Jobs API says more, and more with every version.
#[derive(Clone, Debug, Deserialize)]
pub struct Details {
    /// Its name; jobs that did not come by the Jobs API have none.
    pub submission_id: Option<String>,
    /// How it is, in one word.
    pub status: String,
    /// The same in a sentence, with the end of the log of a driver that failed.
    pub message: Option<String>,
    /// The marks of whoever submitted it.
    pub metadata: Option<BTreeMap<String, String>>,
}

impl Details {
    /// What stands under the mark `name`.
    pub fn mark(&self, name: &str) -> Option<&str> {
        self.metadata.as_ref()?.get(name).map(String::as_str)
    }

    /// How many tasks it has.
    pub fn tasks(&self) -> u64 {
        self.mark(TASKS).and_then(|count| count.parse().ok()).unwrap_or(0)
    }
}

/// The log of a job.
#[derive(Debug, Deserialize)]
struct Logs {
    logs: String,
}

/// What came of a submission.
#[derive(Debug, PartialEq, Eq)]
pub enum Submitted {
    /// It is in.
    Yes,
    /// A job of this name was in before.
    Before,
}

/// What came of a submission.
///
/// # Errors
/// It was refused, or the answer is not one.
pub fn submitted(answer: &Answer) -> Result<Submitted, AdapterError> {
    /// Its whole answer, of which we know the name already.
    #[derive(Deserialize)]
    struct Said {
        submission_id: String,
    }
    // (By a process on some node, whose 400 the head repeats within a 500.)
    if matches!(answer.status, 400 | 500) && answer.text.contains("already exists") {
        return Ok(Submitted::Before);
    }
    expect_ok(answer)?;
    read::<Said>(answer, "a submission").map(|said| drop(said.submission_id)).map(|()| Submitted::Yes)
}

/// A job; none where nobody knows it.
///
/// # Errors
/// As [`submitted`].
pub fn details(answer: &Answer) -> Result<Option<Details>, AdapterError> {
    if is_unknown_job(answer) {
        return Ok(None);
    }
    expect_ok(answer)?;
    read(answer, "a job").map(Some)
}

/// All jobs.
///
/// # Errors
/// As [`submitted`].
pub fn list(answer: &Answer) -> Result<Vec<Details>, AdapterError> {
    expect_ok(answer)?;
    read(answer, "a list of jobs")
}

/// The log of a job; none where nobody knows the job.
///
/// # Errors
/// As [`submitted`].
pub fn logs(answer: &Answer) -> Result<Option<String>, AdapterError> {
    if is_unknown_job(answer) {
        return Ok(None);
    }
    expect_ok(answer)?;
    read::<Logs>(answer, "a log").map(|said| Some(said.logs))
}

/// Whether a job was asked to end; one that nobody knows has ended.
///
/// # Errors
/// As [`submitted`].
pub fn stopped(answer: &Answer) -> Result<(), AdapterError> {
    if is_unknown_job(answer) { Ok(()) } else { expect_ok(answer) }
}

/// Whether a Jobs API says that there is no such job. (Another server says 404 of everything.)
fn is_unknown_job(answer: &Answer) -> bool {
    answer.status == 404 && answer.text.contains("does not exist")
}

/// Nothing, where `answer` is a yes.
///
/// # Errors
/// It is none: as [`submitted`].
pub fn expect_ok(answer: &Answer) -> Result<(), AdapterError> {
    let said = gist(answer);
    Err(match answer.status {
        200 => return Ok(()),
        401 | 403 => AdapterError::Rejected(format!(
            "the cluster does not take the token, or wants one and got none ({said}): it must be the one that the head was \
             started with, in the file that `token_file` names or in `RAY_AUTH_TOKEN_PATH`"
        )),
        404 | 405 => AdapterError::Unparsed(format!("there is no Jobs API at this address ({said})")),
        400 | 413 | 422 => AdapterError::Rejected(said),
        408 | 429 | 502..=504 => AdapterError::Unreachable(said),
        // A head that is starting, or that has nobody who could start a driver now.
        500 if answer.text.contains("try again later") || answer.text.contains("Cannot connect to host") => {
            AdapterError::Unreachable(said)
        }
        _ => AdapterError::Unparsed(said),
    })
}

/// `answer`, which is to be `what`.
///
/// # Errors
/// It is something else ([`AdapterError::Unparsed`]).
pub fn read<'a, T: Deserialize<'a>>(answer: &'a Answer, what: &str) -> Result<T, AdapterError> {
    serde_json::from_str(&answer.text)
        .map_err(|e| AdapterError::Unparsed(format!("this is not {what}, {e}: {}", gist(answer))))
}

/// What a person needs of an answer: its last line, which of a traceback says what was wrong.
fn gist(answer: &Answer) -> String {
    let line = answer.text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("");
    let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
    if line.is_empty() { format!("HTTP {}", answer.status) } else { format!("{line} (HTTP {})", answer.status) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, text: &str) -> Answer {
        Answer { status, text: text.to_owned() }
    }

    #[test]
    fn a_job_that_is_there_already_is_no_failure() {
        let twice = "Traceback:\nRuntimeError: 400: Job with submission_id a already exists. Please use another.";
        assert_eq!(submitted(&answer(500, twice)), Ok(Submitted::Before));
        assert_eq!(submitted(&answer(200, r#"{"job_id":"a","submission_id":"a"}"#)), Ok(Submitted::Yes));
    }

    #[test]
    fn each_no_has_its_kind() {
        let kind = |status, text| match submitted(&answer(status, text)).unwrap_err() {
            AdapterError::Unreachable(_) => "away",
            AdapterError::Rejected(_) => "no",
            AdapterError::TooMany(_) => "too many",
            AdapterError::Unparsed(_) => "what?",
        };
        for (status, text, expected) in [
            (401, "Unauthorized", "no"),
            (403, "Forbidden", "no"),
            (400, "TypeError: x", "no"),
            (404, "404: Not Found", "what?"),
            (503, "", "away"),
            (500, "Nobody is available to submit job, please try again later.", "away"),
            (500, "Traceback\nKeyError: 1", "what?"),
            (200, "<html>", "what?"),
            (200, r#"{"submission_id":"a""#, "what?"),
            (204, "", "what?"),
        ] {
            assert_eq!(kind(status, text), expected, "{status} {text}");
        }
        assert!(submitted(&answer(401, "")).unwrap_err().to_string().contains("token"));
    }

    #[test]
    fn a_job_that_nobody_knows_is_told_from_an_address_that_is_wrong() {
        assert!(details(&answer(404, "Job a does not exist")).unwrap().is_none());
        assert!(details(&answer(404, "404: Not Found")).is_err());
        assert!(stopped(&answer(404, "Job a does not exist")).is_ok());
    }

    #[test]
    fn what_is_shown_of_an_answer_is_one_line_of_bounded_length() {
        let long = format!("a\n{}\u{1b}[31m\n\n", "x".repeat(5000));
        let shown = gist(&answer(500, &long));
        assert!(shown.len() < 400 && !shown.contains('\u{1b}'), "{shown}");
    }
}
