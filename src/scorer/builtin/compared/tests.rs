use super::*;
use crate::scorer::builtin::decoys::Facts;
use crate::scorer::builtin::null::Null;
use crate::scorer::builtin::spectral::Spectral2d;
use crate::scorer::{Column, Value};

/// A scorer whose score is a function of the structure.
struct By {
    description: Description,
    score: fn(&Mol) -> Option<f64>,
}

impl By {
    fn new(order: Order, score: fn(&Mol) -> Option<f64>) -> Self {
        let columns = vec![Column::new("name", ColumnType::String, order), Column::new("it", ColumnType::Float, order)];
        let reasons = vec!["own".to_owned()];
        let (name, version) = ("by".to_owned(), "1".to_owned());
        Self { description: Description { name, version, columns, deterministic: true, reasons }, score }
    }
}

impl Builtin for By {
    fn describe(&self) -> &Description {
        &self.description
    }

    fn score(&self, record: &Record<'_>) -> Verdict {
        let Ok(mol) = Mol::from_smiles(record.structure) else { return Verdict::error("own") };
        Verdict::ok(vec![Value::Text(b"x".to_vec()), (self.score)(&mol).map_or(Value::Null, Value::Float)])
    }

    fn score_of_decoy(&self, _parent: &Record<'_>, decoy: &Decoy) -> Option<f64> {
        (self.score)(&decoy.mol)
    }
}

const IBUPROFEN: &str = "CC(C)Cc1ccc(cc1)C(C)C(=O)O";

fn compared(scorer: By, settings: &Settings) -> Compared<By> {
    Compared::new(scorer, Notation::Smiles, settings, 0).unwrap()
}

fn verdict<S: Builtin>(scorer: &Compared<S>, structure: &str) -> Verdict {
    scorer.score(&Record { ordinal: 0, id: b"", structure: structure.as_bytes() })
}

/// The cell of the column `name`.
fn cell<S: Builtin>(scorer: &Compared<S>, structure: &str, name: &str) -> Value {
    let at = scorer.describe().columns.iter().position(|column| column.name == name).unwrap();
    verdict(scorer, structure).values.get(at).cloned().unwrap_or(Value::Null)
}

fn three() -> Settings {
    Settings { count: 3, ..Settings::default() }
}

/// Won, tied and lost over all bands, of the columns that begin with `stem`.
fn ways<S: Builtin>(scorer: &Compared<S>, structure: &str, stem: &str) -> [i64; 3] {
    ["won", "tied", "lost"].map(|way| {
        let bands =
            ["easy", "medium", "hard"].map(|band| match cell(scorer, structure, &format!("{stem}{band}_{way}")) {
                Value::Int(count) => count,
                other => panic!("{other:?}"),
            });
        bands.iter().sum()
    })
}

/// How many carbon atoms carry two methyl groups or more: the exchanges of ibuprofen's decoys change it.
fn forks(mol: &Mol) -> f64 {
    let carbon = |atom: usize| mol.atoms[atom].element == 6;
    let methyl = |atom: usize| carbon(atom) && mol.links(atom).len() == 1;
    let methyls = |atom: usize| mol.links(atom).iter().filter(|link| methyl(usize::from(link.atom))).count();
    (0..mol.atoms.len()).filter(|atom| methyls(*atom) >= 2).count() as f64
}

#[test]
fn each_decoy_goes_through_the_scorer_and_the_better_end_is_the_scorers() {
    // docs/decoys.md has the three decoys: one without a fork of methyl groups, and so on.
    let found =
        decoys::of(&Mol::from_smiles(IBUPROFEN.as_bytes()).unwrap(), &decoys::Seed::new(0), &three().to_decoys());
    let theirs: Vec<f64> = found.unwrap().decoys.iter().map(|decoy| forks(&decoy.mol)).collect();
    let own = forks(&Mol::from_smiles(IBUPROFEN.as_bytes()).unwrap());
    let count = |way: std::cmp::Ordering| theirs.iter().filter(|its| own.total_cmp(its) == way).count() as i64;
    let expected = [std::cmp::Ordering::Greater, std::cmp::Ordering::Equal, std::cmp::Ordering::Less].map(count);
    assert!(expected.iter().filter(|count| **count > 0).count() > 1, "{expected:?} tells nothing");
    let scorer = compared(By::new(Order::Desc, |mol| Some(forks(mol))), &three());
    assert_eq!(ways(&scorer, IBUPROFEN, ""), expected);
    let mut turned = expected;
    turned.reverse();
    assert_eq!(ways(&compared(By::new(Order::Asc, |mol| Some(forks(mol))), &three()), IBUPROFEN, ""), turned);
    assert_eq!(cell(&scorer, IBUPROFEN, columns::HEAVY_ATOMS), Value::Int(15));
    assert_eq!(cell(&scorer, IBUPROFEN, columns::DECOYS), Value::Int(3));
    assert_eq!(cell(&scorer, IBUPROFEN, columns::DECOYS_SCORED), Value::Int(3));
    assert_eq!(cell(&scorer, IBUPROFEN, columns::STRATEGY), Value::Text(b"rewire_strict_v1".to_vec()));
}

#[test]
fn what_is_constant_ties_with_everything_and_so_does_zero_with_minus_zero() {
    let plus_or_minus = |mol: &Mol| Some(if forks(mol) > 0.0 { 0.0 } else { -0.0 });
    for score in [(|_| Some(7.0)) as fn(&Mol) -> Option<f64>, plus_or_minus] {
        let scorer = compared(By::new(Order::Desc, score), &three());
        assert_eq!(ways(&scorer, IBUPROFEN, ""), [0, 3, 0]);
        assert_eq!(cell(&scorer, IBUPROFEN, columns::AUC), Value::Float(0.5));
        assert_eq!(cell(&scorer, IBUPROFEN, columns::VERDICT), Value::Text(b"FAIL".to_vec()));
        assert_eq!(cell(&scorer, IBUPROFEN, "permuted_tied"), Value::Int(3));
    }
}

#[test]
fn log_p_is_compared_beside_the_score_whatever_that_is() {
    let constant = compared(By::new(Order::Desc, |_| Some(1.0)), &three());
    let log_p = compared(By::new(Order::Desc, |mol| Some(Facts::of(mol).log_p)), &three());
    assert_eq!(ways(&constant, IBUPROFEN, "logp_"), ways(&log_p, IBUPROFEN, ""));
    // What the order of addition leaves behind is no difference.
    let Value::Float(shown) = cell(&constant, IBUPROFEN, columns::LOG_P) else { panic!("log P is a number") };
    assert_eq!(shown.to_string(), format!("{shown:.4}"));
}

#[test]
fn a_record_or_decoys_without_a_score_are_not_compared_and_say_so() {
    let scorer = compared(By::new(Order::Desc, |_| None), &three());
    assert_eq!(ways(&scorer, IBUPROFEN, ""), [0, 0, 0]);
    assert_eq!(cell(&scorer, IBUPROFEN, columns::DECOYS), Value::Int(3));
    assert_eq!(cell(&scorer, IBUPROFEN, columns::DECOYS_SCORED), Value::Int(0));
    for name in [columns::AUC, columns::GATE, columns::SLACK] {
        assert_eq!(cell(&scorer, IBUPROFEN, name), Value::Null, "{name}");
    }
    assert_eq!(cell(&scorer, IBUPROFEN, columns::VERDICT), Value::Text(b"SKIP".to_vec()));
}

#[test]
fn a_record_without_decoys_is_a_skip_that_keeps_what_the_scorer_found() {
    let scorer = compared(By::new(Order::Desc, |_| Some(7.0)), &three());
    let verdict = verdict(&scorer, "CCCC");
    assert_eq!((verdict.outcome, &*verdict.reason), (Outcome::Skip, NO_DECOYS));
    assert_eq!(verdict.values[..3], [Value::Text(b"x".to_vec()), Value::Float(7.0), Value::Int(4)]);
    assert_eq!(verdict.values.len(), 4, "its size and its log P, and nothing of decoys");
    let window = Settings { window: Some([0.99, 1.0]), ..three() };
    let scorer = compared(By::new(Order::Desc, |_| Some(7.0)), &window);
    assert_eq!(&*super::tests::verdict(&scorer, IBUPROFEN).reason, NO_HARD_DECOYS);
}

#[test]
fn what_the_scorer_refuses_stays_refused_and_every_reason_is_declared() {
    let scorer = compared(By::new(Order::Desc, |_| Some(7.0)), &three());
    assert_eq!(&*verdict(&scorer, "nonsense").reason, "own");
    for reason in ["own", NO_DECOYS, NO_CANONICAL_FORM, "parse"] {
        assert!(scorer.describe().reasons.binary_search(&reason.to_owned()).is_ok(), "{reason}");
    }
}

#[test]
fn how_a_structure_is_written_changes_nothing() {
    let scorer = compared(By::new(Order::Desc, |mol| Some(forks(mol))), &Settings::default());
    assert_eq!(verdict(&scorer, IBUPROFEN), verdict(&scorer, "OC(=O)C(C)c1ccc(CC(C)C)cc1"));
}

#[test]
fn the_seed_of_the_campaign_draws_decoys_and_labels() {
    let of = |seed| {
        let scorer =
            Compared::new(By::new(Order::Desc, |mol| Some(forks(mol))), Notation::Smiles, &three(), seed).unwrap();
        verdict(&scorer, "CCOC(=O)C(CC(C)C)NC(=O)C(CO)NC(=O)C(C)N")
    };
    assert_eq!(of(1), of(1));
    assert!((2..20).any(|seed| of(seed) != of(1)));
}

#[test]
fn a_label_is_drawn_evenly() {
    let scorer = compared(By::new(Order::Desc, |mol| Some(forks(mol))), &three());
    let mut counts = [0u32; 4];
    (0..4_000).for_each(|i| counts[scorer.label(&format!("{i}"), 4)] += 1);
    assert!(counts.iter().all(|count| count.abs_diff(1_000) < 150), "{counts:?}");
}

#[test]
fn a_row_has_a_value_for_every_column_and_the_scorers_columns_are_first() {
    let spectral = Spectral2d::new(crate::scorer::builtin::spectral::settings::Settings::default(), Notation::Smiles);
    let own = spectral.as_ref().unwrap().describe().columns.clone();
    let scorer = Compared::new(spectral.unwrap(), Notation::Smiles, &three(), 0).unwrap();
    assert_eq!(scorer.describe().columns[..own.len()], own);
    assert_eq!(verdict(&scorer, IBUPROFEN).values.len(), scorer.describe().columns.len());
}

#[test]
fn a_scorer_without_a_number_cannot_be_compared() {
    assert!(Compared::new(Null::new(), Notation::Smiles, &three(), 0).is_none());
}
