use super::*;

fn figure(smiles: &str) -> Figure {
    layout::figure(smiles).unwrap_or_else(|| panic!("`{smiles}` is not drawn"))
}

/// The wedged bond of a molecule with one centre: the letters at its wide end, and which kind.
fn wedge(smiles: &str) -> Vec<(&'static str, Stroke)> {
    let figure = figure(smiles);
    let wedged = figure.bonds.iter().filter(|b| matches!(b.stroke, Stroke::Wedge | Stroke::Hash));
    wedged.map(|bond| (figure.atoms[bond.ends[1]].symbol, bond.stroke)).collect()
}

#[test]
fn every_atom_and_bond_of_a_structure_is_in_its_drawing() {
    let drawn = draw(b"CC(=O)Oc1ccccc1C(=O)O", Notation::Smiles, "aspirin & <more>").unwrap();
    // Two carbonyl groups are two lines each, three ring bonds as well, and the eight others one.
    assert_eq!(drawn.svg.matches('M').count(), 2 * 2 + 3 * 2 + 8, "{}", drawn.svg);
    assert_eq!(drawn.svg.matches("<text").count(), 4, "{}", drawn.svg);
    assert!(drawn.svg.contains("aria-label=\"aspirin &amp; &lt;more&gt;\"") && !drawn.is_flat);
    assert_eq!(
        draw(b"CC(=O)Oc1ccccc1C(=O)O", Notation::Smiles, "aspirin & <more>"),
        Some(drawn),
        "the same bytes each time"
    );
}

#[test]
fn what_is_no_structure_or_too_large_is_not_drawn() {
    let deep = [b"C(".repeat(300), b")".repeat(300)].concat();
    let (long, open) = (b"C".repeat(151), b"C".repeat(5000));
    for bad in [&b""[..], b" ", b"C(", b"hello", b"\xff\xfe", b"<svg>", b"C1CC", b"c1ccc1(", &deep, &long, &open] {
        assert_eq!(draw(bad, Notation::Smiles, "x"), None, "{:?}", String::from_utf8_lossy(bad));
    }
}

#[test]
fn mirror_images_are_drawn_as_such() {
    let (left, right) = (wedge("C[C@H](N)C(=O)O"), wedge("C[C@@H](N)C(=O)O"));
    assert_eq!((left.len(), right.len()), (1, 1));
    assert_eq!(left[0].0, right[0].0);
    assert_ne!(left[0].1, right[0].1);
    // The same molecule, written from the other end.
    assert_eq!(wedge("N[C@@H](C)C(=O)O").len(), 1);
    assert!(wedge("CC(N)C(=O)O").is_empty());
    assert!(figure("F[Pt@SP1](Cl)(Br)I").is_flat, "what cannot be drawn is said");
}

#[test]
fn neighbours_of_a_double_bond_are_on_the_sides_that_were_written() {
    let same_side = |smiles: &str| {
        let at: Vec<Point> = figure(smiles).atoms.iter().map(|a| a.at).collect();
        let side = |p: Point| (at[2].0 - at[1].0) * (p.1 - at[1].1) - (at[2].1 - at[1].1) * (p.0 - at[1].0);
        side(at[0]) * side(at[3]) > 0.0
    };
    for (smiles, expected) in [("F/C=C/F", false), ("F/C=C\\F", true), ("F\\C=C\\F", false), ("C/C=C\\C", true)] {
        assert_eq!(same_side(smiles), expected, "{smiles}");
    }
}

#[test]
fn the_parts_of_a_salt_do_not_lie_over_each_other() {
    for salt in ["[Na+].[Cl-]", "CCN.Cl", "C.C.C.C.C.C.C", "CN1CCC(CC1)OC(c1ccccc1)c1ccccc1.OC(=O)C=CC(O)=O"] {
        let at: Vec<Point> = figure(salt).atoms.iter().map(|a| a.at).collect();
        for (i, a) in at.iter().enumerate() {
            for b in &at[..i] {
                assert!((a.0 - b.0).hypot(a.1 - b.1) > 20.0, "{salt}");
            }
        }
    }
}

/// Alanine on paper, its methyl group on a wedge; `z` is the height of its last atom.
fn alanine(mark: u8, z: f64) -> String {
    let atoms =
        [("C", 0.0, 0.0), ("C", 1.3, 0.75), ("N", 1.3, 2.25), ("C", 2.6, 0.0), ("O", 2.6, -1.5), ("O", 3.9, 0.75)];
    let line = |(i, (symbol, x, y)): (usize, &(&str, f64, f64))| {
        format!("{x:10.4}{y:10.4}{:10.4} {symbol:<3} 0  0\n", if i == 5 { z } else { 0.0 })
    };
    let atoms: String = atoms.iter().enumerate().map(line).collect();
    format!(
        "alanine\n\n\n  6  5  0  0  1  0  0  0  0  0999 V2000\n{atoms}  2  1  1{mark:3}\n  2  3  1  0\n  2  4  1  0\n  4  5  2  0\n  4  6  1  0\nM  END\n"
    )
}

#[test]
fn a_molblock_is_drawn_as_its_author_drew_it() {
    let figure = sketch::figure(&alanine(1, 0.0)).unwrap();
    // Bonds are 40 long, and y grows downwards.
    let nitrogen = &figure.atoms[2];
    assert!((nitrogen.at.0 - 1.3 * 40.0 / 1.5).abs() < 0.1 && (nitrogen.at.1 + 60.0).abs() < 0.1, "{:?}", nitrogen.at);
    assert_eq!((nitrogen.hydrogens, figure.atoms[5].hydrogens), (2, 1));
    assert_eq!((figure.bonds[0].stroke, figure.bonds[0].ends), (Stroke::Wedge, [1, 0]));
    assert_eq!((figure.bonds[3].stroke, figure.is_flat), (Stroke::Double, false));
    assert_eq!(sketch::figure(&alanine(6, 0.0)).unwrap().bonds[0].stroke, Stroke::Hash);
    let drawn = draw(alanine(1, 0.0).as_bytes(), Notation::Molblock, "alanine").unwrap();
    assert!(drawn.svg.contains("class=\"f\"") && drawn.svg.contains("aria-label=\"alanine\""));
}

#[test]
fn a_molblock_in_space_or_without_places_is_laid_out_anew() {
    let figure = sketch::figure(&alanine(0, 1.0)).unwrap();
    assert!(figure.is_flat, "its form in space is not drawn");
    let places = |text: &str| sketch::figure(text).unwrap().atoms.iter().map(|atom| atom.at).collect::<Vec<_>>();
    let nowhere = alanine(0, 0.0)
        .lines()
        .map(|line| {
            if line.contains('.') { format!("{:10.4}{:10.4}{}\n", 0.0, 0.0, &line[20..]) } else { format!("{line}\n") }
        })
        .collect::<String>();
    assert!(!sketch::figure(&nowhere).unwrap().is_flat, "nothing was said of a form");
    for at in [places(&alanine(0, 1.0)), places(&nowhere)] {
        for (i, a) in at.iter().enumerate() {
            assert!(at[..i].iter().all(|b| (a.0 - b.0).hypot(a.1 - b.1) > 20.0), "{at:?}");
        }
    }
}

#[test]
fn a_molblock_that_is_not_read_is_not_drawn() {
    let good = alanine(0, 0.0);
    for bad in ["", "x", &good.replace("V2000", "V3000"), &good.replace("M  END\n", ""), &good.replace(" N  ", " Zz ")]
    {
        assert_eq!(draw(bad.as_bytes(), Notation::Molblock, "x"), None, "{bad}");
    }
    let many = format!(
        "\n\n\n200  0  0  0  0  0  0  0  0  0999 V2000\n{}M  END\n",
        format!("{:10.4}{:10.4}{:10.4} C   0  0\n", 0.0, 0.0, 0.0).repeat(200)
    );
    assert_eq!(draw(many.as_bytes(), Notation::Molblock, "x"), None);
}

#[test]
fn a_chain_that_is_one_straight_line_is_laid_out_anew() {
    let line = |i: u8| format!("{:10.4}{:10.4}{:10.4} C   0  0\n", 1.5 * f64::from(i), 0.0, 0.0);
    let atoms: String = (0..4).map(line).collect();
    let text = format!(
        "butane\n\n\n  4  3  0  0  0  0  0  0  0  0999 V2000\n{atoms}  1  2  1\n  2  3  1\n  3  4  1\nM  END\n"
    );
    let at: Vec<Point> = sketch::figure(&text).unwrap().atoms.iter().map(|atom| atom.at).collect();
    let turn = (at[1].0 - at[0].0) * (at[2].1 - at[1].1) - (at[1].1 - at[0].1) * (at[2].0 - at[1].0);
    assert!(turn.abs() > 100.0, "{at:?}");
}
