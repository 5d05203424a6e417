//! The nearest of many fingerprints.
//!
//! Tanimoto of two sets of bits is c / (a + b − c): what they share over what either has. Two equal
//! fractions are equal as doubles and two different ones are not (the terms are at most 4096), so
//! fractions are compared as products of integers, and divided once.

use super::chem::morgan::Fingerprint;

/// Fingerprints, sorted by how many bits they have, so that most are ruled out unseen.
#[derive(Clone, Debug, Default)]
pub struct Index {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    bits: u32,
    /// Position in the order given.
    position: u32,
    fingerprint: Fingerprint,
}

/// Shared bits over the bits of either.
#[derive(Clone, Copy, Debug)]
struct Fraction {
    shared: u32,
    either: u32,
}

impl Fraction {
    /// Negative, zero or positive as it is smaller than, equal to or larger than `other`. Two empty
    /// fingerprints (0/0) are alike: 1/1.
    fn compare(self, other: Self) -> std::cmp::Ordering {
        (self.shared * other.either).cmp(&(other.shared * self.either))
    }

    const fn new(shared: u32, either: u32) -> Self {
        if either == 0 { Self { shared: 1, either: 1 } } else { Self { shared, either } }
    }
}

fn count(fingerprint: &Fingerprint) -> u32 {
    fingerprint.iter().map(|word| word.count_ones()).sum()
}

/// The Tanimoto similarity of two fingerprints. Two empty ones are alike.
pub fn of(a: &Fingerprint, b: &Fingerprint) -> f64 {
    let shared = a.iter().zip(b).map(|(a, b)| (a & b).count_ones()).sum();
    let fraction = Fraction::new(shared, count(a) + count(b) - shared);
    f64::from(fraction.shared) / f64::from(fraction.either)
}

impl Index {
    /// The index of `fingerprints`, whose positions are their order.
    pub fn new(fingerprints: &[Fingerprint]) -> Self {
        let entry = |(position, fingerprint): (usize, &Fingerprint)| Entry {
            bits: count(fingerprint),
            position: position as u32,
            fingerprint: *fingerprint,
        };
        let mut entries: Vec<Entry> = fingerprints.iter().enumerate().map(entry).collect();
        entries.sort_by_key(|e| (e.bits, e.position));
        Self { entries }
    }

    /// The highest Tanimoto similarity to `query`, and the first position that has it. `None` if
    /// the index is empty.
    pub fn nearest(&self, query: &Fingerprint) -> Option<(f64, usize)> {
        let bits = count(query);
        let middle = self.entries.partition_point(|e| e.bits < bits);
        let (fewer, more) = self.entries.split_at(middle);
        let mut best: Option<(Fraction, u32)> = None;
        let (mut fewer, mut more) = (fewer.iter().rev().peekable(), more.iter().peekable());
        loop {
            // The one whose number of bits allows the higher similarity comes first.
            let left = fewer.peek().map(|e| Fraction::new(e.bits, bits));
            let right = more.peek().map(|e| Fraction::new(bits, e.bits));
            let take_left = match (left, right) {
                (None, None) => break,
                (Some(l), Some(r)) => l.compare(r).is_gt(),
                (left, _) => left.is_some(),
            };
            let bound = if take_left { left } else { right };
            if bound.zip(best).is_some_and(|(bound, (best, _))| bound.compare(best).is_lt()) {
                break;
            }
            let next = if take_left { fewer.next() } else { more.next() };
            let Some(entry) = next else { break };
            best = Some(better(best, entry, query, bits));
        }
        best.map(|(f, position)| (f64::from(f.shared) / f64::from(f.either), position as usize))
    }
}

/// The better of `best` and `entry`; of equals the one that was given first.
fn better(best: Option<(Fraction, u32)>, entry: &Entry, query: &Fingerprint, bits: u32) -> (Fraction, u32) {
    let shared = query.iter().zip(&entry.fingerprint).map(|(a, b)| (a & b).count_ones()).sum();
    let found = (Fraction::new(shared, bits + entry.bits - shared), entry.position);
    match best {
        Some(best) => match found.0.compare(best.0) {
            std::cmp::Ordering::Greater => found,
            std::cmp::Ordering::Equal if found.1 < best.1 => found,
            _ => best,
        },
        None => found,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with_bits(bits: &[u16]) -> Fingerprint {
        let mut fingerprint = [0; 32];
        for bit in bits {
            fingerprint[usize::from(bit % 2048 / 64)] |= 1 << (bit % 64);
        }
        fingerprint
    }

    /// The definition, one after the other.
    fn slow(fingerprints: &[Fingerprint], query: &Fingerprint) -> Option<(f64, usize)> {
        let mut best: Option<(f64, usize)> = None;
        for (i, f) in fingerprints.iter().enumerate() {
            let c: u32 = f.iter().zip(query).map(|(a, b)| (a & b).count_ones()).sum();
            let union = count(f) + count(query) - c;
            let t = if union == 0 { 1.0 } else { f64::from(c) / f64::from(union) };
            if best.is_none_or(|(b, _)| t > b) {
                best = Some((t, i));
            }
        }
        best
    }

    #[test]
    fn of_equally_near_ones_the_first_is_named() {
        let index = Index::new(&[with_bits(&[9]), with_bits(&[1, 2, 3, 4]), with_bits(&[1]), with_bits(&[2])]);
        // 2/4 to the second; 1/2 to the third and the fourth: all equal.
        assert_eq!(index.nearest(&with_bits(&[1, 2])), Some((0.5, 1)));
    }

    #[test]
    fn nothing_shared_is_zero_and_two_empty_ones_are_alike() {
        let index = Index::new(&[with_bits(&[1]), with_bits(&[])]);
        assert_eq!(index.nearest(&with_bits(&[5])), Some((0.0, 0)));
        assert_eq!(index.nearest(&with_bits(&[])), Some((1.0, 1)));
        assert_eq!(Index::default().nearest(&with_bits(&[5])), None);
    }

    proptest! {
        #[test]
        fn the_index_finds_what_a_full_search_finds(
            sets in prop::collection::vec(prop::collection::vec(0_u16..24, 0..12), 0..20),
            query in prop::collection::vec(0_u16..24, 0..12),
        ) {
            let fingerprints: Vec<Fingerprint> = sets.iter().map(|s| with_bits(s)).collect();
            let query = with_bits(&query);
            prop_assert_eq!(Index::new(&fingerprints).nearest(&query), slow(&fingerprints, &query));
        }
    }
}
