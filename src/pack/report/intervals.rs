//! Values with their intervals, one a line, over an axis from 0 to 1, as SVG that takes its colours from the page.

use std::fmt::Write;

use super::html::{number, text};

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What it is of.
    pub name: String,
    /// The value.
    pub value: f64,
    /// The ends of its interval.
    pub ends: (f64, f64),
    /// A place that is marked.
    pub mark: Option<f64>,
    /// Whether it stands out.
    pub is_strong: bool,
}

const WIDTH: f64 = 960.0;
/// Room for the names, and for the numbers at the end of each line.
const LEFT: f64 = 260.0;
const RIGHT: f64 = 70.0;
const EACH: f64 = 28.0;
const BELOW: f64 = 26.0;

/// The picture; none without a line.
pub fn svg(label: &str, lines: &[Line]) -> Option<String> {
    if lines.is_empty() {
        return None;
    }
    let base = EACH * lines.len() as f64 + 4.0;
    let mut out = format!(
        "<svg class=\"chart\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {WIDTH:.0} {:.0}\">",
        text(label),
        base + BELOW
    );
    for tick in 0..=4 {
        let value = f64::from(tick) / 4.0;
        let at = x(value);
        let _ = write!(out, "<path class=\"grid\" d=\"M{at:.1} 0V{base:.1}\"/>");
        let _ = write!(out, "<text class=\"m\" x=\"{at:.1}\" y=\"{:.0}\">{}</text>", base + 17.0, number(value));
    }
    for (i, line) in lines.iter().enumerate() {
        one(line, EACH.mul_add(i as f64, EACH / 2.0), &mut out);
    }
    out.push_str("</svg>");
    Some(out)
}

fn x(value: f64) -> f64 {
    (WIDTH - LEFT - RIGHT).mul_add(value.clamp(0.0, 1.0), LEFT)
}

fn one(line: &Line, y: f64, out: &mut String) {
    let class = if line.is_strong { "col hit" } else { "col" };
    let (low, high) = (x(line.ends.0), x(line.ends.1));
    let _ = write!(out, "<text class=\"e\" x=\"{:.0}\" y=\"{:.1}\">{}</text>", LEFT - 12.0, y + 4.0, text(&line.name));
    let _ = write!(
        out,
        "<rect class=\"{class}\" x=\"{low:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"4\"/>",
        y - 2.0,
        (high - low).max(1.0)
    );
    let words = format!("{}: {} ({} to {})", line.name, number(line.value), number(line.ends.0), number(line.ends.1));
    let _ = write!(
        out,
        "<circle class=\"{class}\" cx=\"{:.1}\" cy=\"{y:.1}\" r=\"5\"><title>{}</title></circle>",
        x(line.value),
        text(&words)
    );
    if let Some(mark) = line.mark {
        let _ =
            write!(out, "<path class=\"limit\" d=\"M{:.1} {:.1}v{:.0}\"/>", x(mark), y - EACH / 2.0 + 2.0, EACH - 4.0);
    }
    let _ = write!(out, "<text x=\"{:.0}\" y=\"{:.1}\">{:.3}</text>", WIDTH - RIGHT + 12.0, y + 4.0, line.value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_its_lines_and_no_text_becomes_markup() {
        let line = Line { name: "<b>".to_owned(), value: 0.5, ends: (0.4, 2.0), mark: Some(0.6), is_strong: true };
        let svg = svg("all", &[line.clone(), line]).unwrap();
        assert_eq!((svg.matches("<circle").count(), svg.contains("<b>")), (2, false));
        assert!(svg.contains("&lt;b&gt;") && svg.contains("viewBox=\"0 0 960 86\""));
        assert_eq!(super::svg("none", &[]), None);
    }
}
