//! JSON in which no name is said twice: of two answers to one record, neither can be believed.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value as Json};

/// Reads one object.
///
/// # Errors
/// It is not JSON, no object, or says a name twice.
pub fn object(bytes: &[u8]) -> serde_json::Result<Map<String, Json>> {
    match serde_json::from_slice(bytes)? {
        Strict(Json::Object(object)) => Ok(object),
        Strict(_) => Err(serde_json::Error::custom("it is no object")),
    }
}

/// A value without a name that is said twice in one object.
struct Strict(Json);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json, E> {
        Number::from_f64(value).map(Json::Number).ok_or_else(|| E::custom("a number that is none"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(Json::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut object = Map::new();
        while let Some((name, Strict(value))) = members.next_entry::<String, Strict>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!("`{}` is said twice", name.escape_debug())));
            }
            object.insert(name, value);
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::object;

    #[test]
    fn what_is_read_is_what_the_usual_reader_reads_and_no_name_is_said_twice() {
        for good in [r#"{"a":{"b":[1,-2,3.5,null,true,"x"]},"c":{}}"#, "{}", r#"{"a":1e300}"#] {
            assert_eq!(object(good.as_bytes()).unwrap(), serde_json::from_str(good).unwrap(), "{good}");
        }
        for bad in [r#"{"0":1,"0":2}"#, r#"{"a":{"s":1,"s":1}}"#, r#"{"a":[{"s":1,"s":1}]}"#, "[]", "1", r#"{"a":NaN}"#]
        {
            assert!(object(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
