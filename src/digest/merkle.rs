//! RFC 6962 Merkle trees over payload rows, built in pieces.
//!
//! A tree over `n` leaves is split at the largest power of two below `n` (RFC 6962, section 2.1);
//! a leaf hash is `SHA-256(0x00 || row)`, a node hash `SHA-256(0x01 || left || right)`. Because the
//! split does not depend on where the shards end, a worker can hash the leaves of its own range and
//! keep only the roots of the largest aligned perfect subtrees (a *compact range*, at most two per
//! level). Compact ranges of neighbours are joined with one hash per completed pair, so gather
//! never hashes a row again, and the root is the same whatever the shards were.

use serde::{Deserialize, Serialize};

use super::Digest;
use crate::error::{Error, Result};

/// Hash of a leaf (a row without its line feed).
pub fn leaf(row: &[u8]) -> Digest {
    super::sha256_prefixed(0, row)
}

/// Hash of an inner node.
pub fn node(left: &Digest, right: &Digest) -> Digest {
    let mut both = [0; 64];
    both[..32].copy_from_slice(&left.0);
    both[32..].copy_from_slice(&right.0);
    super::sha256_prefixed(1, &both)
}

/// The root of a perfect subtree of `2^level` leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Subtree {
    level: u8,
    hash: Digest,
}

/// The leaves `[begin, end)` of a tree, folded to the roots of their maximal aligned subtrees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompactRange {
    begin: u64,
    end: u64,
    subtrees: Vec<Subtree>,
}

impl CompactRange {
    /// No leaves yet; the first to be pushed has index `begin`.
    pub const fn starting_at(begin: u64) -> Self {
        Self { begin, end: begin, subtrees: Vec::new() }
    }

    /// Index of the first leaf.
    pub const fn begin(&self) -> u64 {
        self.begin
    }

    /// Index after the last leaf.
    pub const fn end(&self) -> u64 {
        self.end
    }

    /// Appends the leaf that hashes to `hash`.
    pub fn push(&mut self, hash: Digest) {
        self.append(Subtree { level: 0, hash });
    }

    /// Appends `next`, which must begin where this ends.
    ///
    /// # Errors
    /// The ranges are not neighbours, or `next` is not a compact range (it may come from a file).
    pub fn join(&mut self, next: &Self) -> Result<()> {
        next.check()?;
        if next.begin != self.end {
            return Err(Error::verification(format!(
                "row ranges [{}, {}) and [{}, {}) are not neighbours",
                self.begin, self.end, next.begin, next.end
            )));
        }
        for subtree in &next.subtrees {
            self.append(*subtree);
        }
        Ok(())
    }

    /// The root of the tree, whose first leaf must be leaf 0. A tree without leaves has the hash of nothing.
    pub fn root(&self) -> Option<Digest> {
        if self.begin != 0 {
            return None;
        }
        let mut from_the_right = self.subtrees.iter().rev();
        let Some(last) = from_the_right.next() else { return Some(super::sha256(b"")) };
        Some(from_the_right.fold(last.hash, |right, left| node(&left.hash, &right)))
    }

    /// Appends one perfect subtree, then joins the last two while they are siblings.
    fn append(&mut self, subtree: Subtree) {
        self.end += 1 << subtree.level;
        self.subtrees.push(subtree);
        while let [.., left, right] = self.subtrees.as_slice() {
            let parent_span = 1u64 << (right.level + 1);
            if left.level != right.level || !self.end.is_multiple_of(parent_span) {
                return;
            }
            let parent = Subtree { level: left.level + 1, hash: node(&left.hash, &right.hash) };
            self.subtrees.truncate(self.subtrees.len() - 2);
            self.subtrees.push(parent);
        }
    }

    /// Whether the subtrees are exactly the maximal aligned ones that tile `[begin, end)`.
    fn check(&self) -> Result<()> {
        let bad = || Error::verification(format!("the row range [{}, {}) is malformed", self.begin, self.end));
        let mut at = self.begin;
        for subtree in &self.subtrees {
            let level = u32::from(subtree.level);
            let left = self.end.checked_sub(at).filter(|left| *left > 0).ok_or_else(bad)?;
            if level != at.trailing_zeros().min(left.ilog2()) || level > 62 {
                return Err(bad());
            }
            at += 1 << level;
        }
        if at == self.end { Ok(()) } else { Err(bad()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The recursive definition of RFC 6962, section 2.1, word for word.
    fn reference(rows: &[Vec<u8>]) -> Digest {
        match rows.len() {
            0 => super::super::sha256(b""),
            1 => leaf(&rows[0]),
            n => {
                let split = n.next_power_of_two() / 2;
                node(&reference(&rows[..split]), &reference(&rows[split..]))
            }
        }
    }

    fn range_of(rows: &[Vec<u8>], begin: usize, end: usize) -> CompactRange {
        let mut range = CompactRange::starting_at(begin as u64);
        rows[begin..end].iter().for_each(|row| range.push(leaf(row)));
        range
    }

    #[test]
    fn the_root_is_that_of_the_rfc_wherever_the_shards_end() {
        let rows: Vec<Vec<u8>> = (0..130u32).map(|i| i.to_string().into_bytes()).collect();
        for n in 0..rows.len() {
            let expected = reference(&rows[..n]);
            for shard in [1, 3, 7, 64, 1000] {
                let mut whole = CompactRange::starting_at(0);
                for begin in (0..n).step_by(shard) {
                    whole.join(&range_of(&rows, begin, (begin + shard).min(n))).unwrap();
                }
                assert_eq!(whole.root(), Some(expected), "{n} rows in shards of {shard}");
            }
        }
    }

    #[test]
    fn ranges_join_in_any_grouping() {
        let rows: Vec<Vec<u8>> = (0..50u32).map(|i| vec![i as u8; 3]).collect();
        for a in 0..50 {
            for b in a..50 {
                let mut left = range_of(&rows, 0, a);
                let mut right = range_of(&rows, a, b);
                right.join(&range_of(&rows, b, 50)).unwrap();
                left.join(&right).unwrap();
                assert_eq!(left.root(), Some(reference(&rows)), "cut at {a} and {b}");
            }
        }
    }

    #[test]
    fn a_gap_an_overlap_and_a_forged_range_are_refused() {
        let rows: Vec<Vec<u8>> = (0..20u32).map(|i| vec![i as u8]).collect();
        let mut whole = range_of(&rows, 0, 8);
        assert!(whole.join(&range_of(&rows, 9, 12)).is_err());
        assert!(whole.join(&range_of(&rows, 7, 12)).is_err());
        let mut forged = range_of(&rows, 8, 12);
        forged.end = 13;
        assert!(whole.join(&forged).is_err());
    }

    #[test]
    fn rfc_test_vector_of_certificate_transparency() {
        // Roots of the first three of the seven test leaves used by certificate-transparency implementations.
        let leaves: [&[u8]; 3] = [b"", b"\x00", b"\x10"];
        let mut range = CompactRange::starting_at(0);
        for line in leaves {
            range.push(leaf(line));
        }
        assert_eq!(
            range.root().unwrap().to_string(),
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"
        );
    }
}
