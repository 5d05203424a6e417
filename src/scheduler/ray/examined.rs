//! What a Ray cluster is, and what to do about it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use molsieve_adapters::ray::facts::{self, Facts, Node};
use molsieve_adapters::ray::{Address, token::Token};

use super::{client, no, token};
use crate::campaign::scheduler::Cluster;
use crate::doctor::cluster::{ClusterFacts, PartitionFacts};
use crate::doctor::profile::quoted;
use crate::doctor::{Finding, Verdict};
use crate::error::Result;
use crate::scheduler::Examined;

/// The first version that has tokens.
const WITH_TOKENS: (u32, u32) = (2, 52);

/// See [`Binding::examine`](crate::scheduler::Binding::examine).
pub(super) fn examine(cluster: &Cluster) -> Result<Examined> {
    let client = client(cluster)?;
    let said = facts::ask(&client).map_err(|e| no(&client, &e))?;
    let address = client.address();
    let beyond = beyond(address, said.nodes.as_deref());
    let findings = judge(&said, address, beyond, token(cluster)?.as_ref());
    Ok(Examined { findings, profile: profile(cluster, address), facts: told(&said, address) })
}

/// The address at which the Jobs API listens beyond its own machine, as far as it can be reached from here.
fn beyond(address: &Address, nodes: Option<&[Node]>) -> Option<String> {
    if !address.is_here() {
        return Some(address.to_string());
    }
    let head = nodes?.iter().find(|node| node.is_head)?;
    // (The address of a cluster that is on this machine alone is no way in from elsewhere.)
    if head.address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()) {
        return None;
    }
    // (A port of the tunnel may be another's there: then nobody listens, and nothing is said.)
    facts::listens(&head.address, address.port()).then(|| format!("{}:{}", head.address, address.port()))
}

fn judge(said: &Facts, address: &Address, beyond: Option<String>, token: Option<&Token>) -> Vec<Finding> {
    let Facts { version, wants_token, nodes } = said;
    let mut found = vec![match number(version) {
        Some(number) if number < WITH_TOKENS => {
            Finding::new("version", Verdict::Warning, format!("Ray {version}, which knows no tokens"))
                .hint("2.52 and later do; this was tried with 2.60")
        }
        _ => Finding::new("version", Verdict::Good, format!("Ray {version}")),
    }];
    found.push(match (wants_token, token.is_some()) {
        (true, _) => Finding::new("token", Verdict::Good, "it is wanted, and yours is taken"),
        (false, has_one) => {
            let more = if has_one { "; yours is sent, and not looked at" } else { "" };
            let what = format!("none is wanted: whoever reaches {address} runs what they like{more}");
            Finding::new("token", Verdict::Warning, what).hint("`RAY_AUTH_MODE=token` on all nodes makes Ray want one")
        }
    });
    found.push(match beyond {
        None => Finding::new("Jobs API", Verdict::Good, format!("{address}; not seen to listen beyond its machine")),
        Some(_) if address.is_https() => Finding::new("Jobs API", Verdict::Good, format!("{address}, encrypted")),
        Some(at) => {
            let verdict = if *wants_token { Verdict::Info } else { Verdict::Warning };
            Finding::new("Jobs API", verdict, format!("it listens at {at}, beyond the head, and is not encrypted"))
                .hint("`--dashboard-host=127.0.0.1` keeps it on the head; a tunnel or `https` reaches it there")
        }
    });
    match nodes {
        None => found.push(Finding::new("nodes", Verdict::Info, "the head does not say which there are")),
        Some(nodes) if nodes.iter().all(|node| node.cpus == 0) => found.push(
            Finding::new("nodes", Verdict::Warning, "none has a core for tasks now")
                .hint("tasks wait until `ray start --address=…` brings one, or an autoscaler does"),
        ),
        Some(nodes) => found.extend(kinds(nodes).iter().map(|kind| {
            let PartitionFacts { nodes, cores, memory_mib, gres, .. } = kind;
            let gres = gres.as_ref().map_or_else(String::new, |gres| format!(", {gres}"));
            let what = format!("{nodes} × {cores} cores, {memory_mib} MiB for tasks{gres}; no time limit");
            Finding::new("nodes", Verdict::Good, what)
        })),
    }
    found
}

/// `2.60.0` as its first two numbers.
fn number(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

/// Nodes that have cores for tasks, those that are alike in one row.
fn kinds(nodes: &[Node]) -> Vec<PartitionFacts> {
    // (Memory differs by some MiB from start to start: the least is told.)
    let mut alike: BTreeMap<(u64, u64), (u64, u64)> = BTreeMap::new();
    for node in nodes.iter().filter(|node| node.cpus > 0) {
        let (count, memory_mib) = alike.entry((node.cpus, node.gpus)).or_insert((0, u64::MAX));
        (*count, *memory_mib) = (*count + 1, node.memory_mib.min(*memory_mib));
    }
    let row = |((cores, gpus), (nodes, memory_mib))| PartitionFacts {
        name: "nodes".to_owned(),
        default: true,
        up: true,
        time_limit_s: None,
        nodes,
        cores,
        memory_mib,
        gres: (gpus > 0).then(|| format!("{gpus} GPUs")),
    };
    alike.into_iter().map(row).collect()
}

fn told(said: &Facts, address: &Address) -> ClusterFacts {
    ClusterFacts {
        cluster: Some(address.to_string()),
        version: Some(said.version.clone()),
        partitions: kinds(said.nodes.as_deref().unwrap_or_default()),
        ..ClusterFacts::default()
    }
}

/// Lines of `[scheduler]`. The token is not among them.
fn profile(cluster: &Cluster, address: &Address) -> Vec<String> {
    let word = |key: &str| cluster.words.get(key);
    let mut lines = vec![
        "# Where its Jobs API is. From another machine, a tunnel to it has an address here too.".to_owned(),
        format!("address = {}", quoted(&address.to_string())),
        "# The file that holds the token, yours alone (`chmod 600`); else Ray's own variables are heard.".to_owned(),
    ];
    lines.push(match word("token_file") {
        Some(path) => format!("token_file = {}", quoted(path)),
        None => "# token_file = \"/secure/me/.ray/auth_token\"".to_owned(),
    });
    lines.extend(word("ca_file").map(|path| format!("ca_file = {}", quoted(path))));
    lines.extend(word("allow_http").map(|flag| format!("allow_http = {flag}")));
    lines.push("# The Python of the head that has Ray.".to_owned());
    lines.push(match word("python") {
        Some(python) => format!("python = {}", quoted(python)),
        None => "# python = \"python3\"".to_owned(),
    });
    lines
}

#[cfg(test)]
mod tests {
    use molsieve_adapters::ray::Plain;

    use super::*;

    fn judged(wants_token: bool, beyond: Option<&str>) -> Vec<Finding> {
        let node = |is_head, cpus| Node {
            name: "n".to_owned(),
            address: "10.0.0.1".to_owned(),
            is_head,
            cpus,
            gpus: 0,
            memory_mib: 8200,
        };
        let nodes = Some(vec![node(true, 0), node(false, 4), node(false, 4)]);
        let said = Facts { version: "2.60.0".to_owned(), wants_token, nodes };
        let address = Address::parse("http://127.0.0.1:8265", Plain::Refused).unwrap();
        judge(&said, &address, beyond.map(str::to_owned), None)
    }

    #[test]
    fn a_cluster_that_wants_no_token_and_listens_to_all_is_warned_of() {
        let verdicts = |found: Vec<Finding>| found.iter().map(|f| f.verdict).collect::<Vec<_>>();
        assert_eq!(verdicts(judged(true, None)), [Verdict::Good; 4]);
        let open = judged(false, Some("10.0.0.1:8265"));
        assert_eq!((open[1].verdict, open[2].verdict), (Verdict::Warning, Verdict::Warning), "{open:?}");
        assert!(open[2].what.contains("10.0.0.1:8265") && open[3].what.starts_with("2 × 4 cores"), "{open:?}");
    }

    #[test]
    fn a_cluster_on_this_machine_alone_is_not_said_to_listen_beyond_it() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let at = format!("http://{}", listener.local_addr().unwrap());
        let address = Address::parse(&at, Plain::Refused).unwrap();
        let head = Node {
            name: "head".to_owned(),
            address: "127.0.0.1".to_owned(),
            is_head: true,
            cpus: 0,
            gpus: 0,
            memory_mib: 0,
        };
        assert_eq!(beyond(&address, Some(&[head])), None);
    }

    #[test]
    fn a_version_without_tokens_is_known() {
        assert!(number("2.51.1").unwrap() < WITH_TOKENS && number("2.60.0").unwrap() >= WITH_TOKENS);
        assert!(number("3.0.0rc1").unwrap() > WITH_TOKENS && number("nightly").is_none());
    }
}
