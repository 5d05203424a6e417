//! Whether it is the scorer that is broken, and not a few of its records.
//!
//! A record that makes its scorer break the protocol is judged by itself ([`super::blame`]), however many of
//! them follow each other: an outcome must not depend on where a shard begins, on who died before, or on how many work. So the
//! scorer is given up only where different records say the same. Where it has answered anything, it is asked that
//! again, of a fresh child, and what it says to the *witness* decides. Where it has not, it takes many records.

use std::collections::BTreeSet;

use super::queue::Work;
use crate::id::Ordinal;

/// This many different records in a row, and the witness is asked.
const IN_A_ROW_MAX: usize = 3;
/// This many different records, where nothing was ever answered, and the scorer is given up.
const FIRST_MAX: usize = 16;
/// This many lines in a row that answer nothing, while nothing was asked, and the scorer is given up.
const UNASKED_MAX: u32 = 3;

/// What a violation says about the scorer.
#[derive(Debug)]
pub enum Doubted {
    /// Nothing yet.
    Not,
    /// Ask this record, which was answered before. Its answer is not a result.
    Ask(Work),
    /// It is broken; why, in words that follow "broke its protocol".
    Broken(String),
}

/// The violations of a scorer since it last answered.
#[derive(Debug, Default)]
pub struct Doubt {
    records: BTreeSet<Ordinal>,
    unasked: u32,
    witness: Option<Work>,
}

impl Doubt {
    /// The scorer answered record `ordinal` of `work`.
    pub fn answered(&mut self, work: &Work, ordinal: Ordinal) {
        self.records.clear();
        self.unasked = 0;
        if self.witness.is_none() {
            let block = work.block.filtered(|other| other == ordinal);
            self.witness = Some(Work { alone: true, witness: true, ..Work::new(block) });
        }
    }

    /// The scorer broke its protocol while it was asked `work`, or nothing.
    pub fn violated(&mut self, work: Option<&Work>) -> Doubted {
        let Some(work) = work else {
            self.unasked += 1;
            let many = self.unasked >= UNASKED_MAX;
            return if many { broken(format!("{UNASKED_MAX} times in a row, unasked")) } else { Doubted::Not };
        };
        let first = work.block.get(0).ordinal;
        if work.witness {
            return broken(format!(
                "for {IN_A_ROW_MAX} records in a row, and for record {first}, which it had answered"
            ));
        }
        // Of records that were asked together nobody knows whose fault it was: they are asked one by one first.
        if work.block.len() == 1 {
            self.records.insert(first);
        }
        match &self.witness {
            None if self.records.len() >= FIRST_MAX => broken(format!("for {FIRST_MAX} records, and answered none")),
            Some(witness) if self.records.len() >= IN_A_ROW_MAX => {
                let witness = witness.part(0, 1);
                self.records.clear();
                Doubted::Ask(witness)
            }
            _ => Doubted::Not,
        }
    }
}

fn broken(how: String) -> Doubted {
    Doubted::Broken(how)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::format::Notation;
    use crate::library::record::RecordBlock;

    fn work(ordinals: &[Ordinal]) -> Work {
        let mut block = RecordBlock::new(Notation::Smiles);
        ordinals.iter().for_each(|ordinal| block.push(*ordinal, b"C", b""));
        Work::new(block)
    }

    #[test]
    fn a_scorer_that_answered_nothing_is_broken_when_sixteen_different_records_say_so() {
        let mut doubt = Doubt::default();
        for ordinal in 0..15 {
            assert!(matches!(doubt.violated(Some(&work(&[ordinal, 99]))), Doubted::Not), "asked together");
            for _ in 0..2 {
                assert!(matches!(doubt.violated(Some(&work(&[ordinal]))), Doubted::Not), "{ordinal}");
            }
        }
        assert!(matches!(doubt.violated(Some(&work(&[15]))), Doubted::Broken(_)));
    }

    #[test]
    fn a_scorer_that_answered_something_is_asked_that_again_and_its_answer_decides() {
        let mut doubt = Doubt::default();
        doubt.answered(&work(&[7, 8]), 8);
        for round in 0..3 {
            for ordinal in [20, 20, 21] {
                assert!(matches!(doubt.violated(Some(&work(&[ordinal]))), Doubted::Not), "{round}");
            }
            let Doubted::Ask(witness) = doubt.violated(Some(&work(&[22]))) else { panic!("{round}") };
            assert!(witness.witness && witness.alone);
            assert_eq!(witness.block.iter().map(|record| record.ordinal).collect::<Vec<_>>(), [8]);
            doubt.answered(&witness, 8);
        }
        let witness = Work { witness: true, ..work(&[8]) };
        assert!(matches!(doubt.violated(Some(&witness)), Doubted::Broken(how) if how.contains("record 8")));
    }

    #[test]
    fn a_scorer_that_talks_while_nothing_is_asked_is_broken_the_third_time_in_a_row() {
        let mut doubt = Doubt::default();
        for _ in 0..4 {
            assert!(matches!(doubt.violated(None), Doubted::Not));
            assert!(matches!(doubt.violated(None), Doubted::Not));
            doubt.answered(&work(&[1]), 1);
        }
        assert!(matches!((doubt.violated(None), doubt.violated(None), doubt.violated(None)), (.., Doubted::Broken(_))));
    }
}
