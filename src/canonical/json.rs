//! Canonical JSON, as RFC 8785 (JSON Canonicalization Scheme) defines it.
//!
//! Object keys are sorted by their UTF-16 code units, numbers are written by [`super::number`],
//! strings escape only what they must, and there is no white space. A document of ours is read
//! with [`from_slice`], which refuses every text that is not the canonical form of its own value:
//! duplicate keys, other spellings of a number and added white space do not pass.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;

use super::{escape, number};
use crate::error::{Error, Result};

/// No more characters are told of what is wrong with a document.
const WORDS_MAX: usize = 300;

/// The canonical JSON of `value`.
///
/// # Errors
/// The value holds a NaN, an infinity or a map whose keys are not strings: a defect of ours.
pub fn to_vec<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    let tree = serde_json::to_value(value).map_err(|e| Error::bug(format!("a value has no JSON form: {e}")))?;
    let mut out = Vec::new();
    push(&mut out, &tree)?;
    Ok(out)
}

/// The canonical JSON of `value` with a line feed at its end, as files hold it.
///
/// # Errors
/// As [`to_vec`].
pub fn to_line<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    let mut out = to_vec(value)?;
    out.push(b'\n');
    Ok(out)
}

/// Whether `value` is what stands for it where it is not written.
pub fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Reads a canonical document (an optional line feed at its end); `what` names it in errors.
///
/// # Errors
/// It is not JSON, not of this shape, or not canonical (exit 4).
pub fn from_slice<T: DeserializeOwned + Serialize>(what: &str, bytes: &[u8]) -> Result<T> {
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let value: T = serde_json::from_slice(body)
        .map_err(|e| Error::verification(format!("{what} is not what it should be: {}", in_words(&e))))?;
    if to_vec(&value)? == body {
        return Ok(value);
    }
    Err(Error::verification(format!("{what} is not in canonical form (RFC 8785)")))
}

/// As [`from_slice`], of a file of ours: the document and exactly one line feed.
///
/// # Errors
/// As [`from_slice`]; or the line feed is not there (exit 4).
pub fn from_line<T: DeserializeOwned + Serialize>(what: &str, bytes: &[u8]) -> Result<T> {
    if bytes.ends_with(b"\n") {
        return from_slice(what, bytes);
    }
    // What is torn is no JSON, and says so.
    from_slice::<T>(what, bytes).and_then(|_| Err(Error::verification(format!("{what} does not end with a line feed"))))
}

/// What is wrong with a document, for a person: without the place, since a canonical document is one line, and
/// without what could drive a terminal, since it may quote the document.
pub fn in_words(error: &serde_json::Error) -> String {
    match error.classify() {
        Category::Data => {
            let told = error.to_string();
            let place = format!(" at line {} column {}", error.line(), error.column());
            escape::visible(&told.replacen(&place, "", 1)).chars().take(WORDS_MAX).collect()
        }
        Category::Eof => "it ends in the middle".to_owned(),
        Category::Syntax | Category::Io => "it is not JSON".to_owned(),
    }
}

/// Appends the canonical form of one value.
fn push(out: &mut Vec<u8>, value: &Value) -> Result<()> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(b) => out.extend_from_slice(if *b { b"true" } else { b"false" }),
        Value::String(s) => push_string(out, s),
        Value::Number(n) => push_number(out, n)?,
        Value::Array(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                push(out, item)?;
            }
            out.push(b']');
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by(|a, b| a.0.encode_utf16().cmp(b.0.encode_utf16()));
            out.push(b'{');
            for (i, (key, item)) in entries.into_iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                push_string(out, key);
                out.push(b':');
                push(out, item)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

/// Integers keep all their digits (ours stay below 2^53 wherever others read them).
fn push_number(out: &mut Vec<u8>, n: &serde_json::Number) -> Result<()> {
    if let Some(u) = n.as_u64() {
        number::push_u64(out, u);
    } else if let Some(i) = n.as_i64() {
        number::push_i64(out, i);
    } else if !n.as_f64().is_some_and(|f| number::push_f64(out, f)) {
        return Err(Error::bug("a number is not finite"));
    }
    Ok(())
}

fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            '\r' => out.extend_from_slice(b"\\r"),
            c if u32::from(c) < 0x20 => out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes()),
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_sorting_example_of_rfc_8785_holds() {
        let value = json!({"\u{20ac}": "Euro", "\r": "CR", "\u{fb33}": "Dalet", "1": "One",
                           "\u{1f600}": "Smiley", "\u{80}": "Control", "\u{f6}": "Latin"});
        let text = String::from_utf8(to_vec(&value).unwrap()).unwrap();
        assert_eq!(
            text,
            "{\"\\r\":\"CR\",\"1\":\"One\",\"\u{80}\":\"Control\",\"\u{f6}\":\"Latin\",\"\u{20ac}\":\"Euro\",\"\u{1f600}\":\"Smiley\",\"\u{fb33}\":\"Dalet\"}"
        );
    }

    #[test]
    fn what_is_wrong_is_told_in_words_and_drives_no_terminal() {
        #[derive(Debug, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Small {
            a: u32,
        }
        for (text, says) in [
            ("{}", "missing field `a`"),
            ("{\"a\":\"x\"}", "invalid type: string \"x\", expected u32"),
            ("{\"a\":1,\"\\u001b\\u202e\":2}", "unknown field `\\x1b\\xe2\\x80\\xae`"),
            ("{\"a\":", "it ends in the middle"),
            ("{a}", "it is not JSON"),
        ] {
            let error = from_slice::<Small>("it", text.as_bytes()).unwrap_err();
            assert!(error.what().contains(says) && !error.what().contains("column"), "{text}: {}", error.what());
        }
        let long = format!("{{\"{}\":1}}", "a".repeat(10_000));
        assert!(from_slice::<Small>("it", long.as_bytes()).unwrap_err().what().len() < 400);
    }

    #[test]
    fn only_the_canonical_text_is_read() {
        type Map = std::collections::BTreeMap<String, u32>;
        assert!(from_slice::<Map>("it", b"{\"a\":1,\"b\":2}\n").is_ok());
        for loose in ["{\"b\":2,\"a\":1}", "{\"a\":1, \"b\":2}", "{\"a\":1,\"a\":1}", "{\"a\":01}", "{\"a\":1}\n\n"] {
            assert!(from_slice::<Map>("it", loose.as_bytes()).is_err(), "{loose}");
        }
    }
}
