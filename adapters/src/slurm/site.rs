//! What a site or a campaign asks of SLURM beside cores, memory and time; every word is checked.

use crate::text::Value;

/// Directives that are ours: a site cannot say them another way.
const OURS: &[&str] = &[
    "array",
    "dependency",
    "export",
    "job-name",
    "comment",
    "output",
    "error",
    "input",
    "open-mode",
    "requeue",
    "no-requeue",
    "signal",
    "ntasks",
    "nodes",
    "wrap",
    "parsable",
    "test-only",
    "wait",
    "chdir",
    "hold",
    "begin",
];

/// A site's habits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// `--partition`; several with commas.
    pub partition: Option<Value>,
    /// `--account`.
    pub account: Option<Value>,
    /// `--qos`.
    pub qos: Option<Value>,
    /// `--constraint`.
    pub constraint: Option<Value>,
    /// `--reservation`.
    pub reservation: Option<Value>,
    /// `--licenses`.
    pub licenses: Option<Value>,
    /// `--mail-user`, for `--mail-type=END,FAIL`.
    pub mail: Option<Value>,
    /// Environment modules that are loaded before the worker.
    pub modules: Vec<Value>,
    /// Names of environment variables that go from the submitting machine to the tasks, beside `PATH` and the like; none else does.
    pub export: Vec<Value>,
    /// Further directives, a name and perhaps a value each.
    pub extra: Vec<(Value, Option<Value>)>,
    /// How long before the time limit a task is told, in seconds.
    pub signal_before_s: u64,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            partition: None,
            account: None,
            qos: None,
            constraint: None,
            reservation: None,
            licenses: None,
            mail: None,
            modules: Vec::new(),
            export: Vec::new(),
            extra: Vec::new(),
            signal_before_s: 120,
        }
    }
}

impl Site {
    /// Adds the directive `text`, as `--name` or `--name=value`.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn add(&mut self, text: &str) -> Result<(), String> {
        let bare = text.strip_prefix("--").ok_or_else(|| format!("`{text}` does not begin with `--`"))?;
        let (name, value) = bare.split_once('=').map_or((bare, None), |(name, value)| (name, Some(value)));
        let is_name =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        let name =
            Value::new(name).filter(|_| is_name).ok_or_else(|| format!("`{text}` is not an option of sbatch"))?;
        // sbatch takes every unambiguous beginning of a name.
        if let Some(ours) = OURS.iter().find(|ours| ours.starts_with(name.as_str())) {
            return Err(format!("`--{ours}` is written by molsieve itself"));
        }
        let value = match value {
            None => None,
            Some(value) => Some(Value::new(value).ok_or_else(|| {
                format!(
                    "the value of `{text}` may hold letters, digits and ._:,@=+*&|!()[]<>/%~- and at most 256 of them"
                )
            })?),
        };
        self.extra.push((name, value));
        Ok(())
    }

    /// The directives, without `#SBATCH`.
    pub fn directives(&self) -> Vec<String> {
        let named = [
            ("partition", &self.partition),
            ("account", &self.account),
            ("qos", &self.qos),
            ("constraint", &self.constraint),
            ("reservation", &self.reservation),
            ("licenses", &self.licenses),
            ("mail-user", &self.mail),
        ];
        let mut lines: Vec<String> =
            named.iter().filter_map(|(name, value)| value.as_ref().map(|value| line(name, Some(value)))).collect();
        if self.mail.is_some() {
            lines.push("--mail-type=END,FAIL".to_owned());
        }
        lines.extend(self.extra.iter().map(|(name, value)| line(name.as_str(), value.as_ref())));
        lines
    }

    /// The value of `--export`: nothing of the submitter's environment but what is listed.
    pub fn export(&self) -> String {
        if self.export.is_empty() {
            return "NONE".to_owned();
        }
        self.export.iter().map(Value::as_str).collect::<Vec<_>>().join(",")
    }
}

fn line(name: &str, value: Option<&Value>) -> String {
    value.map_or_else(|| format!("--{name}"), |value| format!("--{name}=\"{value}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sites_directives_are_written_as_they_are() {
        let mut site = Site { partition: Value::new("batch,long"), ..Site::default() };
        site.add("--exclusive").unwrap();
        site.add("--gpus=a100:2").unwrap();
        assert_eq!(site.directives(), ["--partition=\"batch,long\"", "--exclusive", "--gpus=\"a100:2\""]);
    }

    #[test]
    fn what_is_ours_cannot_be_said_another_way() {
        for text in ["--array=0-9", "--arr=0-9", "--output=x", "--export=ALL", "--wrap=id", "--dep=x"] {
            let why = Site::default().add(text).unwrap_err();
            assert!(why.contains("written by molsieve"), "{text}: {why}");
        }
    }

    #[test]
    fn a_directive_cannot_become_two_nor_hold_what_a_shell_reads() {
        for text in ["exclusive", "--", "--a b", "--gres=gpu\n#SBATCH --uid=0", "--gres=$(id)", "--Upper", "--gres="] {
            assert!(Site::default().add(text).is_err(), "{text:?}");
        }
    }
}
