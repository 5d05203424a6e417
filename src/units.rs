//! Durations and sizes as a person writes them: an integer and a unit.

use std::time::Duration;

use crate::error::{Error, Result};

/// Reads `250ms`, `30s`, `45min` or `2h`.
///
/// # Errors
/// Anything else (exit 2).
pub fn duration(text: &str) -> Result<Duration> {
    let bad = || {
        Error::usage(format!("`{text}` is not a duration"))
            .hint("write an integer and a unit: ms, s, min or h, as in `30s` or `45min`")
    };
    let (number, unit) = split(text).ok_or_else(bad)?;
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        _ => return Err(bad()),
    };
    number.checked_mul(unit_ms).map(Duration::from_millis).ok_or_else(bad)
}

/// Reads `512K`, `200M` or `8G` (powers of 1024) as MiB, rounded up.
///
/// # Errors
/// Anything else (exit 2).
pub fn size_mib(text: &str) -> Result<u64> {
    let bad = || {
        Error::usage(format!("`{text}` is not a size"))
            .hint("write an integer and a unit: K, M or G, as in `200M` or `8G`")
    };
    let (number, unit) = split(text).ok_or_else(bad)?;
    match unit {
        "K" => Some(number.div_ceil(1024)),
        "M" => Some(number),
        "G" => number.checked_mul(1024),
        _ => None,
    }
    .ok_or_else(bad)
}

/// A share from 0 to 1 as millionths.
pub fn millionths(share: f64) -> u64 {
    (share * 1e6).round() as u64
}

/// Core-hours as core-milliseconds.
pub fn core_ms(core_hours: f64) -> u64 {
    (core_hours * 3_600_000.0).round() as u64
}

/// Core-milliseconds as core-hours.
pub fn core_hours(core_ms: u64) -> f64 {
    core_ms as f64 / 3_600_000.0
}

/// A number of bytes, for people.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes as f64, "B");
    for larger in UNITS {
        if value < 1024.0 {
            break;
        }
        (value, unit) = (value / 1024.0, larger);
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") }
}

fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    Some((text[..digits].parse().ok()?, text[digits..].trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_have_a_unit() {
        assert_eq!(duration("45min").unwrap(), Duration::from_secs(2700));
        assert_eq!(duration("250 ms").unwrap(), Duration::from_millis(250));
        assert_eq!(size_mib("8G").unwrap(), 8192);
        assert_eq!(size_mib("1K").unwrap(), 1);
        for wrong in ["30", "s", "-1s", "1.5h", "3 days", "99999999999999999999s", "18446744073709551615h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert!(size_mib("8").is_err());
        assert_eq!([bytes(1023), bytes(1536), bytes(5 << 30)], ["1023 B", "1.5 KiB", "5.0 GiB"]);
        assert_eq!((core_ms(0.5), core_hours(1_800_000), millionths(0.25)), (1_800_000, 0.5, 250_000));
    }
}
