//! Two attempts at one task group at the same time, and receipts that prove nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use molsieve::digest;
use molsieve::id::Ordinal;
use molsieve::layout::EntryKind;
use molsieve::library::record::Record;
use molsieve::scorer::row::RowBlock;
use molsieve::scorer::{Ended, Verdict};
use molsieve::shard::receipt::Receipt;

use crate::support::memory_pool::{Fate, MakeRow, MemoryPool};
use crate::support::sealed_groups::{other_row, row};
use crate::support::workshop::{GROUP, Workshop, name, rows_of};

/// What the attempts sealed, by file.
fn sealed(shop: &Workshop) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = [EntryKind::Rows, EntryKind::Receipt].map(|kind| shop.left(GROUP, kind)).concat();
    files.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

#[test]
fn equal_twins_both_seal_and_are_one_result() {
    let shop = Workshop::new(100, 100);
    let mut after_the_first = BTreeMap::new();
    let twin = || {
        assert_eq!(shop.work(2, &mut MemoryPool::new(row).shuffled(4)).unwrap(), Ended::Done);
        after_the_first = sealed(&shop);
    };
    let mut pool = MemoryPool::new(row).shuffled(3).meanwhile(40, twin);
    assert_eq!(shop.work(1, &mut pool).unwrap(), Ended::Done);
    drop(pool);
    let both = sealed(&shop);
    assert_eq!((after_the_first.len(), both.len()), (2, 4));
    assert!(after_the_first.iter().all(|(path, bytes)| both[path] == *bytes), "a sealed file was written over");
    assert_eq!(shop.receipt(GROUP).unwrap().attempt, name(1));
    shop.is_sealed_with(row);
    assert_eq!(shop.gather().unwrap().groups[0].twins, [name(2)]);
}

#[test]
fn twins_in_threads_end_in_the_same_rows() {
    let shop = Workshop::new(600, 100);
    std::thread::scope(|scope| {
        for attempt in 1..=3 {
            let shop = &shop;
            scope.spawn(move || {
                let mut pool = MemoryPool::new(row).shuffled(attempt);
                assert_eq!(shop.work(attempt, &mut pool).unwrap(), Ended::Done);
            });
        }
    });
    shop.is_sealed_with(row);
}

#[test]
fn differing_twins_are_refused_where_the_scorer_claims_to_be_deterministic() {
    let shop = Workshop::new(100, 100);
    let twin = || assert_eq!(shop.work(2, &mut MemoryPool::new(other_row)).unwrap(), Ended::Done);
    shop.work(1, &mut MemoryPool::new(row).holding_back([3]).meanwhile(40, twin)).unwrap();
    let error = shop.gather().unwrap_err();
    assert_eq!(error.kind().exit_code(), 4);
    assert!(error.what().contains("came to different rows"), "{error}");
}

#[test]
fn differing_twins_are_counted_where_it_does_not() {
    let shop = Workshop::of_a_moody_scorer(100, 100);
    let twin = || assert_eq!(shop.work(2, &mut MemoryPool::new(other_row)).unwrap(), Ended::Done);
    shop.work(1, &mut MemoryPool::new(row).holding_back([3]).meanwhile(40, twin)).unwrap();
    let gathered = shop.gather().unwrap();
    assert_eq!((&gathered.groups[0].twins[..], &gathered.groups[0].differing[..]), (&[][..], &[name(2)][..]));
    shop.is_sealed_with(row);
}

#[test]
fn the_twin_that_load_cost_the_fewest_records_counts_for_all_who_look() {
    for (first, second, counts) in
        [(timed_out as MakeRow, row as MakeRow, 2), (row, timed_out, 1), (timed_out, timed_out, 1)]
    {
        let shop = Workshop::new(100, 100);
        shop.campaign.seal_as(GROUP, name(1).as_str(), first, |_| {});
        shop.campaign.seal_as(GROUP, name(2).as_str(), second, |_| {});
        assert_eq!(shop.receipt(GROUP).unwrap().attempt, name(counts));
        assert_eq!(shop.gather().unwrap().groups[0].receipt.attempt, name(counts));
    }
}

/// As [`row`], but that record 3 took too long.
fn timed_out(block: &mut RowBlock, ordinal: Ordinal) {
    if ordinal != 3 {
        return row(block, ordinal);
    }
    let record = Record { ordinal, id: b"M0000003", structure: b"C" };
    block.push(&record, &Verdict::error("timeout"), 3);
}

#[test]
fn a_group_that_a_twin_sealed_before_its_turn_is_not_worked_on() {
    let shop = Workshop::new(100, 50);
    let twin = || assert_eq!(shop.work(2, &mut MemoryPool::new(row)).unwrap(), Ended::Done);
    let mut pool = MemoryPool::new(row).sizes(10, 10).meanwhile(20, twin);
    assert_eq!(shop.work(1, &mut pool).unwrap(), Ended::Done);
    assert_eq!(pool.asked(false), (0..50).collect::<Vec<_>>());
    drop(pool);
    shop.is_sealed_with(row);
}

#[test]
fn a_twin_that_seals_takes_nothing_away_that_is_still_being_read() {
    let shop = Workshop::new(9000, 9000);
    let mut log = shop.checkpoint(1);
    log.rows(&rows_of(100..200, row)).unwrap();
    log.rows(&rows_of(8000..8100, row)).unwrap();
    let twin = || assert_eq!(shop.work(3, &mut MemoryPool::new(row).sizes(500, 500)).unwrap(), Ended::Done);
    let mut pool = MemoryPool::new(row).sizes(500, 500).meanwhile(1000, twin);
    assert_eq!(shop.work(2, &mut pool).unwrap(), Ended::Done);
    assert_eq!(pool.asked.len(), 8800);
    drop(pool);
    shop.is_sealed_with(row);
}

#[test]
fn a_twin_that_is_stopped_after_the_other_sealed_leaves_nothing_bad() {
    let shop = Workshop::new(100, 100);
    let twin = || assert_eq!(shop.work(2, &mut MemoryPool::new(row)).unwrap(), Ended::Done);
    let mut pool = MemoryPool::new(row).meanwhile(40, twin).fated(Fate::Stop(60));
    assert_eq!(shop.work(1, &mut pool).unwrap(), Ended::Stopped);
    drop(pool);
    shop.is_sealed_with(row);
}

/// A worker seals the group although there is the receipt of attempt 1 that `forge` made.
#[track_caller]
fn does_not_count(forge: impl FnOnce(&mut Receipt)) -> Workshop {
    let shop = Workshop::new(40, 40);
    shop.campaign.seal_as(GROUP, name(1).as_str(), row, forge);
    assert!(shop.receipt(GROUP).is_none());
    let mut pool = MemoryPool::new(row);
    assert_eq!(shop.work(2, &mut pool).unwrap(), Ended::Done);
    assert_eq!(pool.asked.len(), 40);
    assert_eq!(shop.receipt(GROUP).unwrap().attempt, name(2));
    assert_eq!(shop.rows(GROUP), rows_of(0..40, row).lines());
    shop
}

#[test]
fn a_receipt_of_another_plan_or_scorer_proves_nothing() {
    does_not_count(|receipt| receipt.plan = digest::blake3(b"another"));
    does_not_count(|receipt| receipt.scorer = digest::blake3(b"another"));
}

#[test]
fn a_receipt_of_the_wrong_records_or_length_proves_nothing() {
    does_not_count(|receipt| receipt.ordinals.end -= 1).is_sealed_with(row);
    does_not_count(|receipt| receipt.group.0 += 1).is_sealed_with(row);
    does_not_count(|receipt| receipt.rows.bytes += 1).is_sealed_with(row);
    does_not_count(|receipt| receipt.counts.ok -= 1).is_sealed_with(row);
    does_not_count(|receipt| receipt.attempt = name(9)).is_sealed_with(row);
    does_not_count(|receipt| receipt.schema = "molsieve.receipt.v9".to_owned()).is_sealed_with(row);
}

#[test]
fn a_receipt_without_its_rows_or_that_is_garbage_proves_nothing() {
    for spoil in [0, 1, 2] {
        let shop = Workshop::new(40, 40);
        shop.work(1, &mut MemoryPool::new(row)).unwrap();
        let (dir, first) = (shop.group_dir(GROUP), name(1));
        match spoil {
            0 => std::fs::remove_file(dir.rows(&first)).unwrap(),
            1 => std::fs::write(dir.rows(&first), b"0,short\n").unwrap(),
            _ => std::fs::write(dir.receipt(&first), b"{\"schema\":").unwrap(),
        }
        assert!(shop.receipt(GROUP).is_none());
        shop.work(2, &mut MemoryPool::new(row)).unwrap();
        shop.is_sealed_with(row);
    }
}
