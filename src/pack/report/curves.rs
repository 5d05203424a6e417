//! Lines over two axes, with bands for intervals, as SVG that takes its colours from the page.

use std::fmt::Write;

use super::html::{count, number, text};
use super::scale::ticks;

/// Style of what is drawn here; for pages that have such pictures.
pub const STYLE: &str = "\
.chart .line { fill: none; stroke: var(--soft); stroke-width: 1.5; } .chart .line.c0 { stroke: var(--strong); stroke-width: 2.5; } .chart .line.c1 { stroke: var(--soft); stroke-dasharray: 5 4; }
.chart .line.c2 { stroke: var(--hit); } .chart .line.c3 { stroke: var(--n); } .chart .line.c4 { stroke: var(--ok); } .chart .line.c5 { stroke: var(--skip); }
.chart .band { fill: var(--strong); opacity: .16; }
";

/// More lines than this have no colour of their own.
const COLOURS: usize = 6;

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What it is of.
    pub name: String,
    /// Where it goes, from left to right.
    pub points: Vec<Point>,
}

/// A point of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Where, on the axis below.
    pub x: f64,
    /// How high.
    pub y: f64,
    /// The interval of that.
    pub ends: Option<(f64, f64)>,
}

/// Lines over two axes. The first stands out, and is the only one whose intervals are drawn.
#[derive(Clone, Debug)]
pub struct Curves {
    /// What the picture is of, for those who do not see it.
    pub label: String,
    /// The lines.
    pub lines: Vec<Line>,
    /// Whether the axis below is logarithmic.
    pub is_log: bool,
    /// What stands below it, and how a place on it is written.
    pub below: String,
    /// See `below`.
    pub written: fn(f64) -> String,
    /// What the heights are.
    pub unit: String,
}

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 16.0;
const ABOVE: f64 = 22.0;
const BELOW: f64 = 44.0;

impl Curves {
    /// The picture; none without two points that are apart.
    pub fn svg(&self) -> Option<String> {
        let points = || self.lines.iter().flat_map(|line| &line.points).filter(|point| !self.is_log || point.x > 0.0);
        let low = points().map(|point| point.x).fold(f64::INFINITY, f64::min);
        let high = points().map(|point| point.x).fold(f64::NEG_INFINITY, f64::max);
        let highest = |point: &Point| point.ends.map_or(point.y, |(_, end)| point.y.max(end));
        let top = points().map(highest).fold(0.0, f64::max);
        if !(high > low && top > 0.0 && (high - low).is_finite() && top.is_finite()) {
            return None;
        }
        let plot = Plot { low: self.place(low), high: self.place(high), top };
        let mut out = format!(
            "<svg class=\"chart\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {WIDTH:.0} {HEIGHT:.0}\">",
            text(&self.label)
        );
        self.axes(&plot, (low, high), &mut out);
        if let Some(first) = self.lines.first() {
            self.band(&plot, first, &mut out);
        }
        // (The one that stands out is drawn last.)
        for (at, line) in self.lines.iter().enumerate().rev() {
            self.line(&plot, at, line, &mut out);
        }
        self.legend(&mut out);
        out.push_str("</svg>");
        Some(out)
    }

    fn place(&self, x: f64) -> f64 {
        if self.is_log { x.log10() } else { x }
    }

    fn axes(&self, plot: &Plot, (low, high): (f64, f64), out: &mut String) {
        let (base, right) = (HEIGHT - BELOW, WIDTH - RIGHT);
        for tick in ticks(0.0, plot.top, 5) {
            let at = plot.y(tick);
            let words = if tick.fract() == 0.0 && tick < 1e9 { count(tick as u64) } else { text(&number(tick)) };
            let _ = write!(out, "<path class=\"grid\" d=\"M{LEFT:.0} {at:.1}H{right:.0}\"/>");
            let _ = write!(out, "<text class=\"e\" x=\"{:.0}\" y=\"{:.1}\">{words}</text>", LEFT - 6.0, at + 4.0);
        }
        let _ = write!(out, "<text x=\"0\" y=\"11\">{}</text>", text(&self.unit));
        let _ = write!(out, "<path class=\"axis\" d=\"M{LEFT:.0} {base:.1}H{right:.0}\"/>");
        for tick in self.places(low, high) {
            let at = plot.x(self.place(tick));
            let words = text(&(self.written)(tick));
            // (What stands at the end of the axis is not cut off.)
            let anchor = if at > right - 20.0 { "e" } else { "m" };
            let _ = write!(out, "<path class=\"axis\" d=\"M{at:.1} {base:.1}v4\"/>");
            let _ = write!(out, "<text class=\"{anchor}\" x=\"{at:.1}\" y=\"{:.0}\">{words}</text>", base + 17.0);
        }
        let middle = f64::midpoint(LEFT, right);
        let _ =
            write!(out, "<text class=\"m\" x=\"{middle:.0}\" y=\"{:.0}\">{}</text>", HEIGHT - 6.0, text(&self.below));
    }

    /// Places on the axis below that are written: powers of ten where it is logarithmic.
    fn places(&self, low: f64, high: f64) -> Vec<f64> {
        if !self.is_log {
            return ticks(low, high, 8);
        }
        let powers = (-9..=9).map(|power| 10f64.powi(power));
        powers.filter(|place| (low * 0.999..=high * 1.001).contains(place)).collect()
    }

    fn band(&self, plot: &Plot, line: &Line, out: &mut String) {
        let ends: Vec<_> = line.points.iter().filter_map(|point| Some((point.x, point.ends?))).collect();
        if ends.len() < 2 {
            return;
        }
        let at = |x: f64, y: f64| format!("{:.1} {:.1}", plot.x(self.place(x)), plot.y(y));
        let over = ends.iter().map(|(x, (_, high))| at(*x, *high));
        let under = ends.iter().rev().map(|(x, (low, _))| at(*x, *low));
        let path: Vec<String> = over.chain(under).collect();
        let _ = write!(out, "<path class=\"band\" d=\"M{}Z\"/>", path.join("L"));
    }

    fn line(&self, plot: &Plot, at: usize, line: &Line, out: &mut String) {
        let place = |point: &Point| format!("{:.1} {:.1}", plot.x(self.place(point.x)), plot.y(point.y));
        let path: Vec<String> = line.points.iter().map(place).collect();
        let (class, name) = (at.min(COLOURS), text(&line.name));
        let _ = write!(out, "<path class=\"line c{class}\" d=\"M{}\"><title>{name}</title></path>", path.join("L"));
    }

    fn legend(&self, out: &mut String) {
        let (x, to) = (LEFT + 14.0, LEFT + 44.0);
        for (at, line) in self.lines.iter().enumerate() {
            let y = 18f64.mul_add(at as f64, ABOVE + 14.0);
            let class = at.min(COLOURS);
            let _ = write!(out, "<path class=\"line c{class}\" d=\"M{x:.0} {y:.0}H{to:.0}\"/>");
            let _ = write!(out, "<text x=\"{:.0}\" y=\"{:.0}\">{}</text>", to + 8.0, y + 4.0, text(&line.name));
        }
    }
}

/// Where things are in a picture.
struct Plot {
    low: f64,
    high: f64,
    top: f64,
}

impl Plot {
    fn x(&self, place: f64) -> f64 {
        ((place - self.low) / (self.high - self.low)).mul_add(WIDTH - LEFT - RIGHT, LEFT)
    }

    fn y(&self, value: f64) -> f64 {
        let base = HEIGHT - BELOW;
        (value / self.top).mul_add(-(base - ABOVE), base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curves(points: &[(f64, f64)], is_log: bool) -> Curves {
        let point = |(x, y): &(f64, f64)| Point { x: *x, y: *y, ends: Some((y - 1.0, y + 1.0)) };
        let line = Line { name: "<b>".to_owned(), points: points.iter().map(point).collect() };
        Curves {
            label: "all".to_owned(),
            lines: vec![line.clone(), line],
            is_log,
            below: "share".to_owned(),
            written: |x| format!("{x}"),
            unit: "hits".to_owned(),
        }
    }

    #[test]
    fn a_picture_has_its_lines_and_one_band_and_no_text_becomes_markup() {
        let svg = curves(&[(0.001, 1.0), (0.1, 5.0), (1.0, 9.0)], true).svg().unwrap();
        assert_eq!((svg.matches("class=\"band\"").count(), svg.matches("<title>").count()), (1, 2));
        assert!(!svg.contains("<b>") && svg.contains("&lt;b&gt;"));
        for place in ["0.001", "0.01", "0.1", "1"] {
            assert!(svg.contains(&format!(">{place}</text>")), "{place}: {svg}");
        }
    }

    #[test]
    fn what_is_no_line_is_not_drawn() {
        assert_eq!(curves(&[], false).svg(), None);
        assert_eq!(curves(&[(1.0, 2.0)], false).svg(), None);
        assert_eq!(curves(&[(0.0, 2.0), (f64::INFINITY, 2.0)], false).svg(), None);
        assert!(curves(&[(0.0, 2.0), (1.0, 2.0)], false).svg().is_some());
    }
}
