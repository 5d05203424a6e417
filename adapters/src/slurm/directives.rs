//! Which options of sbatch a site may say itself, and what to use instead of the others.
//!
//! Refused is what molsieve writes itself, what would contradict that, and what would change what its commands answer. Each
//! option of `sbatch --help` was gone through (22.05, and what later versions added); what has no line here is a matter
//! between the site and its jobs.

/// Options that a site cannot say, and what it says instead.
pub const REFUSED: &[(&str, &str)] = &[
    // What molsieve writes.
    ("array", "`scheduler.tasks` says how many tasks there are, `scheduler.running` how many run at a time"),
    ("begin", "it is written by molsieve itself; `scheduler.look` says when a look begins"),
    ("chdir", "it is written by molsieve itself: a task works in the campaign directory"),
    ("comment", "it is written by molsieve itself: jobs are found again by it"),
    ("cpus-per-task", "`resources.cpus` says it"),
    ("dependency", "it is written by molsieve itself: a tick waits for its wave"),
    ("error", "it is written by molsieve itself: `molsieve logs` reads what tasks print"),
    (
        "exclude",
        "it is written by molsieve itself, for nodes on which tasks kept failing; `scheduler.constraint` or `scheduler.reservation` names nodes that are fit",
    ),
    ("export", "`scheduler.export` lists what goes along"),
    ("input", "it is written by molsieve itself: a task reads nothing"),
    ("job-name", "it is written by molsieve itself: jobs are found again by it"),
    ("kill-on-invalid-dep", "it is written by molsieve itself"),
    ("mem", "`resources.memory` says it"),
    ("nodes", "it is written by molsieve itself: how many there are follows from what a task asks for"),
    ("no-requeue", "`--requeue` is written by molsieve itself: a task that is begun again goes on from its checkpoint"),
    ("ntasks", "it is written by molsieve itself: `resources.cpus` gives a task more cores"),
    ("open-mode", "it is written by molsieve itself: a task that is begun again goes on with its log"),
    ("output", "it is written by molsieve itself: `molsieve logs` reads what tasks print"),
    ("requeue", "it is written by molsieve itself"),
    ("signal", "`scheduler.signal_before` says how long before its end a task is told"),
    ("time", "`resources.walltime` says it"),
    // What has a key.
    ("account", "`scheduler.account` says it"),
    ("constraint", "`scheduler.constraint` says it"),
    ("licenses", "`scheduler.licenses` says it"),
    ("mail-user", "`scheduler.mail` says it"),
    ("partition", "`scheduler.partition` says it"),
    ("qos", "`scheduler.qos` says it"),
    ("reservation", "`scheduler.reservation` says it"),
    // What contradicts that.
    ("cluster-constraint", ELSEWHERE),
    ("clusters", ELSEWHERE),
    ("container", "`scorer.container` says in which container the scorer runs; the worker itself runs in none"),
    ("container-id", "`scorer.container` says in which container the scorer runs; the worker itself runs in none"),
    ("cpus-per-gpu", "`resources.cpus` says how many cores a task gets"),
    ("export-file", "`scheduler.export` lists what goes along"),
    ("get-user-env", "`scheduler.export` lists what goes along, and `scheduler.modules` what is loaded"),
    ("gid", ONESELF),
    ("hold", "leave it away: a task that is held waits for somebody, and with it its wave"),
    ("jobid", "leave it away: jobs are found again by their names"),
    ("mem-per-cpu", "`resources.memory` says what a task gets"),
    ("mem-per-gpu", "`resources.memory` says what a task gets"),
    ("mincpus", "`resources.cpus` says how many cores a task gets"),
    ("no-kill", "leave it away: a task whose node is lost has to end, so that another takes its place"),
    ("nodefile", NODES),
    ("nodelist", NODES),
    ("ntasks-per-gpu", RANKS),
    ("ntasks-per-node", A_NODE),
    ("tasks-per-node", A_NODE),
    ("time-min", "`resources.walltime` says the time limit, and a worker counts on it"),
    ("tres-per-task", "`[resources]` says what a task gets"),
    ("uid", ONESELF),
    ("workdir", "it is written by molsieve itself: a task works in the campaign directory"),
    // What changes the command and its answer, and says nothing of a job.
    ("help", COMMAND),
    ("parsable", COMMAND),
    ("quiet", COMMAND),
    ("test-only", "`molsieve plan --test-only` asks when the tasks would start"),
    ("usage", COMMAND),
    ("verbose", COMMAND),
    ("version", COMMAND),
    ("wait", "leave it away: `molsieve run` waits, and `molsieve submit` does not"),
    ("wrap", "`scheduler.template` names a batch script of your own"),
];

/// What a task of many processes is.
const RANKS: &str =
    "leave it away: `scheduler.ranks` says how many processes a task has, and `resources.cpus` how many cores each";

const A_NODE: &str = "`scheduler.ranks_per_node` says how many of `scheduler.ranks` a node takes";

const ELSEWHERE: &str = "run molsieve on a machine of the cluster that is meant, or with `--on` from elsewhere: jobs are asked about, and cancelled, where they were submitted";
const ONESELF: &str = "leave it away: jobs are one's own; run molsieve as the user that is meant";
const NODES: &str = "`scheduler.constraint` or `scheduler.reservation` names nodes that are fit: with a list a task would have all of its nodes, and every task the same";
const COMMAND: &str = "leave it away: molsieve itself calls the command and reads its answer";

/// The options that have a letter, by that letter.
const LETTERS: &[(char, &str)] = &[
    ('a', "array"),
    ('A', "account"),
    ('b', "begin"),
    ('B', "extra-node-info"),
    ('c', "cpus-per-task"),
    ('C', "constraint"),
    ('d', "dependency"),
    ('D', "chdir"),
    ('e', "error"),
    ('F', "nodefile"),
    ('G', "gpus"),
    ('h', "help"),
    ('H', "hold"),
    ('i', "input"),
    ('J', "job-name"),
    ('k', "no-kill"),
    ('L', "licenses"),
    ('m', "distribution"),
    ('M', "clusters"),
    ('n', "ntasks"),
    ('N', "nodes"),
    ('o', "output"),
    ('O', "overcommit"),
    ('p', "partition"),
    ('q', "qos"),
    ('Q', "quiet"),
    ('s', "oversubscribe"),
    ('S', "core-spec"),
    ('t', "time"),
    ('v', "verbose"),
    ('V', "version"),
    ('w', "nodelist"),
    ('W', "wait"),
    ('x', "exclude"),
];

/// Options that ask for GPUs, or may: beside `resources.gpus` the last one of them alone counts.
pub const GPUS: &[&str] = &["gres", "gpus", "gpus-per-node", "gpus-per-socket", "gpus-per-task"];

/// The option that a name stands for, and what to use instead, if it is refused. sbatch takes every unambiguous beginning of
/// a name.
pub fn instead(name: &str) -> Option<(&'static str, &'static str)> {
    let exact = REFUSED.iter().find(|(refused, _)| *refused == name);
    exact.or_else(|| REFUSED.iter().find(|(refused, _)| refused.starts_with(name))).copied()
}

/// The long name of the option with this letter.
pub fn long(letter: char) -> Option<&'static str> {
    LETTERS.iter().find(|(known, _)| *known == letter).map(|(_, name)| *name)
}
