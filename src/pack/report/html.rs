//! Text that cannot become markup, and numbers for people.

use crate::canonical::escape;

/// Texts are cut after so many characters where they are shown in a table or on a card.
pub const SHOWN_MAX: usize = 120;

/// `text` as content or as a quoted attribute; control characters and what turns the direction of text are escaped.
pub fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in escape::visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A sentence of ours as content: what stands between back-ticks is code.
pub fn sentence(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    let mut parts = words.split('`');
    out.push_str(&text(parts.next().unwrap_or_default()));
    while let Some(code) = parts.next() {
        match parts.next() {
            Some(after) => out.push_str(&format!("<code>{}</code>{}", text(code), text(after))),
            // (A back-tick without its partner stays one.)
            None => out.push_str(&format!("`{}", text(code))),
        }
    }
    out
}

/// The same, cut after `max` characters with a sign that it was.
pub fn cut(words: &str, max: usize) -> String {
    let mut chars = words.char_indices();
    match chars.nth(max) {
        None => text(words),
        Some((at, _)) => format!(
            "{}<span class=\"cut\" title=\"{} bytes in all\">…</span>",
            text(&words[..at]),
            count(words.len() as u64)
        ),
    }
}

/// A count with thin spaces between thousands, which no locale mistakes for a decimal sign.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(c);
    }
    out
}

/// So many records.
pub fn records(n: u64) -> String {
    if n == 1 { "1 record".to_owned() } else { format!("{} records", count(n)) }
}

/// A number of a cell, rounded for reading to about five digits; what is no number stays as it is.
pub fn rounded(cell: &str) -> String {
    match cell.parse::<f64>() {
        Ok(value) if value.is_finite() => number(value),
        _ => cell.to_owned(),
    }
}

/// A number, rounded for reading to about five digits.
pub fn number(value: f64) -> String {
    let magnitude = value.abs();
    if value.fract() == 0.0 && magnitude < 1e9 {
        return minus(format!("{value:.0}"));
    }
    if !(1e-4..1e9).contains(&magnitude) {
        return minus(format!("{value:.3e}"));
    }
    let digits = if magnitude >= 1000.0 {
        1
    } else if magnitude >= 10.0 {
        2
    } else if magnitude >= 0.1 {
        3
    } else {
        6
    };
    let fixed = format!("{value:.digits$}");
    minus(fixed.trim_end_matches('0').trim_end_matches('.').to_owned())
}

/// With a real minus sign; and no `-0`.
fn minus(text: String) -> String {
    match text.strip_prefix('-') {
        Some("0") => "0".to_owned(),
        Some(rest) => format!("\u{2212}{rest}"),
        None => text,
    }
}

/// A share in per cent.
pub fn share(part: u64, whole: u64) -> String {
    if whole == 0 || part == 0 {
        return "0 %".to_owned();
    }
    let percent = 100.0 * part as f64 / whole as f64;
    if part < whole && percent > 99.9 {
        return "> 99.9 %".to_owned();
    }
    if percent < 0.1 { "< 0.1 %".to_owned() } else { format!("{percent:.1} %") }
}

/// A span of time, with two units at most.
pub fn span(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0 => format!("{ms} ms"),
        1..=59 => format!("{:.1} s", ms as f64 / 1000.0),
        60..=3599 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..=86_399 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// A moment to the second, without the letters of RFC 3339.
pub fn moment(rfc3339: &str) -> String {
    let seconds = rfc3339.split('.').next().unwrap_or(rfc3339).trim_end_matches('Z');
    text(&seconds.replacen('T', " ", 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_do_not_lie() {
        for (cell, shown) in [
            ("454.44700000000023", "454.45"),
            ("0.7121212121212122", "0.712"),
            ("-12", "\u{2212}12"),
            ("-0.00000001", "\u{2212}1.000e-8"),
            ("1234567", "1234567"),
            ("0", "0"),
            ("methotrexate", "methotrexate"),
            ("inf", "inf"),
            ("", ""),
        ] {
            assert_eq!(rounded(cell), shown);
        }
        assert_eq!((count(999), count(1_234_567)), ("999".to_owned(), "1\u{202f}234\u{202f}567".to_owned()));
        assert_eq!((share(1, 1_000_000), share(999_999, 1_000_000)), ("< 0.1 %".to_owned(), "> 99.9 %".to_owned()));
        assert_eq!((span(12), span(61_000), span(90_000_000)), ("12 ms".into(), "1 min 1 s".into(), "1 d 1 h".into()));
    }

    #[test]
    fn what_a_sentence_quotes_is_code_and_no_markup() {
        assert_eq!(sentence("`a<b>` finds 3"), "<code>a&lt;b&gt;</code> finds 3");
        assert_eq!(sentence("one ` alone & `x`"), "one <code> alone &amp; </code>x`");
        assert_eq!(sentence("none"), "none");
    }

    #[test]
    fn no_text_becomes_markup() {
        assert_eq!(
            text("<a href='x' title=\"y\">&\u{202e}\u{7}"),
            "&lt;a href=&#39;x&#39; title=&quot;y&quot;&gt;&amp;\\xe2\\x80\\xae\\x07"
        );
        assert!(cut(&"ä<".repeat(100), 3).starts_with("ä&lt;ä<span"));
    }
}
