//! What earlier attempts left: overlapping, differing, foreign, torn, or no checkpoint at all.

use molsieve::digest;
use molsieve::id::{GroupIndex, Ordinal};
use molsieve::layout::EntryKind;
use molsieve::shard::checkpoint::Header;

use crate::support::memory_pool::MemoryPool;
use crate::support::sealed_groups::{other_row, row};
use crate::support::workshop::{GROUP, Workshop, name, rows_of};

#[test]
fn overlapping_attempts_are_one() {
    let shop = Workshop::new(100, 100);
    for (attempt, range) in [(1, 0..30), (2, 20..50), (3, 10..40), (4, 45..60)] {
        let mut log = shop.checkpoint(attempt);
        range.clone().step_by(4).for_each(|from| log.rows(&rows_of(from..(from + 7).min(60), row)).unwrap());
        log.clean_end().unwrap();
    }
    let mut pool = MemoryPool::new(row);
    shop.work(5, &mut pool).unwrap();
    assert_eq!(pool.asked(false), (60..100).collect::<Vec<_>>());
    shop.is_sealed_with(row);
}

#[test]
fn of_differing_rows_of_a_record_exactly_one_is_sealed() {
    for order in [[1, 2], [2, 1]] {
        let shop = Workshop::of_a_moody_scorer(20, 20);
        shop.checkpoint(order[0]).rows(&rows_of([3, 4], row)).unwrap();
        shop.checkpoint(order[1]).rows(&rows_of([2, 3], other_row)).unwrap();
        shop.work(3, &mut MemoryPool::new(row)).unwrap();
        let sealed = shop.rows(GROUP);
        let candidates = [row, other_row].map(|make| rows_of(0..20, make));
        assert!(candidates.iter().any(|candidate| candidate.lines() == sealed));
        shop.gather().unwrap();
    }
}

#[test]
fn a_frame_that_reaches_into_later_blocks_of_the_library_is_not_forgotten_there() {
    let shop = Workshop::new(9000, 9000);
    shop.checkpoint(1).rows(&rows_of((4000..4200).chain(8500..8600), row)).unwrap();
    let mut pool = MemoryPool::new(row).sizes(500, 500);
    shop.work(2, &mut pool).unwrap();
    let done = |o: &Ordinal| (4000..4200).contains(o) || (8500..8600).contains(o);
    assert_eq!(pool.asked(false), (0..9000).filter(|o| !done(o)).collect::<Vec<_>>());
    shop.is_sealed_with(row);
}

#[test]
fn a_group_that_was_finished_and_not_sealed_is_sealed_without_the_scorer() {
    let shop = Workshop::new(5000, 5000);
    let mut log = shop.checkpoint(1);
    (0..5000).rev().step_by(100).for_each(|end| log.rows(&rows_of((end - 99)..=end, row)).unwrap());
    let mut pool = MemoryPool::new(row);
    shop.work(2, &mut pool).unwrap();
    assert!(pool.asked.is_empty());
    assert_eq!(shop.receipt(GROUP).unwrap().execution.scored, 0);
    shop.is_sealed_with(row);
}

#[test]
fn checkpoints_of_another_plan_scorer_or_group_are_not_read() {
    let shop = Workshop::new(40, 20);
    let ours = shop.header(0, GROUP);
    let foreign = [
        Header { plan: digest::blake3(b"another"), attempt: name(1), ..ours.clone() },
        Header { scorer: digest::blake3(b"another"), attempt: name(2), ..ours.clone() },
        Header { group: GroupIndex(1), attempt: name(3), ..ours.clone() },
        Header { schema: "molsieve.checkpoint.v0".to_owned(), attempt: name(4), ..ours },
    ];
    for header in &foreign {
        let mut log = shop.checkpoint_of(header);
        log.started(&[1, 2]).unwrap();
        log.rows(&rows_of([3, 4], other_row)).unwrap();
    }
    let mut pool = MemoryPool::new(row);
    shop.work(5, &mut pool).unwrap();
    assert_eq!(pool.asked(false), (0..40).collect::<Vec<_>>());
    shop.is_sealed_with(row);
}

#[test]
fn rows_and_marks_of_records_outside_the_group_are_ignored() {
    let shop = Workshop::new(60, 20);
    let mut log = shop.checkpoint_of(&shop.header(1, GROUP));
    log.started(&[18, 19, 20, 21, u64::MAX - 1]).unwrap();
    log.rows(&rows_of([20, 5, u64::MAX, 59], row)).unwrap();
    let mut pool = MemoryPool::new(row);
    shop.work(2, &mut pool).unwrap();
    assert_eq!(pool.asked(true), [18, 19]);
    assert_eq!(pool.asked(false), (0..60).filter(|o| ![5, 18, 19].contains(o)).collect::<Vec<_>>());
    shop.is_sealed_with(row);
}

#[test]
fn a_torn_checkpoint_counts_up_to_where_it_was_torn() {
    let whole = {
        let shop = Workshop::new(40, 40);
        let mut log = shop.checkpoint(1);
        (0..20).for_each(|ordinal| log.rows(&rows_of([ordinal], row)).unwrap());
        std::fs::read(shop.group_dir(GROUP).checkpoint(&name(1))).unwrap()
    };
    let mut fewest = usize::MAX;
    for length in (0..=whole.len()).step_by(97) {
        let shop = Workshop::new(40, 40);
        drop(shop.checkpoint(1));
        std::fs::write(shop.group_dir(GROUP).checkpoint(&name(1)), &whole[..length]).unwrap();
        let mut pool = MemoryPool::new(row);
        shop.work(2, &mut pool).unwrap();
        assert!((20..=40).contains(&pool.asked.len()) && pool.asked.len() <= fewest, "cut at {length}");
        fewest = pool.asked.len();
        shop.is_sealed_with(row);
    }
    assert!(fewest < 25);
}

#[test]
fn garbage_in_the_place_of_a_checkpoint_is_passed_over() {
    let mut random = crate::support::memory_pool::Random(77);
    for length in [0, 1, 35, 36, 37, 300, 5000] {
        let shop = Workshop::new(30, 30);
        let dir = shop.group_dir(GROUP);
        std::fs::create_dir_all(dir.root()).unwrap();
        let bytes: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
        std::fs::write(dir.checkpoint(&name(1)), bytes).unwrap();
        std::fs::write(dir.root().join("not an attempt.checkpoint"), b"?").unwrap();
        let mut pool = MemoryPool::new(row);
        shop.work(2, &mut pool).unwrap();
        assert_eq!(pool.asked(false).len(), 30);
        assert_eq!(shop.left(GROUP, EntryKind::Receipt).len(), 1);
    }
}
