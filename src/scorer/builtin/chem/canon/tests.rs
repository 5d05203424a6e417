use super::*;
use crate::scorer::builtin::chem::morgan;

const NCI: &str = include_str!("../../../../../data/nci_first_5k.smi");

/// The molecules of the shipped library, every `step`th.
fn shipped(step: usize) -> impl Iterator<Item = (&'static str, Mol)> {
    let structure = |line: &'static str| line.split('\t').next().unwrap();
    NCI.lines().step_by(step).map(structure).filter_map(|text| Some((text, Mol::from_smiles(text.as_bytes()).ok()?)))
}

fn mol(text: &str) -> Mol {
    Mol::from_smiles(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e:?}"))
}

fn canonical(text: &str) -> String {
    smiles(&mol(text)).unwrap_or_else(|e| panic!("{text}: {e:?}"))
}

/// A generator for numberings.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % bound as u64) as usize
    }

    /// `mol` written with its atoms in another order, with small letters or without.
    fn rewrite(&mut self, mol: &Mol) -> String {
        let atoms = mol.atoms.len();
        let mut ranks: Vec<u16> = (0..atoms as u16).collect();
        for at in (1..atoms).rev() {
            ranks.swap(at, self.below(at + 1));
        }
        let form = if self.below(2) == 0 { Form::Aromatic } else { Form::Kekule };
        write::smiles_ranked(mol, form, &ranks, self.below(atoms))
    }
}

/// A SMILES of `atoms` carbon atoms and these bonds, all written as ring closures.
fn graph(atoms: usize, bonds: &[(usize, usize)]) -> String {
    let mut text = vec!["C".to_owned(); atoms];
    for (number, (a, b)) in bonds.iter().enumerate() {
        for end in [a, b] {
            text[*end] += &format!("%({})", number + 1);
        }
    }
    text.join(".")
}

/// Graphs that refinement cannot tell apart if one is twisted and the other is not (Cai, Fürer and Immerman 1992), over a
/// ladder of `rungs` closed to a ring.
fn twins(rungs: usize, twisted: bool) -> String {
    let rails = |i: usize| [(i, (i + 1) % rungs), (rungs + i, rungs + (i + 1) % rungs), (i, rungs + i)];
    let base: Vec<(usize, usize)> = (0..rungs).flat_map(rails).collect();
    let at = |edge: usize, vertex: usize| {
        let before = base[..edge].iter().filter(|(a, b)| *a == vertex || *b == vertex);
        vertex * 10 + 4 + 2 * before.count()
    };
    let mut bonds = Vec::new();
    for vertex in 0..2 * rungs {
        for (inner, even) in [0, 3, 5, 6].into_iter().enumerate() {
            bonds.extend((0..3).map(|slot| (vertex * 10 + inner, vertex * 10 + 4 + 2 * slot + (even >> slot & 1))));
        }
    }
    for (edge, (a, b)) in base.iter().enumerate() {
        let crossed = usize::from(twisted && edge == 0);
        bonds.extend((0..2).map(|bit| (at(edge, *a) + bit, at(edge, *b) + (bit ^ crossed))));
    }
    graph(20 * rungs, &bonds)
}

const CUBANE: &str = "C12C3C4C1C5C2C3C45";
const DODECAHEDRANE: &str = "C12C3C4C5C1C6C7C2C8C3C9C4C1C5C6C2C7C8C9C12";
const FULLERENE: &str = "c12c3c4c5c1c1c6c7c2c2c8c3c3c9c4c4c%10c5c5c1c1c6c6c%11c7c2c2c7c8c3c3c8c9c4c4c9c%10c5c5c1c1c6c6c%11\
                         c2c2c7c3c3c8c4c4c9c5c1c1c6c2c3c41";

#[test]
fn every_shipped_molecule_has_one_form_however_it_is_written() {
    let mut numbers = Numbers(1);
    for (text, mol) in shipped(1) {
        let form = smiles(&mol).unwrap();
        let again = numbers.rewrite(&mol);
        assert_eq!(canonical(&again), form, "{text} as {again}");
    }
}

#[test]
fn what_is_written_reads_back_as_the_same_molecule() {
    for (text, mol) in shipped(3) {
        let form = smiles(&mol).unwrap();
        for written in [form.clone(), write::smiles(&mol, Form::Aromatic), write::smiles(&mol, Form::Kekule)] {
            let read = self::mol(&written);
            assert_eq!(smiles(&read).unwrap(), form, "{text} as {written}");
            assert_eq!(morgan::fingerprint(&read), morgan::fingerprint(&mol), "{text} as {written}");
            let hydrogens = |mol: &Mol| (0..mol.atoms.len()).map(|i| mol.all_hydrogens(i)).sum::<usize>();
            assert_eq!((read.atoms.len(), hydrogens(&read)), (mol.atoms.len(), hydrogens(&mol)), "{text} as {written}");
        }
    }
}

#[test]
fn symmetric_cages_and_polymers_have_one_form_too() {
    let cage = "(C12C3C4C1C5C2C3C45)";
    let arms = |n: usize| (0..n).fold("C".to_owned(), |arm, _| format!("C({arm})({arm}){arm}"));
    let structures = [
        CUBANE.to_owned(),
        DODECAHEDRANE.to_owned(),
        FULLERENE.to_owned(),
        format!("C{}C12C3C4C1C5C2C3C45", cage.repeat(3)),
        "C1C2CC3CC1CC(C2)C3".to_owned(),
        "c1ccccc1[Sn](c1ccccc1)(c1ccccc1)c1ccccc1".to_owned(),
        "[SiH]12O[SiH]3O[SiH]4O[SiH](O1)O[SiH]1O[SiH](O2)O[SiH](O3)O[SiH](O4)O1".to_owned(),
        "C".repeat(300),
        format!("C1{}C1", "C".repeat(300)),
        format!("c1ccccc1{}", "-c1ccc(cc1)".repeat(30)),
        format!("C({0})({0})({0}){0}", arms(3)),
        vec!["c1ccccc1"; 40].join("."),
        twins(4, false),
        twins(4, true),
    ];
    let mut numbers = Numbers(2);
    for text in &structures {
        let mol = mol(text);
        let form = smiles(&mol).unwrap();
        for _ in 0..4 {
            assert_eq!(canonical(&numbers.rewrite(&mol)), form, "{text}");
        }
    }
}

#[test]
fn molecules_that_refinement_alone_cannot_tell_apart_have_different_forms() {
    for (one, other) in [
        // Two rings of six that share a bond, and one of five with one of seven.
        ("C1CCC2CCCCC2C1", "C1CCC2CCCC2CC1"),
        ("C1CC1.C1CC1", "C1CCCCC1"),
        ("C1CCCC1.C1CCCCCC1", "C1CCCCC1.C1CCCCC1"),
        // Decalin and bicyclopentyl.
        ("C1CCC2CCCCC2C1", "C1CCCC1C1CCCC1"),
        ("C12C3C4C1C5C2C3C45", "C12C3C1C4C5C2C3C45"),
    ] {
        assert_ne!(canonical(one), canonical(other), "{one} and {other}");
    }
    for rungs in [3, 4, 6] {
        assert_ne!(canonical(&twins(rungs, false)), canonical(&twins(rungs, true)), "{rungs} rungs");
    }
}

#[test]
fn charges_isotopes_hydrogens_and_unusual_bonds_are_in_the_form() {
    for (text, form) in [
        ("OCC", "CCO"),
        ("C1=CC=CC=C1O", "Oc1ccccc1"),
        ("N1C=CC=C1", "c1ccc[nH]1"),
        ("[13CH3]C", "C[13CH3]"),
        ("[CH2]C", "C[CH2]"),
        ("[NH4+].[Cl-]", "[Cl-].[NH4+]"),
        ("[O-][N+](C)=O", "C[N+](=O)[O-]"),
        ("C[S@](=O)CC", "CCS(C)=O"),
        ("F/C=C/F", "FC=CF"),
        ("[H]/N=C/C", "CC=N"),
        ("C1=CC=CC=C1c1ccccc1", "c1ccccc1-c1ccccc1"),
        ("*C", "*C"),
        ("[Cu]<-N", "N->[Cu]"),
        ("OCl(=O)(=O)=O", "O[Cl+3]([O-])([O-])[O-]"),
        ("[2H]O[2H]", "[2H]O[2H]"),
        ("[H][H]", "[H][H]"),
        ("[Fe+2]", "[Fe+2]"),
        ("C$C", "C$C"),
    ] {
        let ours = canonical(text);
        assert_eq!(canonical(&ours), ours, "{text}");
        assert_eq!(ours.len(), form.len(), "{text}: {ours}, and not {form}");
        assert_eq!(canonical(form), ours, "{text}");
    }
}

#[test]
fn what_is_too_symmetric_is_said_to_be() {
    let star = format!("[W]{}C", "(C)".repeat(900));
    assert_eq!(smiles(&mol(&star)), Err(Refusal::TooComplex));
}

#[test]
fn many_rings_open_at_once_have_numbers_of_two_and_three_digits() {
    let ladder: Vec<_> = (0..150).map(|i| (i, 299 - i)).chain((0..299).map(|i| (i, i + 1))).collect();
    let bonds: Vec<_> = ladder.into_iter().filter(|(a, b)| !(*a == 149 && *b == 150)).collect();
    let mol = mol(&graph(300, &bonds));
    let ranks: Vec<u16> = (0..300).collect();
    let written = write::smiles_ranked(&mol, Form::Aromatic, &ranks, 0);
    assert_eq!(canonical(&written), smiles(&mol).unwrap());
}
