use super::*;
use crate::scorer::builtin::chem::write::{self, Form};

const NCI: &str = include_str!("../../../../data/nci_first_5k.smi");

/// The molecules of the shipped library, every `step`th.
fn shipped(step: usize) -> impl Iterator<Item = (&'static str, Mol)> {
    let structure = |line: &'static str| line.split('\t').next().unwrap();
    NCI.lines().step_by(step).map(structure).filter_map(|text| Some((text, Mol::from_smiles(text.as_bytes()).ok()?)))
}

fn mol(text: &str) -> Mol {
    Mol::from_smiles(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e:?}"))
}

fn decoys(mol: &Mol, settings: &Settings) -> Decoys {
    of(mol, &Seed::new(0), settings).unwrap()
}

fn smiles(decoys: &Decoys) -> Vec<&str> {
    decoys.decoys.iter().map(|decoy| decoy.smiles.as_str()).collect()
}

/// All decoys that `strategies` have.
fn space(strategies: &[Strategy], connected: bool) -> Settings {
    Settings {
        count: usize::MAX,
        strategies: strategies.to_vec(),
        window: None,
        connected,
        looks: usize::MAX,
        atoms: usize::MAX,
    }
}

/// What an exchange keeps of each atom, sorted: element, charge, isotope, hydrogens if wanted, bonds.
fn atoms(mol: &Mol, with_hydrogens: bool) -> Vec<(u8, i8, u16, usize, usize)> {
    let hydrogens = |i: usize| if with_hydrogens { mol.all_hydrogens(i) } else { 0 };
    let atom =
        |i: usize| (mol.atoms[i].element, mol.atoms[i].charge, mol.atoms[i].isotope, hydrogens(i), mol.degree(i));
    let mut atoms: Vec<_> = (0..mol.atoms.len()).map(atom).collect();
    atoms.sort_unstable();
    atoms
}

#[test]
fn a_decoy_has_its_parents_atoms_each_with_as_many_bonds_in_as_many_fragments_and_is_none_of_the_others() {
    for (text, mol) in shipped(10) {
        let decoys = decoys(&mol, &Settings::of(20));
        let parent = self::mol(&decoys.parent);
        let keeps = decoys.strategy.is_none_or(|strategy| strategy.keeps(&parent));
        let mut seen = BTreeSet::from([decoys.parent.as_str()]);
        for decoy in &decoys.decoys {
            assert_eq!(atoms(&decoy.mol, keeps), atoms(&parent, keeps), "{text}: {}", decoy.smiles);
            assert_eq!(decoy.mol.fragments(), parent.fragments(), "{text}: {}", decoy.smiles);
            assert!(seen.insert(&decoy.smiles), "{text}: {} twice", decoy.smiles);
            assert_eq!(canon::smiles(&decoy.mol).unwrap(), decoy.smiles, "{text}");
            let tanimoto = tanimoto::of(&morgan::fingerprint(&parent), &morgan::fingerprint(&decoy.mol));
            assert_eq!(tanimoto.to_bits(), decoy.tanimoto.to_bits(), "{text}: {}", decoy.smiles);
            let deltas = decoy.facts.minus(&decoys.facts);
            assert_eq!(deltas.rings, 0, "{text}: {}", decoy.smiles);
            assert!(!keeps || deltas.weight.abs() < 1e-9, "{text}: {}", decoy.smiles);
        }
        for trial in &decoys.trials {
            let found = if Some(trial.strategy) == decoys.strategy { decoys.decoys.len() } else { 0 };
            assert_eq!(trial.tried as usize, trial.refused.total() as usize + found, "{text}: {trial:?}");
        }
    }
}

#[test]
fn neither_the_order_of_atoms_nor_the_spelling_changes_a_decoy() {
    for (text, mol) in shipped(25) {
        let settings = Settings::of(4);
        let ours = decoys(&mol, &settings);
        let ranks: Vec<u16> = (0..mol.atoms.len() as u16).rev().collect();
        for form in [Form::Aromatic, Form::Kekule] {
            let other = self::mol(&write::smiles_ranked(&mol, form, &ranks, 0));
            let theirs = decoys(&other, &settings);
            assert_eq!(smiles(&theirs), smiles(&ours), "{text}");
            assert_eq!((theirs.strategy, &theirs.trials, theirs.facts), (ours.strategy, &ours.trials, ours.facts));
            for (a, b) in ours.decoys.iter().zip(&theirs.decoys) {
                assert_eq!((a.facts, a.tanimoto.to_bits()), (b.facts, b.tanimoto.to_bits()), "{text}");
            }
        }
    }
}

#[test]
fn the_seed_decides_the_order_and_more_are_the_same_ones_first() {
    let mol = mol("CC(C)CC1=CC=C(C=C1)C(C)C(=O)O");
    let strict = space(&[Strategy::RelaxA], true);
    let all = decoys(&mol, &strict);
    for count in 0..=all.decoys.len() + 2 {
        let some = decoys(&mol, &Settings { count, ..strict.clone() });
        assert_eq!(smiles(&some), smiles(&all)[..count.min(all.decoys.len())]);
        assert_eq!(some.reason().is_none(), count > 0);
    }
    assert!(all.trials[0].is_exhausted());
    let other = of(&mol, &Seed::new(1), &strict).unwrap();
    assert_ne!(smiles(&other), smiles(&all));
    let set = |decoys: &Decoys| decoys.decoys.iter().map(|d| d.smiles.clone()).collect::<BTreeSet<_>>();
    assert_eq!(set(&other), set(&all));
}

#[test]
fn the_decoys_of_some_molecules_are_these_forever() {
    let found: Vec<String> = ["CC(=O)Oc1ccccc1C(=O)O", "CC(C)CC1=CC=C(C=C1)C(C)C(=O)O", "c1ccccc1", "CCCC", "C"]
        .iter()
        .map(|text| {
            let decoys = decoys(&mol(text), &Settings::of(3));
            format!(
                "{}: {} {}",
                decoys.parent,
                decoys.strategy.map_or("none", Strategy::name),
                smiles(&decoys).join(" ")
            )
        })
        .collect();
    assert_eq!(found, FROZEN);
}

/// In docs/decoys.md too.
const FROZEN: [&str; 5] = [
    "CC(=O)Oc1ccccc1C(=O)O: rewire_strict_v1 CC(=O)c1ccccc1OC(=O)O CC(=O)C(=O)c1ccccc1OO",
    "CC(C)Cc1ccc(cc1)C(C)C(=O)O: rewire_strict_v1 CC(C)C(C(=O)O)c1ccc(CC)cc1 CC(O)Cc1ccc(cc1)C(C)C(C)=O \
     CC(C)C(=O)C(C)c1ccc(CO)cc1",
    "c1ccccc1: rewire_fallback_aromatic_as_single_v1 C1CCCCC1",
    "CCCC: none ",
    "C: none ",
];

#[test]
fn strategies_come_one_after_the_other_and_those_that_come_to_the_same_are_not_tried_again() {
    let butane = decoys(&mol("CCCC"), &Settings::of(2));
    assert_eq!((butane.strategy, butane.reason()), (None, Some(NO_DECOYS)));
    assert_eq!(butane.trials.iter().map(|t| t.strategy).collect::<Vec<_>>(), Strategy::ALL);
    assert!(butane.trials[0].same_as.is_none() && butane.trials[0].refused.parent > 0);
    assert!(butane.trials[1..].iter().all(|t| t.same_as == Some(Strategy::Strict) && t.tried == 0));
    let benzene = decoys(&mol("c1ccccc1"), &Settings::of(2));
    assert_eq!((benzene.strategy, smiles(&benzene)), (Some(Strategy::AromaticAsSingle), vec!["C1CCCCC1"]));
    assert_eq!(benzene.trials[3].refused.no_molecule, 0);
}

#[test]
fn a_window_has_its_bounds_and_its_own_reason() {
    let mol = mol("CC(C)CC1=CC=C(C=C1)C(C)C(=O)O");
    let all = decoys(&mol, &space(&[Strategy::RelaxA], true));
    let likest = all.decoys.iter().map(|decoy| decoy.tanimoto).fold(0.0, f64::max);
    let within = |least: f64, most: f64| {
        let window = Some(Window { least, most });
        decoys(&mol, &Settings { window, ..space(&[Strategy::RelaxA], true) })
    };
    let exactly = within(likest, likest);
    assert!(!exactly.decoys.is_empty() && exactly.decoys.iter().all(|d| d.tanimoto.to_bits() == likest.to_bits()));
    let above = within(likest + 1e-9, 1.0);
    assert_eq!((above.decoys.len(), above.reason()), (0, Some(NO_HARD_DECOYS)));
    assert_eq!(above.trials[0].refused.outside_window as usize, all.decoys.len());
}

#[test]
fn a_decoy_of_a_salt_has_as_many_fragments_unless_more_are_asked_for() {
    let salt = mol("CCN.OC(C)=O");
    let whole = decoys(&salt, &space(&[Strategy::Strict], true));
    assert!(!whole.decoys.is_empty() && whole.decoys.iter().all(|decoy| decoy.mol.fragments() == 2));
    let chain = mol("CCOCCN");
    let any = decoys(&chain, &space(&[Strategy::Strict], false));
    let apart = any.decoys.iter().filter(|decoy| decoy.smiles.contains('.')).count();
    let connected = decoys(&chain, &space(&[Strategy::Strict], true));
    assert!(apart > 0 && any.decoys.len() == connected.decoys.len() + apart);
}

#[test]
fn bands_begin_where_the_contract_says() {
    for (tanimoto, band) in
        [(0.0, "easy"), (0.499, "easy"), (0.5, "medium"), (0.699, "medium"), (0.7, "hard"), (1.0, "hard")]
    {
        assert_eq!(Band::of(tanimoto).name(), band);
    }
}

#[test]
fn what_is_seen_at_once_to_be_the_parent_is_the_parent() {
    for (text, parent) in shipped(40) {
        let parent = mol(&canon::smiles(&parent).unwrap());
        let bonds = Strategy::RelaxB.candidates(&parent);
        let bench = Bench::new(parent.clone(), true);
        let mut plain = Bench::new(parent.clone(), false);
        for (i, &first) in bonds.iter().enumerate() {
            for &second in &bonds[..i] {
                for turned in [false, true] {
                    let (first, second) = (usize::from(first), usize::from(second));
                    let quick = bench.is_simple((first, second, turned));
                    if quick != Err(Refused::Parent) {
                        continue;
                    }
                    assert_eq!(plain.is_simple((first, second, turned)), Ok(()));
                    let form = plain.with((first, second, turned), false, |mol| Ok(canon::smiles(mol).unwrap()));
                    assert_eq!(form, canon::smiles(&parent).map_err(|_| Refused::Bound), "{text}");
                }
            }
        }
    }
}

#[test]
fn what_is_not_perceived_anew_would_be_perceived_the_same() {
    for (text, parent) in shipped(40) {
        let bonds = Strategy::RelaxA.candidates(&parent);
        let mut bench = Bench::new(parent.clone(), false);
        for (i, &first) in bonds.iter().enumerate() {
            for &second in &bonds[..i] {
                let way = (usize::from(first), usize::from(second), i % 2 == 0);
                if bench.is_simple(way).is_err() {
                    continue;
                }
                let same = bench.with(way, true, |mol| {
                    let anew = Mol::new(mol.atoms.clone(), mol.bonds.clone()).perceived_anew().unwrap();
                    assert_eq!(canon::smiles(mol).unwrap(), canon::smiles(&anew).unwrap(), "{text}");
                    assert_eq!(morgan::fingerprint(mol), morgan::fingerprint(&anew), "{text}");
                    assert_eq!(Facts::of(mol), Facts::of(&anew), "{text}");
                    Ok(())
                });
                assert!(matches!(same, Ok(()) | Err(Refused::Disconnected)), "{text}");
            }
        }
        // Everything was put back.
        let (before, after) = (canon::smiles(&parent).unwrap(), canon::smiles(bench.molecule()).unwrap());
        assert_eq!((before, &parent.bonds), (after, &bench.molecule().bonds), "{text}");
    }
}

#[test]
fn large_and_symmetric_molecules_take_a_bounded_number_of_looks() {
    for text in ["C".repeat(200), format!("C1{}C1", "C".repeat(198)), "C1C2CC3CC1CC(C2)C3".to_owned()] {
        let settings = Settings { looks: 30, ..Settings::of(usize::MAX) };
        let decoys = decoys(&mol(&text), &settings);
        for trial in &decoys.trials {
            let found = if Some(trial.strategy) == decoys.strategy { decoys.decoys.len() } else { 0 };
            let none = trial.refused.adjacent + trial.refused.bound + trial.refused.disconnected;
            let looked = (trial.refused.total() - none) as usize + found;
            assert!(
                looked == 30 || looked < 30 && (trial.is_exhausted() || trial.same_as.is_some()),
                "{text}: {trial:?}"
            );
        }
    }
    // Fewer, where each has many atoms.
    let long = decoys(&mol(&"C".repeat(900)), &Settings { atoms: 9_000, ..Settings::of(2) });
    assert_eq!(long.trials[0].refused.parent, 10);
    assert_eq!(
        of(&mol(&format!("[W]{}C", "(C)".repeat(900))), &Seed::new(0), &Settings::of(1)).err(),
        Some(Refusal::TooComplex)
    );
}
