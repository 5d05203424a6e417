//! Waves: which task groups go to which task of one submission.
//!
//! Line k of `launch/wave-N.tasks` holds the task groups of task k in the order in which they are worked
//! on, such as `12,0-9,4`; a range is in ascending order. So every submission, that of a resume
//! included, is tasks 0 to m.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::fs;
use crate::id::GroupIndex;
use crate::layout::CampaignDir;
use crate::shard::order;
use crate::shard::plan::Plan;

/// Tasks a worker slot gets on average: enough for an even end, few enough that starting a scorer costs nothing.
const TASKS_A_SLOT: u64 = 4;

/// How many tasks `groups` task groups make for `slots` workers.
pub fn tasks(groups: u64, slots: u64) -> u64 {
    slots.max(1).saturating_mul(TASKS_A_SLOT).min(groups)
}

/// Deals `missing` groups to at most `tasks` tasks, in the order of [`order::execution`]. Pure.
///
/// Tasks hold neighbours of that order and weigh about the same: a few costly groups, or many cheap ones.
pub fn deal(plan: &Plan, campaign_seed: u64, missing: &BTreeSet<GroupIndex>, tasks: u64) -> Vec<Vec<GroupIndex>> {
    let order = order::execution(plan, campaign_seed, missing.iter().copied());
    let count = tasks.max(1).min(order.len() as u64) as usize;
    let mut left: u128 = order.iter().map(|group| u128::from(plan.weight(*group))).sum();
    let mut rest = order.as_slice();
    let mut dealt = Vec::with_capacity(count);
    for open in (1..=count).rev() {
        // An equal part of what is left; but one group at least, and one at least for each later task.
        let most = rest.len() - (open - 1);
        let (mut taken, mut weight) = (0, 0);
        while taken < most {
            let next = u128::from(plan.weight(rest[taken]));
            // A group that would be more than half outside belongs to the next task.
            if taken > 0 && open > 1 && (2 * weight + next) * open as u128 > 2 * left {
                break;
            }
            weight += next;
            taken += 1;
        }
        let (mine, others) = rest.split_at(taken);
        dealt.push(mine.to_vec());
        left -= weight;
        rest = others;
    }
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

/// The numbers of `groups`, as a line of the file has them.
pub fn ranges(groups: &[GroupIndex]) -> String {
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
    let (mut groups, mut known) = (Vec::new(), BTreeSet::new());
    for part in line.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
        if last < first || last - first >= GROUPS_MAX - groups.len() as u64 {
            return None;
        }
        for group in (first..=last).map(GroupIndex) {
            groups.push(group);
            if !known.insert(group) {
                return None;
            }
        }
    }
    Some(groups)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::shard::plan::Classes;
    use proptest::prelude::*;

    fn plan(groups: u64) -> Plan {
        Plan::new(Digest::default(), groups, 1).unwrap()
    }

    fn set(groups: impl IntoIterator<Item = u64>) -> BTreeSet<GroupIndex> {
        groups.into_iter().map(GroupIndex).collect()
    }

    proptest! {
        #[test]
        fn every_missing_group_is_dealt_once_in_its_order_and_survives_the_file(
            missing in proptest::collection::btree_set((0u64..500).prop_map(GroupIndex), 0..200),
            slots in 0u64..10,
            seed in 0u64..1 << 53,
            class_of in proptest::collection::vec(0u8..3, 500..=500),
        ) {
            let mut plan = plan(500);
            plan.classes = Some(Classes { core_ms: vec![4000, 1900, 7], of_group: class_of });
            let tasks = deal(&plan, seed, &missing, super::tasks(missing.len() as u64, slots));
            let all: Vec<GroupIndex> = tasks.iter().flatten().copied().collect();
            prop_assert_eq!(&all, &order::execution(&plan, seed, missing.iter().copied()));
            prop_assert_eq!(all.into_iter().collect::<BTreeSet<_>>(), missing.clone());
            prop_assert_eq!(tasks.len() as u64, super::tasks(missing.len() as u64, slots));
            for groups in &tasks {
                prop_assert!(!groups.is_empty());
                prop_assert_eq!(parse(&ranges(groups)), Some(groups.clone()));
            }
        }

        #[test]
        fn tasks_without_a_pilot_differ_by_one_group_at_most(groups in 1u64..500, slots in 1u64..20) {
            let tasks = deal(&plan(groups), 1, &set(0..groups), super::tasks(groups, slots));
            let sizes: Vec<usize> = tasks.iter().map(Vec::len).collect();
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{:?}", sizes);
        }
    }

    #[test]
    fn a_costly_group_has_a_task_of_its_own_and_comes_first() {
        let mut plan = plan(100);
        let of_group = (0..100).map(|group| u8::from(group != 42)).collect();
        plan.classes = Some(Classes { core_ms: vec![1000, 10], of_group });
        let tasks = deal(&plan, 1, &set(0..100), 4);
        assert_eq!(tasks[0], [GroupIndex(42)]);
        assert_eq!(tasks.iter().map(Vec::len).collect::<Vec<_>>(), [1, 33, 33, 33]);
    }

    #[test]
    fn the_ascending_lists_of_earlier_versions_are_read() {
        assert_eq!(parse("0-2,12"), Some([0, 1, 2, 12].map(GroupIndex).to_vec()));
    }

    #[test]
    fn a_line_that_is_no_list_is_refused() {
        for line in ["", "1-", "3-1", "1,1", "a", "0-99999999999", "2,0-4", " 1"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
