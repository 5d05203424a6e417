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
        let (low, high) = (self.bars.first()?.from, self.bars.last()?.to);
        let top = self.bars.iter().map(|bar| bar.height).fold(0.0, f64::max);
        if high <= low || !(high - low).is_finite() || top <= 0.0 {
            return None;
        }
        let (width, height) = self.size;
        let mut out = format!(
            "<svg class=\"chart\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {width:.0} {height:.0}\">",
            text(&self.label)
        );
        let left = if self.is_small() { 4.0 } else { LEFT };
        let plot = Plot { low, high, top, left, right: width - 8.0, base: height - BELOW };
        if !self.is_small() {
            plot.heights(&self.unit, &mut out);
        }
        self.bars.iter().filter(|bar| bar.height > 0.0).for_each(|bar| plot.bar(bar, &mut out));
        plot.axis(self.axis, if self.is_small() { 5 } else { 8 }, &mut out);
        if let Some((value, words)) = self.line.as_ref().filter(|(value, _)| (low..=high).contains(value)) {
            plot.line(*value, words, &mut out);
        }
        out.push_str("</svg>");
        Some(out)
    }

    fn is_small(&self) -> bool {
        self.size.0 < 400.0
    }
}

/// Where things are in a picture.
struct Plot {
    low: f64,
    high: f64,
    top: f64,
    left: f64,
    right: f64,
    base: f64,
}

impl Plot {
    fn x(&self, value: f64) -> f64 {
        self.left + (value - self.low) / (self.high - self.low) * (self.right - self.left)
    }

    fn y(&self, value: f64) -> f64 {
        self.base - value / self.top * (self.base - ABOVE)
    }

    /// The lines that say how high bars are.
    fn heights(&self, unit: &str, out: &mut String) {
        let left = self.left;
        for tick in ticks(0.0, self.top, 4).into_iter().filter(|tick| *tick > 0.0) {
            let at = self.y(tick);
            let _ = write!(out, "<path class=\"grid\" d=\"M{left:.0} {at:.1}H{:.0}\"/>", self.right);
            let (x, y) = (left - 6.0, at + 4.0);
            let _ = write!(out, "<text class=\"e\" x=\"{x:.0}\" y=\"{y:.1}\">{}</text>", amount(tick));
        }
        let _ = write!(out, "<text x=\"0\" y=\"11\">{}</text>", text(unit));
    }

    fn bar(&self, bar: &Bar, out: &mut String) {
        let (a, b) = (self.x(bar.from), self.x(bar.to));
        let wide = (b - a - if b - a > 4.0 { 1.0 } else { 0.0 }).max(0.5);
        let tall = (self.base - self.y(bar.height)).max(LEAST);
        let class = if bar.marked { "col hit" } else { "col" };
        let (y, title) = (self.base - tall, text(&bar.title));
        let _ = write!(
            out,
            "<rect class=\"{class}\" x=\"{a:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{tall:.1}\"><title>{title}</title></rect>"
        );
    }

    fn axis(&self, written: fn(f64) -> String, wanted: usize, out: &mut String) {
        let (left, right, base) = (self.left, self.right, self.base);
        let _ = write!(out, "<path class=\"axis\" d=\"M{left:.0} {base:.1}H{right:.0}\"/>");
        for tick in ticks(self.low, self.high, wanted) {
            let at = self.x(tick);
            let anchor = match at {
                at if at > right - 16.0 => " class=\"e\"",
                at if at < left + 8.0 => "",
                _ => " class=\"m\"",
            };
            let words = text(&written(tick));
            let _ = write!(out, "<path class=\"axis\" d=\"M{at:.1} {base:.1}v4\"/>");
            let _ = write!(out, "<text{anchor} x=\"{at:.1}\" y=\"{:.0}\">{words}</text>", base + 17.0);
        }
    }

    fn line(&self, value: f64, words: &str, out: &mut String) {
        let at = self.x(value);
        let (anchor, by) = if at > f64::midpoint(self.left, self.right) { ("e", -6.0) } else { ("s", 6.0) };
        let (from, base, y) = (ABOVE - 6.0, self.base, ABOVE + 4.0);
        let _ = write!(out, "<path class=\"limit\" d=\"M{at:.1} {from:.1}V{base:.1}\"/>");
        let _ = write!(out, "<text class=\"{anchor} limit\" x=\"{:.1}\" y=\"{y:.0}\">{}</text>", at + by, text(words));
    }
}

/// A number on the vertical axis.
fn amount(value: f64) -> String {
    if value.fract() == 0.0 && value < 1e7 { count(value as u64) } else { text(&number(value)) }
}
