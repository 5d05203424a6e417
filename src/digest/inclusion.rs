//! Inclusion proofs of RFC 6962: that one leaf is in a tree, without the other leaves.
//!
//! The audit path of a leaf (RFC 6962, section 2.1.1) is what it takes to get from its hash to the
//! root. [`Prover`] finds it in one pass over the leaf hashes and keeps one hash a level, so memory
//! does not grow with the tree; [`root_of`] goes the way back, as RFC 9162, section 2.1.3.2, writes it down.

use super::Digest;
use super::merkle::node;

/// A path is never longer: a tree has fewer than 2^64 leaves.
pub const PATH_MAX: usize = 64;

/// Where a leaf is in its tree, and its audit path, the leaf's sibling first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// Position of the leaf, from 0.
    pub index: u64,
    /// Leaves of the tree.
    pub size: u64,
    /// The audit path.
    pub path: Vec<Digest>,
    /// The root that the pass came to.
    pub root: Digest,
}

/// Finds the audit path of the marked leaf in one pass over all leaves.
#[derive(Clone, Debug, Default)]
pub struct Prover {
    size: u64,
    marked: Option<u64>,
    /// The roots of perfect subtrees from left to right, each larger than the next.
    stack: Vec<Part>,
    path: Vec<Digest>,
}

/// A perfect subtree.
#[derive(Clone, Copy, Debug)]
struct Part {
    level: u8,
    hash: Digest,
    /// Whether the marked leaf is in it.
    holds: bool,
}

impl Prover {
    /// Takes the next leaf. The first one that is `marked` is the one whose path is found; later marks are ignored.
    pub fn push(&mut self, hash: Digest, marked: bool) {
        let holds = marked && self.marked.is_none();
        if holds {
            self.marked = Some(self.size);
        }
        self.size += 1;
        let mut right = Part { level: 0, hash, holds };
        while let Some(left) = self.stack.pop_if(|left| left.level == right.level) {
            right = self.join(left, right);
        }
        self.stack.push(right);
    }

    /// The proof; `None` if no leaf was marked.
    pub fn finish(mut self) -> Option<Inclusion> {
        let index = self.marked?;
        let mut right = self.stack.pop()?;
        while let Some(left) = self.stack.pop() {
            right = self.join(left, right);
        }
        Some(Inclusion { index, size: self.size, path: self.path, root: right.hash })
    }

    fn join(&mut self, left: Part, right: Part) -> Part {
        if left.holds {
            self.path.push(right.hash);
        } else if right.holds {
            self.path.push(left.hash);
        }
        Part { level: left.level + 1, hash: node(&left.hash, &right.hash), holds: left.holds || right.holds }
    }
}

/// The root of the tree of `size` leaves in which the leaf at `index` hashes to `leaf` and has this
/// audit path; `None` if no such tree has a path of that length.
pub fn root_of(leaf: Digest, index: u64, size: u64, path: &[Digest]) -> Option<Digest> {
    let (mut at, mut last) = (index, size.checked_sub(1)?);
    if at > last {
        return None;
    }
    let mut root = leaf;
    for sibling in path {
        if last == 0 {
            return None;
        }
        if at % 2 == 1 || at == last {
            root = node(sibling, &root);
            // A subtree without a right neighbour rises until it has a left one.
            while at % 2 == 0 && at > 0 {
                (at, last) = (at / 2, last / 2);
            }
        } else {
            root = node(&root, sibling);
        }
        (at, last) = (at / 2, last / 2);
    }
    (last == 0).then_some(root)
}

#[cfg(test)]
mod tests {
    use super::super::merkle::{CompactRange, leaf};
    use super::*;

    fn leaves(size: u64) -> Vec<Digest> {
        (0..size).map(|i| leaf(i.to_string().as_bytes())).collect()
    }

    fn prove(leaves: &[Digest], index: u64) -> Inclusion {
        let mut prover = Prover::default();
        leaves.iter().zip(0..).for_each(|(hash, at)| prover.push(*hash, at == index));
        prover.finish().unwrap()
    }

    #[test]
    fn every_leaf_of_every_tree_is_proven_to_the_root_of_the_rfc() {
        for size in 1..70 {
            let leaves = leaves(size);
            let mut tree = CompactRange::starting_at(0);
            leaves.iter().for_each(|hash| tree.push(*hash));
            for index in 0..size {
                let found = prove(&leaves, index);
                assert_eq!((found.index, found.size, Some(found.root)), (index, size, tree.root()));
                assert_eq!(root_of(leaves[index as usize], index, size, &found.path), tree.root(), "{index} of {size}");
            }
        }
    }

    #[test]
    fn another_leaf_place_size_or_path_is_another_root_or_none() {
        let leaves = leaves(21);
        for index in 0..21 {
            let good = prove(&leaves, index);
            let check =
                |leaf: Digest, index, size, path: &[Digest]| root_of(leaf, index, size, path) == Some(good.root);
            let own = leaves[index as usize];
            assert!(check(own, index, 21, &good.path));
            assert!(!check(leaves[(index as usize + 1) % 21], index, 21, &good.path));
            for other in (0..40).filter(|other| *other != index) {
                assert!(!check(own, other, 21, &good.path), "{index} passed for {other}");
            }
            for at in 0..good.path.len() {
                let mut path = good.path.clone();
                path[at].0[0] ^= 1;
                assert!(!check(own, index, 21, &path));
                path.remove(at);
                assert!(!check(own, index, 21, &path));
            }
            let longer = [good.path.clone(), vec![own]].concat();
            assert!(!check(own, index, 21, &longer));
        }
        assert_eq!(root_of(leaves[0], 0, 0, &[]), None);
        assert_eq!(root_of(leaves[0], u64::MAX, u64::MAX, &[]), None);
    }

    #[test]
    fn no_mark_is_no_proof_and_a_second_one_is_ignored() {
        let mut prover = Prover::default();
        assert_eq!(prover.clone().finish(), None);
        leaves(5).into_iter().for_each(|hash| prover.push(hash, true));
        assert_eq!(prover.finish().unwrap().index, 0);
        let mut prover = Prover::default();
        leaves(5).into_iter().for_each(|hash| prover.push(hash, false));
        assert_eq!(prover.finish(), None);
    }
}
