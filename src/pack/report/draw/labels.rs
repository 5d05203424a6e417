//! The letters of atoms, and how much room they take.

use std::fmt::Write;

use super::{Figure, Point};

/// Size of the letters, in the units of the drawing.
pub const FONT: f64 = 17.0;

/// Size of subscripts and superscripts.
const SMALL: f64 = 12.0;

/// From one line of letters to the next.
const LINE: f64 = 15.0;

/// Where the hydrogens of an atom are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Right,
    Left,
    Above,
    Below,
}

/// The label of one atom.
#[derive(Clone, Debug)]
pub struct Label {
    /// The `text` elements.
    pub svg: String,
    /// How far it reaches to the left, the right, up and down of its atom.
    pub reach: [f64; 4],
}

/// The label of atom `index`; none for a carbon of the skeleton.
pub fn label(figure: &Figure, index: usize) -> Option<Label> {
    let atom = &figure.atoms[index];
    if atom.element == 6 && atom.charge == 0 && atom.isotope.is_none() && atom.degree > 0 && !is_straight(figure, index)
    {
        return None;
    }
    // Carbons with a label for its charge or mass alone keep their hydrogens to themselves.
    let hydrogens = if atom.element == 6 && atom.degree > 1 { 0 } else { atom.hydrogens };
    let half = width(atom.symbol, FONT) / 2.0;
    let mut reach = [half, half, FONT * 0.38, FONT * 0.38];
    let class = class(atom.element);
    let (x, y) = (atom.at.0, atom.at.1 + FONT * 0.36);
    let mass = atom.isotope.map_or_else(String::new, |mass| mass.to_string());
    let count = if hydrogens > 1 { hydrogens.to_string() } else { String::new() };
    let charge = charge_text(atom.charge);
    let start = x - half - width(&mass, SMALL);
    let mut main = vec![(mass.as_str(), Level::Above), (atom.symbol, Level::Line)];
    let written = [("H", Level::Line), (count.as_str(), Level::Below)];
    let mut apart = String::new();
    if hydrogens > 0 {
        let room = width("H", FONT) + width(&count, SMALL);
        match side(figure, index) {
            Side::Right => {
                main.extend(written);
                reach[1] += room;
            }
            Side::Left => {
                apart = text((start - room, y), class, &written);
                reach[0] += room;
            }
            Side::Above => {
                apart = text((x - width("H", FONT) / 2.0, y - LINE), class, &written);
                reach[2] += LINE;
            }
            Side::Below => {
                apart = text((x - width("H", FONT) / 2.0, y + LINE), class, &written);
                reach[3] += LINE;
            }
        }
    }
    main.push((&charge, Level::Above));
    reach[0] += width(&mass, SMALL);
    reach[1] += width(&charge, SMALL);
    Some(Label { svg: text((start, y), class, &main) + &apart, reach })
}

/// The side on which an atom has most room.
fn side(figure: &Figure, index: usize) -> Side {
    // On its own it is a formula, such as H₂O and HCl; and CH₄ and NH₃.
    if figure.atoms[index].degree == 0 {
        return if matches!(figure.atoms[index].element, 8 | 9 | 16 | 17 | 34 | 35 | 53) {
            Side::Left
        } else {
            Side::Right
        };
    }
    let at = figure.atoms[index].at;
    let towards = figure.bonds.iter().filter_map(|bond| match bond.ends {
        [a, b] if a == index => Some(figure.atoms[b].at),
        [a, b] if b == index => Some(figure.atoms[a].at),
        _ => None,
    });
    let (mut left, mut right, mut up) = (0.0_f64, 0.0_f64, 0.0_f64);
    let mut down = 0.0_f64;
    for p in towards {
        let (x, y) = (p.0 - at.0, p.1 - at.1);
        let length = x.hypot(y).max(1e-9);
        left = left.max(-x / length);
        right = right.max(x / length);
        up = up.max(-y / length);
        down = down.max(y / length);
    }
    if right < 0.3 {
        Side::Right
    } else if left < 0.3 {
        Side::Left
    } else if up <= down {
        Side::Above
    } else {
        Side::Below
    }
}

/// Whether a carbon between two others would not be seen, because its bonds are in one line.
fn is_straight(figure: &Figure, index: usize) -> bool {
    let strokes: Vec<_> = figure.bonds.iter().filter(|b| b.ends.contains(&index)).map(|b| b.stroke).collect();
    strokes == [super::Stroke::Double, super::Stroke::Double]
}

fn charge_text(charge: i8) -> String {
    let sign = if charge > 0 { '+' } else { '\u{2212}' };
    match charge.unsigned_abs() {
        0 => String::new(),
        1 => sign.to_string(),
        n => format!("{n}{sign}"),
    }
}

/// Where letters stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Line,
    Above,
    Below,
}

impl Level {
    /// How far below the line, in the units of the drawing.
    const fn drop(self) -> i32 {
        match self {
            Self::Line => 0,
            Self::Above => -6,
            Self::Below => 4,
        }
    }
}

/// One `text` element from `at` on.
fn text(at: Point, class: &str, parts: &[(&str, Level)]) -> String {
    let (mut inner, mut now) = (String::new(), Level::Line);
    for (letters, level) in parts.iter().filter(|(letters, _)| !letters.is_empty()) {
        if *level == now && now == Level::Line {
            inner.push_str(letters);
            continue;
        }
        let (dy, small) = (level.drop() - now.drop(), if *level == Level::Line { "" } else { " class=\"s\"" });
        let _ = write!(inner, "<tspan{small} dy=\"{dy}\">{letters}</tspan>");
        now = *level;
    }
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    format!("<text x=\"{:.1}\" y=\"{:.1}\"{class}>{inner}</text>", at.0, at.1)
}

/// The class that gives an element its colour.
fn class(element: u8) -> &'static str {
    match element {
        7 => "n",
        8 => "o",
        16 | 34 => "su",
        9 | 17 => "cl",
        35 | 53 => "br",
        15 => "p",
        _ => "",
    }
}

/// How wide a text is in a common sans serif.
fn width(letters: &str, size: f64) -> f64 {
    let em = |c: char| match c {
        'i' | 'l' | 'I' | 't' | 'f' => 0.28,
        'r' => 0.33,
        'a'..='z' | '0'..='9' | '*' | '+' | '\u{2212}' => 0.56,
        _ => 0.72,
    };
    letters.chars().map(em).sum::<f64>() * size
}
