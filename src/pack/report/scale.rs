//! Axes: steps that people read easily.

/// Ticks from `low` to `high`, about `wanted` of them: multiples of 1, 2 or 5 times a power of ten.
pub fn ticks(low: f64, high: f64, wanted: usize) -> Vec<f64> {
    let span = high - low;
    if !(span.is_finite() && span > 0.0) || wanted == 0 {
        return vec![low];
    }
    let rough = span / wanted as f64;
    let power = 10f64.powi(rough.log10().floor() as i32);
    let step =
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|step| *step >= rough * 0.999).unwrap_or(rough);
    let first = (low / step - 1e-9).ceil();
    let all = (0..100).map(|i| (first + f64::from(i)) * step).take_while(|tick| *tick <= high + step * 1e-9);
    // A sum of steps that should be 0 is written 0.
    all.map(|tick| if tick.abs() < step * 1e-9 { 0.0 } else { tick }).collect()
}

#[cfg(test)]
mod tests {
    use super::ticks;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks(0.0, 2.0, 4), [0.0, 0.5, 1.0, 1.5, 2.0]);
        assert_eq!(ticks(-7.5, 19.8, 5), [0.0, 10.0]);
        assert_eq!(ticks(3.0, 3.0, 5), [3.0]);
        assert!(ticks(-1e300, 1e300, 5).len() > 2);
        assert!(ticks(f64::MIN, f64::MAX, 5).len() == 1);
    }
}
