//! What may stand in an emitted file: checked words, and paths that are quoted.
//!
//! Nothing here is ever handed to a shell as a string of ours. A batch script is a file that a shell
//! reads, so what goes into it is either a word without any character that means something, or a
//! single-quoted argument.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

use crate::adapter::AdapterError;

/// The longest value of a directive.
const VALUE_MAX: usize = 256;

/// The value of a directive: letters, digits and `._:,@=+*&|!()[]<>/%~-`, 1 to 256 of them.
///
/// That is what partitions, accounts, constraints, licences and generic resources are written with. No
/// blank, quote, backslash, dollar or line end is among them, so a value ends where it seems to end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value(String);

impl Value {
    /// Checks `text`; none if it holds another character, or is empty or too long.
    pub fn new(text: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._:,@=+*&|!()[]<>/%~-".contains(c);
        let fits = (1..=VALUE_MAX).contains(&text.len());
        (fits && text.chars().all(plain)).then(|| Self(text.to_owned()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `text` can be the name of one node: letters, digits and `._-`, not at its beginning. A comma or a bracket would make
/// it several, and a slash a file with names in it.
pub fn is_node(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    Value::new(text).is_some() && text.chars().all(plain) && text.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// `text` as one line of a comment: control characters become blanks.
pub fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// `argument` as one word of a POSIX shell, in single quotes.
///
/// # Errors
/// It is not UTF-8 or holds a line end or another control character: nobody could review such a script.
pub fn quoted(argument: &OsStr) -> Result<String, AdapterError> {
    let text = readable(argument)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "._/=:,@%+-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    Ok(format!("'{}'", text.replace('\'', r"'\''")))
}

/// `path` for a directive that replaces `%x` by something: in double quotes, each `%` doubled.
///
/// # Errors
/// As [`quoted`]; also for a quote or a backslash, which schedulers read each in their own way.
pub fn path_without_patterns(path: &Path) -> Result<String, AdapterError> {
    let text = readable(path.as_os_str())?;
    if text.contains(['"', '\\']) {
        return Err(AdapterError::Rejected(format!(
            "`{text}` holds a quote or a backslash, which cannot be written in a batch script"
        )));
    }
    Ok(format!("\"{}\"", text.replace('%', "%%")))
}

/// `text`, if a person could review it.
///
/// # Errors
/// As [`quoted`].
pub(crate) fn readable(text: &OsStr) -> Result<&str, AdapterError> {
    match text.to_str() {
        Some(text) if !text.chars().any(char::is_control) => Ok(text),
        _ => Err(AdapterError::Rejected(format!(
            "`{}` holds a control character or is not UTF-8, which cannot be written in a batch script",
            text.to_string_lossy().escape_debug()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_sites_use_pass_and_what_a_shell_would_read_does_not() {
        for good in ["batch", "gpu:a100:2", "[rack1|rack2]*4", "haswell&ib", "matlab@db:1", "a%b"] {
            assert!(Value::new(good).is_some(), "{good}");
        }
        for bad in ["", "a b", "a\nb", "$(id)", "`id`", "a;b", "a\"b", "a'b", "a\\b", "a#b", "é", &"x".repeat(257)] {
            assert!(Value::new(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn an_argument_is_one_word_whatever_it_holds() {
        assert_eq!(quoted(OsStr::new("/a/b-c.d")).unwrap(), "/a/b-c.d");
        assert_eq!(quoted(OsStr::new("")).unwrap(), "''");
        assert_eq!(quoted(OsStr::new("a b;$(id)`x`")).unwrap(), "'a b;$(id)`x`'");
        assert_eq!(quoted(OsStr::new("it's")).unwrap(), r"'it'\''s'");
        assert!(quoted(OsStr::new("a\nb")).is_err());
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        for text in ["it's", "a  b", "$HOME", "\\n", "*", "~", "-e", "\"", "'", "é"] {
            let script = format!("printf %s {}", quoted(OsStr::new(text)).unwrap());
            let said = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(said.stdout).unwrap(), text);
        }
    }

    #[test]
    fn a_path_with_a_percent_sign_names_itself() {
        assert_eq!(path_without_patterns(Path::new("/a b/50%j")).unwrap(), "\"/a b/50%%j\"");
        assert!(path_without_patterns(Path::new("/a\"b")).is_err());
        assert!(path_without_patterns(Path::new("/a\\b")).is_err());
    }
}
