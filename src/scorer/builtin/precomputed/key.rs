//! What a score is found by: 128 bits that stand for the id of a record, or for the hash of a look-alike.

use crate::digest::{self, Digest};

/// 128 bits of a hash. Two of a thousand million different ids have the same with a probability of about 10^-21.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(u64, u64);

impl Key {
    /// That of an id. An id that is written as a hash is one: 64 lowercase hex digits.
    pub fn of_id(id: &[u8]) -> Self {
        match hash_in(id) {
            Some(hash) => Self::of_hash(&hash),
            None => Self::of_hash(&digest::blake3(id)),
        }
    }

    /// That of a hash: its first sixteen bytes.
    pub fn of_hash(hash: &Digest) -> Self {
        let half = |from: usize| hash.0[from..from + 8].iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte));
        Self(half(0), half(8))
    }

    /// Its first bits, which are spread evenly.
    pub const fn first(self) -> u64 {
        self.0
    }
}

/// The hash that `text` is, if it is 64 lowercase hex digits. Nothing is allocated.
pub fn hash_in(text: &[u8]) -> Option<Digest> {
    let is_hex = text.len() == 64 && text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    std::str::from_utf8(text).ok().filter(|_| is_hex)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_look_alike_and_an_id_that_is_written_so_are_one_key() {
        let hash = digest::sha256(b"CCO");
        assert_eq!(Key::of_id(hash.to_string().as_bytes()), Key::of_hash(&hash));
        let upper = hash.to_string().to_uppercase();
        for other in [upper.as_bytes(), b"", b"CCO", &hash.0, &hash.to_string().as_bytes()[..63]] {
            assert_eq!(hash_in(other), None);
            assert_ne!(Key::of_id(other), Key::of_hash(&hash));
        }
    }

    #[test]
    fn keys_are_ordered_as_the_hashes_that_they_begin() {
        let key = |text: &str| Key::of_hash(&text.repeat(32).parse().unwrap());
        assert!(key("01") < key("02") && key("7f") < key("80") && key("fe") < key("ff"));
        assert_eq!(key("01").first(), 0x0101_0101_0101_0101);
    }
}
