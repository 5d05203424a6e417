//! What a pool of HTCondor's is, and what to do about it.

use std::time::Duration;

use molsieve_adapters::command::{Call, Runner, Said, System};
use molsieve_adapters::htcondor::Limits;
use molsieve_adapters::htcondor::nodes::{self, Nodes};

use super::{HERE_HINT, HtCondor, limits, site};
use crate::campaign::scheduler::Cluster;
use crate::doctor::cluster::{ClusterFacts, PartitionFacts};
use crate::doctor::{Finding, Verdict};
use crate::error::Result;
use crate::scheduler::{Binding, Examined, looked, told};
use crate::scorer::argv;

/// How long a pool may not answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What its commands say on a machine that belongs to no pool.
const UNSET: &str = "CONDOR_CONFIG";

/// Jobs of a user beside which a DAG has hardly a task in the queue.
const OWNER_LOW: u64 = 20;

/// See [`Binding::examine`](crate::scheduler::Binding::examine).
pub(super) fn examine(cluster: &Cluster) -> Result<Examined> {
    site(cluster)?;
    let limits = looked(PATIENCE, "condor_config_val", UNSET, limits)?;
    let nodes = ask()?;
    let queued = queued();
    let commands = HtCondor.programs().iter().map(|name| {
        let is_there = argv::program(name, std::path::Path::new("/")).is_ok();
        ((*name).to_owned(), limits.version.clone().filter(|_| is_there))
    });
    let facts = ClusterFacts {
        cluster: limits.users.clone(),
        version: limits.version.clone(),
        commands: commands.collect(),
        submit_max: limits.per_owner.map(|most| (most, "MAX_JOBS_PER_OWNER".to_owned())),
        queued,
        partitions: nodes.iter().map(|kind| kind_of_nodes(kind, &limits)).collect(),
        ..ClusterFacts::default()
    };
    Ok(Examined {
        findings: judge(&facts, &limits, &nodes, cluster.is_carried()),
        profile: profile(&limits, &nodes),
        facts,
    })
}

/// How many jobs the user has in the queue; none where nobody says.
pub(super) fn queued() -> Option<u64> {
    let call = Call::new(["condor_q", "-af", "ClusterId"]);
    let said = System { limit: PATIENCE }.run(&call).ok().filter(Said::is_ok)?;
    Some(said.stdout.lines().filter(|line| !line.trim().is_empty()).count() as u64)
}

fn ask() -> Result<Vec<Nodes>> {
    told(&nodes::ask(), nodes::parse, HERE_HINT)
}

/// Nodes of one file system domain are what partitions are elsewhere.
fn kind_of_nodes(of: &Nodes, limits: &Limits) -> PartitionFacts {
    PartitionFacts {
        name: of.file_system.clone(),
        default: limits.file_system.as_ref() == Some(&of.file_system),
        up: true,
        time_limit_s: None,
        nodes: of.count,
        cores: of.cores,
        memory_mib: of.memory_mib,
        gres: (of.gpus > 0).then(|| format!("gpu:{}", of.gpus)),
    }
}

/// What is to be said of it.
fn judge(facts: &ClusterFacts, limits: &Limits, nodes: &[Nodes], is_carried: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    let missing: Vec<String> =
        facts.commands.iter().filter(|(_, version)| version.is_none()).map(|(name, _)| format!("`{name}`")).collect();
    if !missing.is_empty() {
        found.push(
            Finding::new("commands", Verdict::Problem, format!("not on the PATH: {}", missing.join(", ")))
                .hint("HTCondor's `bin` and `sbin` belong on it"),
        );
    }
    let name = facts.cluster.as_deref().unwrap_or("without a name");
    let version = facts.version.as_deref().unwrap_or("of a version that it does not say");
    found.push(match facts.queued {
        Some(jobs) => Finding::new(
            "cluster",
            Verdict::Good,
            format!("{name}, HTCondor {version}: it answers; {jobs} jobs of yours are in the queue"),
        ),
        None => {
            Finding::new("cluster", Verdict::Problem, format!("{name}, HTCondor {version}: its queue does not answer"))
                .hint("is this an access point? `condor_q` must work here")
        }
    });
    found.extend(limits.per_owner.map(|most| {
        let what =
            format!("you may have {most} jobs in the queue (MAX_JOBS_PER_OWNER): a wave has no more of them at a time");
        Finding::new("queue", if most < OWNER_LOW { Verdict::Warning } else { Verdict::Good }, what)
    }));
    found.push(if is_carried { carried(nodes) } else { shared(limits, nodes) });
    found
}

/// Where what tasks need is carried to them, every node will do.
fn carried(nodes: &[Nodes]) -> Finding {
    let all: u64 = nodes.iter().map(|kind| kind.count).sum();
    let what =
        format!("{all} nodes: what tasks need is carried to them (`files = \"transfer\"`), whatever files they see");
    Finding::new("nodes", if all > 0 { Verdict::Good } else { Verdict::Problem }, what).hint(
        "the program of your scorer, or its container's runtime, must be on them: `constraint` says which have it",
    )
}

/// Whether any node sees the access point's files.
fn shared(limits: &Limits, nodes: &[Nodes]) -> Finding {
    let Some(own) = &limits.file_system else {
        return Finding::new("nodes", Verdict::Problem, "the access point does not say its FILESYSTEM_DOMAIN").hint(
            "ask the people of the pool: a task runs where the same files are seen, unless `files = \"transfer\"`",
        );
    };
    let count = |nodes: &mut dyn Iterator<Item = &Nodes>| nodes.map(|kind| kind.count).sum::<u64>();
    let (all, near) = (count(&mut nodes.iter()), count(&mut nodes.iter().filter(|kind| kind.file_system == *own)));
    let what = format!("{near} of {all} nodes are of the file system domain {own}, as this machine");
    if near > 0 {
        return Finding::new("nodes", Verdict::Good, what);
    }
    Finding::new("nodes", Verdict::Problem, what).hint(
        "none would start that needs the campaign directory on its node: say `files = \"transfer\"` in `[scheduler]`, and what tasks need is carried to them",
    )
}

/// Lines of `[scheduler]` for a site profile.
fn profile(limits: &Limits, nodes: &[Nodes]) -> Vec<String> {
    let mut lines =
        vec!["# Nodes, a line for each kind; tasks run on those of this machine's file system domain:".to_owned()];
    let own = limits.file_system.as_deref().unwrap_or("?");
    for kind in nodes {
        let Nodes { file_system, count, cores, memory_mib, gpus } = kind;
        let gpus = if *gpus > 0 { format!(", {gpus} GPUs") } else { String::new() };
        let near = if file_system == own { " (this machine's)" } else { "" };
        lines.push(format!("#   {file_system}{near}: {count} nodes of {cores} cores, {memory_mib} MiB{gpus}"));
    }
    if !nodes.is_empty() && !nodes.iter().any(|kind| kind.file_system == own) {
        lines.push("# None of them sees its files: what tasks need is carried to them.".to_owned());
        lines.push("files = \"transfer\"".to_owned());
    }
    let say = [
        "# Who pays (accounting_group), where the pool wants to know.",
        "# account = \"group_chem.me\"",
        "# What nodes must have (requirements).",
        "# constraint = \"HasApptainer\"",
        "# What there is only so much of (concurrency_limits).",
        "# licenses = \"dock:1\"",
        "# Further lines of a submit description.",
        "# directives = [\"+ProjectName = \\\"chem\\\"\"]",
        "# Environment modules that the worker needs, such as the one with the container runtime.",
        "# modules = [\"apptainer\"]",
        "# How many tasks may be in the queue at a time, where that is to be less than the pool allows.",
        "# running = 100",
        "# How long before its time limit a task ends at a checkpoint, and how long it has where it must go.",
        "# signal_before = \"2min\"",
    ];
    lines.extend(say.map(str::to_owned));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(file_system: &str) -> Nodes {
        Nodes { file_system: file_system.to_owned(), count: 3, cores: 8, memory_mib: 1000, gpus: 0 }
    }

    #[test]
    fn a_pool_on_which_no_task_would_start_is_a_problem() {
        let limits = Limits { file_system: Some("chem.org".to_owned()), ..Limits::default() };
        assert_eq!(shared(&limits, &[nodes("elsewhere")]).verdict, Verdict::Problem);
        let near = shared(&limits, &[nodes("elsewhere"), nodes("chem.org")]);
        assert_eq!(near.verdict, Verdict::Good);
        assert!(near.what.contains("3 of 6 nodes"), "{}", near.what);
        let carried = judge(&ClusterFacts::default(), &limits, &[nodes("elsewhere")], true);
        assert!(carried.iter().any(|found| found.what.contains("3 nodes") && found.verdict == Verdict::Good));
        let lines = |domain| profile(&limits, &[nodes(domain)]).join("\n");
        assert!(lines("elsewhere").contains("files = \"transfer\"") && !lines("chem.org").contains("\nfiles"));
        let facts = ClusterFacts { commands: vec![("condor_q".to_owned(), None)], ..ClusterFacts::default() };
        let found = judge(&facts, &limits, &[], false);
        assert!(found.iter().filter(|f| f.verdict == Verdict::Problem).count() == 3, "{found:?}");
        assert!(found.iter().filter(|f| f.verdict == Verdict::Problem).all(|f| f.hint.is_some()));
    }
}
