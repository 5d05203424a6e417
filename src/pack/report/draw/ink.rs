//! From a figure to SVG: bonds that stop at letters, double bonds inside their rings, and no colour but the page's.

use std::fmt::Write;

use super::super::html::text;
use super::labels::{Label, label};
use super::{Bond, Figure, Point, Stroke};

/// The least that a drawing shows, so that small molecules are not blown up; a bond is 40 long.
pub const SIZE: Point = (310.0, 225.0);

/// Room around the outermost atoms.
const MARGIN: f64 = 14.0;

/// Distance of the second line of a double bond.
const GAP: f64 = 6.6;

/// Half the width of the wide end of a wedge.
const WEDGE: f64 = 5.0;

/// The drawing of `figure`.
pub fn svg(figure: &Figure, name: &str) -> String {
    let labels: Vec<Option<Label>> = (0..figure.atoms.len()).map(|i| label(figure, i)).collect();
    let mut pen = Pen { figure, labels: &labels, lines: String::new(), dashed: String::new(), filled: String::new() };
    figure.bonds.iter().for_each(|bond| pen.bond(bond));
    let [left, top, width, height] = frame(figure, &labels);
    let mut out = format!(
        "<svg class=\"mol\" role=\"img\" aria-label=\"{}\" viewBox=\"{left:.0} {top:.0} {width:.0} {height:.0}\">",
        text(name)
    );
    for (class, path) in [("", &pen.lines), (" class=\"d\"", &pen.dashed), (" class=\"f\"", &pen.filled)] {
        if !path.is_empty() {
            let _ = write!(out, "<path{class} d=\"{path}\"/>");
        }
    }
    labels.iter().flatten().for_each(|label| out.push_str(&label.svg));
    out.push_str("</svg>");
    out
}

/// What is shown: everything, centred, and no less than [`SIZE`].
fn frame(figure: &Figure, labels: &[Option<Label>]) -> [f64; 4] {
    let (mut low, mut high) = ((f64::MAX, f64::MAX), (f64::MIN, f64::MIN));
    for (atom, label) in figure.atoms.iter().zip(labels) {
        let [left, right, up, down] = label.as_ref().map_or([0.0; 4], |label| label.reach);
        low = (low.0.min(atom.at.0 - left), low.1.min(atom.at.1 - up));
        high = (high.0.max(atom.at.0 + right), high.1.max(atom.at.1 + down));
    }
    let centre = (f64::midpoint(low.0, high.0), f64::midpoint(low.1, high.1));
    let width = (high.0 - low.0 + 2.0 * MARGIN).max(SIZE.0);
    let height = (high.1 - low.1 + 2.0 * MARGIN).max(SIZE.1);
    [centre.0 - width / 2.0, centre.1 - height / 2.0, width, height]
}

/// Collects paths.
struct Pen<'a> {
    figure: &'a Figure,
    labels: &'a [Option<Label>],
    lines: String,
    dashed: String,
    filled: String,
}

impl Pen<'_> {
    fn bond(&mut self, bond: &Bond) {
        let [a, b] = bond.ends.map(|i| self.figure.atoms[i].at);
        let Some((along, across)) = directions(a, b) else { return };
        let (from, to) = (self.stop(bond.ends[0], a, b), self.stop(bond.ends[1], b, a));
        let moved = |p: Point, by: f64| (p.0 + across.0 * by, p.1 + across.1 * by);
        match bond.stroke {
            Stroke::Single => line(&mut self.lines, from, to),
            Stroke::Dashed => line(&mut self.dashed, from, to),
            Stroke::Triple => {
                for by in [0.0, GAP * 0.8, -GAP * 0.8] {
                    line(&mut self.lines, moved(from, by), moved(to, by));
                }
            }
            Stroke::Double => match self.inside(bond, a, b) {
                None => {
                    for by in [GAP / 2.0, -GAP / 2.0] {
                        line(&mut self.lines, moved(from, by), moved(to, by));
                    }
                }
                Some(sign) => {
                    line(&mut self.lines, from, to);
                    let trim = |end: usize, by: f64| if self.labels[bond.ends[end]].is_some() { 0.0 } else { by };
                    let (p, q) = (moved(from, sign * GAP), moved(to, sign * GAP));
                    let (start, end) = (trim(0, 4.5), trim(1, 4.5));
                    let p = (p.0 + along.0 * start, p.1 + along.1 * start);
                    let q = (q.0 - along.0 * end, q.1 - along.1 * end);
                    line(&mut self.lines, p, q);
                }
            },
            Stroke::Wedge => {
                let (p, q) = (moved(to, WEDGE), moved(to, -WEDGE));
                let _ =
                    write!(self.filled, "M{:.1} {:.1}L{:.1} {:.1}L{:.1} {:.1}Z", from.0, from.1, p.0, p.1, q.0, q.1);
            }
            Stroke::Hash => {
                for step in 1..=6 {
                    let t = f64::from(step) / 6.0;
                    let at = (from.0 + (to.0 - from.0) * t, from.1 + (to.1 - from.1) * t);
                    line(&mut self.lines, moved(at, WEDGE * t), moved(at, -WEDGE * t));
                }
            }
        }
    }

    /// On which side of a double bond its second line goes; none if it is two lines around the middle.
    fn inside(&self, bond: &Bond, a: Point, b: Point) -> Option<f64> {
        let side = |p: Point| (b.0 - a.0) * (p.1 - a.1) - (b.1 - a.1) * (p.0 - a.0);
        if let Some(centre) = bond.ring {
            return Some(side(centre).signum());
        }
        if bond.ends.iter().any(|i| self.figure.atoms[*i].degree < 2) {
            return None;
        }
        let neighbours = self.figure.bonds.iter().filter(|other| other.ends != bond.ends).flat_map(|other| {
            let [c, d] = other.ends;
            let far = |near: usize, far: usize| bond.ends.contains(&near).then_some(self.figure.atoms[far].at);
            [far(c, d), far(d, c)]
        });
        let balance: f64 = neighbours.flatten().map(|p| side(p).signum()).sum();
        Some(if balance < 0.0 { -1.0 } else { 1.0 })
    }

    /// Where a bond from `a` (atom `index`) to `b` starts, so that it does not run into letters.
    fn stop(&self, index: usize, a: Point, b: Point) -> Point {
        let Some(Label { reach, .. }) = &self.labels[index] else { return a };
        let (x, y) = (b.0 - a.0, b.1 - a.1);
        let room = 3.0;
        let wide = if x < 0.0 { reach[0] } else { reach[1] } + room;
        let high = if y < 0.0 { reach[2] } else { reach[3] } + room;
        let share = (wide / x.abs().max(1e-9)).min(high / y.abs().max(1e-9)).min(0.6);
        (a.0 + x * share, a.1 + y * share)
    }
}

/// Unit vectors along and across; none where two atoms are in one place.
fn directions(a: Point, b: Point) -> Option<(Point, Point)> {
    let (x, y) = (b.0 - a.0, b.1 - a.1);
    let length = x.hypot(y);
    (length > 1e-6).then(|| ((x / length, y / length), (-y / length, x / length)))
}

fn line(path: &mut String, a: Point, b: Point) {
    let _ = write!(path, "M{:.1} {:.1}L{:.1} {:.1}", a.0, a.1, b.0, b.1);
}
