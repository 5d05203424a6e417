//! What is known of an element.

use std::sync::OnceLock;

pub use super::element_table::ELEMENTS;

/// One element.
#[derive(Clone, Copy, Debug)]
pub struct Element {
    /// Its symbol.
    pub symbol: &'static str,
    /// Standard atomic weight in dalton.
    pub weight: f64,
    /// Electrons in the outer shell.
    pub outer: i8,
    /// Allowed valences, the default first; −1 stands for "any".
    pub valences: &'static [i8],
}

/// An entry of the table.
pub(super) const fn element(symbol: &'static str, weight: f64, outer: i8, valences: &'static [i8]) -> Element {
    Element { symbol, weight, outer, valences }
}

impl Element {
    /// The default valence; −1 if there is none.
    pub fn default_valence(&self) -> i32 {
        i32::from(self.valences[0])
    }

    /// The largest allowed valence; −1 for "any".
    pub fn last_valence(&self) -> i32 {
        i32::from(self.valences[self.valences.len() - 1])
    }

    /// Whether its valence is not restricted at all, so that its charge does not matter either.
    pub fn unrestricted(&self) -> bool {
        self.valences == [-1]
    }
}

/// The element with this atomic number.
pub fn of(number: u8) -> &'static Element {
    &ELEMENTS[usize::from(number)]
}

/// The atomic number of a symbol. The names in use before 2016 for 110 to 118 count.
pub fn by_symbol(symbol: &[u8]) -> Option<u8> {
    const FORMER: [(&[u8], u8); 9] = [
        (b"Uun", 110),
        (b"Uuu", 111),
        (b"Uub", 112),
        (b"Uut", 113),
        (b"Uuq", 114),
        (b"Uup", 115),
        (b"Uuh", 116),
        (b"Uus", 117),
        (b"Uuo", 118),
    ];
    let current = ELEMENTS.iter().position(|e| e.symbol.as_bytes() == symbol).map(|z| z as u8);
    current.or_else(|| FORMER.iter().find(|(name, _)| *name == symbol).map(|(_, z)| *z))
}

/// Whether it is a metal, as coordination bonds see it: neither hydrogen, a noble gas, nor one of
/// B C N O F Si P S Cl As Se Br Te I At.
pub const fn is_metal(number: u8) -> bool {
    !matches!(number, 0..=2 | 5..=10 | 14..=18 | 33..=36 | 52..=54 | 85 | 86)
}

/// Whether it stands left of carbon in its period, in the sense that a positive charge takes a
/// valence from it rather than adding one.
pub const fn is_early(number: u8) -> bool {
    matches!(number, 3..=5 | 11..=13 | 19..=22 | 30..=32 | 37..=41 | 48..=51 | 55..=61 | 72 | 73 | 80..=83 | 87..=93 | 104..=118)
}

/// Whether `a` draws electrons from `b`: more outer electrons, or as many and a lower atomic number.
pub fn more_electronegative(a: u8, b: u8) -> bool {
    let (outer_a, outer_b) = (of(a).outer, of(b).outer);
    outer_a > outer_b || (outer_a == outer_b && a < b)
}

/// Mass in dalton of an atom of `number` with mass number `isotope` (0: the standard weight). A
/// nuclide that nobody has measured weighs its mass number; a dummy atom nothing.
pub fn mass(number: u8, isotope: u16) -> f64 {
    if isotope == 0 {
        return of(number).weight;
    }
    let known = isotopes().binary_search_by_key(&(number, isotope), |&(z, a, _)| (z, a));
    match known {
        Ok(at) => isotopes()[at].2,
        Err(_) if number == 0 => 0.0,
        Err(_) => f64::from(isotope),
    }
}

/// The most common mass number of each element by atomic number, as RDKit has it.
const MOST_COMMON: [u16; 119] = [
    0, 1, 4, 7, 9, 11, 12, 14, 16, 19, 20, 23, 24, 27, 28, 31, 32, 35, 40, 39, 40, 45, 48, 51, 52, 55, 56, 59, 58, 63,
    64, 69, 74, 75, 80, 79, 84, 85, 88, 89, 90, 93, 98, 97, 102, 103, 106, 107, 114, 115, 120, 121, 130, 127, 132, 133,
    138, 139, 140, 141, 142, 145, 152, 153, 158, 159, 164, 165, 166, 169, 174, 175, 180, 181, 184, 187, 192, 193, 195,
    197, 202, 205, 208, 209, 209, 210, 222, 223, 226, 227, 232, 231, 238, 236, 238, 241, 243, 247, 249, 252, 257, 258,
    259, 262, 267, 268, 271, 270, 269, 278, 281, 281, 285, 284, 289, 288, 293, 292, 294,
];

/// The mass number of the most common nuclide of `number`: what the mass differences of a molfile count from.
pub const fn most_common_isotope(number: u8) -> u16 {
    MOST_COMMON[number as usize]
}

/// All nuclides whose mass was measured: atomic number, mass number, mass in dalton; sorted.
fn isotopes() -> &'static [(u8, u16, f64)] {
    static TABLE: OnceLock<Vec<(u8, u16, f64)>> = OnceLock::new();
    TABLE.get_or_init(|| include_str!("isotopes.txt").lines().flat_map(element_isotopes).collect())
}

/// The nuclides in one line of the table: `Z A:mass A:mass …`.
fn element_isotopes(line: &str) -> Vec<(u8, u16, f64)> {
    let mut fields = line.split(' ');
    let number: u8 = fields.next().and_then(|z| z.parse().ok()).unwrap_or(0);
    fields
        .filter_map(|f| f.split_once(':'))
        .filter_map(|(a, m)| Some((number, a.parse().ok()?, m.parse().ok()?)))
        .collect()
}
