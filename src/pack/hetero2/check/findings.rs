//! What a check found.

use serde::Serialize;

use crate::canonical::escape;

/// Schema of [`Report`].
pub const SCHEMA: &str = "molsieve.conformance.v1";

/// No report has more findings of different kinds.
const FINDINGS_MAX: usize = 200;
/// No message is longer, in characters.
const MESSAGE_CHARS: usize = 400;

/// What a check of a pack found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Which contract it was held to.
    pub contract: &'static str,
    /// Whether there is no problem.
    pub conforms: bool,
    /// Rows of its `summary.csv`.
    pub rows: u64,
    /// What contradicts the contract.
    pub problems: Vec<Finding>,
    /// What the contract does not ask for, and who wants to compute it again needs.
    pub lacks: Vec<Finding>,
    /// What was not looked at, and why.
    pub not_checked: Vec<String>,
    /// Whether its manifest is one of molsieve's: another sort of pack.
    #[serde(skip)]
    pub(super) is_ours: bool,
}

/// One sort of thing that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// Which. Codes are stable.
    pub code: &'static str,
    /// In which file.
    pub file: Option<String>,
    /// What, the first time: a sentence fragment.
    pub message: String,
    /// The line on which that is, where there are lines.
    pub line: Option<u64>,
    /// How often.
    pub count: u64,
}

impl Default for Report {
    fn default() -> Self {
        Self {
            schema: SCHEMA,
            contract: "hetero2",
            conforms: false,
            rows: 0,
            problems: Vec::new(),
            lacks: Vec::new(),
            not_checked: Vec::new(),
            is_ours: false,
        }
    }
}

impl Report {
    /// Notes a problem with a file.
    pub fn problem(&mut self, code: &'static str, file: &str, message: impl Into<String>) {
        note(&mut self.problems, code, file, None, message);
    }

    /// Notes a problem with a line of a file.
    pub fn at(&mut self, code: &'static str, file: &str, line: u64, message: impl Into<String>) {
        note(&mut self.problems, code, file, Some(line), message);
    }

    /// Notes what is not there.
    pub fn lack(&mut self, code: &'static str, file: &str, message: impl Into<String>) {
        note(&mut self.lacks, code, file, None, message);
    }

    /// Notes what is not looked at.
    pub fn unchecked(&mut self, what: impl Into<String>) {
        if self.not_checked.len() < FINDINGS_MAX {
            self.not_checked.push(shown(&what.into()));
        }
    }

    /// Whether a problem with this code was found.
    pub fn has(&self, code: &str) -> bool {
        self.problems.iter().any(|finding| finding.code == code)
    }
}

fn note(all: &mut Vec<Finding>, code: &'static str, file: &str, line: Option<u64>, message: impl Into<String>) {
    let same = |finding: &&mut Finding| finding.code == code && finding.file.as_deref() == Some(file);
    if let Some(finding) = all.iter_mut().find(same) {
        finding.count += 1;
    } else if all.len() < FINDINGS_MAX {
        all.push(Finding { code, file: Some(shown(file)), message: shown(&message.into()), line, count: 1 });
    }
}

/// Text of others, for a person.
fn shown(text: &str) -> String {
    escape::visible(text).chars().take(MESSAGE_CHARS).collect()
}
