//! What a death, a time-out or a broken reply means for the records that were asked: the poison rule.
//!
//! Only what a living worker saw, outside any stop, with the record alone in the request counts.
//! Two deaths are `ERROR crash`, or `ERROR oom` if memory was short at the second, one time-out is `ERROR timeout`, two broken replies are
//! `ERROR bad_reply`. Records that were asked together are told apart first ([`Apart`]): nothing is held against one
//! that was not alone.

use super::queue::Work;
use super::settings::Apart;
use crate::scorer::reason;

/// What went wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its child died.
    Death,
    /// Its child was killed while the kernel killed for want of memory.
    Memory,
    /// It took longer than the limit.
    Timeout,
    /// Its reply broke the protocol.
    Violation,
}

/// What follows from it.
#[derive(Debug)]
pub enum Judgement {
    /// The record ends as `ERROR` with this reason.
    Final(Work, &'static str),
    /// Ask again, before anything else.
    First(Vec<Work>),
    /// Ask again, after what waits already.
    Last(Work),
}

/// Judges `work`, the request that was being answered when `fault` happened.
///
/// Only deaths are looked for in halves. A time-out costs `timeout` each time that the record is met, and a broken
/// reply counts towards giving the scorer up: of either there should be few.
pub fn judge(mut work: Work, fault: Fault, apart: Apart) -> Judgement {
    if work.block.len() > 1 {
        let in_halves = apart == Apart::Halves && matches!(fault, Fault::Death | Fault::Memory);
        return Judgement::First(if in_halves { work.halves() } else { work.singles() });
    }
    match fault {
        // A reply names its request: that one is at fault, whatever else its child was asked.
        Fault::Violation => {
            work.violations += 1;
            work.alone = true;
            if work.violations > 1 { Judgement::Final(work, reason::PROTOCOL) } else { Judgement::Last(work) }
        }
        _ if !work.alone => Judgement::First(work.singles()),
        Fault::Timeout => Judgement::Final(work, reason::TIMEOUT),
        Fault::Death | Fault::Memory => {
            work.deaths += 1;
            let reason = if fault == Fault::Memory { reason::OOM } else { reason::CRASH };
            if work.deaths > 1 { Judgement::Final(work, reason) } else { Judgement::First(vec![work]) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::format::Notation;
    use crate::library::record::RecordBlock;

    fn work(records: u64, alone: bool) -> Work {
        let mut block = RecordBlock::new(Notation::Smiles);
        (0..records).for_each(|ordinal| block.push(ordinal, b"C", b""));
        Work { alone, ..Work::new(block) }
    }

    /// The reason after as many faults of one kind as it takes, and how many that were.
    fn end(mut work: Work, fault: Fault) -> (&'static str, usize) {
        for count in 1..9 {
            work = match judge(work, fault, Apart::OneByOne) {
                Judgement::Final(_, reason) => return (reason, count),
                Judgement::First(mut again) => again.remove(0),
                Judgement::Last(again) => again,
            };
        }
        panic!("never judged")
    }

    #[test]
    fn a_record_is_judged_by_what_it_does_alone() {
        assert_eq!(end(work(1, true), Fault::Death), (reason::CRASH, 2));
        assert_eq!(end(work(1, true), Fault::Memory), (reason::OOM, 2));
        assert_eq!(end(work(1, true), Fault::Timeout), (reason::TIMEOUT, 1));
        assert_eq!(end(work(1, true), Fault::Violation), (reason::PROTOCOL, 2));
        assert_eq!(end(work(1, false), Fault::Death), (reason::CRASH, 3));
        assert_eq!(end(work(1, false), Fault::Timeout), (reason::TIMEOUT, 2));
        assert_eq!(end(work(1, false), Fault::Violation), (reason::PROTOCOL, 2));
        assert_eq!(end(work(3, false), Fault::Violation), (reason::PROTOCOL, 3));
    }

    #[test]
    fn records_asked_together_are_asked_one_by_one() {
        for fault in [Fault::Death, Fault::Memory, Fault::Timeout, Fault::Violation] {
            let Judgement::First(singles) = judge(work(3, false), fault, Apart::OneByOne) else {
                panic!("judged together")
            };
            let ordinals: Vec<u64> = singles.iter().map(|single| single.block.get(0).ordinal).collect();
            assert_eq!(ordinals, [0, 1, 2]);
            assert!(singles.iter().all(|single| single.alone && single.deaths == 0 && single.block.len() == 1));
        }
    }

    #[test]
    fn a_death_is_looked_for_in_halves_where_a_request_is_a_program() {
        for n in 2..=100_u64 {
            for poison in 0..n {
                let (mut asked, mut waiting, mut alone) = (0_u32, vec![work(n, false)], None);
                while let Some(next) = waiting.pop() {
                    asked += 1;
                    let ordinals: Vec<u64> = next.block.iter().map(|record| record.ordinal).collect();
                    assert_eq!(next.alone, ordinals.len() == 1);
                    if !ordinals.contains(&poison) {
                        continue;
                    }
                    match judge(next, Fault::Death, Apart::Halves) {
                        Judgement::First(again) => waiting.extend(again),
                        judgement => alone = Some(judgement),
                    }
                }
                let Some(Judgement::Final(found, reason::CRASH)) = alone else { panic!("{poison} of {n} not found") };
                assert_eq!(found.block.get(0).ordinal, poison);
                // The whole, two a level, and the culprit once more.
                assert!(asked <= 2 + 2 * (n.ilog2() + u32::from(!n.is_power_of_two())), "{asked} for {n}");
            }
        }
    }

    #[test]
    fn a_time_out_or_a_broken_reply_is_never_looked_for_in_halves() {
        for fault in [Fault::Timeout, Fault::Violation] {
            let Judgement::First(singles) = judge(work(4, false), fault, Apart::Halves) else { panic!("judged") };
            assert!(singles.len() == 4 && singles.iter().all(|single| single.alone));
        }
    }
}
