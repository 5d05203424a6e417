use super::*;

fn mol(smiles: &str) -> Mol {
    Mol::from_smiles(smiles.as_bytes()).unwrap_or_else(|e| panic!("{smiles}: {e:?}"))
}

fn aromatic_atoms(smiles: &str) -> usize {
    mol(smiles).atoms.iter().filter(|a| a.aromatic).count()
}

fn ring_sizes(smiles: &str) -> Vec<usize> {
    mol(smiles).rings.iter().map(|r| r.atoms.len()).collect()
}

#[test]
fn hydrogens_follow_from_the_valence_unless_brackets_say_how_many() {
    for (smiles, hydrogens) in
        [("C", 4), ("[CH2]", 2), ("[C]", 0), ("N", 3), ("[NH4+]", 4), ("S", 2), ("CS(C)(C)C", 0), ("B", 3), ("*", 0)]
    {
        let mol = mol(smiles);
        let most = mol.atoms.iter().find(|a| a.element != 6 || mol.atoms.len() == 1).unwrap();
        assert_eq!(usize::from(most.hydrogens()), hydrogens, "{smiles}");
    }
}

#[test]
fn written_hydrogens_are_folded_in_unless_something_would_be_lost() {
    for (smiles, atoms) in [
        ("[H]C([H])([H])[H]", 1),
        ("[2H]C", 2),
        ("[H][H]", 2),
        ("[H+]", 1),
        ("[H-]", 1),
        ("C[H-]", 2),
        ("[H]*", 2),
        ("[H]/C=C/C", 4),
        ("[H]C=CC", 3),
        ("[H][Pt@SP1](C)(C)C", 5),
    ] {
        assert_eq!(mol(smiles).atoms.len(), atoms, "{smiles}");
    }
}

#[test]
fn what_rdkit_calls_aromatic_is_aromatic_however_it_is_written() {
    for (smiles, atoms) in [
        ("c1ccccc1", 6),
        ("C1=CC=CC=C1", 6),
        ("C1=CNC=C1", 5),
        ("O=C1C=CC=CN1", 6),
        ("C1=CC=CC=CC=C1", 0),
        ("C1CCCCC1", 0),
        ("c1ccc2cccc2cc1", 10),
        ("C1=CC2=CC=CC2=C1", 0),
        ("[CH-]1C=CC=C1", 5),
        ("[CH+]1C=CC=CC=C1", 7),
        ("O=c1cc[nH]cc1", 6),
        ("C[n+]1ccccc1", 6),
        ("N1C=CC=C1.S1C=CC=C1.O1C=CC=C1", 15),
    ] {
        assert_eq!(aromatic_atoms(smiles), atoms, "{smiles}");
    }
}

#[test]
fn relevant_rings_do_not_depend_on_where_one_begins() {
    assert_eq!(ring_sizes("C12C3C4C1C5C2C3C45"), [4; 6], "cubane has six faces");
    assert_eq!(ring_sizes("C1CC2CCC1CC2"), [6; 3], "bicyclo[2.2.2]octane has three");
    assert_eq!(ring_sizes("c1ccc2ccccc2c1"), [6; 2]);
    assert_eq!(ring_sizes("C1CC1C1CCC1"), [3, 4]);
    assert_eq!(ring_sizes("CCCC"), [0; 0]);
    let fullerene = "c12c3c4c5c1c1c6c7c2c2c8c3c3c9c4c4c%10c5c5c1c1c6c6c%11c7c2c2c7c8c3c3c8c9c4c4c9c%10c5c5c1c1c6c6c%11c2c2c7c3c3c8c4c4c9c5c1c1c6c2c3c41";
    let sizes = ring_sizes(fullerene);
    assert_eq!((sizes.iter().filter(|s| **s == 5).count(), sizes.len()), (12, 32));
}

#[test]
fn every_ring_is_closed_by_its_own_bonds() {
    for line in include_str!("../../../../data/nci_first_5k.smi").lines().step_by(7) {
        let Ok(mol) = Mol::from_smiles(line.split('\t').next().unwrap().as_bytes()) else { continue };
        for ring in &mol.rings {
            for (i, bond) in ring.bonds.iter().enumerate() {
                let bond = &mol.bonds[usize::from(*bond)];
                let next = usize::from(ring.atoms[(i + 1) % ring.atoms.len()]);
                assert_eq!(bond.other(usize::from(ring.atoms[i])), next, "{line}");
                assert!(bond.ring);
            }
        }
    }
}

#[test]
fn alternating_bonds_give_every_atom_of_an_aromatic_system_its_valence() {
    for smiles in [
        "c1ccccc1",
        "c1ccc2ccccc2c1",
        "c1cc2ccc3cccc4ccc(c1)c2c34",
        "c1ccc2c(c1)ccc1ccccc12",
        "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
    ] {
        let mol = mol(smiles);
        for (index, atom) in mol.atoms.iter().enumerate().filter(|(_, a)| a.element == 6) {
            let pairs: u8 = mol.around(index).map(|(_, b)| if b.kekule == Order::Double { 2 } else { 1 }).sum();
            assert_eq!(pairs + atom.hydrogens(), 4, "{smiles}, atom {index}");
        }
    }
}

#[test]
fn impossible_molecules_are_refused_for_what_is_wrong_with_them() {
    for (smiles, refusal) in [
        ("C(C)(C)(C)(C)C", Refusal::Valence),
        ("FC(F)(F)F(C)", Refusal::Valence),
        ("c1cccc1", Refusal::Kekule),
        ("c1ccccc1c", Refusal::Kekule),
        ("n1cccc1", Refusal::Kekule),
        ("C1CC", Refusal::Syntax),
        ("C)", Refusal::Syntax),
        ("C(.C)", Refusal::Syntax),
        ("C==C", Refusal::Syntax),
        ("C%1", Refusal::Syntax),
        ("C12CC12", Refusal::Syntax),
        ("[CH5+3", Refusal::Syntax),
        ("[C+++]", Refusal::Syntax),
        ("[Pt@SP4]", Refusal::Syntax),
        ("[#119]", Refusal::Syntax),
        (" ", Refusal::Syntax),
    ] {
        assert_eq!(Mol::from_smiles(smiles.as_bytes()).unwrap_err(), refusal, "{smiles}");
    }
}

#[test]
fn common_spellings_of_one_molecule_have_one_fingerprint() {
    for spellings in [
        ["CN(=O)=O", "C[N+](=O)[O-]", "C[N+]([O-])=O"],
        ["OCl(=O)(=O)=O", "O[Cl+3]([O-])([O-])[O-]", "O=Cl(=O)(=O)O"],
        ["CN=N#N", "CN=[N+]=[N-]", "[N-]=[N+]=NC"],
        ["c1ccccc1O", "OC1=CC=CC=C1", "C1=CC=C(O)C=C1"],
        ["C1CC1", "C%121.C%12C1", "C%(7)CC%(7)"],
    ] {
        let prints = spellings.map(|s| Mol::from_smiles(s.as_bytes()).map(|m| morgan::fingerprint(&m)));
        for print in &prints {
            assert!(print.is_ok() && *print == prints[0], "{spellings:?}");
        }
    }
}

#[test]
fn isotopes_weigh_what_was_measured_or_their_mass_number() {
    let weight = |smiles: &str| weight::molecular_weight(&mol(smiles));
    assert!((weight("C") - 16.043).abs() < 1e-9);
    assert!((weight("[13CH4]") - (13.003_354_838 + 4.032)).abs() < 1e-6);
    assert!((weight("[99CH4]") - (99.0 + 4.032)).abs() < 1e-9);
    assert!((weight("*") - 0.0).abs() < 1e-9);
}

#[test]
fn the_table_of_elements_is_whole() {
    assert_eq!(element::ELEMENTS.len(), 119);
    assert_eq!(element::by_symbol(b"Og"), Some(118));
    assert_eq!(element::by_symbol(b"Uuo"), Some(118));
    assert_eq!(element::by_symbol(b"Xx"), None);
    assert!(element::ELEMENTS.iter().all(|e| !e.valences.is_empty()));
}

#[test]
fn an_atom_that_was_paired_in_the_meantime_is_not_paired_again() {
    // A dummy atom that may have a double bond, and an odd number of atoms around it that must: this went on for ever.
    for smiles in ["c1c2ccccc2cc2c*cccc12", "O=C[Cu](O)C=Cc1c2ccccc2cc2c*cccc12"] {
        let mol = mol(smiles);
        let doubles = |atom: usize| mol.around(atom).filter(|(_, bond)| bond.kekule == Order::Double).count();
        let ring = (0..mol.atoms.len()).filter(|i| mol.atoms[*i].ring && mol.atoms[*i].element == 6);
        assert!(ring.into_iter().all(|atom| doubles(atom) == 1), "{smiles}");
    }
}
