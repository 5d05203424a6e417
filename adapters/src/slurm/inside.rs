//! A task of SLURM's from within: its own element, its end, and its way back into the queue.
//!
//! An element of an array is named `ARRAYJOB_INDEX`. Its `SLURM_JOB_ID` is a number of its own, and for one element it is that
//! of the whole array, so what is done to it would hit all.

use super::answers;
use crate::adapter::AdapterError;
use crate::clock;
use crate::command::{Call, Runner, Said, System};
use crate::inside::Inside;
use crate::text::Value;

/// This process as SLURM's.
#[derive(Debug)]
pub struct Element<R = System> {
    name: String,
    node: Option<String>,
    restarts: u64,
    ends_at_s: Option<u64>,
    runner: R,
}

impl Element {
    /// What `variable` says of this process; none if it is not SLURM's.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        Self::with(variable, System::default())
    }
}

impl<R: Runner> Element<R> {
    /// As [`Element::of`], with another way to run commands.
    pub fn with(variable: impl Fn(&str) -> Option<String>, runner: R) -> Option<Self> {
        let number = |name: &str| variable(name)?.parse::<u64>().ok();
        let name = match (number("SLURM_ARRAY_JOB_ID"), number("SLURM_ARRAY_TASK_ID")) {
            (Some(job), Some(index)) => format!("{job}_{index}"),
            _ => number("SLURM_JOB_ID")?.to_string(),
        };
        let restarts = number("SLURM_RESTART_COUNT").unwrap_or(0);
        // (Since 23.02.)
        let node = variable("SLURMD_NODENAME").filter(|node| Value::new(node).is_some());
        Some(Self { name, node, restarts, ends_at_s: number("SLURM_JOB_END_TIME"), runner })
    }

    fn hear(&mut self, call: &Call) -> Result<Said, AdapterError> {
        self.runner.run(call).map_err(|silent| AdapterError::Unreachable(format!("`{}` {silent}", call.program())))
    }
}

impl<R: Runner> Inside for Element<R> {
    fn name(&self) -> &str {
        &self.name
    }

    fn node(&self) -> Option<&str> {
        self.node.as_deref()
    }

    fn restarts(&self) -> u64 {
        self.restarts
    }

    fn ends_at_s(&self) -> Option<u64> {
        self.ends_at_s
    }

    fn ask_end_s(&mut self) -> Option<u64> {
        let jobs = format!("--jobs={}", self.name);
        let call = Call::new(["squeue", "--noheader", "--array", &jobs, "--format=%L"]);
        let left = self.hear(&call).ok().filter(Said::is_ok).and_then(|said| time_left_s(&said.stdout))?;
        Some(clock::since_epoch().as_secs() + left)
    }

    fn requeue(&mut self) -> Result<(), AdapterError> {
        let call = Call::new(["scontrol", "requeue", &self.name]);
        let said = self.hear(&call)?;
        if said.is_ok() { Ok(()) } else { Err(answers::refusal(&said)) }
    }
}

/// What squeue writes for the time that is left, `[[days-]hours:]minutes:seconds`, in seconds; banners are skipped, and words
/// such as `UNLIMITED` are no time.
fn time_left_s(text: &str) -> Option<u64> {
    text.lines().rev().find_map(|line| {
        let line = line.trim();
        let (days, clock) = line.split_once('-').unwrap_or(("0", line));
        let parts: Vec<u64> = clock.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
        let of_day = match parts.as_slice() {
            [minutes, seconds] => minutes * 60 + seconds,
            [hours, minutes, seconds] => hours * 3600 + minutes * 60 + seconds,
            _ => return None,
        };
        Some(days.parse::<u64>().ok()?.checked_mul(86_400)? + of_day)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Silent;

    /// Says the same to every call, and remembers them.
    #[derive(Debug)]
    struct Parrot {
        said: Said,
        heard: Vec<String>,
    }

    impl Runner for Parrot {
        fn run(&mut self, call: &Call) -> Result<Said, Silent> {
            self.heard.push(call.argv.join(" "));
            Ok(self.said.clone())
        }
    }

    fn element(variables: &[(&str, &str)], code: i32, stdout: &str, stderr: &str) -> Option<Element<Parrot>> {
        let said = Said { code: Some(code), stdout: stdout.to_owned(), stderr: stderr.to_owned() };
        let find =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Element::with(find, Parrot { said, heard: Vec::new() })
    }

    const ARRAY: &[(&str, &str)] = &[
        ("SLURM_ARRAY_JOB_ID", "12"),
        ("SLURM_ARRAY_TASK_ID", "3"),
        ("SLURM_JOB_ID", "15"),
        ("SLURM_RESTART_COUNT", "2"),
    ];

    #[test]
    fn an_element_knows_itself_by_its_array_and_not_by_its_number() {
        let mut element = element(ARRAY, 0, "", "").unwrap();
        assert_eq!((element.name(), element.restarts()), ("12_3", 2));
        element.requeue().unwrap();
        assert_eq!(element.runner.heard, ["scontrol requeue 12_3"]);
    }

    #[test]
    fn a_job_without_elements_is_itself_and_what_is_no_job_is_none() {
        let job = element(&[("SLURM_JOB_ID", "15")], 0, "", "").unwrap();
        assert_eq!((job.name(), job.restarts()), ("15", 0));
        assert!(element(&[], 0, "", "").is_none());
        assert!(element(&[("SLURM_JOB_ID", "15; rm")], 0, "", "").is_none());
        let on = |node| element(&[("SLURM_JOB_ID", "15"), ("SLURMD_NODENAME", node)], 0, "", "").unwrap();
        assert_eq!((on("n1").node(), on("n 1").node()), (Some("n1"), None));
    }

    #[test]
    fn newer_versions_say_the_end_in_the_environment() {
        let variables = [ARRAY, &[("SLURM_JOB_END_TIME", "1800000000")]].concat();
        assert_eq!(element(&variables, 0, "", "").unwrap().ends_at_s(), Some(1_800_000_000));
        assert_eq!(element(ARRAY, 0, "", "").unwrap().ends_at_s(), None);
    }

    #[test]
    fn an_end_that_nobody_knows_is_none() {
        for (code, said) in [(0, "UNLIMITED\n"), (0, "INVALID\n"), (0, ""), (1, "5:00\n")] {
            assert_eq!(element(ARRAY, code, said, "").unwrap().ask_end_s(), None, "{said}");
        }
        let mut known = element(ARRAY, 0, "1:00:00\n", "").unwrap();
        assert!(known.ask_end_s() > Some(1_700_000_000));
        assert_eq!(known.runner.heard, ["squeue --noheader --array --jobs=12_3 --format=%L"]);
    }

    #[test]
    fn the_time_that_is_left_is_read_in_all_its_forms() {
        let read = |text| time_left_s(text);
        assert_eq!(read("0:47\n"), Some(47));
        assert_eq!(read("Welcome!\n2:03:04\n"), Some(7384));
        assert_eq!(read("3-00:00:01\n"), Some(259_201));
        for word in ["NOT_SET", "", "1-2", "-5", "1:2:3:4"] {
            assert_eq!(read(word), None, "{word}");
        }
    }

    #[test]
    fn a_no_to_a_requeue_is_told() {
        let mut element = element(ARRAY, 1, "", "scontrol: error: Requested operation is presently disabled").unwrap();
        assert!(matches!(element.requeue(), Err(AdapterError::Rejected(_))));
    }
}
