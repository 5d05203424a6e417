//! Which scheduler a campaign runs on, and how it is spoken to.

use std::path::Path;
use std::time::Duration;

use molsieve_adapters::command::{Runner, System};
use molsieve_adapters::slurm::inside::Element;
use molsieve_adapters::slurm::{Allowance, Limits, Site, script};
use molsieve_adapters::text::Value;
use molsieve_adapters::{Adapter, AdapterError, Attendant, Cli, Inside, Patient, Slurm, Throttled};

use crate::campaign::file::Execution;
use crate::campaign::scheduler::{Cluster, SchedulerSection};
use crate::error::{Error, Kind, Result};
use crate::patience::{Patience, Waiting};

/// The batch script of SLURM.
const SLURM_TEMPLATE: &str = include_str!("../../job-templates/slurm.sh");

/// What somebody needs who writes a template.
const TEMPLATE_HINT: &str = "docs/guide/slurm.md shows the one that is used otherwise, with its placeholders";

/// Tasks of one submission, where neither the campaign nor the cluster says less.
const TASKS_MAX: u64 = 1000;

/// A scheduler is not asked about the same job more often.
const ASK_EVERY: Duration = Duration::from_secs(30);

/// What this process can learn and ask of the scheduler of `execution` about itself; none where it is not one of its tasks.
pub fn inside(execution: &Execution) -> Option<Box<dyn Inside>> {
    let variable = |name: &str| std::env::var(name).ok();
    match execution.scheduler.as_str() {
        "slurm" => Some(Box::new(Element::of(variable)?)),
        _ => None,
    }
}

/// The node that this process runs on, as the scheduler calls it.
pub fn node() -> Option<String> {
    Element::of(|name| std::env::var(name).ok())?.node().map(str::to_owned)
}

/// What people are told who wait for a scheduler.
const NOT_ANSWERED: &str = "the scheduler has not answered yet: it is asked again";

/// Somebody who waits while a scheduler is asked.
#[derive(Debug)]
struct Waiter {
    patience: Patience,
    waiting: Option<Waiting>,
}

impl Attendant for Waiter {
    fn begins(&mut self, most: Duration) {
        self.waiting = Some(self.patience.waits(NOT_ANSWERED, most));
    }

    fn ends(&mut self) {
        self.waiting = None;
    }

    fn has_enough(&self) -> bool {
        self.patience.has_enough()
    }
}

/// The cluster of `execution`. A controller that does not answer is asked again for `most`, or until who waits has had enough.
///
/// # Errors
/// A word of the campaign cannot stand in a batch script (exit 2); the scheduler cannot be reached (exit 5).
pub fn open(execution: &Execution, cluster: &Cluster, most: Duration, patience: &Patience) -> Result<Box<dyn Adapter>> {
    let site = check(execution, cluster)?;
    let waiting = patience.waits(NOT_ANSWERED, most);
    let survey = survey(&site, most, Queue::IfLimited, patience)?;
    drop(waiting);
    let waiter = Waiter { patience: patience.clone(), waiting: None };
    let patient = Patient::new(Cli::new(dialect(cluster, site, survey)), most).attended(waiter);
    Ok(Box::new(Throttled::new(patient, ASK_EVERY)))
}

/// How the cluster is spoken to.
pub fn dialect(cluster: &Cluster, site: Site, survey: Survey) -> Slurm {
    let template = cluster.template.clone().unwrap_or_else(|| SLURM_TEMPLATE.to_owned());
    Slurm::new(site, survey.limits).with_allowance(survey.allowance).with_template(template)
}

/// What a cluster and its books say.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// Of the cluster.
    pub limits: Limits,
    /// Of its user.
    pub allowance: Allowance,
}

/// Whether it is asked how many jobs its user has in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Where that counts.
    IfLimited,
    /// For somebody who wants to know.
    Always,
}

/// Asks what the cluster allows, and what its user may have; it may not answer for as long as `most`, or until who waits has
/// had enough.
///
/// # Errors
/// The scheduler cannot be reached (exit 5).
pub fn survey(site: &Site, most: Duration, queue: Queue, patience: &Patience) -> Result<Survey> {
    let limits = limits(most, patience)?;
    let allowance = Allowance::ask(&mut System::default(), site, &limits, queue == Queue::Always);
    Ok(Survey { limits, allowance })
}

/// What a cluster is asked for, with the template that `section` names, which is a path from `base`.
///
/// # Errors
/// As [`SchedulerSection::cluster`] and [`SchedulerSection::template_text`].
pub fn cluster(section: &SchedulerSection, base: &Path) -> Result<Option<Cluster>> {
    let Some(cluster) = section.cluster()? else { return Ok(None) };
    Ok(Some(Cluster { template: section.template_text(base)?, ..cluster }))
}

/// The site's words, checked: nothing is asked of the scheduler yet.
///
/// # Errors
/// A word cannot stand in a batch script (exit 2).
pub fn check(execution: &Execution, cluster: &Cluster) -> Result<Site> {
    check_words(&execution.scheduler, cluster)
}

/// As [`check`], for a `scheduler` on which no campaign runs yet.
///
/// # Errors
/// As [`check`].
pub fn check_words(scheduler: &str, cluster: &Cluster) -> Result<Site> {
    if scheduler != "slurm" {
        return Err(Error::usage(format!("this version has no scheduler `{scheduler}`")));
    }
    let value = |key: &str, text: &str| {
        Value::new(text).ok_or_else(|| {
            Error::usage(format!("`scheduler.{key}` is `{}`", text.escape_debug()))
                .hint("it may hold letters, digits and ._:,@=+*&|!()[]<>/%~- and at most 256 of them")
        })
    };
    let word = |key: &str| cluster.words.get(key).map(|text| value(key, text)).transpose();
    let list = |key: &str, list: &[String]| list.iter().map(|text| value(key, text)).collect::<Result<Vec<_>>>();
    let mut site = Site {
        partition: word("partition")?,
        account: word("account")?,
        qos: word("qos")?,
        constraint: word("constraint")?,
        reservation: word("reservation")?,
        licenses: word("licenses")?,
        mail: word("mail")?,
        modules: list("modules", &cluster.modules)?,
        export: list("export", &cluster.export)?,
        extra: Vec::new(),
        signal_before_s: cluster.signal_before_s,
    };
    for directive in &cluster.directives {
        site.add(directive).map_err(|why| Error::usage(format!("`scheduler.directives`: {why}")))?;
    }
    if let Some(template) = &cluster.template {
        script::check(template).map_err(|e| Error::usage(format!("`scheduler.template`: {e}")).hint(TEMPLATE_HINT))?;
    }
    Ok(site)
}

/// Over how many tasks a wave is dealt.
pub fn tasks(cluster: &Cluster) -> u64 {
    cluster.tasks_max.unwrap_or(TASKS_MAX)
}

/// What the cluster allows.
fn limits(most: Duration, patience: &Patience) -> Result<Limits> {
    let call = Slurm::ask_limits();
    let unreachable = |what: String| {
        Error::new(Kind::Scheduler, what)
            .hint("is this a machine of the cluster? `scontrol ping` must work here")
            .hint("nothing is lost: the same command goes on from here")
    };
    let started = crate::clock::Stopwatch::start();
    loop {
        let answer = match System::default().run(&call) {
            Ok(said) => Limits::parse(&said).map_err(|e| unreachable(e.to_string())),
            Err(silent) => Err(unreachable(format!("`{}` does not answer: {silent:?}", call.program()))),
        };
        if answer.is_ok() || started.elapsed() >= most || patience.has_enough() {
            return answer;
        }
        patience.pause(Duration::from_secs(5).min(most));
    }
}

/// What a person can do where a scheduler did not do its part.
pub(in crate::run) const RESUME_HINT: &str = "nothing is lost: `molsieve resume DIR` goes on from here; where the campaign file must change, with `--config FILE`";

/// As an error that says what to do.
pub(in crate::run) fn refused(error: &AdapterError) -> Error {
    Error::new(Kind::Scheduler, error.to_string()).hint(RESUME_HINT)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_shown_batch_script_is_the_one_that_the_binding_tests() {
        assert_eq!(super::SLURM_TEMPLATE, molsieve_adapters::slurm::script::TEMPLATE);
    }
}
