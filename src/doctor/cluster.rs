//! A cluster: what it allows, what a node of it sees, and what to do about either. Pure: who asks is elsewhere.

use serde::{Deserialize, Serialize};

use super::{Finding, Verdict};

/// Clocks that are further apart confuse people who read logs.
const SKEW_MAX_MS: i64 = 5000;
/// Files that are seen later than this need a longer `settle`.
const LATE_MS: u64 = 15_000;
/// Making a small file durable takes a node longer than it should.
const SYNC_SLOW_MS: f64 = 250.0;

/// What a cluster and its books say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClusterFacts {
    /// Its name.
    pub cluster: Option<String>,
    /// The version of its controller.
    pub version: Option<String>,
    /// The commands of this machine, each with its version; none where it is missing.
    pub commands: Vec<(String, Option<String>)>,
    /// `MaxArraySize`; none where there are no arrays to be limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub array_size: Option<u64>,
    /// `max_array_tasks`.
    pub array_tasks: Option<u64>,
    /// Jobs that the user may have in the queue, and where that is said.
    pub submit_max: Option<(u64, String)>,
    /// Jobs of the user that may run at a time, and where that is said.
    pub running_max: Option<(u64, String)>,
    /// Jobs that the user has in the queue.
    pub queued: Option<u64>,
    /// From TERM to KILL, in seconds.
    pub kill_wait_s: Option<u64>,
    /// How long an ended job stays in the queue, in seconds.
    pub min_job_age_s: Option<u64>,
    /// Whether books are kept; none where a cluster does not say, here and below.
    pub accounting: Option<bool>,
    /// Whether a preempted job is put back into the queue.
    pub preempt_requeues: Option<bool>,
    /// Whether jobs may be put back at all.
    pub requeue: Option<bool>,
    /// The accounts that the user may let pay, the default one first.
    pub accounts: Vec<String>,
    /// The qualities of service that the user may ask for.
    pub qualities: Vec<String>,
    /// The one that jobs get that ask for none.
    pub qos: Option<String>,
    /// The partitions, a row for each kind of node.
    pub partitions: Vec<PartitionFacts>,
}

/// Nodes of one kind in one partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartitionFacts {
    /// The partition's name.
    pub name: String,
    /// Whether jobs go there that name none.
    pub default: bool,
    /// Whether it takes jobs and starts them.
    pub up: bool,
    /// The longest time limit, in seconds.
    pub time_limit_s: Option<u64>,
    /// Nodes of this kind.
    pub nodes: u64,
    /// Cores of one.
    pub cores: u64,
    /// Memory of one, in MiB.
    pub memory_mib: u64,
    /// Generic resources of one.
    pub gres: Option<String>,
}

/// What a job saw on its node.
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own that a node answers")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeFacts {
    /// The node's name.
    pub host: String,
    /// Whether it sees what was written here before.
    pub sees_ours: bool,
    /// Whether a name that is taken stays taken there, also one that was taken from here.
    pub exclusive: bool,
    /// Whether a directory is replaced whole there.
    pub renames: bool,
    /// How long it takes there until a small file is durable, in milliseconds.
    pub sync_ms: f64,
    /// Whether a job may submit jobs: what the scheduler said to a rehearsal.
    pub may_submit: bool,
    /// Whether a job may ask for the state of jobs.
    pub may_ask: bool,
    /// What the scheduler said to either, where it said no.
    pub said: Option<String>,
}

/// How two machines see each other's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Exchange {
    /// Files that went to the node and were answered.
    pub rounds: u64,
    /// A file that is written on either machine is seen on the other within so many milliseconds, at most.
    pub late_ms: u64,
    /// The node's clock less ours, in milliseconds.
    pub skew_ms: i64,
    /// By how much that may be wrong, in milliseconds.
    pub skew_error_ms: u64,
}

impl Exchange {
    /// From what each round's clocks said, in milliseconds: ours when we wrote, the node's when it saw that, the node's when
    /// it answered, ours when we saw the answer. None where there was no round.
    pub fn of(rounds: &[[u64; 4]]) -> Option<Self> {
        // As NTP does: what both ways took together is known whatever the clocks say.
        let both = |r: &[u64; 4]| r[3].saturating_sub(r[0]).saturating_sub(r[2].saturating_sub(r[1]));
        let nearest = rounds.iter().min_by_key(|r| both(r))?;
        let [sent, seen, answered, heard] = nearest.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX / 4));
        Some(Self {
            rounds: rounds.len() as u64,
            late_ms: rounds.iter().map(both).max()?,
            skew_ms: i64::midpoint(seen - sent, answered - heard),
            skew_error_ms: both(nearest).div_ceil(2),
        })
    }
}

/// What is to be said of what a job saw on its node.
pub fn judge_node(node: &NodeFacts, exchange: Option<&Exchange>) -> Vec<Finding> {
    let host = &node.host;
    let either = |check, good: bool, yes: String, no: String, hint: &str| {
        if good {
            Finding::new(check, Verdict::Good, yes)
        } else {
            Finding::new(check, Verdict::Problem, no).hint(hint)
        }
    };
    let elsewhere = "use another file system: results could be overwritten or mixed on this one";
    let mut found = vec![
        either(
            "node: directory",
            node.sees_ours,
            format!("{host} sees what was written here"),
            format!("{host} does not see what was written here"),
            "keep campaigns in a directory that all nodes share",
        ),
        either(
            "node: names",
            node.exclusive,
            format!("a name that was taken here stays taken on {host}"),
            format!("{host} took a name that was taken here"),
            elsewhere,
        ),
        either(
            "node: renames",
            node.renames,
            format!("a directory is replaced whole on {host}"),
            format!("a directory that was replaced on {host} shows its old content"),
            elsewhere,
        ),
    ];
    let sync = format!("a small file is durable after {:.1} ms on {host}", node.sync_ms);
    found.push(if node.sync_ms > SYNC_SLOW_MS {
        Finding::new("node: writes", Verdict::Warning, sync).hint("set `[checkpoint] sync` to a minute or more")
    } else {
        Finding::new("node: writes", Verdict::Good, sync)
    });
    found.push(submits(node));
    found.extend(exchange.map(seen));
    found.extend(exchange.map(clocks));
    found
}

/// The same, where what tasks need is carried to a node, and what they leave is brought back; `hint` says where it is seen what became
/// of that.
pub fn judge_carried(node: &NodeFacts, hint: Option<&str>) -> Finding {
    let host = &node.host;
    if node.sees_ours {
        let what =
            format!("what is carried to {host} arrives there, molsieve runs there, and what it writes comes back");
        return Finding::new("node: transfers", Verdict::Good, what);
    }
    let what = format!("{host} did not get what was to be carried to it");
    let found = Finding::new("node: transfers", Verdict::Problem, what);
    match hint {
        Some(hint) => found.hint(hint),
        None => found,
    }
}

fn submits(node: &NodeFacts) -> Finding {
    let why = node.said.as_ref().map_or_else(String::new, |said| format!(": {said}"));
    match (node.may_submit, node.may_ask) {
        (true, true) => {
            Finding::new("node: submits", Verdict::Good, "jobs may submit jobs: campaigns go on by themselves")
        }
        (true, false) => {
            Finding::new("node: submits", Verdict::Warning, format!("jobs may submit jobs, and not ask for them{why}"))
                .hint("say `nodes_may_submit = false` in the site profile; `molsieve resume` then submits what is left")
        }
        (false, _) => Finding::new("node: submits", Verdict::Warning, format!("jobs may not submit jobs{why}"))
            .hint("say `nodes_may_submit = false` in the site profile; `molsieve resume` then submits what is left"),
    }
}

fn seen(exchange: &Exchange) -> Finding {
    let what = format!("files are seen on the other machine after {} ms at most", exchange.late_ms);
    if exchange.late_ms > LATE_MS {
        return Finding::new("node: lateness", Verdict::Warning, what)
            .hint(format!("say `settle = \"{}s\"` in the site profile", settle_s(exchange)));
    }
    Finding::new("node: lateness", Verdict::Good, what)
}

/// How long to wait for files after the end of a task, in seconds: twice as long as was seen, and never less than usual.
pub fn settle_s(exchange: &Exchange) -> u64 {
    (exchange.late_ms * 2).div_ceil(1000).max(30)
}

fn clocks(exchange: &Exchange) -> Finding {
    let Exchange { skew_ms, skew_error_ms, .. } = exchange;
    let what = format!("the node's clock is {skew_ms} ms off ours (± {skew_error_ms} ms)");
    if skew_ms.abs() > SKEW_MAX_MS {
        return Finding::new("node: clock", Verdict::Warning, what)
            .hint("have the clocks set by NTP: times in logs and packs would not fit together");
    }
    Finding::new("node: clock", Verdict::Good, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worst(found: &[Finding], check: &str) -> Verdict {
        found.iter().filter(|f| f.check == check).map(|f| f.verdict).max().unwrap()
    }

    #[test]
    fn clocks_that_differ_do_not_make_files_late() {
        // The node is 10 s ahead; a file takes 40 ms to go and 60 ms to come.
        let round = |at: u64, more: u64| [at, at + 10_040, at + 10_050, at + 110 + more];
        let exchange = Exchange::of(&[round(1000, 300), round(9000, 0)]).unwrap();
        assert_eq!((exchange.rounds, exchange.late_ms), (2, 400));
        assert!((exchange.skew_ms - 10_000).abs() <= exchange.skew_error_ms as i64, "{exchange:?}");
        assert_eq!(exchange.skew_error_ms, 50);
        assert_eq!(Exchange::of(&[]), None);
        let found = [clocks(&exchange), seen(&exchange)];
        assert_eq!((worst(&found, "node: clock"), worst(&found, "node: lateness")), (Verdict::Warning, Verdict::Good));
    }

    #[test]
    fn what_a_node_sees_otherwise_is_a_problem_and_what_it_may_not_do_is_a_warning() {
        let node = NodeFacts {
            host: "n1".to_owned(),
            sees_ours: false,
            exclusive: false,
            renames: true,
            sync_ms: 1.0,
            may_submit: false,
            may_ask: true,
            said: Some("no".to_owned()),
        };
        let found = judge_node(&node, None);
        assert_eq!(
            (worst(&found, "node: directory"), worst(&found, "node: names")),
            (Verdict::Problem, Verdict::Problem)
        );
        assert_eq!((worst(&found, "node: renames"), worst(&found, "node: submits")), (Verdict::Good, Verdict::Warning));
    }
}
