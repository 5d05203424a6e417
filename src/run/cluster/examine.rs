//! Asking a cluster what it is and allows, before a campaign depends on it.

use std::path::Path;
use std::time::Duration;

use molsieve_adapters::command::{Call, Runner, Said, System};
use molsieve_adapters::slurm::allowance::Cap;
use molsieve_adapters::slurm::partitions::{self, Partition};

use crate::campaign::scheduler::{Cluster, SchedulerSection};
use crate::campaign::site::SiteProfile;
use crate::doctor::cluster::{ClusterFacts, PartitionFacts};
use crate::doctor::{Finding, Verdict};
use crate::error::{Error, Kind, Result};
use crate::patience::Patience;
use crate::run::scheduler::{self, Survey};

/// The commands that are called; the last two only where books are kept.
const COMMANDS: [&str; 7] = ["sbatch", "squeue", "scancel", "scontrol", "sinfo", "sacct", "sacctmgr"];

/// How long a controller may not answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// No more lines of a foreign command are shown.
const LINES: usize = 6;

/// What a campaign would be asked for at the site `reference`, a name or a path from here; without one, at a cluster of
/// which nothing is said.
///
/// # Errors
/// There is no such site, or it is no cluster (exit 2).
pub fn cluster(reference: Option<&str>) -> Result<Cluster> {
    let base = Path::new("");
    let section = match reference {
        None => SchedulerSection { kind: "slurm".to_owned(), ..SchedulerSection::default() },
        Some(reference) => {
            let profile = SiteProfile::find(reference, base)?;
            SchedulerSection { site: Some(profile.name.clone()), ..profile.scheduler_section()? }
        }
    };
    scheduler::cluster(&section, base)?.ok_or_else(|| {
        Error::usage(format!("the site `{}` has no cluster", reference.unwrap_or_default()))
            .hint("its `[scheduler]` says no `kind`, or `kind = \"local\"`")
    })
}

/// What `cluster` says of itself.
///
/// # Errors
/// It does not answer (exit 5), or one of its words is none (exit 2).
pub fn facts(cluster: &Cluster) -> Result<ClusterFacts> {
    let site = scheduler::check_words("slurm", cluster)?;
    let Survey { limits, allowance } =
        scheduler::survey(&site, PATIENCE, scheduler::Queue::Always, &Patience::default())?;
    let mut system = System::default();
    let said = system.run(&partitions::ask());
    let said = said.map_err(|silent| Error::new(Kind::Scheduler, format!("`sinfo` does not answer: {silent:?}")))?;
    let partitions = partitions::parse(&said).map_err(|e| Error::new(Kind::Scheduler, e.to_string()))?;
    let told = |cap: Cap| (cap.most, cap.of);
    Ok(ClusterFacts {
        cluster: limits.cluster,
        version: limits.version,
        commands: COMMANDS.iter().map(|name| ((*name).to_owned(), version(&mut system, name))).collect(),
        array_size: limits.array_size,
        array_tasks: limits.array_tasks,
        submit_max: allowance.submit.map(told),
        running_max: allowance.running.map(told),
        queued: allowance.queued,
        kill_wait_s: limits.kill_wait_s,
        min_job_age_s: limits.min_job_age_s,
        accounting: limits.accounting,
        preempt_requeues: limits.preempt_requeues,
        requeue: limits.requeue,
        accounts: allowance.accounts,
        qualities: allowance.qualities,
        qos: allowance.qos,
        partitions: partitions.into_iter().map(partition).collect(),
    })
}

fn version(system: &mut System, command: &str) -> Option<String> {
    let said = system.run(&Call::new([command, "--version"])).ok().filter(Said::is_ok)?;
    said.stdout.lines().next().map(|line| line.trim().to_owned())
}

fn partition(of: Partition) -> PartitionFacts {
    let Partition { name, default, up, time_limit_s, nodes, cores, memory_mib, gres } = of;
    PartitionFacts { name, default, up, time_limit_s, nodes, cores, memory_mib, gres }
}

/// What the file system of `dir` lets this user have, in the words of the command that knows it; none where no command
/// says anything.
pub fn quota(dir: &Path) -> Option<Finding> {
    let mut system = System { limit: Duration::from_secs(20) };
    let mut hear = |argv: &[&str]| system.run(&Call::new(argv.iter().copied())).ok().filter(Said::is_ok);
    let user = hear(&["id", "-un"])?.stdout.trim().to_owned();
    let dir = dir.to_str().filter(|dir| !dir.starts_with('-'))?;
    let said = hear(&["lfs", "quota", "-h", "-u", &user, dir]).or_else(|| hear(&["quota", "-w", "-s"]))?;
    let lines: Vec<&str> = said.stdout.lines().map(str::trim).filter(|line| !line.is_empty()).take(LINES).collect();
    let told = Finding::new("quota", Verdict::Info, lines.join(" / "));
    (!lines.is_empty()).then_some(told)
}
