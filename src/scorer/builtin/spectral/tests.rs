//! The scorer over records: columns, reasons, and the score alone.

use super::settings::{DESCRIPTORS, EdgeWeight, PhysicsMode};
use super::*;
use crate::scorer::Outcome;
use crate::scorer::builtin::decoys::Facts;

fn scorer(settings: Settings) -> Spectral2d {
    Spectral2d::new(settings, Notation::Smiles).unwrap()
}

fn verdict(scorer: &Spectral2d, structure: &str) -> Verdict {
    scorer.score(&Record { ordinal: 0, id: b"", structure: structure.as_bytes() })
}

/// A decoy that `structure` is, whatever its parent.
fn look_alike(structure: &str) -> Option<Decoy> {
    let mol = Mol::from_smiles(structure.as_bytes()).ok()?;
    Some(Decoy { smiles: structure.to_owned(), facts: Facts::of(&mol), mol, tanimoto: 0.0 })
}

/// The cell of `column` in the row of `structure`.
fn cell(scorer: &Spectral2d, structure: &str, column: &str) -> Option<f64> {
    let verdict = verdict(scorer, structure);
    assert_eq!(verdict.outcome, Outcome::Ok, "{structure}: {}", verdict.reason);
    let at = scorer.describe().columns.iter().position(|known| known.name == column).unwrap();
    match &verdict.values[at] {
        Value::Float(value) => Some(*value),
        Value::Null => None,
        other => panic!("{column}: {other:?}"),
    }
}

/// Choices that ask for one, two, three and four operators.
fn choices() -> Vec<Settings> {
    let modes = [PhysicsMode::Topological, PhysicsMode::Hamiltonian, PhysicsMode::Both];
    let weights = [EdgeWeight::Unweighted, EdgeWeight::BondOrder, EdgeWeight::BondOrderDeltaChi];
    let each = |physics_mode| weights.map(|edge_weight| Settings { physics_mode, edge_weight, ..Settings::default() });
    modes.into_iter().flat_map(each).collect()
}

#[test]
fn small_molecules_have_the_values_that_a_pencil_finds() {
    let scorer = scorer(Settings::default());
    // Two atoms: L has 0 and 2; H has -1 on one site. The bond weighs 1 × (1 + |3.44 - 2.55|) = 1.89.
    for (column, value) in [
        ("score", 2.0),
        ("spectral_gap", 2.0),
        ("spectral_entropy", 0.0),
        ("spectral_entropy_norm", 0.0),
        ("L_gap", 2.0),
        ("L_trace", 2.0),
        ("L_entropy_beta", 0.365_333_86),
        ("H_gap", 2.236_067_98),
        ("H_trace", 1.0),
        ("W_gap", 3.78),
    ] {
        assert_eq!(cell(&scorer, "CO", column), Some(value), "{column}");
    }
    // A ring of six: 0, 1, 1, 3, 3, 4; each bond weighs 1.5.
    assert_eq!(cell(&scorer, "c1ccccc1", "spectral_gap"), Some(1.0));
    assert_eq!(cell(&scorer, "c1ccccc1", "L_trace"), Some(12.0));
    assert_eq!(cell(&scorer, "c1ccccc1", "W_gap"), Some(1.5));
}

#[test]
fn what_has_no_value_is_an_empty_cell() {
    let scorer = scorer(Settings { require_connected: false, ..Settings::default() });
    let empty = |structure: &str| {
        let names = DESCRIPTORS.map(|descriptor| descriptor.name).into_iter();
        names.filter(|name| cell(&scorer, structure, name).is_none()).collect::<Vec<_>>().join(" ")
    };
    let positive = "spectral_gap spectral_entropy spectral_entropy_norm";
    // One atom: no positive eigenvalue, and nothing between the two smallest.
    assert_eq!(empty("C"), format!("{positive} L_gap H_gap W_gap WH_gap"));
    assert_eq!((cell(&scorer, "O", "H_trace"), cell(&scorer, "O", "L_entropy_beta")), (Some(-1.0), Some(0.0)));
    // No heavy atom at all: nothing is said.
    for structure in ["*", "[H][H]", "[H+]"] {
        assert_eq!(empty(structure), DESCRIPTORS.map(|descriptor| descriptor.name).join(" "), "{structure}");
    }
    // Two atoms without a bond.
    assert_eq!(empty("[Na+].[Cl-]"), positive);
    assert_eq!(empty("CC"), "");
}

#[test]
fn hydrogens_and_dummies_are_not_in_the_graph() {
    let scorer = scorer(Settings::default());
    for (with, without) in [("[2H]C([2H])CO", "CCO"), ("*CCO", "CCO"), ("*C*", "C"), ("[H]O[H]", "O")] {
        assert_eq!(verdict(&scorer, with), verdict(&scorer, without), "{with}");
    }
    // A dummy holds a structure together, though it is not looked at.
    assert_eq!(cell(&scorer, "C*C", "L_gap"), Some(0.0));
}

#[test]
fn each_kind_of_structure_that_is_not_described_has_its_outcome_and_reason() {
    let scorer = scorer(Settings::default());
    for (structure, outcome, reason) in [
        ("", "SKIP", "empty_structure"),
        ("C\0C", "ERROR", "bad_encoding"),
        ("no molecule", "ERROR", "parse"),
        ("CN(=O)(C)(C)C", "ERROR", "valence"),
        ("c1cccc1", "ERROR", "kekulize"),
        (&"C".repeat(200), "OK", ""),
        (&"C".repeat(201), "SKIP", "too_many_atoms"),
        // The number of atoms comes first, as in HETERO-2; hydrogens and dummies do not count.
        (&format!("C.{}", "C".repeat(200)), "SKIP", "too_many_atoms"),
        (&format!("*{}[2H]", "C".repeat(200)), "OK", ""),
        (&"C".repeat(1001), "SKIP", "too_large"),
        ("CC.C", "SKIP", "disconnected"),
        ("CC.[H+]", "SKIP", "disconnected"),
        ("[Pt]", "SKIP", "missing_physics_params"),
        ("C[Hg]C", "SKIP", "missing_physics_params"),
        // Xenon has a potential, and no electronegativity.
        ("F[Xe]F", "SKIP", "missing_physics_params"),
        ("[Pt].C", "SKIP", "disconnected"),
    ] {
        let found = verdict(&scorer, structure);
        let shown: String = structure.chars().take(20).collect();
        assert_eq!((found.outcome.as_str(), &*found.reason), (outcome, reason), "{shown}");
        assert!(found.reason.is_empty() || outcome == "OK" || found.values.is_empty());
    }
}

#[test]
fn an_element_without_parameters_is_skipped_only_where_one_is_asked_for() {
    for settings in choices() {
        let outcome = |structure| verdict(&scorer(settings.clone()), structure).outcome;
        let has_potentials = settings.physics_mode != PhysicsMode::Topological;
        let draws = settings.edge_weight == EdgeWeight::BondOrderDeltaChi;
        let expected = |is_ok| if is_ok { Outcome::Ok } else { Outcome::Skip };
        assert_eq!(outcome("C[Hg]C"), expected(!has_potentials && !draws), "{settings:?}");
        assert_eq!(outcome("F[Xe]F"), expected(!draws), "{settings:?}");
    }
}

#[test]
fn the_guardrails_are_settings() {
    let scorer = scorer(Settings { max_atoms: 3, require_connected: false, ..Settings::default() });
    assert_eq!(verdict(&scorer, "CCCC").reason, "too_many_atoms");
    assert_eq!(verdict(&scorer, "CC.O").outcome, Outcome::Ok);
    let mut settings =
        Settings { physics_mode: PhysicsMode::Topological, score: "H_gap".to_owned(), ..Settings::default() };
    assert!(Spectral2d::new(settings.clone(), Notation::Smiles).is_none());
    settings.physics_mode = PhysicsMode::Hamiltonian;
    assert!(Spectral2d::new(settings, Notation::Smiles).is_some());
}

#[test]
fn the_score_of_a_decoy_has_the_bits_of_the_column_and_so_has_every_value_whatever_else_is_asked_for() {
    let structures = [
        "CC(=O)Oc1ccccc1C(=O)O",
        "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
        "C",
        "[Na+].[Cl-]",
        "C[Hg]C",
        "F[Xe]F",
        "*",
        "C1CC1C#N",
        "OB(O)c1ccc(cc1)C(F)(F)F",
        "nonsense",
    ];
    let all = scorer(Settings::default());
    for settings in choices() {
        for descriptor in settings.descriptors() {
            let scorer = scorer(Settings { score: descriptor.name.to_owned(), ..settings.clone() });
            for structure in structures {
                let record = Record { ordinal: 0, id: b"", structure: structure.as_bytes() };
                let decoy = look_alike(structure);
                let alone = decoy.and_then(|decoy| scorer.score_of_decoy(&record, &decoy));
                let row = verdict(&scorer, structure);
                let column = match row.values.first() {
                    Some(Value::Float(value)) => Some(*value),
                    _ => None,
                };
                assert_eq!(alone.map(f64::to_bits), column.map(f64::to_bits), "{structure}: {}", descriptor.name);
                let is_weight = descriptor.name.starts_with('W') && settings.edge_weight == EdgeWeight::BondOrder;
                if verdict(&all, structure).outcome == Outcome::Ok && !is_weight {
                    assert_eq!(alone, cell(&all, structure, descriptor.name), "{structure}: {}", descriptor.name);
                }
            }
        }
    }
}

#[test]
fn it_says_of_itself_what_it_gives() {
    let scorer = scorer(Settings { score: "WH_gap".to_owned(), order: Order::Asc, ..Settings::default() });
    let columns = &scorer.describe().columns;
    assert_eq!((columns[0].name.as_str(), columns[0].order), ("score", Order::Asc));
    let names: Vec<&str> = columns[1..].iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, DESCRIPTORS.map(|descriptor| descriptor.name));
    let has_all = |column: &Column| column.unit.is_some() && column.description.is_some();
    assert!(columns.iter().all(has_all));
    assert_eq!(cell(&scorer, "CCO", "score"), cell(&scorer, "CCO", "WH_gap"));
}

#[test]
fn the_order_in_which_atoms_and_bonds_are_written_changes_nothing() {
    let scorer = scorer(Settings::default());
    for structure in
        ["CC(=O)Oc1ccccc1C(=O)O", "Cn1cnc2c1c(=O)n(C)c(=O)n2C", "C1CC1C#N", "OB(O)c1ccc(cc1)C(F)(F)F", "CCCCCCCCCCCC"]
    {
        let mol = Mol::from_smiles(structure.as_bytes()).unwrap();
        let row = |mol: &Mol| scorer.describe_mol(mol, scorer.operators, &scorer.descriptors).unwrap();
        let n = mol.atoms.len();
        // (A prime that is no divisor of any of these sizes: every atom has a new place.)
        for step in [17, 19, 23] {
            let place = |atom: u16| ((usize::from(atom) * step + 5) % n) as u16;
            let mut atoms = mol.atoms.clone();
            (0..n).for_each(|old| atoms[usize::from(place(old as u16))] = mol.atoms[old]);
            let mut bonds = mol.bonds.clone();
            bonds.iter_mut().for_each(|bond| (bond.begin, bond.end) = (place(bond.end), place(bond.begin)));
            bonds.reverse();
            assert_eq!(row(&Mol::new(atoms, bonds)), row(&mol), "{structure} × {step}");
        }
    }
}
