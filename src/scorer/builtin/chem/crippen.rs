//! Octanol–water partition: the atom types of Wildman and Crippen, Journal of Chemical Information
//! and Computer Sciences 39 (1999) 868, table 1, in the order and with the readings of RDKit.
//!
//! Each atom, hydrogens included, has the contribution of the first type that fits it. Heavy atoms
//! are summed in their order, then the hydrogens in the order of the atoms that carry them.

use super::{Atom, Bond, Mol, Order};

/// log P.
pub fn log_p(mol: &Mol) -> f64 {
    let view = View::new(mol);
    let mut sum = 0.0;
    for index in 0..mol.atoms.len() {
        sum += view.contribution(index);
    }
    for (index, atom) in mol.atoms.iter().enumerate() {
        let count = atom.hydrogens();
        if count > 0 {
            let each = view.hydrogen_on(index, usize::from(count) - 1);
            for _ in 0..count {
                sum += each;
            }
        }
    }
    sum
}

/// The molecule with all hydrogens counted.
struct View<'a> {
    mol: &'a Mol,
}

/// The neighbours of an atom, hydrogens left out, counted by what the types ask for.
#[derive(Clone, Copy, Debug, Default)]
struct Near {
    hydrogens: usize,
    /// Neighbours and hydrogens.
    total: usize,
    /// By single or aromatic bonds: aliphatic atoms, aliphatic carbon, aromatic atoms, aromatic carbon.
    aliphatic: usize,
    carbon: usize,
    aromatic: usize,
    aromatic_carbon: usize,
    /// By single or aromatic bonds: aliphatic N, O, P, S, F, Cl, Br, I.
    hetero: usize,
    /// By single or aromatic bonds: aliphatic, and none of C, N, O, P, S, F, Cl, Br, I.
    other: usize,
    /// By double bonds: aliphatic carbon, other aliphatic atoms, aromatic carbon, other aromatic atoms.
    double_carbon: usize,
    double_aliphatic: usize,
    double_aromatic_carbon: usize,
    double_aromatic: usize,
    /// By triple bonds: aliphatic atoms.
    triple: usize,
}

impl Near {
    /// Neighbours other than hydrogen by single or aromatic bonds.
    fn plain(&self) -> usize {
        self.aliphatic + self.aromatic
    }

    fn doubles(&self) -> usize {
        self.double_carbon + self.double_aliphatic + self.double_aromatic_carbon + self.double_aromatic
    }
}

impl<'a> View<'a> {
    const fn new(mol: &'a Mol) -> Self {
        Self { mol }
    }

    fn atom(&self, index: usize) -> &'a Atom {
        &self.mol.atoms[index]
    }

    fn near(&self, index: usize) -> Near {
        let mut near = Near {
            hydrogens: usize::from(self.atom(index).hydrogens()),
            total: self.mol.total_degree(index),
            ..Near::default()
        };
        for (other, bond) in self.mol.around(index) {
            let atom = self.atom(other);
            if atom.element == 1 {
                near.hydrogens += 1;
            } else if bond.plain() {
                count_plain(&mut near, atom);
            } else if bond.order == Order::Double {
                match (atom.aromatic, atom.element) {
                    (false, 6) => near.double_carbon += 1,
                    (false, _) => near.double_aliphatic += 1,
                    (true, 6) => near.double_aromatic_carbon += 1,
                    (true, _) => near.double_aromatic += 1,
                }
            } else if bond.order == Order::Triple && !atom.aromatic {
                near.triple += 1;
            }
        }
        near
    }

    fn contribution(&self, index: usize) -> f64 {
        let atom = self.atom(index);
        match (atom.element, atom.aromatic) {
            (1, _) => self.written_hydrogen(index),
            (6, false) => self.carbon(index),
            (6, true) => self.aromatic_carbon(index),
            (7, false) => self.nitrogen(index),
            (7, true) => match atom.charge {
                0 => -0.3239,
                1..=3 => -1.119,
                _ => -0.4806,
            },
            (8, false) => self.oxygen(index),
            (8, true) => 0.1552,
            (16, false) => self.sulphur(index),
            (16, true) => 0.6237,
            _ => simple(atom),
        }
    }

    /// Whether any neighbour fits.
    fn any(&self, index: usize, fits: impl Fn(usize, &'a Atom, &'a Bond) -> bool) -> bool {
        self.mol.around(index).any(|(other, bond)| fits(other, self.atom(other), bond))
    }

    fn carbon(&self, index: usize) -> f64 {
        let n = self.near(index);
        let sp3 = n.total == 4;
        match n.hydrogens {
            4 => 0.1441,
            3 if n.carbon >= 1 => 0.1441,
            2 if n.carbon >= 2 => 0.1441,
            1 if n.carbon >= 3 => 0.0,
            _ if n.carbon >= 4 => 0.0,
            3 if n.hetero >= 1 => -0.2035,
            2 if sp3 && n.hetero >= 1 && n.aliphatic >= 2 => -0.2035,
            1 if sp3 && n.hetero >= 1 && n.aliphatic >= 3 => -0.2051,
            0 if sp3 && n.hetero >= 1 && n.aliphatic >= 4 => -0.2051,
            _ if n.double_aliphatic >= 1 => -0.2783,
            2 if n.double_carbon >= 1 => 0.1551,
            1 if n.double_carbon >= 1 && n.aliphatic >= 1 => 0.1551,
            0 if n.double_carbon >= 1 && n.aliphatic >= 2 => 0.1551,
            _ if n.double_carbon >= 2 => 0.1551,
            _ if n.total == 2 && n.triple >= 1 => 0.0017,
            3 if n.aromatic_carbon >= 1 => 0.08452,
            3 if n.aromatic >= 1 => -0.1444,
            2 if sp3 && n.aromatic >= 1 => -0.0516,
            1 if sp3 && n.aromatic >= 1 => 0.1193,
            0 if sp3 && n.aromatic >= 1 => -0.0967,
            _ if n.double_carbon >= 1 && n.aromatic >= 1 && n.aliphatic >= 1 => 0.264,
            _ if n.double_carbon >= 1 && n.aromatic >= 2 && n.aromatic_carbon >= 1 => 0.264,
            1 if n.double_carbon >= 1 && n.aromatic >= 1 => 0.264,
            _ if n.double_aromatic_carbon >= 1 => 0.264,
            _ if sp3 && n.other >= 1 => 0.2148,
            _ => 0.08129,
        }
    }

    fn aromatic_carbon(&self, index: usize) -> f64 {
        let hydrogens = self.mol.all_hydrogens(index);
        let single = |a: &Atom, b: &Bond| b.order == Order::Single && !a.aromatic;
        if hydrogens == 0
            && self.any(index, |_, a, b| single(a, b) && !matches!(a.element, 1 | 6 | 7 | 8 | 9 | 16 | 17 | 35 | 53))
        {
            return -0.5443;
        }
        for (halogen, value) in [(9, 0.0), (17, 0.245), (35, 0.198), (53, 0.0)] {
            if self.any(index, |_, a, b| a.element == halogen && b.plain()) {
                return value;
            }
        }
        if hydrogens == 1 {
            return 0.1581;
        }
        let in_system = self.mol.around(index).filter(|(o, b)| b.order == Order::Aromatic && self.atom(*o).aromatic);
        match in_system.count() {
            0 | 1 => return 0.08129,
            2 => {}
            _ => return 0.2955,
        }
        if self.any(index, |_, a, b| b.order == Order::Single && a.aromatic) {
            return 0.2713;
        }
        for (element, value) in [(6, 0.136), (7, 0.4619), (8, 0.5437), (16, 0.1893)] {
            if self.any(index, |_, a, b| single(a, b) && a.element == element) {
                return value;
            }
        }
        let double =
            |_: usize, a: &Atom, b: &Bond| b.order == Order::Double && !a.aromatic && matches!(a.element, 6..=8);
        if self.any(index, double) { -0.8186 } else { 0.08129 }
    }

    fn nitrogen(&self, index: usize) -> f64 {
        let (n, charge) = (self.near(index), self.atom(index).charge);
        match charge {
            0 => neutral_nitrogen(&n),
            1..=3 => self.positive_nitrogen(index, &n),
            -3..=-1 => 0.2887,
            _ => -0.4806,
        }
    }

    fn positive_nitrogen(&self, index: usize, n: &Near) -> f64 {
        let double = |fits: &dyn Fn(&Atom) -> bool| {
            self.mol.around(index).filter(|(o, b)| b.order == Order::Double && fits(self.atom(*o))).count()
        };
        match n.hydrogens {
            1..=3 => return -1.95,
            0 if n.aliphatic >= 4 => return -0.3396,
            0 if n.double_carbon + n.double_aliphatic >= 1 && n.aliphatic >= 1 && n.plain() >= 2 => return -0.3396,
            0 if double(&|a| a.element == 6) >= 1 && double(&|a| a.element == 7) >= 1 => return -0.3396,
            _ => {}
        }
        let nitrogens = double(&|a| a.element == 7 && !a.aromatic);
        let negative = double(&|a| a.element == 7 && !a.aromatic && (-3..=-1).contains(&a.charge));
        if n.triple >= 1 || (negative >= 1 && nitrogens >= 2) { 0.2887 } else { -0.4806 }
    }

    fn oxygen(&self, index: usize) -> f64 {
        let (n, charge) = (self.near(index), self.atom(index).charge);
        let end_minus = n.total == 1 && (-3..=-1).contains(&charge);
        if matches!(n.hydrogens, 1 | 2) {
            -0.2893
        } else if n.aliphatic >= 2 {
            -0.0684
        } else if n.aromatic >= 1 && n.plain() >= 2 {
            -0.4195
        } else if self.any(index, |_, a, b| b.order == Order::Double && matches!(a.element, 7 | 8))
            || (end_minus && self.any(index, |_, a, b| b.plain() && a.element == 7))
        {
            0.0335
        } else if (end_minus && charge > -3 && self.any(index, |_, a, b| b.plain() && a.element == 16))
            || (charge == 0 && self.any(index, |_, a, b| b.order == Order::Double && a.element == 16 && a.charge == 0))
        {
            -0.3339
        } else if charge == -1 && self.any(index, |o, a, b| b.plain() && is_carbon(a) && self.has_oxo(o, index)) {
            -1.326
        } else if end_minus && self.any(index, |_, a, b| b.plain() && a.element != 1 && !aliphatic_n_or_s(a)) {
            -1.189
        } else if n.double_aromatic_carbon >= 1 {
            0.1788
        } else {
            self.carbonyl_oxygen(index)
        }
    }

    /// Whether the atom has a double bond to an aliphatic oxygen other than `except`.
    fn has_oxo(&self, index: usize, except: usize) -> bool {
        self.any(index, |o, a, b| o != except && b.order == Order::Double && a.element == 8 && !a.aromatic)
    }

    /// An oxygen by what else is on the carbon that it is doubly bound to; the first rule that any
    /// such carbon fits decides.
    fn carbonyl_oxygen(&self, index: usize) -> f64 {
        let mut best = (3, -0.1188);
        for (carbon, bond) in self.mol.around(index) {
            if bond.order == Order::Double && is_carbon(self.atom(carbon)) {
                let rule = self.carbonyl_rule(carbon, index);
                if rule.0 < best.0 {
                    best = rule;
                }
            }
        }
        best.1
    }

    /// The rank of the rule that fits an aliphatic carbon with a double bond to `oxygen`, and its value.
    fn carbonyl_rule(&self, carbon: usize, oxygen: usize) -> (u8, f64) {
        let n = self.near(carbon);
        let mut hetero = 0;
        let mut nitrogen_or_oxygen = false;
        for (_, bond) in self.mol.around(carbon).filter(|(_, b)| b.plain()) {
            let atom = self.atom(bond.other(carbon));
            hetero += usize::from(!matches!(atom.element, 1 | 6));
            nitrogen_or_oxygen |= matches!(atom.element, 7 | 8) && !atom.aromatic;
        }
        let ketone = n.carbon >= 1 && n.aliphatic >= 2;
        let aldehyde = n.hydrogens == 1 && (n.carbon >= 1 || nitrogen_or_oxygen);
        if aldehyde || ketone || n.hydrogens == 2 || (n.total == 2 && self.has_oxo(carbon, oxygen)) {
            return (0, -0.1526);
        }
        let carbons = n.carbon + n.aromatic_carbon;
        let two_with_aromatic = n.aromatic >= 1 && carbons >= 1 && n.aromatic + n.carbon >= 2;
        let aryl = n.aromatic_carbon >= 1;
        if (n.hydrogens == 1 && aryl) || two_with_aromatic || (aryl && n.aliphatic >= 1) {
            return (1, 0.1129);
        }
        if hetero >= 2 { (2, 0.4833) } else { (3, -0.1188) }
    }

    fn sulphur(&self, index: usize) -> f64 {
        let charge = self.atom(index).charge;
        let ionic = matches!(charge, -4..=-1 | 1..=3 | 5 | 6);
        let oxidised = charge == 0
            && self
                .any(index, |_, a, b| b.order == Order::Double && !a.aromatic && matches!(a.element, 7 | 8 | 15 | 16));
        if ionic || oxidised { -0.0024 } else { 0.6482 }
    }

    /// A hydrogen that is an atom of the graph: the first type that any of its neighbours gives.
    fn written_hydrogen(&self, index: usize) -> f64 {
        if self.atom(index).hydrogens() > 0 {
            return 0.123;
        }
        let types = self.mol.around(index).filter(|(_, b)| b.plain()).map(|(carrier, _)| {
            let others = self.mol.all_hydrogens(carrier).saturating_sub(1);
            self.hydrogen_rule(carrier, others, Some(index))
        });
        types.min_by_key(|(rank, _)| *rank).map_or(0.1125, |(_, value)| value)
    }

    /// A counted hydrogen on `carrier`, which has `others` more.
    fn hydrogen_on(&self, carrier: usize, others: usize) -> f64 {
        let atoms = self.mol.around(carrier).filter(|(o, _)| self.atom(*o).element == 1).count();
        self.hydrogen_rule(carrier, others + atoms, None).1
    }

    /// The rank of the type of a hydrogen (`itself`, if it is an atom) on `carrier`, and its value.
    fn hydrogen_rule(&self, carrier: usize, others: usize, itself: Option<usize>) -> (u8, f64) {
        let atom = self.atom(carrier);
        match (atom.element, atom.aromatic) {
            (1 | 6, _) => (0, 0.123),
            (7, _) => (3, 0.2142),
            (8, true) => (9, 0.1125),
            (8, false) => self.hydroxyl_rule(carrier, others, itself),
            _ => (2, -0.2677),
        }
    }

    fn hydroxyl_rule(&self, oxygen: usize, others: usize, itself: Option<usize>) -> (u8, f64) {
        let next = |fits: &dyn Fn(usize, &Atom) -> bool| {
            self.any(oxygen, |o, a, b| Some(o) != itself && b.plain() && fits(o, a))
        };
        let saturated = |o: usize, a: &Atom| a.element == 6 && (a.aromatic || self.mol.total_degree(o) == 4);
        if next(&saturated) || others > 0 || next(&|_, a| !matches!(a.element, 6 | 7 | 8 | 16)) {
            (1, -0.2677)
        } else if next(&|_, a| a.element == 7) {
            (4, 0.2142)
        } else if next(&|o, a| is_carbon(a) && self.unsaturated(o, oxygen))
            || next(&|_, a| !a.aromatic && matches!(a.element, 8 | 16))
        {
            (5, 0.298)
        } else {
            (9, 0.1125)
        }
    }

    /// Whether the atom has a double bond to C, N, aliphatic O or aliphatic S other than `except`.
    fn unsaturated(&self, index: usize, except: usize) -> bool {
        self.any(index, |o, a, b| {
            let fits = matches!(a.element, 6 | 7) || (!a.aromatic && matches!(a.element, 8 | 16));
            o != except && b.order == Order::Double && fits
        })
    }
}

fn count_plain(near: &mut Near, atom: &Atom) {
    if atom.aromatic {
        near.aromatic += 1;
        near.aromatic_carbon += usize::from(atom.element == 6);
        return;
    }
    near.aliphatic += 1;
    match atom.element {
        6 => near.carbon += 1,
        7 | 8 | 9 | 15 | 16 | 17 | 35 | 53 => near.hetero += 1,
        _ => near.other += 1,
    }
}

fn is_carbon(atom: &Atom) -> bool {
    atom.element == 6 && !atom.aromatic
}

fn aliphatic_n_or_s(atom: &Atom) -> bool {
    matches!(atom.element, 7 | 16) && !atom.aromatic
}

fn neutral_nitrogen(n: &Near) -> f64 {
    match n.hydrogens {
        2 if n.aliphatic >= 1 => -1.019,
        1 if n.aliphatic >= 2 => -0.7096,
        2 if n.aromatic >= 1 => -1.027,
        1 if n.aromatic >= 1 && n.plain() >= 2 => -0.5188,
        1 if n.doubles() >= 1 => 0.08387,
        _ if n.doubles() >= 1 && n.plain() >= 1 => 0.1836,
        _ if n.aliphatic >= 3 => -0.3187,
        _ if n.aromatic >= 1 && n.aliphatic >= 1 && n.plain() >= 3 => -0.4458,
        _ if n.aromatic >= 3 => -0.4458,
        _ if n.triple >= 1 => 0.01508,
        _ => -0.4806,
    }
}

/// Elements whose type does not depend on their neighbours.
fn simple(atom: &Atom) -> f64 {
    match (atom.element, atom.charge) {
        (9, 0) => 0.4202,
        (17, 0) => 0.6895,
        (35, 0) => 0.8456,
        (53, 0) => 0.8857,
        (9 | 17 | 35 | 53, -1) | (53, 1..=3) | (3 | 11 | 19 | 37 | 55, 1) => -2.996,
        (15, _) => 0.8612,
        (3..=5 | 11..=14 | 19 | 20 | 31..=34 | 37 | 38 | 49..=52 | 55 | 56 | 81..=84, _) => -0.3808,
        (21..=30 | 39..=48 | 72..=80, _) => -0.0025,
        _ => 0.0,
    }
}
