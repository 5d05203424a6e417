//! Newtypes for the things that are counted and named, so that they cannot be mistaken for each other.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::digest;
use crate::error::{Error, Result};

/// Position of a record in its library, from 0; the key of every result.
pub type Ordinal = u64;

/// A contiguous range of ordinals.
pub type Ordinals = Range<Ordinal>;

/// Position of a shard in its plan, from 0.
pub type ShardIndex = u64;

/// Position of a task group in its plan, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupIndex(pub u64);

impl fmt::Display for GroupIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06}", self.0)
    }
}

/// Name of one attempt at a task group: sixteen random hex digits, so that twins never collide.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(String);

impl AttemptId {
    /// A new random name.
    ///
    /// # Errors
    /// The system gives no randomness (exit 6).
    pub fn random() -> Result<Self> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes)
            .map_err(|e| Error::environment(format!("the system gives no random numbers: {e}")))?;
        Ok(Self(digest::hex(&bytes)))
    }

    /// The sixteen digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AttemptId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if text.len() == 16 && text.bytes().all(hex) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::usage(format!("`{text}` is not the name of an attempt (16 lowercase hex digits)")))
    }
}

impl Serialize for AttemptId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AttemptId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
