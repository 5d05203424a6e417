//! What rank 0 knows: which task groups nobody has yet, and which ranks have ended. Pure.
//!
//! Nothing of it is written down, and nothing needs to be: what was finished is in the receipts, what was begun in the
//! checkpoints, and what comes after this launch goes on from these.

use std::collections::{BTreeMap, VecDeque};

use super::message::End;
use crate::error::Kind;
use crate::id::GroupIndex;

/// The state of a launch.
#[derive(Debug)]
pub struct HandOut {
    left: VecDeque<GroupIndex>,
    ranks: u32,
    ended: BTreeMap<u32, End>,
    stopping: bool,
}

impl HandOut {
    /// Of `groups`, which are in the order in which they are worked on: the costliest first.
    pub fn new(groups: impl IntoIterator<Item = GroupIndex>, ranks: u32) -> Self {
        Self { left: groups.into_iter().collect(), ranks, ended: BTreeMap::new(), stopping: false }
    }

    /// The next task group for whoever asks; none when there is none left, or when all are to stop.
    pub fn give(&mut self) -> Option<GroupIndex> {
        if self.stopping { None } else { self.left.pop_front() }
    }

    /// Somebody wants it to stop; whether that is new.
    pub fn stop(&mut self) -> bool {
        !std::mem::replace(&mut self.stopping, true)
    }

    /// `rank` has ended; whether all others are to stop, since they would fail as it did. What a single node did says
    /// nothing about the others.
    pub fn ended(&mut self, rank: u32, end: End) -> bool {
        self.ended.insert(rank, end);
        matches!(end, End::Failed(exit) if exit != Kind::Environment.exit_code()) && self.stop()
    }

    /// Whether all ranks have ended.
    pub fn is_over(&self) -> bool {
        self.ended.len() as u64 >= u64::from(self.ranks)
    }

    /// The exit code of the launch: that of the program's failure before that of a node's, and either before a stop.
    pub fn exit(&self) -> u8 {
        let failed = |end: &End| if let End::Failed(exit) = end { Some(*exit) } else { None };
        let codes: Vec<u8> = self.ended.values().filter_map(failed).collect();
        let of_a_node = Kind::Environment.exit_code();
        if let Some(exit) = codes.iter().find(|exit| **exit != of_a_node).or(codes.first()) {
            return *exit;
        }
        let is_done = self.is_over() && self.left.is_empty() && self.ended.values().all(|end| *end == End::Done);
        if is_done { 0 } else { Kind::Stopped.exit_code() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hand_out(groups: u64, ranks: u32) -> HandOut {
        HandOut::new((0..groups).map(GroupIndex), ranks)
    }

    /// How long ranks are busy under costs that are handed out by `give`, and how long the last one is.
    fn busy(costs: &[u64], ranks: usize) -> u64 {
        let mut free = vec![0_u64; ranks];
        let mut out = hand_out(costs.len() as u64, ranks as u32);
        while let Some(group) = out.give() {
            let first = free.iter_mut().min().unwrap();
            *first += costs[group.0 as usize];
        }
        free.into_iter().max().unwrap()
    }

    proptest! {
        #[test]
        fn every_group_is_handed_out_once_in_its_order(groups in 0u64..200, asks in proptest::collection::vec(0u32..7, 0..300)) {
            let mut out = hand_out(groups, 7);
            let given: Vec<u64> = asks.iter().filter_map(|_| out.give()).map(|group| group.0).collect();
            prop_assert_eq!(given, (0..groups.min(asks.len() as u64)).collect::<Vec<_>>());
        }

        #[test]
        fn no_launch_is_longer_than_the_rule_of_the_longest_first_allows(
            mut costs in proptest::collection::vec(1u64..1000, 1..200), ranks in 1usize..9,
        ) {
            costs.sort_unstable_by(|a, b| b.cmp(a));
            let least = (costs.iter().sum::<u64>().div_ceil(ranks as u64)).max(costs[0]);
            // Graham 1969: 4/3 of the best; and no list is worse than what is ideal and one piece.
            prop_assert!(busy(&costs, ranks) <= least + costs[0]);
        }
    }

    #[test]
    fn a_launch_is_done_when_all_ranks_are_and_nothing_is_left() {
        let mut out = hand_out(2, 2);
        assert_eq!((out.give(), out.give(), out.give()), (Some(GroupIndex(0)), Some(GroupIndex(1)), None));
        assert!(!out.ended(1, End::Done) && !out.is_over());
        assert_eq!(out.exit(), 75, "rank 0 is at work");
        assert!(!out.ended(0, End::Done) && out.is_over());
        assert_eq!(out.exit(), 0);
    }

    #[test]
    fn after_a_stop_nothing_is_handed_out_and_the_end_is_at_a_checkpoint() {
        let mut out = hand_out(9, 2);
        out.give();
        assert!(out.stop() && !out.stop());
        assert_eq!(out.give(), None);
        out.ended(0, End::Done);
        out.ended(1, End::Stopped);
        assert_eq!(out.exit(), 75);
    }

    #[test]
    fn what_the_program_did_ends_all_and_what_a_node_did_does_not() {
        let mut out = hand_out(9, 3);
        assert!(!out.ended(1, End::Failed(6)));
        assert!(out.give().is_some(), "the others go on");
        assert_eq!(out.exit(), 6);
        assert!(out.ended(2, End::Failed(2)));
        assert_eq!((out.give(), out.exit()), (None, 2));
    }
}
