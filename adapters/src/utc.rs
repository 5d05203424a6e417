//! Seconds since the Unix epoch, as a date and a time.

/// `seconds` in UTC, such as `2026-11-21T00:56:02`; none of what is no time of ours.
pub fn text(seconds: u64) -> Option<String> {
    /// The year 3000.
    const LAST: u64 = 32_503_680_000;
    if seconds == 0 || seconds >= LAST {
        return None;
    }
    let (mut day, second) = (seconds / 86_400, seconds % 86_400);
    let is_leap = |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let mut year = 1970;
    while day >= 365 + u64::from(is_leap(year)) {
        day -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let months = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while day >= months[month] {
        day -= months[month];
        month += 1;
    }
    let (hour, minute) = (second / 3600, second / 60 % 60);
    Some(format!("{year:04}-{:02}-{:02}T{hour:02}:{minute:02}:{:02}", month + 1, day + 1, second % 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_in_utc() {
        assert_eq!(text(1_795_222_562).as_deref(), Some("2026-11-21T00:56:02"));
        assert_eq!(text(951_782_400).as_deref(), Some("2000-02-29T00:00:00"));
        assert_eq!(text(1_709_251_199).as_deref(), Some("2024-02-29T23:59:59"));
        assert_eq!([text(0), text(u64::MAX)], [None, None]);
    }
}
