//! Values by key, sorted: 24 bytes a score and an index of half a byte, built once and shared by all threads.

use std::ops::Range;

use super::key::Key;
use crate::error::{Error, Result};

/// No more scores are held: 12 GB.
pub const SCORES_MAX: usize = 500_000_000;

/// Keys of a bucket, on average.
const BUCKET: usize = 8;

/// Values by key; a key may have several.
#[derive(Debug, Default)]
pub struct Sorted<V> {
    entries: Vec<(Key, V)>,
    /// Where the keys of each bucket begin; a bucket is the keys with the same first bits.
    starts: Vec<u32>,
    /// A key's first bits, moved so far to the right, are the number of its bucket.
    shift: u32,
}

impl<V: Copy> Sorted<V> {
    /// Those of `entries`, which are sorted by key.
    fn of(mut entries: Vec<(Key, V)>) -> Self {
        entries.shrink_to_fit();
        let bits = (entries.len() / BUCKET).checked_ilog2().unwrap_or(0);
        let shift = u64::BITS - bits;
        let mut starts = Vec::with_capacity((1 << bits) + 1);
        starts.push(0);
        for (at, (key, _)) in entries.iter().enumerate() {
            let bucket = bucket(*key, shift);
            while starts.len() <= bucket {
                starts.push(at as u32);
            }
        }
        starts.resize((1 << bits) + 1, entries.len() as u32);
        Self { entries, starts, shift }
    }

    /// Where the values of `key` are.
    pub fn range(&self, key: Key) -> Range<usize> {
        let bucket = bucket(key, self.shift);
        let bounds = bucket.checked_add(1).and_then(|after| self.starts.get(bucket..=after));
        let Some(&[from, to]) = bounds else { return 0..0 };
        let (from, to) = (from as usize, to as usize);
        let near = &self.entries[from..to];
        let first = from + near.partition_point(|(other, _)| *other < key);
        let after = from + near.partition_point(|(other, _)| *other <= key);
        first..after
    }

    /// Where the first value of `key` is.
    pub fn position(&self, key: Key) -> Option<usize> {
        let range = self.range(key);
        (!range.is_empty()).then_some(range.start)
    }

    /// The value at a position.
    pub fn value(&self, at: usize) -> V {
        self.entries[at].1
    }

    /// The first value of `key`.
    pub fn get(&self, key: Key) -> Option<V> {
        self.position(key).map(|at| self.value(at))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

fn bucket(key: Key, shift: u32) -> usize {
    key.first().checked_shr(shift).unwrap_or(0) as usize
}

/// A key has two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict(pub Key);

/// Values by key in the making.
#[derive(Debug)]
pub struct Builder<V> {
    entries: Vec<(Key, V)>,
    most: usize,
}

impl<V: Copy + PartialEq> Builder<V> {
    /// One that takes `most` at most.
    pub const fn new(most: usize) -> Self {
        Self { entries: Vec::new(), most }
    }

    /// Adds one.
    ///
    /// # Errors
    /// There are too many (exit 2), or there is no memory for it (exit 6).
    pub fn push(&mut self, key: Key, value: V) -> Result<()> {
        if self.entries.len() >= self.most {
            return Err(Error::usage(format!("there are more than {} scores", self.most))
                .hint("cut the library into several, and give each campaign the scores of its own records"));
        }
        if self.entries.len() == self.entries.capacity() {
            self.entries.try_reserve(1).map_err(|_| {
                Error::environment(format!("there is no memory for more than {} scores", self.entries.len()))
                    .hint("a score takes 25 bytes in each worker: ask for more memory, or for fewer workers with more cores each")
            })?;
        }
        self.entries.push((key, value));
        Ok(())
    }

    /// All of them, each once, and how many were there again with the same value.
    ///
    /// # Errors
    /// A key has two values.
    pub fn finish(mut self) -> std::result::Result<(Sorted<V>, u64), Conflict> {
        self.entries.sort_unstable_by_key(|(key, _)| *key);
        if let Some(pair) = self.entries.windows(2).find(|pair| pair[0].0 == pair[1].0 && pair[0].1 != pair[1].1) {
            return Err(Conflict(pair[0].0));
        }
        let before = self.entries.len();
        self.entries.dedup_by_key(|(key, _)| *key);
        let repeated = (before - self.entries.len()) as u64;
        Ok((Sorted::of(self.entries), repeated))
    }

    /// All of them, and all values of each key in their order.
    pub fn finish_with_all(mut self) -> Sorted<V>
    where
        V: Ord,
    {
        self.entries.sort_unstable();
        self.entries.dedup();
        Sorted::of(self.entries)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn built(pairs: &[(u16, i8)]) -> std::result::Result<(Sorted<f64>, u64), Conflict> {
        let mut builder = Builder::new(100_000);
        for (id, score) in pairs {
            builder.push(Key::of_id(&id.to_le_bytes()), f64::from(*score)).unwrap();
        }
        builder.finish()
    }

    proptest! {
        #[test]
        fn what_was_put_in_is_found_and_nothing_else(pairs in prop::collection::vec((0u16..900, -3i8..3), 0..700)) {
            let mut expected = BTreeMap::new();
            let is_clear = pairs.iter().all(|(id, score)| *expected.entry(*id).or_insert(*score) == *score);
            match built(&pairs) {
                Ok((table, repeated)) => {
                    prop_assert!(is_clear);
                    prop_assert_eq!(table.len() as u64 + repeated, pairs.len() as u64);
                    for id in 0u16..900 {
                        let found = table.get(Key::of_id(&id.to_le_bytes()));
                        prop_assert_eq!(found, expected.get(&id).map(|score| f64::from(*score)));
                    }
                }
                Err(Conflict(key)) => {
                    prop_assert!(!is_clear);
                    let scores: Vec<i8> =
                        pairs.iter().filter(|(id, _)| Key::of_id(&id.to_le_bytes()) == key).map(|pair| pair.1).collect();
                    prop_assert!(scores.iter().any(|score| *score != scores[0]));
                }
            }
        }
    }

    #[test]
    fn a_thousand_keys_are_each_in_their_bucket() {
        let pairs: Vec<(u16, i8)> = (0..5000).map(|id| (id, (id % 100) as i8)).collect();
        let (table, repeated) = built(&pairs).unwrap();
        assert_eq!((table.len(), repeated, table.starts.len()), (5000, 0, 513));
        assert!(pairs.iter().all(|(id, score)| table.get(Key::of_id(&id.to_le_bytes())) == Some(f64::from(*score))));
        assert_eq!(table.get(Key::of_id(b"other")), None);
        assert!(table.starts.is_sorted());
    }

    #[test]
    fn zero_and_negative_zero_are_one_score() {
        let mut builder = Builder::new(2);
        builder.push(Key::of_id(b"a"), 0.0).unwrap();
        builder.push(Key::of_id(b"a"), -0.0).unwrap();
        assert_eq!(builder.finish().unwrap().1, 1);
    }

    #[test]
    fn more_than_the_limit_is_refused_with_what_to_do() {
        let mut builder = Builder::new(1);
        builder.push(Key::of_id(b"a"), 1.0).unwrap();
        let error = builder.push(Key::of_id(b"b"), 1.0).unwrap_err();
        assert_eq!((error.kind(), error.hints().len()), (crate::error::Kind::Usage, 1));
    }

    #[test]
    fn a_key_may_have_several_values_where_that_is_meant() {
        let mut builder = Builder::new(9);
        for (id, value) in [("a", "3"), ("b", "1"), ("a", "2"), ("a", "3")] {
            builder.push(Key::of_id(id.as_bytes()), Key::of_id(value.as_bytes())).unwrap();
        }
        let all = builder.finish_with_all();
        assert_eq!((all.range(Key::of_id(b"a")).len(), all.range(Key::of_id(b"b")).len()), (2, 1));
        assert!(all.range(Key::of_id(b"c")).is_empty());
    }

    #[test]
    fn an_entry_takes_24_bytes() {
        assert_eq!(size_of::<(Key, f64)>(), 24);
    }
}
