//! Waves: which task groups go to which task of one submission.
//!
//! Line k of `launch/wave-N.tasks` holds the task groups of task k as ascending ranges, such as
//! `0-9,12`. So every submission, that of a resume included, is tasks 0 to m.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::fs;
use crate::id::GroupIndex;
use crate::layout::CampaignDir;

/// Tasks a worker slot gets on average: enough for an even end, few enough that starting a scorer costs nothing.
const TASKS_A_SLOT: u64 = 4;

/// Deals `missing` groups, in order, to at most `TASKS_A_SLOT` tasks a slot. Pure.
pub fn deal(missing: &BTreeSet<GroupIndex>, slots: u64) -> Vec<Vec<GroupIndex>> {
    let groups: Vec<GroupIndex> = missing.iter().copied().collect();
    let tasks = (slots.max(1) * TASKS_A_SLOT).min(groups.len() as u64).max(1) as usize;
    let (share, extra) = (groups.len() / tasks, groups.len() % tasks);
    let mut rest = groups.as_slice();
    let mut dealt = Vec::with_capacity(tasks);
    for task in 0..tasks {
        let (mine, others) = rest.split_at(share + usize::from(task < extra));
        dealt.push(mine.to_vec());
        rest = others;
    }
    dealt.retain(|groups| !groups.is_empty());
    dealt
}

/// Writes the tasks of wave `number`.
///
/// # Errors
/// The system refuses (exit 6).
pub fn write(dir: &CampaignDir, number: u64, tasks: &[Vec<GroupIndex>]) -> Result<()> {
    fs::create_dir(&dir.launch())?;
    let text: String = tasks.iter().map(|groups| ranges(groups) + "\n").collect();
    fs::replace(&dir.wave_tasks(number), text.as_bytes())
}

/// Reads the task groups of all tasks of wave `number`.
///
/// # Errors
/// There is no such wave, or its file is not one of ours (exit 2), or cannot be read (exit 6).
pub fn read(dir: &CampaignDir, number: u64) -> Result<Vec<Vec<GroupIndex>>> {
    let path = dir.wave_tasks(number);
    let bytes = fs::read_plain(&path).map_err(|e| Error::input(&path, &e))?;
    let text = String::from_utf8_lossy(&bytes);
    let bad = |line: usize| Error::usage(format!("`{}`, line {}: not a list of task groups", path.display(), line + 1));
    text.lines().enumerate().map(|(number, line)| parse(line).ok_or_else(|| bad(number))).collect()
}

fn ranges(groups: &[GroupIndex]) -> String {
    let mut parts = Vec::new();
    let mut rest = groups;
    while let Some(first) = rest.first() {
        let run = rest.iter().zip(first.0..).take_while(|(a, b)| a.0 == *b).count();
        parts.push(if run == 1 { first.0.to_string() } else { format!("{}-{}", first.0, first.0 + run as u64 - 1) });
        rest = &rest[run..];
    }
    parts.join(",")
}

/// A list longer than this is no list of ours.
const GROUPS_MAX: u64 = 10_000_000;

fn parse(line: &str) -> Option<Vec<GroupIndex>> {
    let mut groups: Vec<GroupIndex> = Vec::new();
    for part in line.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
        if last < first || last - first >= GROUPS_MAX || groups.last().is_some_and(|g| g.0 >= first) {
            return None;
        }
        groups.extend((first..=last).map(GroupIndex));
    }
    Some(groups)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_missing_group_is_dealt_once_and_survives_the_file(
            missing in proptest::collection::btree_set((0u64..500).prop_map(GroupIndex), 0..200),
            slots in 0u64..10,
        ) {
            let tasks = deal(&missing, slots);
            let all: Vec<GroupIndex> = tasks.iter().flatten().copied().collect();
            prop_assert_eq!(&all, &missing.iter().copied().collect::<Vec<_>>());
            for groups in &tasks {
                prop_assert_eq!(parse(&ranges(groups)), Some(groups.clone()));
            }
        }
    }

    #[test]
    fn a_line_that_is_no_list_is_refused() {
        for line in ["", "1-", "3-1", "1,1", "a", "0-99999999999", "2,1", " 1"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
