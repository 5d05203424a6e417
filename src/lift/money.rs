//! What a molecule costs in the expensive stage, in decimal digits: no sum of money is rounded on the way.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::resample::Estimate;
use crate::error::{Error, Result};

/// Millionths of one.
const MILLIONTHS: u64 = 1_000_000;
/// No molecule costs more.
const COST_MAX: u64 = 1_000_000_000;
/// A currency is no longer.
const CURRENCY_CHARS_MAX: usize = 16;

/// An amount of money for one molecule, without its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount(u64);

impl FromStr for Amount {
    type Err = Error;

    /// Decimal digits, and up to six behind a point; above 0.
    fn from_str(text: &str) -> Result<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let amount = || {
            let whole: u64 = whole.parse().ok().filter(|whole| *whole <= COST_MAX)?;
            let part: u64 = format!("{part:0<6}").parse().ok()?;
            Some(whole * MILLIONTHS + part)
        };
        let amount =
            (digits(whole) && digits(part) && part.len() <= 6).then(amount).flatten().filter(|amount| *amount > 0);
        amount.map(Self).ok_or_else(|| {
            Error::usage(format!("`{text}` is not what a molecule can cost")).hint(
                "give a number above 0 with a point and no more than six digits behind it, such as `0.5` or `120`",
            )
        })
    }
}

/// As it is read again: no more digits behind the point than it takes.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / MILLIONTHS, self.0 % MILLIONTHS);
        write!(f, "{whole}")?;
        if part > 0 {
            write!(f, ".{}", format!("{part:06}").trim_end_matches('0'))?;
        }
        Ok(())
    }
}

/// What a molecule costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    amount: Amount,
    /// The word for the money.
    pub currency: String,
}

/// An amount of money with its 95 % interval.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Saved {
    /// How much.
    #[serde(flatten)]
    pub amount: Estimate,
    /// Of what.
    pub currency: String,
}

impl Cost {
    /// `amount` of `currency`, a word of letters such as `EUR`.
    ///
    /// # Errors
    /// It is no such word (exit 2).
    pub fn new(amount: Amount, currency: &str) -> Result<Self> {
        let is_word = (1..=CURRENCY_CHARS_MAX).contains(&currency.chars().count())
            && currency.chars().all(|c| c.is_alphabetic() || matches!(c, '€' | '$' | '£' | '¥'));
        if is_word {
            return Ok(Self { amount, currency: currency.to_owned() });
        }
        Err(Error::usage(format!("`{}` is not a currency", currency.escape_default()))
            .hint("give a word of letters, such as `EUR` or `credits`"))
    }

    /// What so many molecules cost; their number is whole.
    pub fn of(&self, molecules: f64) -> f64 {
        (i128::from(self.amount.0) * molecules as i128) as f64 / MILLIONTHS as f64
    }

    /// What the molecules cost that are not paid for.
    pub fn saved(&self, molecules: &Estimate) -> Saved {
        let of = |number: Option<f64>| number.map(|number| self.of(number));
        let amount = Estimate { value: of(molecules.value), low: of(molecules.low), high: of(molecules.high) };
        Saved { amount, currency: self.currency.clone() }
    }
}

impl Serialize for Cost {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let document = serde_json::json!({"per_molecule": self.of(1.0), "currency": self.currency});
        document.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_counted_in_decimal_digits() {
        let cost = |text: &str| Cost::new(text.parse().unwrap(), "EUR").unwrap();
        assert_eq!((cost("0.1").of(3.0), cost("0.07").of(100.0), cost("120").of(-2.0)), (0.3, 7.0, -240.0));
        assert_eq!(cost("0.000001").of(1.0).to_string(), "0.000001");
        for (text, shown) in [("2.50", "2.5"), ("120", "120"), ("0.000001", "0.000001"), ("1000000000", "1000000000")] {
            assert_eq!(text.parse::<Amount>().unwrap().to_string(), shown);
        }
        for odd in ["", "0", "0.0", ".5", "5.", "-1", "+1", "1e3", "1,5", "0.1234567", "1000000001", "NaN", " 1"] {
            assert!(odd.parse::<Amount>().is_err(), "{odd}");
        }
        for odd in ["", "E U R", "EUR\n", "12", "abcdefghijklmnopq"] {
            assert!(Cost::new(Amount(1), odd).is_err(), "{odd}");
        }
    }
}
