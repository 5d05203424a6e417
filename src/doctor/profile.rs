//! A site profile from what was found, with a comment on each value: somebody is to read it, and to correct it.

use std::fmt::Write;

use super::cluster::{ClusterFacts, Exchange, NodeFacts, settle_s};

/// No more names of one kind are listed.
const LISTED: usize = 20;

/// What is known of the place where a profile is written.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The cluster.
    pub cluster: &'a ClusterFacts,
    /// A node of it, where a job ran.
    pub node: Option<&'a NodeFacts>,
    /// How the two see each other's files, where a job ran.
    pub exchange: Option<&'a Exchange>,
    /// The name of the machine that asks.
    pub host: &'a str,
    /// Who asks.
    pub user: &'a str,
}

/// The profile of the site `name`.
pub fn write(name: &str, found: &Found<'_>) -> String {
    let Found { cluster, node, exchange, host, user } = *found;
    let mut text = String::new();
    let mut say = |line: &str| text.push_str(&(comment(line) + "\n"));
    say(&format!("# The site {name}, as `molsieve site init` found it from {host}. Read it, and correct it."));
    say("# What a campaign file says itself comes first. docs/formats/site.md explains every key.");
    say("schema = \"molsieve.site.v1\"");
    say(&format!("name = \"{name}\""));
    let of = cluster.cluster.as_deref().unwrap_or("?");
    let version = cluster.version.as_deref().unwrap_or("?");
    say(&format!("description = {}", quoted(&format!("SLURM {version}, cluster {of}"))));
    say("# Where `molsieve --on` logs in from elsewhere.");
    say(&format!("# login = {}", quoted(&format!("{user}@{host}"))));
    say("");
    say("[scheduler]");
    say("kind = \"slurm\"");
    partitions(cluster, &mut say);
    accounts(cluster, &mut say);
    say("# Environment modules that the worker needs, such as the one with the container runtime.");
    say("# modules = [\"apptainer\"]");
    limits(cluster, &mut say);
    say(&format!("# How long files may take to be seen: {}.", lateness(exchange)));
    say(&match exchange {
        Some(exchange) => format!("settle = \"{}s\"", settle_s(exchange)),
        None => "# settle = \"30s\"".to_owned(),
    });
    match node {
        Some(node) if node.may_submit && node.may_ask => {
            say("# A job asked whether it may submit jobs: yes.");
            say("nodes_may_submit = true");
        }
        Some(node) => {
            let why = node.said.as_deref().unwrap_or("no reason was given");
            say(&format!("# A job asked whether it may submit jobs: no ({why})."));
            say("nodes_may_submit = false");
        }
        None => {
            say("# Whether jobs may submit jobs was not tried: `molsieve doctor --site --try` does.");
            say("# nodes_may_submit = true");
        }
    }
    say("");
    say("# What each task gets where a campaign file does not say it.");
    say("[resources]");
    say("# cpus = 1");
    say("# memory = \"4G\"");
    walltime(cluster, &mut say);
    text
}

fn partitions(cluster: &ClusterFacts, say: &mut dyn FnMut(&str)) {
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
    if !cluster.accounting {
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
    let most = cluster.array_tasks.map_or(cluster.array_size, |tasks| tasks.min(cluster.array_size));
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

fn lateness(exchange: Option<&Exchange>) -> String {
    exchange.map_or_else(
        || "not tried; `molsieve doctor --site --try` measures it".to_owned(),
        |exchange| format!("{} ms at most were measured with {} files", exchange.late_ms, exchange.rounds),
    )
}

fn walltime(cluster: &ClusterFacts, say: &mut dyn FnMut(&str)) {
    let default = cluster.partitions.iter().find(|partition| partition.default);
    let limit = default.and_then(|partition| partition.time_limit_s);
    // An hour is long enough for a task, and short enough to find a gap.
    let minutes = limit.map_or(60, |s| (s / 60).clamp(1, 60));
    say("# A short time limit finds a gap in the queue sooner; what is not done goes on from its checkpoint.");
    say(&format!("walltime = \"{minutes}min\""));
}

/// `text` as a string of TOML.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// A line is a line, whatever a cluster calls its partitions.
fn comment(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::cluster::PartitionFacts;

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
        let found = Found { cluster: &cluster, node: None, exchange: None, host: "h", user: "me" };
        let table: toml::Table = toml::from_str(&write("our-cluster", &found)).unwrap();
        assert_eq!(table["scheduler"]["kind"].as_str(), Some("slurm"));
        assert!(!table.contains_key("login"));
    }
}
