//! A site profile from what was found, with a comment on each value: somebody is to read it, and to correct it.

use super::cluster::{ClusterFacts, Exchange, NodeFacts, settle_s};

/// What is known of the place where a profile is written.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The scheduler, as in a campaign file.
    pub scheduler: &'a str,
    /// What people call it.
    pub product: &'a str,
    /// The cluster.
    pub cluster: &'a ClusterFacts,
    /// What only the sites of this scheduler say: lines of `[scheduler]`, comments among them.
    pub lines: &'a [String],
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
    let Found { scheduler, product, cluster, lines, node, exchange, host, user } = *found;
    let mut text = String::new();
    let mut say = |line: &str| text.push_str(&(comment(line) + "\n"));
    say(&format!("# The site {name}, as `molsieve site init` found it from {host}. Read it, and correct it."));
    say("# What a campaign file says itself comes first. docs/formats/site.md explains every key.");
    say("schema = \"molsieve.site.v1\"");
    say(&format!("name = \"{name}\""));
    let of = cluster.cluster.as_deref().unwrap_or("?");
    let version = cluster.version.as_deref().unwrap_or("?");
    say(&format!("description = {}", quoted(&format!("{product} {version}, cluster {of}"))));
    say("# Where `molsieve --on` logs in from elsewhere.");
    say(&format!("# login = {}", quoted(&format!("{user}@{host}"))));
    say("");
    say("[scheduler]");
    say(&format!("kind = \"{scheduler}\""));
    lines.iter().for_each(|line| say(line));
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
pub fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// A line is a line, whatever a cluster calls its partitions.
fn comment(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
