//! Kept files are those of the best records, whoever scored them and however often somebody died in between.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use molsieve::digest;
use molsieve::id::{GroupIndex, Ordinal};
use molsieve::layout::EntryKind;
use molsieve::scorer::{Ended, KeptFile, Outcome};
use proptest::prelude::*;

use crate::support::memory_pool::{Fate, MemoryPool, dies};
use crate::support::sealed_groups::{other_row, row};
use crate::support::workshop::{GROUP, Workshop, name, rows_of};

fn shop(records: u64, group_records: u64, keep: u64) -> Workshop {
    let mut shop = Workshop::new(records, group_records);
    shop.keep = keep;
    shop
}

/// The records of a group whose files are to be kept: the reference, by a full sort.
fn best(shop: &Workshop, group: GroupIndex) -> Vec<Ordinal> {
    let rows = rows_of(shop.campaign.plan.group(group), row);
    let mut ranked: Vec<(bool, f64, Ordinal)> = Vec::new();
    for (meta, index) in rows.metas().iter().zip(0..).filter(|(meta, _)| meta.outcome == Outcome::Ok) {
        let value = rows.row(index).value(0);
        ranked.push((value.is_none(), value.unwrap_or(0.0), meta.ordinal));
    }
    ranked.sort_by(|a, b| a.partial_cmp(b).unwrap());
    let mut best: Vec<Ordinal> = ranked.into_iter().take(shop.keep as usize).map(|(_, _, ordinal)| ordinal).collect();
    best.sort_unstable();
    best
}

/// The archive that the receipt of `group` vouches for: content by ordinal.
fn kept(shop: &Workshop, group: GroupIndex) -> BTreeMap<Ordinal, String> {
    let receipt = shop.receipt(group).unwrap();
    let path = shop.group_dir(group).files(&receipt.attempt);
    let files = receipt.files.unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!((files.bytes, files.blake3), (bytes.len() as u64, digest::blake3(&bytes)));
    let found = members(&path);
    assert_eq!((files.keep, files.records, files.files), (shop.keep, found.len() as u64, found.len() as u64));
    found
}

fn members(path: &Path) -> BTreeMap<Ordinal, String> {
    let mut zip = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut found = BTreeMap::new();
    for index in 0..zip.len() {
        let mut member = zip.by_index(index).unwrap();
        let ordinal = member.name().unwrap().strip_suffix("/pose").unwrap().parse().unwrap();
        let mut content = String::new();
        member.read_to_string(&mut content).unwrap();
        found.insert(ordinal, content);
    }
    found
}

#[test]
fn files_of_a_worker_that_died_are_kept_by_the_next_one() {
    let shop = shop(100, 100, 30);
    assert!(dies(|| shop.work(1, &mut MemoryPool::new(row).with_file("first").fated(Fate::Die(50))).unwrap()));
    assert_eq!(shop.work(2, &mut MemoryPool::new(row).with_file("second")).unwrap(), Ended::Done);
    let kept = kept(&shop, GROUP);
    assert_eq!(kept.keys().copied().collect::<Vec<_>>(), best(&shop, GROUP));
    let by = |who: &str| kept.values().filter(|content| content.starts_with(who)).count();
    assert!(by("first") > 5 && by("second") > 5, "{kept:?}");
    assert!(kept.iter().all(|(ordinal, content)| content.ends_with(&format!(" {ordinal}"))));
}

#[test]
fn a_file_without_the_row_that_counts_is_not_kept() {
    let shop = shop(40, 40, 40);
    // It died between the file and the row.
    let mut log = shop.checkpoint(1);
    log.file(&KeptFile { ordinal: 4, name: "pose".to_owned(), content: b"of nobody".to_vec() }).unwrap();
    drop(log);
    assert_eq!(shop.work(2, &mut MemoryPool::new(row).with_file("mine")).unwrap(), Ended::Done);
    assert!(kept(&shop, GROUP).values().all(|content| content.starts_with("mine")));
}

#[test]
fn a_file_lies_beside_the_score_of_the_same_attempt_though_attempts_differ() {
    let mut shop = Workshop::of_a_moody_scorer(40, 40);
    shop.keep = 40;
    for (attempt, make) in [(1, row as fn(&mut _, _)), (2, other_row)] {
        let mut log = shop.checkpoint(attempt);
        let content = format!("of {attempt}").into_bytes();
        log.file(&KeptFile { ordinal: 3, name: "pose".to_owned(), content }).unwrap();
        log.rows(&rows_of(3..4, make)).unwrap();
    }
    assert_eq!(shop.work(3, &mut MemoryPool::new(row).with_file("of 3")).unwrap(), Ended::Done);
    assert_eq!(shop.rows(GROUP), rows_of(0..40, row).lines(), "the row of the first attempt counts");
    assert_eq!(kept(&shop, GROUP)[&3], "of 1");
}

#[test]
fn twins_each_keep_what_their_receipt_says() {
    let shop = shop(100, 100, 10);
    let twin = || assert_eq!(shop.work(2, &mut MemoryPool::new(row).with_file("twin")).unwrap(), Ended::Done);
    let mut pool = MemoryPool::new(row).with_file("first").meanwhile(40, twin);
    assert_eq!(shop.work(1, &mut pool).unwrap(), Ended::Done);
    drop(pool);
    assert_eq!(shop.left(GROUP, EntryKind::Files).len(), 2);
    assert_eq!(shop.receipt(GROUP).unwrap().attempt, name(1));
    let ours = kept(&shop, GROUP);
    assert_eq!(ours.keys().copied().collect::<Vec<_>>(), best(&shop, GROUP));
    assert!(ours.values().all(|content| content.starts_with("first")));
    let theirs = members(&shop.group_dir(GROUP).files(&name(2)));
    assert!(theirs.keys().eq(ours.keys()));
    // It took over what the first one had finished, with its files, and scored the rest itself.
    let by = |who: &str| theirs.values().filter(|content| content.starts_with(who)).count();
    assert!(by("first") > 0 && by("twin") > 0 && by("first") + by("twin") == theirs.len(), "{theirs:?}");
    shop.is_sealed_with(row);
}

#[test]
fn what_was_scored_while_nothing_was_kept_has_no_file_and_harms_nothing() {
    let mut shop = shop(100, 100, 0);
    let stopped = shop.work(1, &mut MemoryPool::new(row).with_file("first").fated(Fate::Stop(50))).unwrap();
    assert_eq!(stopped, Ended::Stopped);
    shop.keep = 100;
    shop.work(2, &mut MemoryPool::new(row).with_file("second")).unwrap();
    let receipt = shop.receipt(GROUP).unwrap().files.unwrap();
    assert!(receipt.keep == 100 && (30..60).contains(&receipt.files), "{receipt:?}");
    shop.is_sealed_with(row);
}

#[test]
fn what_cannot_be_among_the_best_does_not_reach_the_checkpoint() {
    let shop = shop(4000, 4000, 3);
    let content = "x".repeat(1000);
    let mut sizes = Vec::new();
    let path = shop.group_dir(GROUP).checkpoint(&name(1));
    let look = || sizes.push(std::fs::metadata(&path).unwrap().len());
    shop.work(1, &mut MemoryPool::new(row).with_file(&content).meanwhile(3900, look)).unwrap();
    assert!(sizes[0] < 500_000, "{} bytes of checkpoint for the files of three records", sizes[0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn the_kept_files_are_those_of_one_quiet_attempt(
        records in 1u64..200,
        group_records in 1u64..90,
        keep in 1u64..40,
        attempts in proptest::collection::vec((any::<u64>(), 1usize..40, prop_oneof![
            (0usize..120).prop_map(Fate::Stop), (0usize..120).prop_map(Fate::Die)]), 0..4),
        last in any::<u64>(),
    ) {
        let shop = shop(records, group_records, keep);
        for (number, (seed, batch, fate)) in (1..).zip(attempts) {
            let mut pool = MemoryPool::new(row).shuffled(seed).sizes(batch, batch + 9).fated(fate).with_file("pose of");
            dies(|| shop.work(number, &mut pool).unwrap());
        }
        let mut pool = MemoryPool::new(row).shuffled(last).with_file("pose of");
        prop_assert_eq!(shop.work(99, &mut pool).unwrap(), Ended::Done);
        for group in shop.campaign.plan.all_groups() {
            let expected: BTreeMap<_, _> = best(&shop, group).into_iter().map(|o| (o, format!("pose of {o}"))).collect();
            prop_assert_eq!(kept(&shop, group), expected);
        }
        shop.is_sealed_with(row);
    }
}
