//! HETERO-2's `hetero_scores.v1`, read strictly and as a stream: memory does not grow with the file.
//!
//! An object with `schema_version`, `original` and `decoys`; the keys of `decoys` are SHA-256 of RDKit's canonical
//! SMILES. Further keys are passed over, as its contract says; everything else is held to it.

use std::fmt;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::atomic::AtomicU64;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::{At, Each, Found, Keys, Outline};
use crate::canonical::json;
use crate::error::{Error, Result};
use crate::library::decode;
use crate::scorer::builtin::precomputed::key::hash_in;

/// The schema.
const SCHEMA: &str = "hetero_scores.v1";

/// So many bytes without a quotation mark are something else, and are not gathered to one text or number.
const TEXT_MAX: usize = 16 << 20;

/// A score with its weight.
#[derive(Deserialize)]
struct Scored {
    score: f64,
    weight: f64,
}

/// Hands each score of a look-alike to `each`.
pub fn read(path: &Path, each: &mut Each<'_>) -> Result<Outline> {
    let progress = AtomicU64::new(0);
    let decoded = decode::open(path, &progress)?;
    let source = Bounded { source: decoded.reader, since: 0 };
    let mut reader = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 17, source));
    let mut stopped = None;
    let told = Document { each, stopped: &mut stopped }.deserialize(&mut reader);
    let told = told.and_then(|outline| reader.end().map(|()| outline));
    match (told, stopped) {
        (_, Some(error)) => Err(error),
        (Ok(outline), None) => Ok(outline),
        (Err(e), None) => Err(explained(path, e)),
    }
}

/// What is wrong with the JSON, with the place.
fn explained(path: &Path, e: serde_json::Error) -> Error {
    if e.is_io() {
        return decode::read_error(path, &io::Error::from(e));
    }
    let error = Error::usage(format!("line {}, column {}: {}", e.line(), e.column(), json::in_words(&e))).hint(
        format!("a file of `{SCHEMA}` has `schema_version`, `original` and `decoys`, each score with its weight"),
    );
    if e.is_syntax() { error.hint("NaN and Infinity are no JSON: leave out what has no score") } else { error }
}

/// The whole file.
struct Document<'a, 'b> {
    each: &'a mut Each<'b>,
    /// What the receiver of the scores said, if that was an error.
    stopped: &'a mut Option<Error>,
}

impl<'de> DeserializeSeed<'de> for Document<'_, '_> {
    type Value = Outline;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Outline, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = Outline;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object of `{SCHEMA}`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Outline, A::Error> {
        let Self { each, stopped } = self;
        let (mut schema, mut original, mut decoys, mut score_key) = (None, None, None, None);
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "schema_version" => {
                    once(schema.is_some(), "schema_version")?;
                    let said = map.next_value::<String>()?;
                    if said != SCHEMA {
                        return Err(de::Error::custom(format!("`schema_version` is `{said}`, not `{SCHEMA}`")));
                    }
                    schema = Some(said);
                }
                "original" => {
                    once(original.is_some(), "original")?;
                    let scored = map.next_value::<Scored>()?;
                    weighed(&scored, "original")?;
                    original = Some(scored.score);
                }
                "decoys" => {
                    once(decoys.is_some(), "decoys")?;
                    decoys = Some(map.next_value_seed(Decoys { each: &mut *each, stopped: &mut *stopped })?);
                }
                "score_key" => score_key = Some(map.next_value::<String>()?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        for (name, is_there) in
            [("schema_version", schema.is_some()), ("original", original.is_some()), ("decoys", decoys.is_some())]
        {
            if !is_there {
                return Err(de::Error::custom(format!("`{name}` is missing")));
            }
        }
        Ok(Outline { original, score_key, ..Outline::default() })
    }
}

fn once<E: de::Error>(is_there: bool, name: &str) -> std::result::Result<(), E> {
    if is_there { Err(E::custom(format!("`{name}` is there twice"))) } else { Ok(()) }
}

/// Nothing is weighed here, so only a weight of 1 changes nothing.
fn weighed<E: de::Error>(scored: &Scored, of: &str) -> std::result::Result<(), E> {
    let weight = scored.weight;
    if (weight - 1.0).abs() < f64::EPSILON {
        return Ok(());
    }
    let why = if weight < 0.0 { "is negative" } else { "is not 1, and nothing is weighed here: what wins is counted" };
    Err(E::custom(format!("the weight {weight} of `{of}` {why}")))
}

/// The look-alikes.
struct Decoys<'a, 'b> {
    each: &'a mut Each<'b>,
    stopped: &'a mut Option<Error>,
}

impl<'de> DeserializeSeed<'de> for Decoys<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Decoys<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object from hashes to scores")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        let mut number = 0;
        while let Some(hash) = map.next_key::<String>()? {
            if hash_in(hash.as_bytes()).is_none() {
                let shown = super::shown(hash.as_bytes());
                return Err(de::Error::custom(format!("`{shown}` is not a hash: 64 lowercase hex digits")));
            }
            let scored = map.next_value::<Scored>()?;
            weighed(&scored, &hash)?;
            number += 1;
            let found = Found { keys: Keys::Foreign, key: hash.as_bytes(), score: scored.score, at: At::Entry(number) };
            if let Err(error) = (self.each)(found) {
                *self.stopped = Some(error);
                return Err(de::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

/// A source in which no quotation mark is far from the next: what is something else does not fill the memory.
struct Bounded<R> {
    source: R,
    /// Bytes since the last quotation mark.
    since: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read(out)?;
        self.since = match memchr::memrchr(b'"', &out[..n]) {
            Some(at) => n - at,
            None => self.since.saturating_add(n),
        };
        if self.since > TEXT_MAX {
            let what = format!("{TEXT_MAX} bytes hold no quotation mark: this is no file of `{SCHEMA}`");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        Ok(n)
    }
}
