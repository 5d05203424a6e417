//! A worker that is stopped goes away clean, and one that died leaves what it died over to be asked alone.

use molsieve::id::Ordinal;
use molsieve::layout::EntryKind;
use molsieve::scorer::Ended;

use crate::support::memory_pool::{Fate, MemoryPool, dies};
use crate::support::sealed_groups::row;
use crate::support::workshop::{GROUP, Workshop, rows_of};

#[test]
fn after_a_stop_in_the_middle_of_a_group_nobody_is_blamed_and_nothing_is_asked_twice() {
    let shop = Workshop::new(200, 100);
    let mut first = MemoryPool::new(row).shuffled(3).fated(Fate::Stop(60));
    assert_eq!(shop.work(1, &mut first).unwrap(), Ended::Stopped);
    assert!(shop.receipt(GROUP).is_none());
    let mut second = MemoryPool::new(row);
    assert_eq!(shop.work(2, &mut second).unwrap(), Ended::Done);
    shop.is_sealed_with(row);
    assert!(second.asked(true).is_empty(), "a record was isolated although nobody died");
    let scored = shop.receipt(GROUP).unwrap().execution.scored;
    assert!(scored < 100, "{scored} records of the first group were scored again");
    assert!(first.asked.len() + second.asked.len() < 200 + first.in_flight_max);
}

#[test]
fn a_stop_after_the_last_row_of_a_group_seals_it() {
    let shop = Workshop::new(100, 50);
    let mut pool = MemoryPool::new(row).sizes(10, 10).fated(Fate::Stop(50));
    assert_eq!(shop.work(1, &mut pool).unwrap(), Ended::Stopped);
    assert!(shop.receipt(GROUP).is_some());
}

#[test]
fn what_a_worker_died_over_is_asked_alone_and_what_it_finished_is_not_asked() {
    let shop = Workshop::new(100, 100);
    let mut log = shop.checkpoint(1);
    log.started(&(0..20).collect::<Vec<Ordinal>>()).unwrap();
    log.rows(&rows_of(0..5, row)).unwrap();
    log.rows(&rows_of([9, 7], row)).unwrap();
    log.started(&[50, 60]).unwrap();
    log.rows(&rows_of([60], row)).unwrap();
    let mut pool = MemoryPool::new(row);
    assert_eq!(shop.work(2, &mut pool).unwrap(), Ended::Done);
    let suspects: Vec<Ordinal> = [5, 6, 8].into_iter().chain(10..20).chain([50]).collect();
    assert_eq!(pool.asked(true), suspects);
    assert_eq!(pool.asked(false), (20..100).filter(|o| ![50, 60].contains(o)).collect::<Vec<_>>());
    shop.is_sealed_with(row);
}

#[test]
fn a_worker_that_really_died_leaves_the_same() {
    let shop = Workshop::new(100, 100);
    let mut first = MemoryPool::new(row).shuffled(5).holding_back([4]).fated(Fate::Die(30));
    assert!(dies(|| shop.work(1, &mut first)));
    let mut second = MemoryPool::new(row).shuffled(6);
    assert_eq!(shop.work(2, &mut second).unwrap(), Ended::Done);
    let asked_first = first.asked(false);
    assert!(second.asked(true).contains(&4));
    assert!(second.asked(true).iter().all(|ordinal| asked_first.contains(ordinal)));
    assert!(second.asked(false).iter().all(|ordinal| !asked_first.contains(ordinal)));
    shop.is_sealed_with(row);
}

#[test]
fn what_another_attempt_finished_is_no_suspect() {
    let shop = Workshop::new(40, 40);
    shop.checkpoint(1).started(&[3, 4, 5]).unwrap();
    shop.checkpoint(2).rows(&rows_of([4], row)).unwrap();
    let mut pool = MemoryPool::new(row);
    shop.work(3, &mut pool).unwrap();
    assert_eq!(pool.asked(true), [3, 5]);
    assert_eq!(pool.asked.len(), 39);
    shop.is_sealed_with(row);
}

#[test]
fn a_clean_end_clears_what_was_started_before_it_and_not_after() {
    let shop = Workshop::new(40, 40);
    let mut log = shop.checkpoint(1);
    log.started(&[1, 2]).unwrap();
    log.clean_end().unwrap();
    let mut pool = MemoryPool::new(row).fated(Fate::Stop(0));
    shop.work(2, &mut pool).unwrap();
    assert!(pool.asked(true).is_empty());
    shop.checkpoint(3).started(&[7]).unwrap();
    let mut pool = MemoryPool::new(row);
    shop.work(4, &mut pool).unwrap();
    assert_eq!(pool.asked(true), [7]);
}

#[test]
fn a_pool_that_fails_leaves_a_clean_checkpoint_with_all_that_it_finished() {
    struct Failing(MemoryPool<'static>);
    impl molsieve::scorer::Pool for Failing {
        fn run(
            &mut self,
            source: &mut dyn molsieve::scorer::Source,
            sink: &mut dyn molsieve::scorer::Sink,
            stop: &molsieve::stop::Stop,
        ) -> molsieve::error::Result<Ended> {
            self.0.run(source, sink, stop)?;
            Err(molsieve::error::Error::environment("the scorer is broken"))
        }
        fn facts(&self) -> molsieve::scorer::PoolFacts {
            self.0.facts()
        }
    }
    let shop = Workshop::new(100, 100);
    let error = shop.work(1, &mut Failing(MemoryPool::new(row).fated(Fate::Stop(40)))).unwrap_err();
    assert!(error.to_string().contains("the scorer is broken"), "{error}");
    assert_eq!(shop.left(GROUP, EntryKind::Checkpoint).len(), 1);
    let mut pool = MemoryPool::new(row);
    shop.work(2, &mut pool).unwrap();
    assert!(pool.asked(true).is_empty());
    assert!(pool.asked.len() <= 60, "{} records were asked again", pool.asked.len());
    shop.is_sealed_with(row);
}
