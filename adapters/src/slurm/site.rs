//! What a site or a campaign asks of SLURM beside cores, memory and time; every word is checked.

use super::directives::{self, GPUS};
use crate::text::Value;

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
        let bare = text.strip_prefix("--").ok_or_else(|| not_long(text))?;
        let (name, value) = bare.split_once('=').map_or((bare, None), |(name, value)| (name, Some(value)));
        let is_name =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        let name =
            Value::new(name).filter(|_| is_name).ok_or_else(|| format!("`{text}` is not an option of sbatch"))?;
        if let Some((refused, instead)) = directives::instead(name.as_str()) {
            return Err(format!("`--{refused}` is not said here: {instead}"));
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

    /// A directive that asks for GPUs, if there is one.
    pub fn gpus(&self) -> Option<&str> {
        let mut names = self.extra.iter().map(|(name, _)| name.as_str());
        names.find(|name| GPUS.iter().any(|gpus| gpus.starts_with(name)))
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

/// What is said of a directive that does not begin with `--`: what its long form is, or what to use instead.
fn not_long(text: &str) -> String {
    let letter = text.strip_prefix('-').and_then(|rest| rest.chars().next());
    match letter.and_then(directives::long) {
        Some(name) => match directives::instead(name) {
            Some((_, instead)) => format!("`{text}` is `--{name}`, which is not said here: {instead}"),
            None => format!("`{text}` does not begin with `--`: write it as `--{name}`"),
        },
        None => format!("`{text}` does not begin with `--`"),
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
    fn what_contradicts_us_is_refused_with_what_to_use_instead() {
        for (text, instead) in [
            ("--array=0-9", "`scheduler.tasks`"),
            ("--arr=0-9", "`scheduler.tasks`"),
            ("--output=x", "molsieve logs"),
            ("--export=ALL", "`scheduler.export`"),
            ("--export-file=x", "`scheduler.export`"),
            ("--get-user-env", "`scheduler.export`"),
            ("--wrap=id", "`scheduler.template`"),
            ("--dep=x", "written by molsieve"),
            ("--clusters=all", "cluster that is meant"),
            ("-Mall", "cluster that is meant"),
            ("--uid=0", "jobs are one's own"),
            ("--gid=0", "jobs are one's own"),
            ("--time=5", "`resources.walltime`"),
            ("-t 5", "`resources.walltime`"),
            ("--time-min=5", "`resources.walltime`"),
            ("--mem-per-cpu=1G", "`resources.memory`"),
            ("--exclude=n1", "`scheduler.constraint`"),
            ("-x n1", "`scheduler.constraint`"),
            ("--nodelist=n1", "`scheduler.constraint`"),
            ("--wait", "molsieve submit"),
            ("--parsable", "reads its answer"),
            ("--quiet", "reads its answer"),
            ("--test-only", "molsieve plan --test-only"),
            ("--partition=long", "`scheduler.partition`"),
            ("--hold", "waits for somebody"),
            ("--no-kill", "has to end"),
        ] {
            let why = Site::default().add(text).unwrap_err();
            assert!(why.contains(instead), "{text}: {why}");
        }
    }

    #[test]
    fn what_is_between_the_site_and_its_jobs_is_said_as_it_is() {
        let open = "exclusive gres=lscratch:10 gpus=a100:2 hint=nomultithread nice=100 tmp=10G mail-type=BEGIN wckey=w \
             ntasks-per-core=1 threads-per-core=1 wait-all-nodes=1 contiguous switches=1 propagate=NONE deadline=now+1h";
        let mut site = Site::default();
        open.split_whitespace().for_each(|word| site.add(&format!("--{word}")).unwrap());
        assert_eq!((site.extra.len(), site.gpus()), (15, Some("gres")));
        assert_eq!(site.add("-G 2").unwrap_err(), "`-G 2` does not begin with `--`: write it as `--gpus`");
    }

    #[test]
    fn a_refused_option_has_one_line_and_a_letter_its_long_name() {
        let names: std::collections::BTreeSet<_> = directives::REFUSED.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), directives::REFUSED.len());
        assert_eq!((directives::long('M'), directives::long('?')), (Some("clusters"), None));
    }

    #[test]
    fn a_directive_cannot_become_two_nor_hold_what_a_shell_reads() {
        for text in ["exclusive", "--", "--a b", "--gres=gpu\n#SBATCH --uid=0", "--gres=$(id)", "--Upper", "--gres="] {
            assert!(Site::default().add(text).is_err(), "{text:?}");
        }
    }
}
