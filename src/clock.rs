//! Time, injected: the only module that asks what time it is.
//!
//! Wall-clock time is provenance. It never reaches a payload; `tests/tidy.rs` checks that no other
//! module names `SystemTime` or `Instant::now`.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch, UTC.
pub type UnixMs = u64;

/// Now, in milliseconds since the Unix epoch.
pub fn unix_ms() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Today, in UTC, such as `2026-11-20`.
pub fn today() -> String {
    rfc3339(unix_ms()).chars().take(10).collect()
}

/// A monotonic stopwatch.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts at zero.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Writes `ms` as RFC 3339 in UTC with milliseconds, such as `2026-11-20T18:33:00.000Z`.
///
/// The conversion from days to a civil date is Howard Hinnant's `civil_from_days`
/// (proleptic Gregorian calendar).
pub fn rfc3339(ms: UnixMs) -> String {
    let (days, of_day) = (ms / 86_400_000, ms % 86_400_000);
    let z = days as i64 + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (seconds, millis) = (of_day / 1000, of_day % 1000);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{millis:03}Z",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// The time that `text` says: a date and a time in UTC, such as `2026-11-20T18:33:00`, with or without `.5` and `Z` behind it.
///
/// The conversion is Howard Hinnant's `days_from_civil`.
pub fn of_utc(text: &str) -> Option<UnixMs> {
    let (whole, rest) = text.split_at_checked("2026-11-20T18:33:00".len())?;
    let number =
        |at: std::ops::Range<usize>| whole.get(at).filter(|n| n.bytes().all(|b| b.is_ascii_digit()))?.parse().ok();
    let (year, month, day): (i64, i64, i64) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second): (i64, i64, i64) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let marks: String = whole.chars().filter(|c| !c.is_ascii_digit()).collect();
    let is_time = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    if marks != "--T::" || !is_time || year < 1970 || !(rest.is_empty() || rest.starts_with(['.', 'Z'])) {
        return None;
    }
    let of_march = year - i64::from(month <= 2);
    let (era, month) = (of_march.div_euclid(400), (month + 9) % 12);
    let of_era = of_march - era * 400;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + day - 1 - 719_468;
    u64::try_from(((days * 24 + hour) * 60 + minute) * 60 + second).ok().map(|seconds| seconds * 1000)
}

#[cfg(test)]
mod tests {
    use super::{of_utc, rfc3339};

    #[test]
    fn what_was_written_is_read_again_to_the_second() {
        for ms in [0, 951_782_400_000, 951_868_799_000, 1_795_199_583_000, 4_102_444_799_000] {
            assert_eq!(of_utc(&rfc3339(ms)), Some(ms));
            assert_eq!(of_utc(&rfc3339(ms)[..19]), Some(ms));
        }
        for text in
            ["", "N/A", "2026-13-01T00:00:00", "2026-11-20 18:33:00", "2026-11-20T18:33:00+02", "２０26-11-20T1"]
        {
            assert_eq!(of_utc(text), None, "{text}");
        }
    }

    #[test]
    fn dates_follow_the_gregorian_calendar() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(rfc3339(1_795_199_583_007), "2026-11-20T18:33:03.007Z");
    }
}
