//! What is said of the eigenvalues of an operator. The definitions are HETERO-2's; what has no value there is none here.

use crate::elementary::{exp, ln, nearest_integer};

/// Eigenvalues of the Laplacian up to this are taken for zero.
const ZERO: f64 = 1e-9;

/// What is added to a share before its logarithm is taken.
const SHARE_MIN: f64 = 1e-12;

/// `x` with eight decimals, of two equally near ones the even one.
pub fn rounded(x: f64) -> f64 {
    // Beyond 2^51 a double has no eighth decimal to lose. (Zero is added so that it has no sign.)
    if x.abs() < 2e7 { nearest_integer(x * 1e8) / 1e8 + 0.0 } else { x }
}

/// What is said of the eigenvalues of the Laplacian above zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AboveZero {
    /// The smallest.
    pub least: f64,
    /// The entropy of their shares.
    pub entropy: f64,
    /// That as a part of what it could be.
    pub evenness: f64,
}

/// What is said of those above zero; none where there are none.
pub fn above_zero(values: &[f64]) -> Option<AboveZero> {
    let above = || values.iter().copied().filter(|value| *value > ZERO);
    let least = above().reduce(f64::min)?;
    let total: f64 = above().sum();
    let entropy = -above().map(|value| value / total).map(|share| share * ln(share)).sum::<f64>();
    let count = above().count();
    let evenness = if count > 1 { entropy / ln(count as f64) } else { 0.0 };
    Some(AboveZero { least, entropy, evenness })
}

/// What is between the two smallest.
pub fn gap(values: &[f64]) -> Option<f64> {
    let (mut least, mut next) = (f64::INFINITY, f64::INFINITY);
    for value in values {
        next = next.min(value.max(least));
        least = least.min(*value);
    }
    (values.len() > 1).then_some(next - least)
}

/// Their sum.
pub fn trace(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum())
}

/// The entropy of the distribution in which the share of a value falls with its exponential.
pub fn entropy(values: &[f64], powers: &mut Vec<f64>) -> Option<f64> {
    let least = values.iter().copied().reduce(f64::min)?;
    powers.clear();
    powers.extend(values.iter().map(|value| exp(least - value)));
    let total: f64 = powers.iter().sum();
    let shares = powers.iter().map(|power| power / total);
    Some(-shares.map(|share| share * ln(share + SHARE_MIN)).sum::<f64>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_decimals_are_kept_and_zero_has_no_sign() {
        for (x, kept) in [(0.123_456_784_9, 0.123_456_78), (2.5e-9, 0.0), (1.000_000_015_1, 1.000_000_02), (3e9, 3e9)] {
            assert_eq!((rounded(x), rounded(-x)), (kept, -kept + 0.0));
        }
        assert!(rounded(-1e-12).is_sign_positive());
    }

    #[test]
    fn a_pair_of_modes_is_as_mixed_as_can_be() {
        let AboveZero { least, entropy, evenness } = above_zero(&[0.0, 2.0, 2.0, 1e-10]).unwrap();
        assert_eq!((least, rounded(entropy), rounded(evenness)), (2.0, rounded(std::f64::consts::LN_2), 1.0));
        assert_eq!(above_zero(&[2.0]), Some(AboveZero { least: 2.0, entropy: 0.0, evenness: 0.0 }));
        assert_eq!((above_zero(&[]), above_zero(&[0.0, 1e-9])), (None, None));
    }

    #[test]
    fn the_two_smallest_are_found_in_any_order() {
        for values in [[1.0, 2.0, 5.0], [5.0, 1.0, 2.0], [2.0, 5.0, 1.0], [2.0, 1.0, 5.0]] {
            assert_eq!(gap(&values), Some(1.0));
        }
        assert_eq!((gap(&[]), gap(&[1.0]), gap(&[3.0, 3.0])), (None, None, Some(0.0)));
        assert_eq!((trace(&[]), trace(&[-1.0, 3.0])), (None, Some(2.0)));
    }

    #[test]
    fn equal_values_have_the_entropy_of_their_number() {
        let mut powers = Vec::new();
        let mut found = |values: &[f64]| entropy(values, &mut powers).map(rounded);
        assert_eq!(found(&[7.0; 4]), Some(rounded(4.0_f64.ln())));
        assert_eq!(found(&[]), None);
        // (One share of 1, and the 1e-12 that is added to it.)
        assert_eq!((found(&[3.0]), found(&[0.0, 1e6])), (Some(0.0), Some(0.0)));
    }
}
