//! What may stand in a submit description and in a DAG, and how it is written there.
//!
//! HTCondor fills `$(name)` in everywhere, and `$$(name)` once more when a node is found. What is ours is written so that nothing of
//! it is filled in.

use std::ffi::OsStr;
use std::path::Path;

use crate::adapter::AdapterError;
use crate::text::readable;

/// `arguments` as one value, in HTCondor's newer way of writing them: in double quotes, with single quotes around what needs them.
///
/// # Errors
/// One of them is not UTF-8, or holds a control character or two dollar signs in a row.
pub fn arguments<'a>(arguments: impl IntoIterator<Item = &'a OsStr>) -> Result<String, AdapterError> {
    let mut words = Vec::new();
    for argument in arguments {
        words.push(word(argument)?);
    }
    Ok(format!("\"{}\"", words.join(" ")))
}

fn word(argument: &OsStr) -> Result<String, AdapterError> {
    let text = literal(readable(argument)?)?.replace('"', "\"\"");
    let plain = |c: char| c.is_ascii_alphanumeric() || "._/=:,@%+-$()".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return Ok(text);
    }
    Ok(format!("'{}'", text.replace('\'', "''")))
}

/// `text`, in which nothing is filled in.
fn literal(text: &str) -> Result<String, AdapterError> {
    if text.contains("$$") {
        return Err(AdapterError::Rejected(format!("`{text}` holds `$$`, which HTCondor would fill in")));
    }
    Ok(text.replace('$', "$(DOLLAR)"))
}

/// `path` as the value of a submit command.
///
/// # Errors
/// It is not UTF-8, or holds a character that means something there.
pub fn path(path: &Path) -> Result<String, AdapterError> {
    let text = readable(path.as_os_str())?;
    if text.contains(['"', '\'', '\\', '{', '}']) || text.trim() != text || text.is_empty() {
        return Err(AdapterError::Rejected(format!(
            "`{text}` holds a quote, a backslash or a brace, or ends in a blank, which cannot be written for HTCondor"
        )));
    }
    literal(text)
}

/// `paths` as a list of files to transfer.
///
/// # Errors
/// As [`path`]; also for a comma, and for what looks like an address.
pub fn list<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Result<String, AdapterError> {
    let mut words = Vec::new();
    for one in paths {
        let text = path(one)?;
        if text.contains([',', ';']) || text.contains("://") {
            return Err(AdapterError::Rejected(format!(
                "`{text}` holds a comma or `://`, which a list of files cannot"
            )));
        }
        words.push(text);
    }
    Ok(words.join(", "))
}

/// `text` as a string of `ClassAd`s.
///
/// # Errors
/// It holds a character that is not plain.
pub fn string(text: &str) -> Result<String, AdapterError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._/:@+-".contains(c);
    if text.chars().all(plain) {
        return Ok(format!("\"{text}\""));
    }
    Err(AdapterError::Rejected(format!("`{}` cannot be an attribute of a job", text.escape_debug())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> String {
        arguments(words.iter().map(OsStr::new)).unwrap()
    }

    #[test]
    fn arguments_are_quoted_in_htcondors_way() {
        assert_eq!(of(&["worker", "--task=1"]), "\"worker --task=1\"");
        assert_eq!(of(&["a b", "it's", "say \"x\"", ""]), "\"'a b' 'it''s' 'say \"\"x\"\"' ''\"");
        assert_eq!(of(&["$(HOME)", "$x"]), "\"$(DOLLAR)(HOME) $(DOLLAR)x\"");
        assert!(arguments([OsStr::new("$$(Memory)")]).is_err());
        assert!(arguments([OsStr::new("a\nqueue 100")]).is_err());
    }

    #[test]
    fn a_path_is_a_value_and_a_list_is_of_paths() {
        assert_eq!(path(Path::new("/a b/$c")).unwrap(), "/a b/$(DOLLAR)c");
        for bad in ["/a\"b", "/a\nb", "/a\\b", "/a}", "/a ", ""] {
            assert!(path(Path::new(bad)).is_err(), "{bad:?}");
        }
        assert_eq!(list([Path::new("/a"), Path::new("/b")]).unwrap(), "/a, /b");
        assert!(list([Path::new("/a,b")]).is_err() && list([Path::new("http://x")]).is_err());
    }
}
