use super::*;
use crate::scorer::builtin::chem::Atom;

/// A molfile of these atoms (symbol, and what follows it from column 35 on) and bonds (first, second, order, mark), the
/// atoms in a zigzag on paper.
fn molfile(atoms: &[(&str, &str)], bonds: &[[u8; 4]], properties: &str) -> String {
    let mut text = format!("title\n  program\n\n{:3}{:3}  0  0  0  0  0  0  0  0999 V2000\n", atoms.len(), bonds.len());
    for (i, (symbol, more)) in atoms.iter().enumerate() {
        let (x, y) = (1.3 * i as f64, 0.75 * (i % 2) as f64);
        text += &format!("{x:10.4}{y:10.4}{:10.4} {symbol:<3}{more}\n", 0.0);
    }
    for [a, b, order, mark] in bonds {
        text += &format!("{a:3}{b:3}{order:3}{mark:3}\n");
    }
    text + properties + "M  END\n"
}

/// The atoms of two that are bound to each other.
fn pair(first: (&str, &str), properties: &str) -> Vec<Atom> {
    Mol::from_molfile(molfile(&[first, ("C", " 0  0")], &[[1, 2, 1, 0]], properties).as_bytes()).unwrap().atoms
}

#[test]
fn charges_radicals_and_isotopes_are_read_wherever_they_are_written() {
    let first = |first, properties| pair(first, properties)[0];
    assert_eq!(first(("N", " 0  3"), "").charge, 1);
    assert_eq!(first(("O", " 0  5"), "").charge, -1);
    assert_eq!(first(("N", " 0  3"), "M  CHG  1   2  -1\n").charge, 0, "the line stands for all of them");
    assert_eq!(pair(("N", " 0  3"), "M  CHG  1   2  -1\n")[1].charge, -1);
    assert_eq!(first(("C", " 0  0"), "M  RAD  1   1   2\n").radicals, 1);
    assert_eq!(first(("C", " 0  0"), "M  RAD  1   1   2\n").hydrogens(), 2);
    assert_eq!(first(("C", " 0  0"), "M  ISO  1   1  13\n").isotope, 13);
    assert_eq!(first(("C", " 1  0"), "").isotope, 13, "a difference to the most common nuclide");
    assert_eq!((first(("D", " 0  0"), "").element, first(("D", " 0  0"), "").isotope), (1, 2));
    assert_eq!(first(("CL", " 0  0"), "").element, 17);
    assert_eq!(first(("R2", " 0  0"), "").isotope, 2);
}

#[test]
fn hydrogens_follow_from_the_valence_that_is_said_or_from_the_element() {
    let hydrogens = |more| pair(("C", more), "")[0].hydrogens();
    assert_eq!(hydrogens(" 0  0  0  0  0  0"), 3);
    assert_eq!(hydrogens(" 0  0  0  0  0  3"), 2);
    assert_eq!(hydrogens(" 0  0  0  0  0 15"), 0);
    assert_eq!(hydrogens(" 0  0  0  1  0  0"), 0);
}

#[test]
fn a_hydrogen_stays_an_atom_where_it_directs_a_double_bond() {
    let atoms = |mark| {
        let imine = [("C", " 0  0"), ("C", " 0  0"), ("N", " 0  0"), ("H", " 0  0")];
        let text = molfile(&imine, &[[1, 2, 1, 0], [2, 3, 2, mark], [3, 4, 1, 0]], "");
        Mol::from_molfile(text.as_bytes()).unwrap().atoms.len()
    };
    assert_eq!((atoms(0), atoms(3)), (4, 3), "a crossed bond has no side");
}

#[test]
fn a_sketch_keeps_its_places_and_the_hydrogens_at_its_marks() {
    let atoms = [("H", " 0  0"), ("C", " 0  0"), ("F", " 0  0"), ("Cl", " 0  0"), ("H", " 0  0")];
    let text = molfile(&atoms, &[[1, 2, 1, 0], [2, 3, 1, 0], [2, 4, 1, 0], [2, 5, 1, 6]], "");
    let sketch = read(text.as_bytes()).unwrap().sketch().unwrap();
    let elements: Vec<u8> = sketch.mol.atoms.iter().map(|atom| atom.element).collect();
    assert_eq!(elements, [6, 9, 17, 1], "the first hydrogen is folded in, the marked one is not");
    assert_eq!(sketch.marks, [(Mark::None, 0), (Mark::None, 0), (Mark::Hash, 0)]);
    assert!((sketch.at[0][0] - 1.3).abs() < 1e-9 && (sketch.at[3][0] - 5.2).abs() < 1e-9, "{:?}", sketch.at);
}

#[test]
fn what_is_no_structure_is_refused_by_what_it_is() {
    let good = molfile(&[("C", " 0  0"), ("O", " 0  0")], &[[1, 2, 1, 0]], "");
    let refused = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        Mol::from_molfile(good.replacen(from, to, 1).as_bytes()).err()
    };
    assert!(Mol::from_molfile(good.as_bytes()).is_ok());
    assert_eq!(refused("V2000", "V3000"), Some(Refusal::Version3000));
    assert_eq!(refused("  2  1  0", "  0  0  0"), Some(Refusal::Query), "atoms where there are properties");
    assert_eq!(refused("  1  2  1", "  1  2  8"), Some(Refusal::Query));
    assert_eq!(refused(" O  ", " L  "), Some(Refusal::Query));
    assert_eq!(refused("M  END", "M  ALS   2  1 F O   \nM  END"), Some(Refusal::Query));
    for (from, to) in [
        ("V2000", "V1999"),
        ("M  END\n", ""),
        ("  2  1  0", "  3  1  0"),
        ("  2  1  0", " -2  1  0"),
        ("  1  2  1", "  1  1  1"),
        ("  1  2  1", "  1  3  1"),
        ("  1  2  1", "  0  2  1"),
        (" O  ", " Zz "),
        ("0.7500", "   NaN"),
        ("0.7500", "x.7500"),
        ("M  END", "M  CHG  1   3   1\nM  END"),
        ("M  END", "M  CHG  9   1   1\nM  END"),
        ("M  END", "M  CHG  1   1 999\nM  END"),
        ("M  END", "M  RAD  1   1   7\nM  END"),
        ("M  END", "M  ISO  1   1  -2\nM  END"),
    ] {
        assert_eq!(refused(from, to), Some(Refusal::Syntax), "{from} -> {to}");
    }
    assert_eq!(Mol::from_molfile(molfile(&[], &[], "").as_bytes()).err(), Some(Refusal::Empty));
}

#[test]
fn no_molfile_that_is_cut_or_mixed_up_does_harm() {
    let good = molfile(
        &[("N", " 0  3"), ("C", " 1  0"), ("H", " 0  0")],
        &[[1, 2, 2, 1], [2, 3, 1, 6]],
        "A    1\nname\nM  CHG  1   1   1\nS  SKP  2\nx\ny\nM  ISO  1   2  13\n",
    );
    for cut in 0..good.len() {
        let (head, tail) = good.as_bytes().split_at(cut);
        let _ = Mol::from_molfile(head);
        for byte in [b'9', b'\n', b'-', b' ', 0xff] {
            let _ = read(&[head, &[byte], &tail[1..]].concat()).map(Molfile::sketch);
        }
    }
}
