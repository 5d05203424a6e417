//! How the records of an examination ended, when each was asked alone.

use std::path::Path;

use serde::Serialize;

use crate::cli::logs;
use crate::cli::output::Output;
use crate::error::Result;
use crate::id::Ordinal;
use crate::scorer::Outcome;
use crate::scorer::trial::Answers;

/// Lines of the log that are shown of one record.
const LINES: usize = 8;

/// Records that ended alike.
#[derive(Debug, Serialize)]
pub struct EndFacts {
    /// `OK`, `SKIP` or `ERROR`.
    pub outcome: &'static str,
    /// Why, where it is not `OK`; else empty.
    pub reason: String,
    /// How many.
    pub records: u64,
    /// The first of them.
    pub first: Ordinal,
    /// The last lines of what the log says of that one, if it is an error.
    pub log: Vec<String>,
}

/// How the records of `answers` ended; what was seen of errors is in the log at `log`.
///
/// # Errors
/// The log is there and cannot be read (exit 6).
pub fn of(answers: &Answers, log: &Path) -> Result<Vec<EndFacts>> {
    let ends = answers.ends.iter().map(|((outcome, reason), end)| {
        let mut lines = Vec::new();
        if *outcome == Outcome::Error && log.exists() {
            lines = logs::Traces::read(log, end.first)?.its;
            lines.drain(..lines.len().saturating_sub(LINES));
        }
        let (outcome, reason) = (outcome.as_str(), reason.clone());
        Ok(EndFacts { outcome, reason, records: end.records, first: end.first, log: lines })
    });
    ends.collect()
}

/// For a person: how many ended how; of each kind of error one example.
pub fn tell(ends: &[EndFacts], output: Output) {
    for EndFacts { outcome, reason, records, first, log } in ends {
        let example =
            if *outcome == Outcome::Ok.as_str() { String::new() } else { format!(", such as record {first}") };
        let name = format!("{outcome} {reason}");
        output.say(format!("  {:<27} {records:>12} records{example}", name.trim_end()));
        log.iter().for_each(|line| output.say(format!("    {line}")));
    }
}

/// What to warn of: more than half of the records are errors.
pub fn warning(ends: &[EndFacts]) -> Option<String> {
    let failed: u64 = ends.iter().filter(|end| end.outcome == Outcome::Error.as_str()).map(|end| end.records).sum();
    let all: u64 = ends.iter().map(|end| end.records).sum();
    (failed > all / 2).then(|| {
        format!(
            "warning: {failed} of {all} records are ERROR, when each is asked alone: that is more often the scorer than the \
             library. In a campaign, `molsieve logs DIR --record ORDINAL` says what was seen of one."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{EndFacts, warning};

    fn ends(ok: u64, error: u64) -> [EndFacts; 2] {
        let end = |outcome, records| EndFacts { outcome, reason: String::new(), records, first: 0, log: Vec::new() };
        [end("OK", ok), end("ERROR", error)]
    }

    #[test]
    fn more_errors_than_half_are_warned_of() {
        assert_eq!(warning(&ends(10, 10)), None);
        assert_eq!(warning(&ends(1, 1)), None);
        assert!(warning(&ends(9, 10)).unwrap().contains("10 of 19 records are ERROR"));
        assert!(warning(&ends(0, 1)).is_some());
    }
}
