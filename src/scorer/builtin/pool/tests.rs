use super::*;
use crate::library::format::Notation;
use crate::scorer::builtin::decoys::Decoy;
use crate::scorer::{Column, ColumnType, Description, Order, Outcome};

/// Panics over `panic`, answers NaN to `nan`, and the length of the structure to all else.
struct Fickle(Description);

impl Fickle {
    fn new() -> Self {
        let column = Column::new("length", ColumnType::Float, Order::Desc);
        Self(Description {
            name: "fickle".to_owned(),
            version: "1".to_owned(),
            columns: vec![column],
            deterministic: true,
            reasons: Vec::new(),
        })
    }
}

impl Builtin for Fickle {
    fn describe(&self) -> &Description {
        &self.0
    }

    fn score(&self, record: &Record<'_>) -> Verdict {
        match record.structure {
            b"panic" => panic!("over a record, as the test wants"),
            b"nan" => Verdict::ok(vec![Value::Float(f64::NAN)]),
            structure => Verdict::ok(vec![Value::Float(structure.len() as f64)]),
        }
    }

    fn score_of_decoy(&self, _parent: &Record<'_>, _decoy: &Decoy) -> Option<f64> {
        None
    }
}

/// Gives blocks, and keeps what comes back.
struct Bench {
    blocks: Vec<Supply>,
    rows: RowBlock,
    started: Vec<Vec<Ordinal>>,
    stop_after: Option<(usize, Stop)>,
}

impl Bench {
    fn new(mut blocks: Vec<(RecordBlock, bool)>) -> Self {
        blocks.reverse();
        let blocks = blocks.into_iter().map(|(block, alone)| Supply::Records { block, alone }).collect();
        Self { blocks, rows: RowBlock::default(), started: Vec::new(), stop_after: None }
    }

    fn run(mut self, threads: usize, stop: &Stop) -> (Self, Result<Ended>, PoolFacts) {
        let mut pool = BuiltinPool::new(Fickle::new(), threads).unwrap();
        let mut source = Blocks(std::mem::take(&mut self.blocks));
        let ended = pool.run(&mut source, &mut self, stop);
        (self, ended, pool.facts())
    }
}

struct Blocks(Vec<Supply>);

impl Source for Blocks {
    fn next(&mut self, _max: usize) -> Result<Supply> {
        Ok(self.0.pop().unwrap_or(Supply::End))
    }
}

impl Sink for Bench {
    fn started(&mut self, ordinals: &[Ordinal]) -> Result<()> {
        self.started.push(ordinals.to_vec());
        Ok(())
    }

    fn finished(&mut self, rows: RowBlock) -> Result<()> {
        self.rows.append(&rows);
        if let Some((_, stop)) = self.stop_after.as_ref().filter(|(after, _)| self.rows.len() >= *after) {
            stop.raise();
        }
        Ok(())
    }

    fn idle(&mut self) -> Result<()> {
        Ok(())
    }
}

fn block(range: Range<u64>) -> RecordBlock {
    let mut block = RecordBlock::new(Notation::Smiles);
    for ordinal in range {
        let structure = match ordinal {
            5 => b"panic".to_vec(),
            7 => b"nan".to_vec(),
            n => vec![b'C'; (n % 13) as usize],
        };
        block.push(ordinal, &structure, format!("id{ordinal}").as_bytes());
    }
    block
}

#[test]
fn the_rows_are_the_same_for_any_number_of_threads() {
    let lines = |threads| {
        let (bench, ended, _) =
            Bench::new(vec![(block(0..3000), false), (block(3000..3001), false)]).run(threads, &Stop::new());
        assert_eq!(ended.unwrap(), Ended::Done);
        bench.rows.lines().to_vec()
    };
    let one = lines(1);
    assert_eq!(one.split(|b| *b == b'\n').count() - 1, 3001);
    assert_eq!((lines(0), lines(2), lines(5)), (one.clone(), one.clone(), one));
}

#[test]
fn a_panic_and_a_value_that_is_none_are_the_fault_of_their_record_alone() {
    for threads in [1, 3] {
        let (bench, ended, facts) = Bench::new(vec![(block(0..600), false)]).run(threads, &Stop::new());
        assert_eq!(ended.unwrap(), Ended::Done);
        assert_eq!(facts.crashes, 1);
        let failed: Vec<_> =
            bench.rows.metas().iter().filter(|m| m.outcome != Outcome::Ok).map(|m| m.ordinal).collect();
        assert_eq!(failed, [5, 7]);
        assert_eq!((bench.rows.reason(5), bench.rows.reason(7)), (reason::CRASH, reason::PROTOCOL));
        assert_eq!(bench.rows.line(5), b"5,id5,ERROR,crash,\n");
    }
}

#[test]
fn records_that_must_be_alone_are_started_one_by_one() {
    let (bench, ..) = Bench::new(vec![(block(0..4), true), (block(4..6), false)]).run(2, &Stop::new());
    assert_eq!(bench.started, [vec![0], vec![1], vec![2], vec![3], vec![4, 5]]);
}

#[test]
fn a_raised_stop_ends_it_between_two_rounds_and_every_row_given_is_whole() {
    let stop = Stop::new();
    let mut bench = Bench::new(vec![(block(0..10_000), false)]);
    bench.stop_after = Some((1, stop.clone()));
    let (bench, ended, _) = bench.run(1, &stop);
    assert_eq!(ended.unwrap(), Ended::Stopped);
    assert_eq!(bench.rows.len(), SHARE * ROUND);
    assert_eq!(bench.started.len(), 1);
}

#[test]
fn a_source_that_waits_for_nothing_is_a_defect_and_not_a_hang() {
    let mut bench = Bench::new(Vec::new());
    bench.blocks.push(Supply::Wait);
    let (_, ended, _) = bench.run(1, &Stop::new());
    assert_eq!(ended.unwrap_err().kind(), crate::error::Kind::Bug);
}
