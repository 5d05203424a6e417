//! Whatever the interleaving, the batches, the deaths, the stops and the twins: the sealed rows are the same.

use molsieve::scorer::Ended;
use proptest::prelude::*;

use crate::support::memory_pool::{Fate, MemoryPool, dies};
use crate::support::sealed_groups::row;
use crate::support::workshop::Workshop;

/// One attempt: its seed, its batch, how much more than that it has in flight, and how it ends.
type Attempt = (u64, usize, usize, Fate);

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    let fate = prop_oneof![(0usize..150).prop_map(Fate::Stop), (0usize..150).prop_map(Fate::Die)];
    proptest::collection::vec((any::<u64>(), 1usize..40, 0usize..80, fate), 0..5)
}

fn pool((seed, batch, more, fate): Attempt) -> MemoryPool<'static> {
    MemoryPool::new(row).shuffled(seed).sizes(batch, batch + more).fated(fate)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_sealed_rows_are_those_of_one_quiet_attempt(
        records in 1u64..300,
        group_records in 1u64..120,
        attempts in attempts(),
        held_back in proptest::collection::btree_set(0u64..300, 0..4),
        last in any::<u64>(),
    ) {
        let shop = Workshop::new(records, group_records);
        let mut died = false;
        for (number, attempt) in (1..).zip(attempts) {
            let mut pool = pool(attempt).holding_back(held_back.iter().copied());
            let ended = std::cell::Cell::new(None);
            let is_dead = dies(|| ended.set(Some(shop.work(number, &mut pool).unwrap())));
            prop_assert!(is_dead || ended.get().is_some());
            prop_assert!(died || pool.asked(true).is_empty(), "isolated although nobody died");
            died |= is_dead;
        }
        let mut pool = pool((last, 7, 13, Fate::Finish)).holding_back(held_back);
        prop_assert_eq!(shop.work(99, &mut pool).unwrap(), Ended::Done);
        shop.is_sealed_with(row);
    }

    #[test]
    fn twins_that_die_and_stop_at_any_time_do_no_harm(
        records in 1u64..200,
        group_records in 1u64..120,
        twin in (any::<u64>(), 1usize..40, 0usize..80, prop_oneof![Just(Fate::Finish), (0usize..99).prop_map(Fate::Die)]),
        first in (any::<u64>(), 1usize..40, 0usize..80, Just(Fate::Finish)),
        when in 0usize..150,
    ) {
        let shop = Workshop::new(records, group_records);
        let work = || { dies(|| shop.work(2, &mut pool(twin)).unwrap()); };
        prop_assert_eq!(shop.work(1, &mut pool(first).meanwhile(when, work)).unwrap(), Ended::Done);
        shop.is_sealed_with(row);
    }
}
