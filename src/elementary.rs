//! `exp` and `ln` in doubles, as one order of operations.
//!
//! What is hashed must not depend on the processor, and the mathematical functions of a C library choose their code
//! by what the processor can do. These are additions, multiplications and one division, each rounded as IEEE 754
//! says: the same bits wherever there are doubles. Both are within two units in the last place of the true value.

/// The base of natural logarithms' logarithm of two, in a part whose multiples up to 2^11 are exact, and the rest.
const LN_2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
const LN_2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);

/// Added and taken away again, it leaves the nearest integer, of two equally near ones the even one.
const TO_INTEGER: f64 = 6_755_399_441_055_744.0;

/// The nearest integer, of two equally near ones the even one; for magnitudes below 2^51.
pub fn nearest_integer(x: f64) -> f64 {
    (x + TO_INTEGER) - TO_INTEGER
}

/// The reciprocals of the factorials, from the highest power that is looked at to the second.
const EXP: [f64; 12] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    1.0 / 2.0,
];

/// e to the power of `x`, for `x` up to 709. What is below the smallest normal double is 0.
pub fn exp(x: f64) -> f64 {
    if x < -708.0 {
        return 0.0;
    }
    let twos = nearest_integer(x * std::f64::consts::LOG2_E);
    let high = x - twos * LN_2_HIGH;
    let low = twos * LN_2_LOW;
    let rest = high - low;
    // What rounding took from the rest belongs to it.
    let lost = (high - rest) - low;
    let series = EXP[1..].iter().fold(EXP[0], |sum, term| sum * rest + term);
    let power = 1.0 + (rest + (series * (rest * rest) + lost));
    power * f64::from_bits(((twos as i64 + 1023) as u64) << 52)
}

/// Twice the reciprocals of the odd numbers, from 23 to 3.
const LN: [f64; 11] = [
    2.0 / 23.0,
    2.0 / 21.0,
    2.0 / 19.0,
    2.0 / 17.0,
    2.0 / 15.0,
    2.0 / 13.0,
    2.0 / 11.0,
    2.0 / 9.0,
    2.0 / 7.0,
    2.0 / 5.0,
    2.0 / 3.0,
];

/// The natural logarithm of `x`, which must be a positive normal double.
pub fn ln(x: f64) -> f64 {
    const FRACTION: u64 = (1 << 52) - 1;
    // So that what is left is between the root of a half and that of two.
    const ROOT_OF_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
    let shifted = x.to_bits().wrapping_sub(ROOT_OF_HALF);
    let twos = (shifted as i64) >> 52;
    let left = f64::from_bits((shifted & FRACTION) + ROOT_OF_HALF);
    let above = left - 1.0;
    let ratio = above / (2.0 + above);
    let square = ratio * ratio;
    let series = LN[1..].iter().fold(LN[0], |sum, term| sum * square + term) * square;
    let twos = twos as f64;
    // Twice the ratio is `above` less the ratio's share of it, so that almost nothing is rounded near 1.
    twos * LN_2_HIGH + (above - (ratio * (above - series) - twos * LN_2_LOW))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By how many units in the last place of `right` the two differ.
    fn units(found: f64, right: f64) -> u64 {
        found.to_bits().abs_diff(right.to_bits())
    }

    /// Arguments and their true values, rounded once, computed with 60 digits by `tests/rdkit/elementary.py`.
    fn references(of: &str) -> impl Iterator<Item = (f64, f64)> {
        let text = include_str!("elementary.txt");
        let bits = |text: &str| f64::from_bits(u64::from_str_radix(text, 16).unwrap());
        text.lines().filter(|line| !line.starts_with('#')).filter_map(move |line| {
            let fields: Vec<&str> = line.split(' ').collect();
            (fields[0] == of).then(|| (bits(fields[1]), bits(fields[2])))
        })
    }

    #[test]
    fn both_are_within_two_units_of_the_last_place_of_the_true_value() {
        for (of, function) in [("exp", exp as fn(f64) -> f64), ("ln", ln)] {
            let (mut worst, mut at, mut seen) = (0, 0.0, 0);
            for (argument, right) in references(of) {
                let off = units(function(argument), right);
                (worst, at) = if off > worst { (off, argument) } else { (worst, at) };
                seen += 1;
            }
            assert!(seen > 500, "{of}: {seen} references");
            assert!(worst <= 2, "{of}({at}) is {worst} units off");
        }
    }

    #[test]
    fn what_is_known_exactly_is_exact() {
        assert_eq!((exp(0.0), ln(1.0), ln(2.0)), (1.0, 0.0, std::f64::consts::LN_2));
        assert_eq!((exp(-708.1), exp(-1e300)), (0.0, 0.0));
        assert!(exp(-708.0) > 0.0);
    }

    #[test]
    fn halves_go_to_the_even_integer() {
        for (x, near) in
            [(0.5, 0.0), (1.5, 2.0), (2.5, 2.0), (-0.5, 0.0), (-1.5, -2.0), (3.49, 3.0), (1e15 + 0.5, 1e15)]
        {
            assert_eq!(Some(nearest_integer(x)), Some(near), "{x}");
        }
    }
}
