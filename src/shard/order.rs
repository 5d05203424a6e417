//! In which order task groups are worked on: the costliest first, and by lot among their like. Pure.
//!
//! The longest first, because what is long and comes last keeps everybody waiting (Graham 1969, the
//! rule of the longest processing time). By lot within a cost class, so that what a stopped campaign
//! has finished is a fair sample of the library and not its beginning.
//!
//! The lot is a sort by random keys (Knuth, The Art of Computer Programming 2, section 3.4.2): the key
//! of a group is a keyed BLAKE3 of its index, under a key that comes from the campaign seed. So it is
//! the same on every machine, and the order of any two groups does not depend on the others: what a
//! resume has left comes in the order that it would have had.

use super::plan::Plan;
use crate::digest;
use crate::id::GroupIndex;

/// Lots, drawn for one purpose under one campaign seed.
#[derive(Clone, Debug)]
pub struct Lot {
    key: [u8; 32],
}

impl Lot {
    /// The key is BLAKE3 of the purpose, a NUL, and the campaign seed (8 bytes, little-endian).
    pub fn new(purpose: &str, campaign_seed: u64) -> Self {
        let seed = campaign_seed.to_le_bytes();
        Self { key: digest::blake3(&[purpose.as_bytes(), b"\0", &seed].concat()).0 }
    }

    /// Where what has this index comes among its like.
    pub fn of(&self, index: u64) -> u64 {
        digest::keyed_u64(&self.key, &index.to_le_bytes())
    }
}

/// `groups` in the order in which they are worked on.
pub fn execution(plan: &Plan, campaign_seed: u64, groups: impl IntoIterator<Item = GroupIndex>) -> Vec<GroupIndex> {
    let lot = Lot::new("molsieve.order.v1", campaign_seed);
    let mut keyed: Vec<_> = groups.into_iter().map(|group| (plan.class(group), lot.of(group.0), group)).collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(.., group)| group).collect()
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

    proptest! {
        #[test]
        fn every_group_has_its_turn_once_and_the_costly_ones_come_first(
            class_of in proptest::collection::vec(0u8..3, 1..300), seed in 0u64..1 << 53,
        ) {
            let mut plan = plan(class_of.len() as u64);
            plan.classes = Some(Classes { core_ms: vec![40, 20, 10], of_group: class_of });
            let order = execution(&plan, seed, plan.all_groups());
            let mut sorted = order.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, plan.all_groups().collect::<Vec<_>>());
            prop_assert!(order.is_sorted_by_key(|group| plan.class(*group)));
        }

        #[test]
        fn what_is_left_comes_in_the_order_that_it_would_have_had(
            left in proptest::collection::btree_set((0u64..200).prop_map(GroupIndex), 0..100), seed: u64,
        ) {
            let mut whole = execution(&plan(200), seed, plan(200).all_groups());
            whole.retain(|group| left.contains(group));
            prop_assert_eq!(execution(&plan(200), seed, left), whole);
        }
    }

    #[test]
    fn the_order_is_the_same_everywhere() {
        let order: Vec<u64> = execution(&plan(10), 7, plan(10).all_groups()).iter().map(|g| g.0).collect();
        assert_eq!(order, [2, 1, 4, 5, 0, 3, 9, 7, 6, 8], "as `b3sum --keyed` gives it");
    }

    /// Where the `share` of groups that come first lie: how many in each tenth of the library.
    fn tenths(groups: u64, seed: u64, first: usize) -> [usize; 10] {
        let mut tenths = [0; 10];
        for group in execution(&plan(groups), seed, plan(groups).all_groups()).into_iter().take(first) {
            tenths[(group.0 * 10 / groups) as usize] += 1;
        }
        tenths
    }

    #[test]
    fn what_comes_first_is_spread_over_the_whole_library() {
        // 200 of 1000 groups, ten tenths: 20 are expected in each, and chi squared has 9 degrees of freedom.
        // Drawn without replacement the statistic is smaller by (1000 - 200) / 999. Each seed is a fixed draw.
        let mut over = 0;
        for seed in 0..100 {
            let statistic: f64 =
                tenths(1000, seed, 200).iter().map(|n| (*n as f64 - 20.0).powi(2) / 20.0).sum::<f64>() * 999.0 / 800.0;
            assert!(statistic < 33.7, "seed {seed}: {statistic} is beyond the 99.99th percentile");
            over += usize::from(statistic > 16.92);
        }
        assert!(over <= 12, "{over} of 100 seeds are beyond the 95th percentile");
    }
}
