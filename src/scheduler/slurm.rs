//! SLURM, as the program wants it.

mod examined;

use std::path::Path;
use std::time::Duration;

use molsieve_adapters::command::{Call, System};
use molsieve_adapters::slurm::allowance;
use molsieve_adapters::slurm::inside::Element;
use molsieve_adapters::slurm::{self, Allowance, Limits, Site, script};
use molsieve_adapters::text::Value;
use molsieve_adapters::{Adapter, Cli, Inside, JobId};

use super::{Allows, Asked, Binding, Cap, Examined, Notice, Queue, Rights, told};
use crate::campaign::scheduler::Cluster;
use crate::error::{Error, Result};

/// What somebody needs who writes a template.
const TEMPLATE_HINT: &str = "docs/guide/slurm.md shows the one that is used otherwise, with its placeholders";

/// The signal may come a minute early, and is sent at looks that are half a minute apart.
const EARLY: Duration = Duration::from_secs(90);

/// The binding.
#[derive(Debug)]
pub(super) struct Slurm;

impl Binding for Slurm {
    fn product(&self) -> &'static str {
        "SLURM"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["sbatch", "squeue", "scancel"]
    }

    fn check(&self, cluster: &Cluster, gpus: u32) -> Result<()> {
        let site = site(cluster)?;
        match site.gpus().filter(|_| gpus > 0) {
            None => Ok(()),
            Some(name) => Err(Error::usage(format!("`scheduler.directives` says `--{name}` beside `resources.gpus`"))
                .hint("the last one of them alone would count: say one of the two, with all that is asked for")),
        }
    }

    fn unasked(&self, cluster: &Cluster) -> Result<Box<dyn Adapter>> {
        Ok(Box::new(Cli::new(dialect(cluster, site(cluster)?, Survey::default()))))
    }

    fn ask(&self, cluster: &Cluster, queue: Queue) -> Result<Asked> {
        let site = site(cluster)?;
        let survey = survey(&site, queue)?;
        let allows = allows(&survey);
        Ok(Asked { adapter: Box::new(Cli::new(dialect(cluster, site, survey))), allows })
    }

    fn listener(&self, _: &Cluster, within: Duration) -> Result<Box<dyn Adapter>> {
        // What a site wants of its jobs, and what it allows, does not matter to who only asks.
        let slurm = slurm::Slurm::new(Site::default(), Limits::default());
        Ok(Box::new(Cli::with(slurm, System { limit: within })))
    }

    fn inside(&self) -> Option<Box<dyn Inside>> {
        Some(Box::new(Element::of(|name| std::env::var(name).ok())?))
    }

    fn rights(&self, job: &Path) -> Rights {
        let script = script::path(job).to_string_lossy().into_owned();
        Rights::tried(
            &Call::new(["sbatch".to_owned(), "--test-only".to_owned(), script]),
            &Call::new(["squeue", "--noheader", "--me", "--format=%i"]),
        )
    }

    fn examine(&self, cluster: &Cluster) -> Result<Examined> {
        examined::examine(cluster)
    }

    fn when_full(&self) -> &'static str {
        "`squeue --me` shows what is in the queue already, and `sacctmgr show assoc user=$USER` what you may have"
    }

    fn task_name(&self, job: &str, index: u64) -> String {
        slurm::task_name(&JobId(job.to_owned()), index)
    }

    fn named(&self, job: &str, tasks: &[u64]) -> String {
        slurm::named(&JobId(job.to_owned()), tasks)
    }

    fn time_limit_s(&self, asked_s: u64) -> u64 {
        // It counts whole minutes.
        asked_s.div_ceil(60) * 60
    }

    fn notice(&self, cluster: &Cluster) -> Notice {
        Notice::Told { before: Duration::from_secs(cluster.signal_before_s), early: EARLY }
    }
}

/// What somebody can look at where a command does not answer.
const HERE_HINT: &str = "is this a machine of the cluster? `scontrol ping` must work here";

/// What a cluster and its books say.
#[derive(Clone, Debug, Default)]
struct Survey {
    /// Of the cluster.
    limits: Limits,
    /// Of its user.
    allowance: Allowance,
}

fn survey(site: &Site, queue: Queue) -> Result<Survey> {
    let limits = told(&slurm::Slurm::ask_limits(), Limits::parse, HERE_HINT)?;
    let allowance = Allowance::ask(&mut System::default(), site, &limits, queue == Queue::Always);
    Ok(Survey { limits, allowance })
}

/// The same in the program's words.
fn allows(Survey { limits, allowance }: &Survey) -> Allows {
    let cap = |most: u64, of: &str| Cap { most, of: of.to_owned() };
    let from = |cap: &allowance::Cap| Cap { most: cap.most, of: cap.of.clone() };
    let mut tasks = vec![cap(limits.array_size, "MaxArraySize of the cluster")];
    tasks.extend(limits.array_tasks.map(|most| cap(most, "max_array_tasks of the cluster")));
    Allows {
        cluster: limits.cluster.clone(),
        tasks,
        submit: allowance.submit.as_ref().map(from),
        running: allowance.running.as_ref().map(from),
        queued: allowance.queued,
    }
}

/// How the cluster is spoken to.
fn dialect(cluster: &Cluster, site: Site, survey: Survey) -> slurm::Slurm {
    let slurm = slurm::Slurm::new(site, survey.limits).with_allowance(survey.allowance);
    match &cluster.template {
        Some(template) => slurm.with_template(template.clone()),
        None => slurm,
    }
}

/// The site's words, checked.
fn site(cluster: &Cluster) -> Result<Site> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_cluster_allows_is_told_with_where_it_is_said() {
        let limits = Limits { array_size: 11, array_tasks: Some(20), ..Limits::default() };
        let submit = allowance::Cap { most: 12, of: "MaxSubmitJobs of the account chem".to_owned() };
        let allowance = Allowance { submit: Some(submit), queued: Some(4), ..Allowance::default() };
        let allows = allows(&Survey { limits, allowance });
        let told: Vec<String> = allows.tasks.iter().chain(&allows.submit).map(Cap::to_string).collect();
        assert_eq!(
            told,
            [
                "11 (MaxArraySize of the cluster)",
                "20 (max_array_tasks of the cluster)",
                "12 (MaxSubmitJobs of the account chem)"
            ]
        );
        assert_eq!((allows.queued, allows.running), (Some(4), None));
    }

    #[test]
    fn gpus_are_asked_for_in_one_place() {
        let section = crate::campaign::scheduler::SchedulerSection {
            directives: vec!["--gres=gpu:a100:2".to_owned()],
            ..crate::campaign::scheduler::SchedulerSection::of(crate::campaign::kind::SchedulerKind::Slurm)
        };
        let cluster = section.cluster().unwrap().unwrap();
        Slurm.check(&cluster, 0).unwrap();
        let refused = Slurm.check(&cluster, 1).unwrap_err();
        assert_eq!(refused.what(), "`scheduler.directives` says `--gres` beside `resources.gpus`");
    }
}
