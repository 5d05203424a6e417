//! What a pool has, read from `condor_status`.

use std::collections::{BTreeMap, BTreeSet};

use super::answers;
use crate::adapter::AdapterError;
use crate::command::{Call, Said};
use crate::text::Value;

/// What each row begins with, so that a banner is none.
const MARK: &str = "molsieve-node";

/// Nodes of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nodes {
    /// Their file system domain: those of the access point's see its files.
    pub file_system: String,
    /// How many there are.
    pub count: u64,
    /// Cores of one.
    pub cores: u64,
    /// Memory of one, in MiB.
    pub memory_mib: u64,
    /// GPUs of one.
    pub gpus: u64,
}

/// Asks for all nodes; [`parse`] reads the answer.
pub fn ask() -> Call {
    let columns = [
        "\"molsieve-node\"",
        "Machine",
        "FileSystemDomain",
        "DetectedCpus",
        "DetectedMemory",
        "TotalGPUs ?: 0",
        "\"end\"",
    ];
    let argv = ["condor_status", "-constraint", "SlotType =!= \"Dynamic\"", "-af:t"].into_iter().chain(columns);
    Call::new(argv)
}

/// Reads the answer to [`ask`]: a row a slot, of which a node may have several.
///
/// # Errors
/// There is none, or it is not one ([`AdapterError`]).
pub fn parse(said: &Said) -> Result<Vec<Nodes>, AdapterError> {
    if !said.is_ok() {
        return Err(answers::refusal(said));
    }
    let mut seen = BTreeSet::new();
    let mut kinds: BTreeMap<(String, u64, u64, u64), u64> = BTreeMap::new();
    for line in said.stdout.lines().filter(|line| line.starts_with(MARK)) {
        let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
        let [_, machine, domain, cores, memory, gpus, "end"] = cells[..] else { continue };
        if Value::new(domain).is_none() || !seen.insert(machine.to_owned()) {
            continue;
        }
        let number = |text: &str| text.parse::<u64>().unwrap_or(0);
        *kinds.entry((domain.to_owned(), number(cores), number(memory), number(gpus))).or_default() += 1;
    }
    let kind = |((file_system, cores, memory_mib, gpus), count)| Nodes { file_system, count, cores, memory_mib, gpus };
    Ok(kinds.into_iter().map(kind).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_counted_once_by_kind_and_what_is_no_row_is_none() {
        let row = |machine: &str, domain: &str| format!("molsieve-node\t{machine}\t{domain}\t8\t16000\t0\tend\n");
        let stdout =
            ["Welcome\n".to_owned(), row("n1", "a"), row("n1", "a"), row("n2", "a"), row("n3", "b"), row("n4", "b c")];
        let said = Said { code: Some(0), stdout: stdout.concat(), stderr: String::new() };
        let counts: Vec<(String, u64)> = parse(&said).unwrap().into_iter().map(|n| (n.file_system, n.count)).collect();
        assert_eq!(counts, [("a".to_owned(), 2), ("b".to_owned(), 1)]);
    }
}
