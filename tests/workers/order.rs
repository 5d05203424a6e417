//! Rows come in any order, and leave in the order of the records.

use molsieve::scorer::{Ended, PoolFacts};

use crate::support::memory_pool::MemoryPool;
use crate::support::sealed_groups::row;
use crate::support::workshop::{GROUP, Workshop};

#[test]
fn rows_in_order_are_sealed_in_order() {
    let shop = Workshop::new(100, 30);
    let mut pool = MemoryPool::new(row);
    assert_eq!(shop.work(1, &mut pool).unwrap(), Ended::Done);
    shop.is_sealed_with(row);
    assert_eq!(pool.asked(false), (0..100).collect::<Vec<_>>());
    assert_eq!(shop.receipt(GROUP).unwrap().execution.scored, 30);
}

#[test]
fn rows_out_of_order_across_task_groups_find_their_places() {
    for seed in 1..30 {
        let shop = Workshop::new(100, 8);
        let mut pool = MemoryPool::new(row).shuffled(seed).sizes(5, 60);
        assert_eq!(shop.work(1, &mut pool).unwrap(), Ended::Done, "seed {seed}");
        shop.is_sealed_with(row);
    }
}

#[test]
fn the_first_record_of_all_may_be_the_last_that_is_finished() {
    let shop = Workshop::new(100, 10);
    let mut pool = MemoryPool::new(row).holding_back([0]);
    assert_eq!(shop.work(1, &mut pool).unwrap(), Ended::Done);
    shop.is_sealed_with(row);
}

#[test]
fn task_groups_are_sealed_while_an_earlier_one_is_not() {
    let shop = Workshop::new(100, 10);
    let mut sealed = Vec::new();
    let count = || sealed = shop.campaign.plan.all_groups().map(|group| shop.receipt(group).is_some()).collect();
    let mut pool = MemoryPool::new(row).holding_back([3]).meanwhile(50, count);
    shop.work(1, &mut pool).unwrap();
    drop(pool);
    assert!(!sealed[0] && sealed[1..4].iter().all(|s| *s), "{sealed:?}");
}

#[test]
fn task_groups_in_any_order_and_only_those() {
    let shop = Workshop::new(100, 10);
    let groups = [7, 2, 5].map(molsieve::id::GroupIndex);
    let mut pool = MemoryPool::new(row).shuffled(9).sizes(4, 40);
    assert_eq!(shop.work_on(1, groups.to_vec(), &mut pool).unwrap(), Ended::Done);
    let sealed: Vec<_> = shop.campaign.plan.all_groups().filter(|group| shop.receipt(*group).is_some()).collect();
    assert_eq!(sealed, [2, 5, 7].map(molsieve::id::GroupIndex));
}

#[test]
fn a_sealed_group_costs_the_scorer_nothing() {
    let shop = Workshop::new(100, 10);
    shop.work(1, &mut MemoryPool::new(row)).unwrap();
    let mut idle = MemoryPool::new(row);
    assert_eq!(shop.work(2, &mut idle).unwrap(), Ended::Done);
    assert!(idle.asked.is_empty());
}

#[test]
fn what_the_pool_went_through_is_in_exactly_one_receipt_of_the_task() {
    let shop = Workshop::new(100, 10);
    let mut pool = MemoryPool::new(row);
    pool.facts = PoolFacts { crashes: 2, starts: 3, ..PoolFacts::default() };
    shop.work(1, &mut pool).unwrap();
    let receipts = shop.campaign.plan.all_groups().map(|group| shop.receipt(group).unwrap());
    let facts: Vec<PoolFacts> = receipts.map(|receipt| receipt.execution.pool).collect();
    assert_eq!(facts.iter().filter(|facts| **facts == pool.facts).count(), 1, "{facts:?}");
    assert_eq!(facts.iter().map(|facts| facts.crashes).sum::<u64>(), 2);
}
