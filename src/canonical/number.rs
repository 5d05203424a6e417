//! One text per number, as RFC 8785 (JSON Canonicalization Scheme) writes them.

/// Appends `value` in the form of RFC 8785: the shortest text that reads back to the same double,
/// laid out as ECMAScript does. Negative zero is written `0`. NaN and infinities are not values:
/// the answer is `false` and nothing is written.
#[must_use]
pub fn push_f64(out: &mut Vec<u8>, value: f64) -> bool {
    if !value.is_finite() {
        return false;
    }
    out.extend_from_slice(ryu_js::Buffer::new().format_finite(value).as_bytes());
    true
}

/// Appends an integer.
pub fn push_i64(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    push_u64(out, value.unsigned_abs());
}

/// Appends an unsigned integer.
pub fn push_u64(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: f64) -> String {
        let mut out = Vec::new();
        assert!(push_f64(&mut out, value));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_written_as_rfc_8785_does() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "0"),
            (5e-324, "5e-324"),
            (1e21, "1e+21"),
            (1e20, "100000000000000000000"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (333_333_333.333_333_3, "333333333.3333333"),
            (-1.5, "-1.5"),
        ] {
            assert_eq!(text(value), expected);
        }
        assert!(!push_f64(&mut Vec::new(), f64::NAN));
        assert!(!push_f64(&mut Vec::new(), f64::INFINITY));
    }

    #[test]
    fn integers_are_plain_decimals() {
        let mut out = Vec::new();
        push_i64(&mut out, i64::MIN);
        out.push(b' ');
        push_u64(&mut out, u64::MAX);
        out.push(b' ');
        push_i64(&mut out, 0);
        assert_eq!(out, b"-9223372036854775808 18446744073709551615 0");
    }
}
