//! JSON as the standard has it: no NaN, no key twice, nothing behind the document.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// A value in which no key is there twice.
struct Strict(Value);

/// Reads a document.
///
/// # Errors
/// It is not strict JSON: why, as a fragment.
pub fn read(bytes: &[u8]) -> Result<Value, String> {
    match serde_json::from_slice::<Strict>(bytes) {
        Ok(Strict(value)) => Ok(value),
        Err(error) if has_nan(bytes) => Err(format!(
            "it holds NaN or Infinity, which is no JSON (line {}, column {})",
            error.line(),
            error.column()
        )),
        Err(error) => Err(format!(
            "line {}, column {}: {}",
            error.line(),
            error.column(),
            crate::canonical::json::in_words(&error)
        )),
    }
}

/// Whether a number is written as Python writes those that are none.
fn has_nan(bytes: &[u8]) -> bool {
    [&b"NaN"[..], b"Infinity"].iter().any(|word| memchr::memmem::find(bytes, word).is_some())
}

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }
            fn visit_unit<E: Error>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
                Ok(value.into())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
                let mut all = Vec::new();
                while let Some(Strict(value)) = from.next_element()? {
                    all.push(value);
                }
                Ok(all.into())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
                let mut all = Map::new();
                while let Some((key, Strict(value))) = from.next_entry::<String, Strict>()? {
                    if all.insert(key, value).is_some() {
                        return Err(A::Error::custom("a key is there twice"));
                    }
                }
                Ok(all.into())
            }
        }
        from.deserialize_any(Any).map(Strict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_writes_and_the_standard_does_not_know_is_refused() {
        assert_eq!(read(b"{\"a\": [1, 2.5, null, \"x\", true]}\n").unwrap()["a"][1], 2.5);
        for (text, says) in [
            ("{\"a\": NaN}", "NaN"),
            ("{\"a\": -Infinity}", "Infinity"),
            ("{\"a\": 1, \"a\": 2}", "twice"),
            ("{\"a\": 1} x", "not JSON"),
            ("{\"a\": 1", "ends in the middle"),
        ] {
            let why = read(text.as_bytes()).unwrap_err();
            assert!(why.contains(says), "{text}: {why}");
        }
        assert!(read("[".repeat(100_000).as_bytes()).is_err(), "no document is deeper than the stack");
    }
}
