//! What a cluster says of itself, for somebody who looks before depending on it.

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use serde::Deserialize;

use super::Client;
use super::answers;
use crate::adapter::AdapterError;

/// So many nodes are asked for; a Jobs API shows no more at a time.
const NODES_MAX: u32 = 10_000;

/// How long it is waited for somebody who listens.
const KNOCK: Duration = Duration::from_secs(3);

/// The cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The version of Ray.
    pub version: String,
    /// Whether it wants a token: whoever asks without one is refused.
    pub wants_token: bool,
    /// The nodes that live; none where the head does not say.
    pub nodes: Option<Vec<Node>>,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its address, as Ray's own processes use it.
    pub address: String,
    /// Whether it is the head.
    pub is_head: bool,
    /// Cores that tasks may have.
    pub cpus: u64,
    /// GPUs that tasks may have.
    pub gpus: u64,
    /// Memory that tasks may have, in MiB.
    pub memory_mib: u64,
}

#[derive(Deserialize)]
struct Version {
    ray_version: String,
}

/// The state API puts what it has to say into three envelopes.
#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

#[derive(Deserialize)]
struct Inner<T> {
    result: T,
}

#[derive(Deserialize)]
struct Row {
    node_name: Option<String>,
    node_ip: String,
    #[serde(default)]
    is_head_node: bool,
    state: String,
    #[serde(default)]
    resources_total: Resources,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resources {
    #[serde(rename = "CPU")]
    cpus: f64,
    #[serde(rename = "GPU")]
    gpus: f64,
    memory: f64,
}

/// The version of the cluster of `client`: the least that can be asked with a token.
///
/// # Errors
/// It does not answer, takes no such token, or is no Ray.
pub fn version(client: &Client) -> Result<String, AdapterError> {
    let answer = client.get("/api/version")?;
    answers::expect_ok(&answer)?;
    let said: Version = answers::read(&answer, "a version of Ray")?;
    Ok(said.ray_version.chars().filter(|c| !c.is_control()).take(40).collect())
}

/// What the cluster of `client` says of itself.
///
/// # Errors
/// As [`version`].
pub fn ask(client: &Client) -> Result<Facts, AdapterError> {
    let version = version(client)?;
    let unasked = client.clone().anonymous().get("/api/jobs/")?;
    let wants_token = matches!(unasked.status, 401 | 403);
    Ok(Facts { version, wants_token, nodes: nodes(client).ok() })
}

fn nodes(client: &Client) -> Result<Vec<Node>, AdapterError> {
    let answer = client.get(&format!("/api/v0/nodes?detail=1&limit={NODES_MAX}"))?;
    answers::expect_ok(&answer)?;
    let said: Envelope<Inner<Inner<Vec<Row>>>> = answers::read(&answer, "a list of nodes")?;
    let living = said.data.result.result.into_iter().filter(|row| row.state == "ALIVE");
    Ok(living.map(node).collect())
}

fn node(row: Row) -> Node {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    let whole = |amount: f64| amount.max(0.0) as u64;
    let Resources { cpus, gpus, memory } = row.resources_total;
    let name = row.node_name.unwrap_or_else(|| row.node_ip.clone());
    Node {
        name: name.chars().filter(|c| !c.is_control()).take(80).collect(),
        address: row.node_ip,
        is_head: row.is_head_node,
        cpus: whole(cpus),
        gpus: whole(gpus),
        memory_mib: whole(memory) >> 20,
    }
}

/// Whether somebody listens at `port` of the address `ip`, as far as this machine can reach it. Nothing is said to them.
pub fn listens(ip: &str, port: u16) -> bool {
    let Ok(ip) = ip.parse::<IpAddr>() else { return false };
    TcpStream::connect_timeout(&SocketAddr::new(ip, port), KNOCK).is_ok()
}
