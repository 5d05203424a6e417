//! HTCondor, as the program wants it.

mod examined;

use std::path::Path;
use std::time::Duration;

use molsieve_adapters::command::System;
use molsieve_adapters::htcondor::inside::Running;
use molsieve_adapters::htcondor::{self, Expression, Files, Limits, Site};
use molsieve_adapters::text::Value;
use molsieve_adapters::{Adapter, Cli, Inside, JobId};

use super::{Allows, Asked, Binding, Examined, Notice, Queue, Rights, told};
use crate::campaign::scheduler::Cluster;
use crate::error::{Error, Result};

/// The binding.
#[derive(Debug)]
pub(super) struct HtCondor;

impl Binding for HtCondor {
    fn product(&self) -> &'static str {
        "HTCondor"
    }

    fn programs(&self) -> &'static [&'static str] {
        &[
            "condor_submit_dag",
            "condor_submit",
            "condor_q",
            "condor_history",
            "condor_rm",
            "condor_hold",
            "condor_release",
        ]
    }

    fn check(&self, cluster: &Cluster, _: u32) -> Result<()> {
        site(cluster).map(drop)
    }

    fn unasked(&self, cluster: &Cluster) -> Result<Box<dyn Adapter>> {
        Ok(Box::new(Cli::new(htcondor::HtCondor::new(site(cluster)?, Limits::default()))))
    }

    fn ask(&self, cluster: &Cluster, queue: Queue) -> Result<Asked> {
        let site = site(cluster)?;
        let limits = limits()?;
        // A DAG submits its tasks as there is room for them: no limit keeps it from having more.
        let queued = (queue == Queue::Always).then(examined::queued).flatten();
        let allows = Allows { cluster: limits.users.clone(), queued, ..Allows::default() };
        Ok(Asked { adapter: Box::new(Cli::new(htcondor::HtCondor::new(site, limits))), allows })
    }

    fn listener(&self, _: &Cluster, within: Duration) -> Result<Box<dyn Adapter>> {
        Ok(Box::new(Cli::with(htcondor::HtCondor::default(), System { limit: within })))
    }

    fn inside(&self) -> Option<Box<dyn Inside>> {
        Some(Box::new(Running::of(|name| std::env::var(name).ok())?))
    }

    fn rights(&self, _: &Path) -> Rights {
        // What goes on with a campaign runs on the access point, whatever nodes may do.
        Rights { may_submit: true, may_ask: true, said: None }
    }

    fn examine(&self, cluster: &Cluster) -> Result<Examined> {
        examined::examine(cluster)
    }

    fn when_full(&self) -> &'static str {
        "`condor_q` shows what is in the queue already, and `condor_config_val MAX_JOBS_PER_OWNER MAX_JOBS_SUBMITTED` what may be"
    }

    fn task_name(&self, job: &str, index: u64) -> String {
        htcondor::task_name(&JobId(job.to_owned()), index)
    }

    fn named(&self, job: &str, tasks: &[u64]) -> String {
        htcondor::named(&JobId(job.to_owned()), tasks).unwrap_or_else(|| job.to_owned())
    }

    fn when_not_carried(&self) -> Option<&'static str> {
        Some("`condor_q -hold` and the log of the access point say what became of it")
    }

    fn notice(&self, cluster: &Cluster) -> Notice {
        Notice::OwnClock { before: Duration::from_secs(cluster.signal_before_s) }
    }
}

/// What somebody can look at where a command does not answer.
const HERE_HINT: &str = "is this an access point of the pool? `condor_q` must work here";

/// What the pool allows.
fn limits() -> Result<Limits> {
    told(&htcondor::HtCondor::ask_limits(), Limits::parse, HERE_HINT)
}

/// The site's words, checked.
fn site(cluster: &Cluster) -> Result<Site> {
    let refused = |key: &str, text: &str, may: &str| {
        Error::usage(format!("`scheduler.{key}` is `{}`", text.escape_debug())).hint(may)
    };
    let value = |key: &str, text: &str| {
        let may = "it may hold letters, digits and ._:,@=+*&|!()[]<>/%~- and at most 256 of them";
        Value::new(text).ok_or_else(|| refused(key, text, may))
    };
    let word = |key: &str| cluster.words.get(key).map(|text| value(key, text)).transpose();
    let list = |key: &str, list: &[String]| list.iter().map(|text| value(key, text)).collect::<Result<Vec<_>>>();
    let requirements = cluster.words.get("constraint").map(|text| {
        let may = "it is an expression such as `HasApptainer && OpSysMajorVer >= 9`, of at most 512 characters, with its quotes \
                   and parentheses in pairs, and without `$`";
        Expression::new(text).ok_or_else(|| refused("constraint", text, may))
    });
    let mut site = Site {
        accounting_group: word("account")?,
        requirements: requirements.transpose()?,
        concurrency_limits: word("licenses")?,
        modules: list("modules", &cluster.modules)?,
        export: list("export", &cluster.export)?,
        signal_before_s: cluster.signal_before_s,
        files: if cluster.is_carried() { Files::Transferred } else { Files::Shared },
        ..Site::default()
    };
    for line in &cluster.directives {
        site.add(line).map_err(|why| Error::usage(format!("`scheduler.directives`: {why}")))?;
    }
    Ok(site)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::scheduler::SchedulerSection;
    use crate::error::Kind;

    fn of(keys: &str) -> Result<Site> {
        let section: SchedulerSection = toml::from_str(&format!("kind = \"htcondor\"\n{keys}")).unwrap();
        site(&section.cluster()?.unwrap())
    }

    #[test]
    fn what_batch_schedulers_have_in_common_is_said_in_htcondors_words() {
        let site = of(
            "account = \"group_chem.me\"\nconstraint = \"HasApptainer && OpSysMajorVer >= 9\"\nlicenses = \"dock:2\"\n\
             directives = [\"+ProjectName = \\\"chem\\\"\", \"rank = Memory\"]\nsignal_before = \"30s\"",
        )
        .unwrap();
        assert_eq!(site.accounting_group.unwrap().as_str(), "group_chem.me");
        assert_eq!(site.requirements.unwrap().as_str(), "HasApptainer && OpSysMajorVer >= 9");
        assert_eq!(site.concurrency_limits.unwrap().as_str(), "dock:2");
        assert_eq!((site.extra.len(), site.signal_before_s), (2, 30));
    }

    #[test]
    fn a_word_that_would_be_more_than_a_word_is_refused() {
        for keys in
            ["account = \"a b\"", "constraint = \"(x\"", "constraint = \"$(x)\"", "directives = [\"queue = 7\"]"]
        {
            assert_eq!(of(keys).unwrap_err().kind(), Kind::Usage, "{keys}");
        }
        let stray = of("partition = \"batch\"").unwrap_err();
        assert!(stray.what().contains("means nothing with `kind = \"htcondor\"`"), "{}", stray.what());
    }
}
