//! Scores of which it is known what they are worth, for the records of a library and their look-alikes.

use std::path::PathBuf;

use crate::csv::quoted;
use crate::decoys::{self, Wanted};
use crate::digest;
use crate::error::{Error, Result};
use crate::fs::Staged;
use crate::library::slice::Slice;
use crate::random::Generator;
use crate::stop::Stop;

/// What a made-up score knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MadeUp {
    /// Nothing: all are 0.
    Constant,
    /// Nothing: each is drawn.
    Random,
    /// Everything: a record has 1, its look-alikes 0.
    Synthetic,
}

impl MadeUp {
    /// All of them, the bad ones first.
    pub const ALL: [Self; 3] = [Self::Constant, Self::Random, Self::Synthetic];

    /// What HETERO-2 calls a pack of such scores.
    pub const fn variant(self) -> &'static str {
        match self {
            Self::Constant => "BAD-constant",
            Self::Random => "BAD-random",
            Self::Synthetic => "GOOD-synthetic",
        }
    }

    /// The score of the record, or of the look-alike, called `name`.
    fn score(self, name: &[u8], is_record: bool, key: &[u8; 32]) -> f64 {
        match self {
            Self::Constant => 0.0,
            Self::Synthetic => f64::from(u8::from(is_record)),
            // (53 bits: every one of them is a double.)
            Self::Random => Generator::new(digest::keyed_u64(key, name)).below(1 << 53) as f64 / (1_u64 << 53) as f64,
        }
    }
}

/// Writes the scores of all records of `wanted.library` and of all their look-alikes to each of `tables`: CSV, `id,score`.
///
/// # Errors
/// A record has no id, or one that is no text (exit 2); the library changed; the system refuses (exit 6); `stop` was raised (exit 75).
pub fn write(tables: &[(MadeUp, PathBuf)], wanted: &Wanted<'_>, stop: &Stop) -> Result<()> {
    let key = digest::blake3(format!("molsieve.suite.random.v1\0{}", wanted.seed).as_bytes()).0;
    let open = |(made_up, path): &(MadeUp, PathBuf)| Ok((*made_up, Staged::create_beside(path)?));
    let mut files: Vec<(MadeUp, Staged)> = tables.iter().map(open).collect::<Result<_>>()?;
    files.iter_mut().try_for_each(|(_, file)| file.write(b"id,score\n"))?;
    let mut put = |name: &str, is_record: bool| {
        let (bytes, name) = (name.as_bytes(), quoted(name));
        files.iter_mut().try_for_each(|(made_up, file)| {
            let score = made_up.score(bytes, is_record, &key);
            file.write(format!("{name},{score}\n").as_bytes())
        })
    };
    let mut slice = Slice::open(wanted.library, 0..wanted.library.records())?;
    while let Some(block) = slice.next_block()? {
        for record in block.iter() {
            let id = std::str::from_utf8(record.id).ok().filter(|id| !id.is_empty());
            let id = id.ok_or_else(|| {
                Error::usage(format!("record {} of the library has no id that is text", record.ordinal))
                    .hint("scores are told by ids: give each record one")
            })?;
            put(id, true)?;
        }
    }
    decoys::each(wanted, stop, |entry| put(&entry.hash.to_string(), false))?;
    files.into_iter().try_for_each(|(_, file)| file.commit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_score_knows_nothing_of_what_it_scores_and_a_good_one_all() {
        let key = [7; 32];
        let both = |made_up: MadeUp| [true, false].map(|is_record| made_up.score(b"x", is_record, &key).to_bits());
        assert_eq!(both(MadeUp::Constant), [0.0_f64, 0.0].map(f64::to_bits));
        assert_eq!(both(MadeUp::Synthetic), [1.0_f64, 0.0].map(f64::to_bits));
        let [as_record, as_look_alike] = both(MadeUp::Random);
        assert_eq!(as_record, as_look_alike, "it is drawn from the name alone");
        let drawn: Vec<f64> = (0..4000).map(|n: u32| MadeUp::Random.score(&n.to_le_bytes(), true, &key)).collect();
        let mean = drawn.iter().sum::<f64>() / 4000.0;
        assert!((0.48..0.52).contains(&mean) && drawn.iter().all(|score| (0.0..1.0).contains(score)), "{mean}");
        assert!((MadeUp::Random.score(b"x", true, &[8; 32]) - drawn[0]).abs() > 0.0, "another seed draws others");
    }
}
