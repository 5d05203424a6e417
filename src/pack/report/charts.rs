//! Bars over an axis, as SVG that takes its colours from the page around it.

use std::fmt::Write;

use super::html::{count, number, text};
use super::scale::ticks;

/// One bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Where it begins on the axis.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// How high it is.
    pub height: f64,
    /// Whether it stands out.
    pub marked: bool,
    /// What it says when pointed at.
    pub title: String,
}

/// A chart.
#[derive(Clone, Debug)]
pub struct Chart {
    /// What it shows, for those who do not see it.
    pub label: String,
    /// The bars, from left to right.
    pub bars: Vec<Bar>,
    /// A place on the axis that is marked by a line, and what it says.
    pub line: Option<(f64, String)>,
    /// What the heights are.
    pub unit: String,
    /// Width and height of the picture.
    pub size: (f64, f64),
    /// How a value on the axis is written.
    pub axis: fn(f64) -> String,
}

/// Room for the numbers on the left and below.
const LEFT: f64 = 54.0;
const BELOW: f64 = 24.0;
const ABOVE: f64 = 20.0;

/// Bars that are not 0 are no lower than this: a single record can be seen.
const LEAST: f64 = 1.5;

impl Chart {
    /// The picture; none without a bar.
    pub fn svg(&self) -> Option<String> {
        let (first, last) = (self.bars.first()?, self.bars.last()?);
        let (low, high) = (first.from, last.to);
        let top = self.bars.iter().map(|bar| bar.height).fold(0.0, f64::max);
        if high <= low || !(high - low).is_finite() || top <= 0.0 {
            return None;
        }
        let (width, height) = self.size;
        let is_small = width < 400.0;
        let left = if is_small { 4.0 } else { LEFT };
        let right = width - 8.0;
        let base = height - BELOW;
        let x = |value: f64| left + (value - low) / (high - low) * (right - left);
        let y = |value: f64| base - value / top * (base - ABOVE);
        let mut out = format!(
            "<svg class=\"chart\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {width:.0} {height:.0}\">",
            text(&self.label)
        );
        if !is_small {
            for tick in ticks(0.0, top, 4).into_iter().filter(|tick| *tick > 0.0) {
                let at = y(tick);
                let _ = write!(out, "<path class=\"grid\" d=\"M{left:.0} {at:.1}H{right:.0}\"/>");
                let _ = write!(
                    out,
                    "<text class=\"e\" x=\"{:.0}\" y=\"{:.1}\">{}</text>",
                    left - 6.0,
                    at + 4.0,
                    amount(tick)
                );
            }
            let _ = write!(out, "<text x=\"0\" y=\"11\">{}</text>", text(&self.unit));
        }
        for bar in self.bars.iter().filter(|bar| bar.height > 0.0) {
            let (a, b) = (x(bar.from), x(bar.to));
            let gap = if b - a > 4.0 { 1.0 } else { 0.0 };
            let tall = (base - y(bar.height)).max(LEAST);
            let class = if bar.marked { "col hit" } else { "col" };
            let _ = write!(
                out,
                "<rect class=\"{class}\" x=\"{a:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{tall:.1}\"><title>{}</title></rect>",
                base - tall,
                (b - a - gap).max(0.5),
                text(&bar.title)
            );
        }
        let _ = write!(out, "<path class=\"axis\" d=\"M{left:.0} {base:.1}H{right:.0}\"/>");
        for tick in ticks(low, high, if is_small { 5 } else { 8 }) {
            let at = x(tick);
            let anchor = if at > right - 16.0 {
                " class=\"e\""
            } else if at < left + 8.0 {
                ""
            } else {
                " class=\"m\""
            };
            let _ = write!(out, "<path class=\"axis\" d=\"M{at:.1} {base:.1}v4\"/>");
            let _ =
                write!(out, "<text{anchor} x=\"{at:.1}\" y=\"{:.0}\">{}</text>", base + 17.0, text(&(self.axis)(tick)));
        }
        if let Some((value, words)) = self.line.as_ref().filter(|(value, _)| (low..=high).contains(value)) {
            let at = x(*value);
            let anchor = if at > f64::midpoint(left, right) { ("e", -6.0) } else { ("s", 6.0) };
            let _ = write!(out, "<path class=\"limit\" d=\"M{at:.1} {:.1}V{base:.1}\"/>", ABOVE - 6.0);
            let _ = write!(
                out,
                "<text class=\"{} limit\" x=\"{:.1}\" y=\"{:.0}\">{}</text>",
                anchor.0,
                at + anchor.1,
                ABOVE + 4.0,
                text(words)
            );
        }
        out.push_str("</svg>");
        Some(out)
    }
}

/// A number on the vertical axis.
fn amount(value: f64) -> String {
    if value.fract() == 0.0 && value < 1e7 { count(value as u64) } else { text(&number(value)) }
}
