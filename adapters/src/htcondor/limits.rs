//! What a pool allows, read from `condor_config_val`.

use crate::adapter::AdapterError;
use crate::command::{Call, Said};

/// The limits and habits of an access point.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The version of HTCondor.
    pub version: Option<String>,
    /// `MAX_JOBS_SUBMITTED`: jobs of all users in the queue.
    pub submitted: Option<u64>,
    /// `MAX_JOBS_PER_OWNER`: jobs of one user in the queue.
    pub per_owner: Option<u64>,
    /// `MAX_JOBS_PER_SUBMISSION`: jobs of one submission.
    pub per_submission: Option<u64>,
    /// `FILESYSTEM_DOMAIN` of the access point: nodes of the same see the same files.
    pub file_system: Option<String>,
    /// `UID_DOMAIN` of the access point: on nodes of the same a job runs as its owner.
    pub users: Option<String>,
}

/// The names that are asked for, in this order.
const NAMES: [&str; 6] = [
    "CONDOR_VERSION",
    "MAX_JOBS_SUBMITTED",
    "MAX_JOBS_PER_OWNER",
    "MAX_JOBS_PER_SUBMISSION",
    "FILESYSTEM_DOMAIN",
    "UID_DOMAIN",
];

/// A limit of this and more is none.
const NO_LIMIT: u64 = 1_000_000_000;

impl Limits {
    /// Asks for them.
    pub fn ask() -> Call {
        Call::new(["condor_config_val"].into_iter().chain(NAMES))
    }

    /// Reads the answer: a line a name. What is not defined is no limit.
    ///
    /// # Errors
    /// There is no configuration, or not with an answer to every name.
    pub fn parse(said: &Said) -> Result<Self, AdapterError> {
        // Settings that are not there are said to be "Not defined", each on a line, and it ends with 1.
        let lines: Vec<&str> = said.stdout.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if said.code.is_none() || lines.len() < NAMES.len() {
            return Err(AdapterError::Unreachable(format!("`condor_config_val` knows no pool: {}", said.gist())));
        }
        let lines = &lines[lines.len() - NAMES.len()..];
        let value = |at: usize| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            Some(lines[at]).filter(|text| text.len() <= 256 && text.chars().all(plain)).map(str::to_owned)
        };
        let limit = |at: usize| lines[at].parse::<u64>().ok().filter(|limit| *limit < NO_LIMIT);
        Ok(Self {
            version: value(0),
            submitted: limit(1),
            per_owner: limit(2),
            per_submission: limit(3),
            file_system: value(4),
            users: value(5),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: i32, stdout: &str) -> Result<Limits, AdapterError> {
        Limits::parse(&Said { code: Some(code), stdout: stdout.to_owned(), stderr: String::new() })
    }

    #[test]
    fn a_pools_configuration_is_read() {
        let limits = of(0, "23.9.6\n2147483647\n100000\n20000\nexample.org\nexample.org\n").unwrap();
        assert_eq!((limits.submitted, limits.per_owner, limits.per_submission), (None, Some(100_000), Some(20_000)));
        assert_eq!((limits.version.as_deref(), limits.file_system.as_deref()), (Some("23.9.6"), Some("example.org")));
    }

    #[test]
    fn what_is_not_defined_is_no_limit() {
        let limits = of(1, "23.9.6\nNot defined: MAX_JOBS_SUBMITTED\n50\nNot defined: X\na\nb\n").unwrap();
        assert_eq!((limits.submitted, limits.per_owner, limits.per_submission), (None, Some(50), None));
    }

    #[test]
    fn no_configuration_is_no_answer() {
        let error =
            "Neither the environment variable CONDOR_CONFIG, nor /etc/condor/ contains a condor_config source.\n";
        assert!(matches!(of(1, error), Err(AdapterError::Unreachable(_))));
    }
}
