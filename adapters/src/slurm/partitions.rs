//! What a cluster has, read from `sinfo`.

use crate::adapter::AdapterError;
use crate::command::{Call, Said};

use super::answers;

/// Nodes of one kind in one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The partition's name.
    pub name: String,
    /// Whether jobs go there that name none.
    pub default: bool,
    /// Whether it takes jobs and starts them.
    pub up: bool,
    /// The longest time limit, in seconds; none if there is none.
    pub time_limit_s: Option<u64>,
    /// Nodes of this kind.
    pub nodes: u64,
    /// Cores of one.
    pub cores: u64,
    /// Memory of one, in MiB.
    pub memory_mib: u64,
    /// Generic resources of one, such as `gpu:a100:4`, in the site's words.
    pub gres: Option<String>,
}

/// Asks for all partitions; [`parse`] reads the answer.
pub fn ask() -> Call {
    Call::new(["sinfo", "--noheader", "--format=%P|%a|%l|%D|%c|%m|%G"])
}

/// Reads the answer to [`ask`].
///
/// # Errors
/// There is none, or it is not one ([`AdapterError`]).
pub fn parse(said: &Said) -> Result<Vec<Partition>, AdapterError> {
    if !said.is_ok() {
        return Err(answers::refusal(said));
    }
    let rows = said.stdout.lines().filter(|line| line.contains('|'));
    let cut = |line: &str| AdapterError::Unparsed(format!("`sinfo` answered with part of a line: `{line}`"));
    rows.map(|line| row(line).ok_or_else(|| cut(line.trim()))).collect()
}

fn row(line: &str) -> Option<Partition> {
    let cells: Vec<&str> = line.trim().split('|').collect();
    let [name, up, limit, nodes, cores, memory, gres] = cells.as_slice() else { return None };
    // A plus says that some nodes have more.
    let number = |cell: &str| cell.trim_end_matches('+').parse().ok();
    Some(Partition {
        name: name.trim_end_matches('*').to_owned(),
        default: name.ends_with('*'),
        up: *up == "up",
        time_limit_s: seconds(limit),
        nodes: number(nodes)?,
        cores: number(cores)?,
        memory_mib: number(memory)?,
        gres: Some((*gres).to_owned()).filter(|gres| !["(null)", "N/A", ""].contains(&gres.as_str())),
    })
}

/// `[days-][hours:]minutes:seconds` in seconds; what is no such thing, as `infinite`, is none.
fn seconds(text: &str) -> Option<u64> {
    let (days, rest) = text.split_once('-').map_or((0, text), |(days, rest)| (days.parse().unwrap_or(0), rest));
    let parts: Vec<u64> = rest.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let of_day = match parts.as_slice() {
        [minutes] => minutes * 60,
        [minutes, seconds] => minutes * 60 + seconds,
        [hours, minutes, seconds] => (hours * 60 + minutes) * 60 + seconds,
        _ => return None,
    };
    Some(days * 86_400 + of_day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Said {
        Said { code: Some(0), stdout: text.to_owned(), stderr: String::new() }
    }

    #[test]
    fn partitions_are_read_with_what_their_nodes_have() {
        let found =
            parse(&said("Welcome!\nbatch*|up|infinite|2|8|4000|(null)\ngpu|down|2-12:00:00|1|64+|515000|gpu:a100:4\n"));
        let found = found.unwrap();
        assert_eq!((found[0].name.as_str(), found[0].default, found[0].time_limit_s), ("batch", true, None));
        let gpu = &found[1];
        assert_eq!((gpu.up, gpu.time_limit_s, gpu.cores), (false, Some(216_000), 64));
        assert_eq!((gpu.memory_mib, gpu.gres.as_deref()), (515_000, Some("gpu:a100:4")));
    }

    #[test]
    fn time_limits_are_written_in_four_ways() {
        let all = ["30", "30:00", "1:00:00", "1-00:00:00", "infinite", "n/a"].map(seconds);
        assert_eq!(all, [Some(1800), Some(1800), Some(3600), Some(86_400), None, None]);
    }

    #[test]
    fn part_of_a_line_is_no_answer() {
        assert!(matches!(parse(&said("batch*|up|inf")), Err(AdapterError::Unparsed(_))));
    }
}
