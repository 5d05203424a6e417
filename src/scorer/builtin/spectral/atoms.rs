//! What the operators know of an element: the potential of its site, and how strongly it draws electrons.
//!
//! Both are those of HETERO-2 (`data/atoms_db_v1.json` of its repository, as of 2026-01-26): 48 elements. The potentials
//! are its own, without a unit. The electronegativities are Pauling's, which four noble gases do not have.

/// One element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameters {
    /// The potential ε of its site.
    pub epsilon: f64,
    /// Its electronegativity χ after Pauling, if it has one.
    pub chi: Option<f64>,
}

/// The parameters of the element with this atomic number; none if it is not among the 48.
pub fn parameters(number: u8) -> Option<Parameters> {
    let (epsilon, chi) = match number {
        1 => (-0.2, 2.2),
        2 | 10 | 18 | 54 => return Some(Parameters { epsilon: -3.0, chi: None }),
        3 => (2.0, 0.98),
        4 => (1.0, 1.57),
        5 => (-0.1, 2.04),
        6 => (0.0, 2.55),
        7 => (-0.5, 3.04),
        8 => (-1.0, 3.44),
        9 => (-1.5, 3.98),
        11 => (2.0, 0.93),
        12 => (1.0, 1.31),
        13 => (-0.1, 1.61),
        14 => (0.0, 1.9),
        15 => (-0.5, 2.19),
        16 => (-1.0, 2.58),
        17 => (-1.5, 3.16),
        19 | 37 => (2.0, 0.82),
        20 => (1.0, 1.0),
        21 => (-0.1, 1.36),
        22 => (0.26, 1.54),
        23 => (0.44, 1.63),
        24 => (0.5, 1.66),
        25 => (0.28, 1.55),
        26 => (0.84, 1.83),
        27 => (0.94, 1.88),
        28 => (1.0, 1.91),
        29 => (0.98, 1.9),
        30 => (0.48, 1.65),
        31 => (-0.1, 1.81),
        32 => (0.0, 2.01),
        33 => (-0.5, 2.18),
        34 => (-1.0, 2.55),
        35 => (-1.5, 2.96),
        36 => (-3.0, 3.0),
        38 => (1.0, 0.95),
        49 => (-0.1, 1.78),
        50 => (0.0, 1.96),
        51 => (-0.5, 2.05),
        52 => (-1.0, 2.1),
        53 => (-1.5, 2.66),
        55 => (2.0, 0.79),
        56 => (1.0, 0.89),
        81 => (-0.1, 1.62),
        82 => (0.0, 2.33),
        _ => return None,
    };
    Some(Parameters { epsilon, chi: Some(chi) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_48_elements_and_four_of_them_draw_no_electrons() {
        let known: Vec<u8> = (0..=118).filter(|number| parameters(*number).is_some()).collect();
        assert_eq!(known.len(), 48);
        let without: Vec<u8> = known.into_iter().filter(|z| parameters(*z).unwrap().chi.is_none()).collect();
        assert_eq!(without, [2, 10, 18, 54]);
    }
}
