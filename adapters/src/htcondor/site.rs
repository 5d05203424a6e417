//! What a site or a campaign asks of HTCondor beside cores, memory and time; every word is checked.

use std::fmt;

use crate::text::Value;

/// The longest expression.
const EXPRESSION_MAX: usize = 512;

/// Submit commands that are ours, or that would make another job of it: a site cannot say them another way.
const OURS: &[&str] = &[
    "accounting_group",
    "allowed_execute_duration",
    "allowed_job_duration",
    "arguments",
    "batch_name",
    "checkpoint_exit_code",
    "concurrency_limits",
    "cron_minute",
    "deferral_time",
    "environment",
    "error",
    "executable",
    "getenv",
    "hold",
    "initialdir",
    "input",
    "job_max_vacate_time",
    "log",
    "max_idle",
    "max_materialize",
    "max_retries",
    "noop_job",
    "on_exit_hold",
    "on_exit_remove",
    "output",
    "periodic_hold",
    "periodic_release",
    "periodic_remove",
    "request_cpus",
    "request_gpus",
    "request_memory",
    "requirements",
    "retry_until",
    "should_transfer_files",
    "success_exit_code",
    "transfer_checkpoint_files",
    "transfer_executable",
    "transfer_input_files",
    "transfer_output_files",
    "universe",
    "want_graceful_removal",
    "when_to_transfer_output",
];

/// What is no submit command, but means something at the beginning of a line of a submit description.
const WORDS: &[&str] = &["elif", "else", "endif", "error", "if", "include", "queue", "use", "warning"];

/// Attributes of a job that are HTCondor's or ours, in lower case.
const ATTRIBUTES: &[&str] = &[
    "allowedexecuteduration",
    "allowedjobduration",
    "args",
    "arguments",
    "clusterid",
    "cmd",
    "dagmanjobid",
    "dagnodename",
    "env",
    "environment",
    "exitcode",
    "globaljobid",
    "iwd",
    "jobstatus",
    "juniverse",
    "jobuniverse",
    "onexithold",
    "onexitremove",
    "owner",
    "otherjobremoverequirements",
    "periodichold",
    "periodicrelease",
    "periodicremove",
    "procid",
    "requestcpus",
    "requestgpus",
    "requestmemory",
    "requirements",
    "shouldtransferfiles",
    "user",
    "x509userproxy",
];

/// A `ClassAd` expression on one line: letters, digits, blanks and `._:,@=+*&|!()[]{}<>/%~?^"-`, 1 to 512 of them, with its quotes and
/// parentheses in pairs. There is no dollar sign and no backslash among them, so it ends where it seems to end, and nothing is
/// filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression(String);

impl Expression {
    /// Checks `text`; none if it is none.
    pub fn new(text: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || " ._:,@=+*&|!()[]{}<>/%~?^\"-".contains(c);
        let fits = (1..=EXPRESSION_MAX).contains(&text.len()) && !text.trim().is_empty() && text.chars().all(plain);
        (fits && is_balanced(text)).then(|| Self(text.trim().to_owned()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether quotes and parentheses are in pairs.
fn is_balanced(text: &str) -> bool {
    let mut open = Vec::new();
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' => open.push(')'),
            '[' => open.push(']'),
            '{' => open.push('}'),
            ')' | ']' | '}' if open.pop() != Some(c) => return false,
            _ => {}
        }
    }
    !quoted && open.is_empty()
}

/// Whether nodes see the submitter's files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Files {
    /// They do, on nodes of the same file system domain; a task runs on no other.
    #[default]
    Shared,
    /// They do not, or nobody knows: what a task needs is brought to it.
    Transferred,
}

/// A site's habits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// `accounting_group`: who pays.
    pub accounting_group: Option<Value>,
    /// `requirements`: what nodes must have, beside what we ask for.
    pub requirements: Option<Expression>,
    /// `concurrency_limits`: what there is only so much of, such as licences.
    pub concurrency_limits: Option<Value>,
    /// Environment modules that are loaded before the worker.
    pub modules: Vec<Value>,
    /// Names of environment variables that go from the submitting machine to the tasks.
    pub export: Vec<Value>,
    /// Further lines of a submit description: submit commands, and attributes as `My.Name`.
    pub extra: Vec<(String, Expression)>,
    /// How long a task that must go has for its checkpoint, in seconds.
    pub signal_before_s: u64,
    /// Whether nodes see our files.
    pub files: Files,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            accounting_group: None,
            requirements: None,
            concurrency_limits: None,
            modules: Vec::new(),
            export: Vec::new(),
            extra: Vec::new(),
            signal_before_s: 120,
            files: Files::default(),
        }
    }
}

impl Site {
    /// Adds a line: `+Name = value` or `My.Name = value` for an attribute, `name = value` for a submit command.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn add(&mut self, text: &str) -> Result<(), String> {
        let (name, value) =
            text.split_once('=').ok_or_else(|| format!("`{}` is no `name = value`", text.escape_debug()))?;
        let name = name.trim();
        let attribute = name
            .strip_prefix('+')
            .or_else(|| name.get(..3).filter(|my| my.eq_ignore_ascii_case("my.")).map(|_| &name[3..]));
        let bare = attribute.unwrap_or(name);
        let is_name = bare.len() <= 64
            && bare.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && bare.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name {
            return Err(format!("`{}` is no name of an attribute or a submit command", name.escape_debug()));
        }
        let lower = bare.to_ascii_lowercase();
        let is_ours = match attribute {
            Some(_) => ATTRIBUTES.contains(&lower.as_str()) || lower.starts_with("molsieve"),
            None => OURS.contains(&lower.as_str()) || WORDS.contains(&lower.as_str()),
        };
        if is_ours {
            return Err(format!("`{bare}` is written by molsieve itself, or by HTCondor"));
        }
        let value = Expression::new(value).ok_or_else(|| {
            format!(
                "the value of `{bare}` may hold letters, digits, blanks and ._:,@=+*&|!()[]{{}}<>/%~?^\"- and at most 512 of them, \
                 with quotes and parentheses in pairs"
            )
        })?;
        let name = if attribute.is_some() { format!("My.{bare}") } else { bare.to_owned() };
        if self.extra.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name)) {
            return Err(format!("`{name}` is there twice"));
        }
        self.extra.push((name, value));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sites_lines_are_attributes_and_submit_commands() {
        let mut site = Site::default();
        for text in
            ["+ProjectName = \"chem\"", "my.WantFlocking = true", "rank = Memory + 2 * Cpus", "+MaxRuntime=3600"]
        {
            site.add(text).unwrap();
        }
        let lines: Vec<String> = site.extra.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let wanted =
            ["My.ProjectName = \"chem\"", "My.WantFlocking = true", "rank = Memory + 2 * Cpus", "My.MaxRuntime = 3600"];
        assert_eq!(lines, wanted);
    }

    #[test]
    fn what_is_ours_cannot_be_said_another_way() {
        for text in [
            "executable = /bin/id",
            "Universe = local",
            "queue = 5",
            "include = /etc/passwd",
            "+MolsieveTag = \"x\"",
            "+JobStatus = 4",
            "My.Requirements = true",
            "requirements = true",
            "periodic_release = true",
            "max_retries = 3",
        ] {
            let why = Site::default().add(text).unwrap_err();
            assert!(why.contains("written by molsieve"), "{text}: {why}");
        }
    }

    #[test]
    fn a_line_cannot_become_two_nor_fill_anything_in() {
        for text in [
            "rank",
            "= 1",
            "+ = 1",
            "a b = 1",
            "rank = 1\nqueue 100",
            "rank = $(HOME)",
            "rank = $ENV(HOME)",
            "rank = \"x",
            "rank = (1",
            "rank = 1)",
            "rank =",
            "rank = a\\b",
            "rank = }",
            "$(x) = 1",
        ] {
            assert!(Site::default().add(text).is_err(), "{text:?}");
        }
        let mut site = Site::default();
        site.add("rank = 1").unwrap();
        assert!(site.add("Rank = 2").is_err());
    }

    #[test]
    fn requirements_are_expressions() {
        for good in ["HasSingularity", "(OpSysMajorVer >= 9) && regexp(\"^n[0-9]+\", Machine)", "Arch =?= \"X86_64\""] {
            assert!(Expression::new(good).is_some(), "{good}");
        }
        for bad in ["", "  ", "a;b", "a\nb", "`id`", "'x'", &"x".repeat(513)] {
            assert!(Expression::new(bad).is_none(), "{bad}");
        }
    }
}
