use super::*;
use crate::scorer::builtin::compared::columns::{self, Contest};

/// An accumulator over rows of the columns of a comparison alone, after one of the scorer.
fn accumulator() -> Accumulator {
    let mut columns = vec![Column::new("score", crate::scorer::ColumnType::Float, Order::Desc)];
    columns.extend(columns::all());
    Accumulator {
        places: Places::of(&columns).unwrap(),
        seed: Seed::new(0),
        column: "score".to_owned(),
        order: Order::Desc,
        is_strict: true,
        sizes: Default::default(),
        permuted: Cells::default(),
        aside: Cells::default(),
        ok: 0,
        decoys: 0,
        strategies: BTreeMap::new(),
    }
}

/// One row: heavy atoms, and the results of each contest.
fn row(into: &mut Accumulator, ordinal: u64, heavy_atoms: u64, ways: [[u32; 3]; 7]) -> Result<(), Impossible> {
    let scored: u32 = ways[..3].iter().flatten().sum();
    scored_row(into, ordinal, heavy_atoms, scored, ways)
}

/// The same of so many decoys.
fn scored_row(
    into: &mut Accumulator,
    ordinal: u64,
    heavy_atoms: u64,
    decoys: u32,
    ways: [[u32; 3]; 7],
) -> Result<(), Impossible> {
    row_of(into, ordinal, heavy_atoms, decoys, Strategy::Strict, ways)
}

/// The same, of decoys that were made so.
fn row_of(
    into: &mut Accumulator,
    ordinal: u64,
    heavy_atoms: u64,
    decoys: u32,
    strategy: Strategy,
    ways: [[u32; 3]; 7],
) -> Result<(), Impossible> {
    let names: Vec<String> = columns::all().into_iter().map(|column| column.name).collect();
    let mut see = |name: &str, text: String| {
        let at = names.iter().position(|other| other == name).unwrap() + 1;
        into.cell(at, text.as_bytes());
    };
    see(columns::HEAVY_ATOMS, heavy_atoms.to_string());
    see(columns::DECOYS, decoys.to_string());
    see(columns::STRATEGY, strategy.name().to_owned());
    for (contest, ways) in Contest::ALL.into_iter().zip(ways) {
        for (name, count) in contest.names().iter().zip(ways) {
            see(name, count.to_string());
        }
    }
    into.end_row(ordinal, true)
}

/// Rows whose score wins `won` of the two hard decoys, and whose log P loses to both; labels are drawn by turns.
fn rows(count: u64, won: fn(u64) -> u32) -> Signal {
    let mut all = accumulator();
    for ordinal in 0..count {
        let hard = won(ordinal);
        let permuted = [(ordinal % 3) as u32, 0, 2 - (ordinal % 3) as u32];
        let ways = [[0; 3], [0; 3], [hard, 0, 2 - hard], [0; 3], [0; 3], [0, 0, 2], permuted];
        row(&mut all, ordinal, 10 + ordinal % 30, ways).unwrap();
    }
    all.finish()
}

#[test]
fn a_score_that_wins_passes_and_one_that_knows_nothing_fails() {
    let perfect = rows(200, |_| 2);
    assert_eq!(
        (perfect.verdict, perfect.reason.as_str(), perfect.band.as_deref()),
        (Verdict::Pass, "above_gate", Some("hard"))
    );
    let random = rows(600, |ordinal| (ordinal % 3) as u32);
    assert_eq!((random.verdict, random.reason.as_str()), (Verdict::Fail, "below_gate"));
    assert!(random.controls.iter().all(|control| control.judgement.unwrap().verdict != Verdict::Pass));
    assert_eq!(
        random.controls.iter().map(|it| it.control.as_str()).collect::<Vec<_>>(),
        ["constant", "random", "permuted"]
    );
}

#[test]
fn too_few_records_decide_nothing() {
    let few = rows(49, |_| 2);
    assert_eq!((few.verdict, few.reason.as_str(), few.band), (Verdict::Inconclusive, "too_few_records", None));
    assert!(few.controls.is_empty());
    assert_eq!(rows(0, |_| 0).per_record, PerRecord::default());
}

#[test]
fn a_test_whose_control_passes_is_invalid() {
    let mut all = accumulator();
    for ordinal in 0..100 {
        let ways = [[0; 3], [0; 3], [2, 0, 0], [0; 3], [0; 3], [0, 0, 2], [2, 0, 0]];
        row(&mut all, ordinal, 20, ways).unwrap();
    }
    let signal = all.finish();
    assert_eq!((signal.verdict, signal.reason.as_str()), (Verdict::Invalid, "control_passed"));
}

#[test]
fn a_score_that_log_p_beats_is_told_so() {
    assert!(rows(200, |_| 2).beaten_by.is_empty());
    let mut all = accumulator();
    for ordinal in 0..200 {
        let ways = [[0; 3], [0; 3], [1, 0, 1], [0; 3], [0; 3], [2, 0, 0], [1, 0, 1]];
        row(&mut all, ordinal, 20, ways).unwrap();
    }
    assert_eq!(all.finish().beaten_by, ["logp"]);
}

#[test]
fn records_are_told_apart_by_size_and_add_up() {
    let signal = rows(300, |_| 1);
    assert_eq!(signal.sizes.iter().map(|size| size.records).sum::<u64>(), 300);
    let bounds: Vec<_> = signal.sizes.iter().map(|size| (size.least, size.most)).collect();
    assert_eq!(bounds, [(0, Some(15)), (16, Some(25)), (26, Some(35)), (36, None)]);
    assert_eq!((signal.records, signal.compared, signal.scored), (300, 300, 600));
    assert_eq!(signal.strategies, BTreeMap::from([("rewire_strict_v1".to_owned(), 300)]));
}

#[test]
fn judgements_of_single_records_are_counted_with_the_quartiles_of_their_slack() {
    let PerRecord { pass, fail, skip, pass_rate, mean_slack, p25_slack, median_slack, p75_slack } =
        rows(100, |ordinal| if ordinal < 25 { 2 } else { 1 }).per_record;
    assert_eq!((pass, fail, skip, pass_rate), (25, 75, 0, Some(0.25)));
    assert_eq!((mean_slack, p25_slack, median_slack, p75_slack), (Some(-0.375), Some(-0.5), Some(-0.5), Some(-0.5)));
}

#[test]
fn counts_that_cannot_be_are_refused() {
    let ways = |won| [[won, 0, 0], [0; 3], [0; 3], [0; 3], [0; 3], [0; 3], [0; 3]];
    assert_eq!(row(&mut accumulator(), 0, 20, ways(100)), Ok(()));
    assert_eq!(row(&mut accumulator(), 0, 20, ways(101)), Err(Impossible));
    assert_eq!(row(&mut accumulator(), 0, 1 << 17, ways(1)), Err(Impossible));
    assert_eq!(accumulator().end_row(0, true), Err(Impossible));
    assert_eq!(accumulator().end_row(0, false), Ok(()));
}

#[test]
fn a_column_of_the_scorer_with_a_name_of_ours_is_not_read_for_it() {
    let mut columns = vec![Column::new(columns::DECOYS, crate::scorer::ColumnType::Int, Order::Desc)];
    columns.extend(columns::all());
    let mut places = Places::of(&columns).unwrap();
    for (index, column) in columns.iter().enumerate() {
        places.see(
            index,
            if column.name == columns::STRATEGY {
                b""
            } else if index == 0 {
                b"90"
            } else {
                b"0"
            },
        );
    }
    assert_eq!(places.take().unwrap().decoys, 0);
}

/// Rows whose score wins `won` and loses `lost` of ten hard decoys; the others have no score.
fn with_unscored(won: u32, lost: u32) -> Signal {
    let mut all = accumulator();
    for ordinal in 0..100 {
        let ways = [[0; 3], [0; 3], [won, 0, lost], [0; 3], [0; 3], [5, 0, 5], [0; 3]];
        scored_row(&mut all, ordinal, 20, 10, ways).unwrap();
    }
    all.finish()
}

#[test]
fn what_was_left_out_cannot_decide() {
    let said = |won, lost| {
        let signal = with_unscored(won, lost);
        (signal.verdict, signal.reason)
    };
    assert_eq!(said(10, 0), (Verdict::Pass, "above_gate".to_owned()));
    // Of ten, one has no score: had it been lost, the score would pass all the same.
    assert_eq!(said(9, 0), (Verdict::Pass, "above_gate".to_owned()));
    // Whoever keeps what is won and leaves out the rest shows nothing.
    assert_eq!(said(5, 0), (Verdict::Inconclusive, "unscored_could_decide".to_owned()));
    assert_eq!(said(0, 2), (Verdict::Inconclusive, "unscored_could_decide".to_owned()));
    assert_eq!(said(0, 9), (Verdict::Fail, "below_gate".to_owned()));
}

#[test]
fn look_alikes_of_another_formula_are_set_aside_and_were_not_in_the_first_version() {
    let rows = |is_strict| {
        let mut all = Accumulator { is_strict, ..accumulator() };
        for ordinal in 0..120 {
            let strategy = if ordinal % 2 == 0 { Strategy::AromaticAsSingle } else { Strategy::Strict };
            let hard = if ordinal % 2 == 0 { [2, 0, 0] } else { [1, 0, 1] };
            let ways = [[0; 3], [0; 3], hard, [0; 3], [0; 3], [1, 0, 1], [1, 0, 1]];
            row_of(&mut all, ordinal, 20, 2, strategy, ways).unwrap();
        }
        all.finish()
    };
    let signal = rows(true);
    assert_eq!((signal.set_aside, signal.compared, signal.records, signal.scored), (Some(60), 60, 120, 240));
    assert_eq!((signal.verdict, signal.per_record.pass, signal.per_record.fail), (Verdict::Fail, 60, 60));
    let before = rows(false);
    assert_eq!((before.set_aside, before.compared, before.verdict), (None, 120, Verdict::Pass));
}
