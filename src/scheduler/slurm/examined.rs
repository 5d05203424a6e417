//! What a cluster of SLURM's is, and what to do about it.

use std::fmt::Write;
use std::time::Duration;

use molsieve_adapters::command::{Call, Runner, Said, System};
use molsieve_adapters::slurm::allowance::Cap;
use molsieve_adapters::slurm::partitions::{self, Partition};

use super::{HERE_HINT, Survey, site, survey};
use crate::campaign::scheduler::Cluster;
use crate::doctor::cluster::{ClusterFacts, PartitionFacts};
use crate::doctor::profile::quoted;
use crate::doctor::{Finding, Verdict};
use crate::error::Result;
use crate::scheduler::{Examined, Queue, looked, told};

/// The commands that are called; the last two only where books are kept.
const COMMANDS: [&str; 7] = ["sbatch", "squeue", "scancel", "scontrol", "sinfo", "sacct", "sacctmgr"];

/// How long a controller may not answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What its commands say on a machine that belongs to no cluster.
const UNSET: &str = "configuration source";

/// No more names of one kind are listed.
const LISTED: usize = 20;

/// A time between TERM and KILL that hardly does for a checkpoint, in seconds.
const KILL_WAIT_LOW_S: u64 = 15;
/// An array of fewer tasks makes long tasks.
const ARRAY_LOW: u64 = 100;
/// Fewer jobs in the queue make long tasks.
const SUBMIT_LOW: u64 = 20;

/// See [`Binding::examine`](crate::scheduler::Binding::examine).
pub(super) fn examine(cluster: &Cluster) -> Result<Examined> {
    let facts = facts(cluster)?;
    Ok(Examined { findings: judge(&facts), profile: profile(&facts), facts })
}

/// What `cluster` says of itself.
fn facts(cluster: &Cluster) -> Result<ClusterFacts> {
    let site = site(cluster)?;
    let Survey { limits, allowance } = looked(PATIENCE, "scontrol", UNSET, || survey(&site, Queue::Always))?;
    let mut system = System::default();
    let partitions = told(&partitions::ask(), partitions::parse, HERE_HINT)?;
    let from = |cap: Cap| (cap.most, cap.of);
    Ok(ClusterFacts {
        cluster: limits.cluster,
        version: limits.version,
        commands: COMMANDS.iter().map(|name| ((*name).to_owned(), version(&mut system, name))).collect(),
        array_size: Some(limits.array_size),
        array_tasks: limits.array_tasks,
        submit_max: allowance.submit.map(from),
        running_max: allowance.running.map(from),
        queued: allowance.queued,
        kill_wait_s: limits.kill_wait_s,
        min_job_age_s: limits.min_job_age_s,
        accounting: Some(limits.accounting),
        preempt_requeues: Some(limits.preempt_requeues),
        requeue: Some(limits.requeue),
        accounts: allowance.accounts,
        qualities: allowance.qualities,
        qos: allowance.qos,
        partitions: partitions.into_iter().map(kind_of_nodes).collect(),
    })
}

fn version(system: &mut System, command: &str) -> Option<String> {
    let said = system.run(&Call::new([command, "--version"])).ok().filter(Said::is_ok)?;
    said.stdout.lines().next().map(|line| line.trim().to_owned())
}

fn kind_of_nodes(of: Partition) -> PartitionFacts {
    let Partition { name, default, up, time_limit_s, nodes, cores, memory_mib, gres } = of;
    PartitionFacts { name, default, up, time_limit_s, nodes, cores, memory_mib, gres }
}

/// What is to be said of it.
fn judge(facts: &ClusterFacts) -> Vec<Finding> {
    let mut found = commands(facts);
    let name = facts.cluster.as_deref().unwrap_or("without a name");
    let version = facts.version.as_deref().unwrap_or("of a version that it does not say");
    found.push(Finding::new("cluster", Verdict::Good, format!("{name}, SLURM {version}: it answers")));
    found.push(arrays(facts));
    found.extend(queue(facts));
    found.extend(ends(facts));
    found.push(books(facts));
    found.extend(facts.partitions.iter().map(partition));
    if !facts.partitions.iter().any(|partition| partition.default) {
        found.push(
            Finding::new("partition", Verdict::Warning, "none is the default one")
                .hint("say `partition` in the site profile or in `[scheduler]`"),
        );
    }
    found
}

fn commands(facts: &ClusterFacts) -> Vec<Finding> {
    let missing: Vec<&str> =
        facts.commands.iter().filter(|(_, version)| version.is_none()).map(|(name, _)| name.as_str()).collect();
    let mut versions: Vec<&str> = facts.commands.iter().filter_map(|(_, version)| version.as_deref()).collect();
    versions.dedup();
    let mut found = vec![Finding::new("commands", Verdict::Info, versions.join(", "))];
    // Books may be kept by nobody, and then nobody needs the command that reads them.
    let needed: Vec<&&str> =
        missing.iter().filter(|name| !name.starts_with("sacct") || facts.accounting == Some(true)).collect();
    if !needed.is_empty() {
        let names = needed.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        found.push(
            Finding::new("commands", Verdict::Problem, format!("not on the PATH: {names}"))
                .hint("load the module that has them, or ask on which machines they are"),
        );
    }
    found
}

fn arrays(facts: &ClusterFacts) -> Finding {
    let size = facts.array_size.unwrap_or(0);
    let most = facts.array_tasks.map_or(size, |tasks| tasks.min(size));
    let cap = facts.array_tasks.map_or_else(String::new, |tasks| format!(", max_array_tasks {tasks}"));
    let what = format!("at most {most} tasks a job (MaxArraySize {size}{cap})");
    if most == 0 {
        return Finding::new("arrays", Verdict::Problem, "the cluster has no job arrays (MaxArraySize 0)")
            .hint("ask the people of the cluster to allow them");
    }
    if most < ARRAY_LOW {
        return Finding::new("arrays", Verdict::Warning, what)
            .hint("tasks work on several task groups each, so give them a time limit for that");
    }
    Finding::new("arrays", Verdict::Good, what)
}

fn queue(facts: &ClusterFacts) -> Vec<Finding> {
    let mut found = Vec::new();
    let queued = facts.queued.map_or_else(String::new, |jobs| format!("; {jobs} of yours are there now"));
    found.push(match &facts.submit_max {
        Some((most, of)) => {
            let verdict = if *most < SUBMIT_LOW { Verdict::Warning } else { Verdict::Good };
            let finding = Finding::new("queue", verdict, format!("you may have {most} jobs in it ({of}){queued}"));
            if verdict == Verdict::Good {
                finding
            } else {
                finding.hint("waves are cut to fit; ask for more, or for longer tasks")
            }
        }
        None => Finding::new("queue", Verdict::Info, format!("no limit on your jobs is known{queued}")),
    });
    if let Some((most, of)) = &facts.running_max {
        found.push(Finding::new("running", Verdict::Info, format!("{most} of your jobs at a time ({of})")));
    }
    found
}

/// How jobs end, and are started again.
fn ends(facts: &ClusterFacts) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Some(seconds) = facts.kill_wait_s {
        let what = format!("a task has {seconds} s from TERM to KILL (KillWait)");
        found.push(if seconds < KILL_WAIT_LOW_S {
            Finding::new("ends", Verdict::Warning, what).hint(
                "at a time limit it is told earlier, by `signal_before`; a preemption may lose what was computed since the last `checkpoint.sync`",
            )
        } else {
            Finding::new("ends", Verdict::Good, what)
        });
    }
    if let Some(seconds) = facts.min_job_age_s {
        let what = format!("an ended job stays known for {seconds} s (MinJobAge)");
        found.push(Finding::new("memory of jobs", Verdict::Info, what));
    }
    let again = match (facts.requeue == Some(true), facts.preempt_requeues == Some(true)) {
        (true, true) => "the cluster starts preempted and orphaned tasks again by itself",
        (true, false) => "the cluster starts tasks of a lost node again by itself, and preempts none so",
        (false, _) => "the cluster starts nothing again by itself (JobRequeue 0); ticks do",
    };
    found.push(Finding::new("requeue", Verdict::Info, again));
    found
}

fn books(facts: &ClusterFacts) -> Finding {
    if facts.accounting != Some(true) {
        return Finding::new("accounting", Verdict::Info, "none: how a task ended is known from its files alone");
    }
    let qos = facts.qos.as_ref().map_or_else(String::new, |qos| format!(", QOS {qos}"));
    match facts.accounts.as_slice() {
        [] => Finding::new("accounting", Verdict::Warning, "books are kept, and you have no account in them")
            .hint("submissions may be refused: ask the people of the cluster for one"),
        [first, others @ ..] => {
            let more = if others.is_empty() { String::new() } else { format!(" (or {})", others.join(", ")) };
            Finding::new("accounting", Verdict::Good, format!("{first} pays{more}{qos}"))
        }
    }
}

fn partition(partition: &PartitionFacts) -> Finding {
    let limit =
        partition.time_limit_s.map_or_else(|| "no time limit".to_owned(), |s| format!("{} min at most", s / 60));
    let gres = partition.gres.as_ref().map_or_else(String::new, |gres| format!(", {gres}"));
    let name = if partition.default { format!("{} (default)", partition.name) } else { partition.name.clone() };
    let PartitionFacts { nodes, cores, memory_mib, .. } = partition;
    let what = format!("{name}: {nodes} × {cores} cores, {memory_mib} MiB{gres}; {limit}");
    if partition.up {
        return Finding::new("partition", Verdict::Info, what);
    }
    Finding::new("partition", Verdict::Warning, format!("{what}; it starts no jobs now")).hint("use another, or wait")
}

/// Lines of `[scheduler]` for a site profile.
fn profile(cluster: &ClusterFacts) -> Vec<String> {
    let mut lines = Vec::new();
    let mut say = |line: &str| lines.push(line.to_owned());
    partitions_of(cluster, &mut say);
    accounts(cluster, &mut say);
    say("# Environment modules that the worker needs, such as the one with the container runtime.");
    say("# modules = [\"apptainer\"]");
    limits(cluster, &mut say);
    lines
}

fn partitions_of(cluster: &ClusterFacts, say: &mut dyn FnMut(&str)) {
    say("# Partitions, a line for each kind of node:");
    for partition in cluster.partitions.iter().take(LISTED) {
        let limit = partition.time_limit_s.map_or_else(|| "no limit".to_owned(), |s| format!("{} min", s / 60));
        let gres = partition.gres.as_ref().map_or_else(String::new, |gres| format!(", {gres}"));
        let mut line = String::new();
        let _ = write!(line, "#   {}: {} nodes of {} cores", partition.name, partition.nodes, partition.cores);
        let _ = write!(line, ", {} MiB{gres}; {limit}", partition.memory_mib);
        line.push_str(if partition.up { "" } else { "; down" });
        say(&line);
    }
    if let Some(default) = cluster.partitions.iter().find(|partition| partition.default) {
        say(&format!("# Without a word jobs go to {}.", default.name));
        say(&format!("# partition = {}", quoted(&default.name)));
    } else {
        let first = cluster.partitions.first().map_or("batch", |partition| &partition.name);
        say("# There is no default: name one.");
        say(&format!("partition = {}", quoted(first)));
    }
}

fn accounts(cluster: &ClusterFacts, say: &mut dyn FnMut(&str)) {
    if cluster.accounting != Some(true) {
        say("# No books are kept: no account and no QOS is needed.");
        return;
    }
    let list = |names: &[String]| names.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
    match cluster.accounts.first() {
        Some(first) => {
            say(&format!("# Accounts that you may let pay, the default one first: {}.", list(&cluster.accounts)));
            say(&format!("# account = {}", quoted(first)));
        }
        None => say("# Books are kept, and you have no account in them."),
    }
    if let Some(first) = cluster.qos.as_ref().or(cluster.qualities.first()) {
        say(&format!("# Qualities of service: {}.", list(&cluster.qualities)));
        say(&format!("# qos = {}", quoted(first)));
    }
}

fn limits(cluster: &ClusterFacts, say: &mut dyn FnMut(&str)) {
    let size = cluster.array_size.unwrap_or(0);
    let most = cluster.array_tasks.map_or(size, |tasks| tasks.min(size));
    say("# How many tasks one submission may have. The cluster's limits are asked for at every submission:");
    say(&format!("#   {most} a job (MaxArraySize, max_array_tasks)"));
    if let Some((jobs, of)) = &cluster.submit_max {
        say(&format!("#   {jobs} in the queue ({of})"));
    }
    if let Some((jobs, of)) = &cluster.running_max {
        say(&format!("#   {jobs} at work ({of})"));
    }
    say("# tasks = 1000");
    say("# How many may run at a time, where that is to be less than the cluster allows.");
    say("# running = 100");
    let kill = cluster.kill_wait_s.map_or_else(String::new, |s| format!(" (from TERM to KILL it has {s} s)"));
    say(&format!("# How long before its time limit a task is told to end at a checkpoint{kill}."));
    say("# signal_before = \"2min\"");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::profile::{Found, write};

    fn worst(found: &[Finding], check: &str) -> Verdict {
        found.iter().filter(|f| f.check == check).map(|f| f.verdict).max().unwrap()
    }

    fn facts() -> ClusterFacts {
        ClusterFacts { array_size: Some(1001), requeue: Some(true), ..ClusterFacts::default() }
    }

    #[test]
    fn each_limit_that_hurts_comes_with_something_to_do() {
        let hurt = ClusterFacts {
            array_tasks: Some(10),
            submit_max: Some((4, "MaxSubmitJobs of the account chem".to_owned())),
            kill_wait_s: Some(2),
            accounting: Some(true),
            commands: vec![("sbatch".to_owned(), None), ("sacct".to_owned(), Some("22.05".to_owned()))],
            ..facts()
        };
        let found = judge(&hurt);
        for (check, verdict) in [
            ("commands", Verdict::Problem),
            ("arrays", Verdict::Warning),
            ("queue", Verdict::Warning),
            ("ends", Verdict::Warning),
            ("accounting", Verdict::Warning),
            ("partition", Verdict::Warning),
        ] {
            assert_eq!(worst(&found, check), verdict, "{check}");
        }
        assert!(found.iter().filter(|f| f.verdict >= Verdict::Warning).all(|f| f.hint.is_some()), "{found:?}");
    }

    #[test]
    fn a_cluster_without_books_needs_no_command_that_reads_them() {
        let found = judge(&ClusterFacts { commands: vec![("sacct".to_owned(), None)], ..facts() });
        assert_eq!(worst(&found, "commands"), Verdict::Info);
    }

    #[test]
    fn what_a_cluster_says_cannot_become_a_line_of_its_own() {
        let partition = PartitionFacts {
            name: "a\"\nkind = \"local".to_owned(),
            default: false,
            up: true,
            time_limit_s: None,
            nodes: 1,
            cores: 1,
            memory_mib: 1,
            gres: Some("x\nlogin = \"me\"".to_owned()),
        };
        let cluster = ClusterFacts { partitions: vec![partition], ..ClusterFacts::default() };
        let lines = profile(&cluster);
        let (scheduler, product) = ("slurm", "SLURM");
        let found = Found {
            scheduler,
            product,
            cluster: &cluster,
            lines: &lines,
            node: None,
            exchange: None,
            host: "h",
            user: "me",
        };
        let table: toml::Table = toml::from_str(&write("our-cluster", &found)).unwrap();
        assert_eq!(table["scheduler"]["kind"].as_str(), Some("slurm"));
        assert!(!table.contains_key("login"));
    }
}
