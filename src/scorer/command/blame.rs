//! What a death, a time-out or a broken reply means for the records that were asked: the poison rule.
//!
//! Only what a living worker saw, outside any stop, with the record alone in the request counts.
//! Two deaths are `ERROR crash`, or `ERROR oom` if memory was short at the second, one time-out is `ERROR timeout`, two broken replies are
//! `ERROR bad_reply`. Records that were asked together are asked again one by one.

use super::queue::Work;
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
pub fn judge(mut work: Work, fault: Fault) -> Judgement {
    if work.block.len() > 1 {
        return Judgement::First(work.singles());
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
            work = match judge(work, fault) {
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
            let Judgement::First(singles) = judge(work(3, false), fault) else { panic!("judged together") };
            let ordinals: Vec<u64> = singles.iter().map(|single| single.block.get(0).ordinal).collect();
            assert_eq!(ordinals, [0, 1, 2]);
            assert!(singles.iter().all(|single| single.alone && single.deaths == 0 && single.block.len() == 1));
        }
    }
}
