//! What is said of a score in a word, and how numbers stand in sentences.

use serde::Serialize;

use super::resample::Estimate;

/// Hits, and molecules that are none, below which there are no intervals and nothing is stated.
pub const FEW: u64 = 10;
/// Resamples below which there are no intervals.
pub const RESAMPLES_MIN: u32 = 100;
/// What an even order is called.
pub const RANDOM: &str = "random";

/// The answer in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is shown that the score finds more hits than an even order, than size and than log P.
    Better,
    /// It is shown that it finds more than an even order; with size or log P it could not be compared.
    BetterThanRandom,
    /// It is not shown that it finds more than each of these.
    NotShown,
    /// It is shown that one of these finds more.
    Beaten,
    /// There are too few hits, too few molecules that are none, or too few resamples to show anything.
    TooFew,
    /// Labels were made by a rule: nothing is said of the score.
    Proxy,
}

/// What an order is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The score of the pack.
    Score,
    /// Another order that needs the score.
    Alternative,
    /// An order that needs none.
    Baseline,
}

/// What an interval of a difference shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Shown {
    /// It is above 0.
    More,
    /// It is below.
    Less,
    /// It holds 0, or there is none.
    Nothing,
}

impl Shown {
    /// Of this difference.
    pub fn of(difference: &Estimate) -> Self {
        match (difference.low, difference.high) {
            (Some(low), _) if low > 0.0 => Self::More,
            (_, Some(high)) if high < 0.0 => Self::Less,
            _ => Self::Nothing,
        }
    }

    /// Of the hits that the score finds more than an order that is there for `role`.
    pub const fn words(self, role: Role) -> &'static str {
        match (self, role) {
            (Self::More, _) => "the score finds more",
            (Self::Less, Role::Baseline) => "IT BEATS THE SCORE",
            (Self::Less, _) => "it finds more than the score",
            (Self::Nothing, _) => "no difference is shown",
        }
    }
}

/// What the order called `name` is called for people.
pub fn order(name: &str) -> &str {
    if name == RANDOM { "random order" } else { name }
}

/// The same in a sentence.
pub fn named(name: &str) -> String {
    if name == RANDOM { order(name).to_owned() } else { format!("`{name}`") }
}

/// An interval in a sentence.
pub fn interval(estimate: &Estimate) -> String {
    match (estimate.low, estimate.high) {
        (Some(low), Some(high)) => format!("95 %: {} to {}", number(low), number(high)),
        _ => "no interval".to_owned(),
    }
}

/// A number with its interval, in a cell of a table, with so many digits behind the point.
pub fn cell(estimate: &Estimate, digits: usize) -> String {
    let Estimate { value, low, high } = estimate;
    match (value, low, high) {
        (Some(value), Some(low), Some(high)) => format!("{value:.digits$} ({low:.digits$} to {high:.digits$})"),
        (Some(value), ..) => format!("{value:.digits$}"),
        (None, ..) => "-".to_owned(),
    }
}

/// A number for people: with two digits behind the point at most, and none where they are 0.
pub fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}
