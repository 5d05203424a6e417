//! Values of options that several commands share: how they are written, and what a wrong one is told.

use crate::campaign::config::CPUS_MAX;
use crate::digest::Digest;
use crate::id::Ordinal;
use crate::lift::SEED_END;

/// Nobody selects more molecules.
pub const K_MAX: u64 = 1_000_000_000_000;

/// A whole number from 1 to `MAX`.
pub fn count<const MAX: u64>(text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| (1..=MAX).contains(number));
    number.ok_or_else(|| format!("give a whole number from 1 to {MAX}"))
}

/// A number of processor cores.
pub fn cores(text: &str) -> Result<u32, String> {
    count::<{ CPUS_MAX as u64 }>(text).map(|cores| cores as u32)
}

/// The place of a record in its library.
pub fn ordinal(text: &str) -> Result<Ordinal, String> {
    text.parse().map_err(|_| "give the place of a record in the library, a whole number from 0".to_owned())
}

/// The seed of draws.
pub fn seed(text: &str) -> Result<u64, String> {
    let seed = text.parse().ok().filter(|seed| *seed < SEED_END);
    seed.ok_or_else(|| "give a whole number from 0, below 2^53".to_owned())
}

/// As `sha256sum` and registries write it: in capitals too, and with `sha256:` before it.
pub fn sha256(text: &str) -> Result<Digest, String> {
    let digits = text.strip_prefix("sha256:").unwrap_or(text).to_ascii_lowercase();
    digits.parse().map_err(|_| "give the 64 hex digits that `sha256sum` prints".to_owned())
}

/// A commit of sources.
pub fn commit(text: &str) -> Result<String, String> {
    let is_hex = text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if is_hex { Ok(text.to_ascii_lowercase()) } else { Err("give the 40 hex digits of a commit".to_owned()) }
}

/// A day.
pub fn day(text: &str) -> Result<String, String> {
    let digits = |part: &str, n: usize| part.len() == n && part.bytes().all(|b| b.is_ascii_digit());
    match text.split('-').collect::<Vec<_>>().as_slice() {
        [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2) => Ok(text.to_owned()),
        _ => Err("give a day as `2026-11-29`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_none_is_told_what_numbers_there_are() {
        assert_eq!((count::<10>("1"), count::<10>("10"), cores("4096")), (Ok(1), Ok(10), Ok(4096)));
        for wrong in ["x", "0", "11", "-1", "1.5", "", "99999999999999999999999"] {
            assert_eq!(count::<10>(wrong).unwrap_err(), "give a whole number from 1 to 10", "{wrong}");
        }
        assert_eq!(ordinal("0"), Ok(0));
        assert!(ordinal("NSC_1").unwrap_err().contains("from 0"));
    }

    #[test]
    fn a_digest_is_read_as_registries_write_it() {
        let digits = "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08";
        assert_eq!(sha256(&format!("sha256:{digits}")).unwrap().to_string(), digits.to_ascii_lowercase());
        assert!(sha256(&digits[1..]).is_err() && commit(&digits[..39]).is_err() && day("2026-1-1").is_err());
        assert_eq!((seed("9007199254740991"), seed("9007199254740992").is_err()), (Ok((1 << 53) - 1), true));
    }
}
