//! The only hashing: SHA-256 for what others check, BLAKE3 for what only molsieve reads.
//!
//! - SHA-256: manifest, checksums, payload row tree ([`merkle`], [`inclusion`]), keys, scorer files, registry, audit chain.
//! - BLAKE3: library snapshot, checkpoints, sealed results, journal chain, plan, record seeds.

pub mod inclusion;
pub mod merkle;

use std::fmt;
use std::io::Read;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::Digest as _;

use crate::error::{Error, Result};

/// The 32 bytes of a SHA-256 or BLAKE3 digest; written as lowercase hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest as the pack writes it: `sha256:` and lowercase hex.
    pub fn sha256_uri(&self) -> String {
        format!("sha256:{self}")
    }

    /// Reads what [`Digest::sha256_uri`] writes.
    pub fn from_sha256_uri(text: &str) -> Option<Self> {
        text.strip_prefix("sha256:")?.parse().ok()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `{:.2}` is the first two digits.
        f.pad(&hex(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = Error;

    /// Exactly 64 lowercase hex digits.
    fn from_str(text: &str) -> Result<Self> {
        let bad = || Error::usage(format!("`{text}` is not a digest of 64 lowercase hex digits"));
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(bad());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let nibble = |d: u8| match d {
                b'0'..=b'9' => Some(d - b'0'),
                b'a'..=b'f' => Some(d - b'a' + 10),
                _ => None,
            };
            *byte = nibble(pair[0]).zip(nibble(pair[1])).map(|(h, l)| h << 4 | l).ok_or_else(bad)?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Lowercase hex.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)] as char, DIGITS[usize::from(b & 15)] as char]).collect()
}

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> Digest {
    Digest(sha2::Sha256::digest(bytes).into())
}

/// SHA-256 of `prefix` and `bytes`, for the many short messages of a row tree.
///
/// The padding is laid out here (FIPS 180-4, section 5.1.1), so that a short message costs its
/// blocks and no buffering: a third less than [`sha256`] for rows of usual length.
pub fn sha256_prefixed(prefix: u8, bytes: &[u8]) -> Digest {
    const SHORT: usize = 183;
    let length = bytes.len() + 1;
    if length > SHORT {
        let mut hasher = Sha256::default();
        hasher.update(&[prefix]);
        hasher.update(bytes);
        return hasher.finish();
    }
    let mut padded = [[0u8; 64]; 3];
    let blocks = (length + 9).div_ceil(64);
    let flat = padded.as_flattened_mut();
    flat[0] = prefix;
    flat[1..length].copy_from_slice(bytes);
    flat[length] = 0x80;
    flat[blocks * 64 - 8..blocks * 64].copy_from_slice(&(length as u64 * 8).to_be_bytes());
    let mut state = SHA256_START;
    sha2::block_api::compress256(&mut state, &padded[..blocks]);
    let mut digest = [0; 32];
    for (out, word) in digest.chunks_exact_mut(4).zip(state) {
        out.copy_from_slice(&word.to_be_bytes());
    }
    Digest(digest)
}

/// The initial hash value of SHA-256 (FIPS 180-4, section 5.3.3).
const SHA256_START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// BLAKE3 of `bytes`.
pub fn blake3(bytes: &[u8]) -> Digest {
    Digest(*blake3::hash(bytes).as_bytes())
}

/// A 64-bit keyed hash of `message` under `key`: the first eight bytes, little-endian, of keyed BLAKE3.
pub fn keyed_u64(key: &[u8; 32], message: &[u8]) -> u64 {
    let hash = blake3::keyed_hash(key, message);
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_le_bytes(first)
}

/// SHA-256 over a stream.
#[derive(Clone, Debug, Default)]
pub struct Sha256(sha2::Sha256);

impl Sha256 {
    /// Adds `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all that was added.
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

/// BLAKE3 over a stream.
#[derive(Clone, Debug, Default)]
pub struct Blake3(blake3::Hasher);

impl Blake3 {
    /// Adds `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all that was added.
    pub fn finish(&self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }
}

/// BLAKE3 and length in bytes of what is left of `stream`.
///
/// # Errors
/// The stream's own.
pub fn blake3_stream(mut stream: impl Read) -> std::io::Result<(Digest, u64)> {
    let mut hasher = blake3::Hasher::new();
    let bytes = std::io::copy(&mut stream, &mut hasher)?;
    Ok((Digest(*hasher.finalize().as_bytes()), bytes))
}

/// SHA-256 and length in bytes of what is left of `stream`.
///
/// # Errors
/// The stream's own.
pub fn sha256_stream(mut stream: impl Read) -> std::io::Result<(Digest, u64)> {
    let (mut hasher, mut total, mut buffer) = (Sha256::default(), 0, vec![0; 1 << 16]);
    loop {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Ok((hasher.finish(), total));
        }
        hasher.update(&buffer[..n]);
        total += n as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers_hold() {
        assert_eq!(sha256(b"abc").to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(blake3(b"").to_string(), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
    }

    #[test]
    fn short_messages_have_the_same_digest_either_way() {
        let bytes: Vec<u8> = (0..=255).collect();
        for length in 0..bytes.len() {
            let whole: Vec<u8> = [&[9][..], &bytes[..length]].concat();
            assert_eq!(sha256_prefixed(9, &bytes[..length]), sha256(&whole), "{length} bytes");
        }
    }

    #[test]
    fn only_lowercase_hex_is_a_digest() {
        let digest = sha256(b"x");
        assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        assert!(digest.to_string().to_uppercase().parse::<Digest>().is_err());
        assert!("00".parse::<Digest>().is_err());
    }
}
