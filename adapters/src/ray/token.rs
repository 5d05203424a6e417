//! The token that a Ray cluster wants: read from a file that nobody else can read, and never shown.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// No token is longer, in bytes.
const BYTES_MAX: u64 = 8 << 10;

/// Nothing is escaped more often: a log is JSON, and its lines hold JSON.
const ESCAPED_MAX: u32 = 3;

/// Who may do what with a file, apart from its owner.
const OTHERS: u32 = 0o077;

/// A token. It is shown to nobody: not in an error, not by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Checks `text`: printable ASCII, without blanks; what is around it is cut off.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence that does not show it.
    pub fn new(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("the token is empty".to_owned());
        }
        if !text.chars().all(|c| c.is_ascii_graphic()) {
            return Err("the token holds a character that no token has".to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    /// Reads the file `path`, which must be its owner's alone.
    ///
    /// # Errors
    /// It cannot be read, others may read it, or it holds no token; as a sentence.
    pub fn read(path: &Path) -> Result<Self, String> {
        let named = |why: String| format!("the token file `{}` {why}", path.display());
        let unreadable = |e: std::io::Error| named(format!("cannot be read: {e}"));
        let file = File::open(path).map_err(unreadable)?;
        let facts = file.metadata().map_err(unreadable)?;
        if !facts.is_file() {
            return Err(named("is no file".to_owned()));
        }
        if facts.mode() & OTHERS != 0 {
            let mode = facts.mode() & 0o777;
            return Err(named(format!("is open to others (mode {mode:o}): `chmod 600` closes it")));
        }
        let mut text = String::new();
        file.take(BYTES_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
        if text.len() as u64 > BYTES_MAX {
            return Err(named("is too large for a token".to_owned()));
        }
        Self::new(&text).map_err(|why| named(format!("is of no use: {why}")))
    }

    /// The token that the environment says, in Ray's own variables and their order; none where it says none.
    ///
    /// # Errors
    /// As [`Token::read`].
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, String> {
        let said = |name: &str| variable(name).filter(|value| !value.is_empty());
        if let Some(text) = said("RAY_AUTH_TOKEN") {
            return Self::new(&text).map(Some).map_err(|why| format!("`RAY_AUTH_TOKEN` is of no use: {why}"));
        }
        said("RAY_AUTH_TOKEN_PATH").map(|path| Self::read(Path::new(&path))).transpose()
    }

    /// The header that carries it.
    pub(super) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// `text` without it: what answers may hold what was asked. It is found as well where its characters are escaped as in JSON,
    /// or in JSON within JSON, since who reads the text may undo that.
    pub(super) fn hidden_in<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let (bytes, mut shown, mut kept, mut at) = (text.as_bytes(), String::new(), 0, 0);
        while at < bytes.len() {
            let Some(length) = self.begins(&bytes[at..]) else {
                at += 1;
                continue;
            };
            shown += &text[kept..at];
            shown += "<token>";
            at += length;
            kept = at;
        }
        if kept == 0 { Cow::Borrowed(text) } else { Cow::Owned(shown + &text[kept..]) }
    }

    /// How many bytes of the beginning of `text` are it, however they are escaped; none where it does not begin there.
    fn begins(&self, text: &[u8]) -> Option<usize> {
        if ![self.0.as_bytes().first(), Some(&b'\\')].contains(&text.first()) {
            return None;
        }
        let reads_as_it = |times: u32| {
            self.0.bytes().try_fold(0, |at, character| {
                let (found, next) = character_at(text, at, times)?;
                (found == u32::from(character)).then_some(next)
            })
        };
        (0..=ESCAPED_MAX).find_map(reads_as_it)
    }
}

/// The character that begins at `at` in `text`, which was escaped so many `times` as JSON does it, and where the next one begins.
fn character_at(text: &[u8], at: usize, times: u32) -> Option<(u32, usize)> {
    if times == 0 {
        return text.get(at).map(|byte| (u32::from(*byte), at + 1));
    }
    let next = |at| character_at(text, at, times - 1);
    let (first, at) = next(at)?;
    if first != u32::from(b'\\') {
        return Some((first, at));
    }
    let (second, mut at) = next(at)?;
    match char::from_u32(second)? {
        'u' => {
            let mut number = 0;
            for _ in 0..4 {
                let (digit, after) = next(at)?;
                number = number << 4 | char::from_u32(digit)?.to_digit(16)?;
                at = after;
            }
            Some((number, at))
        }
        'b' | 'f' | 'n' | 'r' | 't' => Some((0, at)),
        _ => Some((second, at)),
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file(text: &str, mode: u32) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (dir, path)
    }

    #[test]
    fn a_file_of_its_owners_alone_is_read_and_any_other_is_not() {
        for (mode, is_read) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o610, false)] {
            let (_dir, path) = file("s3cret\n", mode);
            let read = Token::read(&path);
            assert_eq!(read.is_ok(), is_read, "{mode:o}: {read:?}");
        }
        let (_dir, path) = file("s3cret\n", 0o644);
        assert!(Token::read(&path).unwrap_err().contains("chmod 600"));
    }

    #[test]
    fn what_is_no_token_is_refused_without_being_shown() {
        for text in ["", "\n", "s3 cret", "s3cret\nX-Evil: 1", "s3cré", &"s".repeat(9000)] {
            let (_dir, path) = file(text, 0o600);
            let why = Token::read(&path).unwrap_err();
            assert!(!why.contains("s3"), "{why}");
        }
        assert!(Token::read(Path::new("/nowhere/token")).is_err());
        assert!(Token::read(&std::env::temp_dir()).is_err());
    }

    #[test]
    fn rays_own_variables_are_heard_in_their_order() {
        let (_dir, path) = file("of-the-file", 0o600);
        let path = path.display().to_string();
        let heard = |variables: &[(&str, &str)]| {
            let find = |name: &str| variables.iter().find(|v| v.0 == name).map(|v| v.1.to_owned());
            Token::of_environment(find).unwrap()
        };
        assert_eq!(heard(&[]), None);
        assert_eq!(heard(&[("RAY_AUTH_TOKEN_PATH", &path)]).unwrap().0, "of-the-file");
        let both = [("RAY_AUTH_TOKEN_PATH", path.as_str()), ("RAY_AUTH_TOKEN", "of-the-variable")];
        assert_eq!(heard(&both).unwrap().0, "of-the-variable");
    }

    #[test]
    fn a_token_is_not_shown() {
        let token = Token::new("s3cret").unwrap();
        assert_eq!(format!("{token:?}"), "Token(..)");
        assert_eq!(token.hidden_in("you sent `Bearer s3cret`"), "you sent `Bearer <token>`");
        assert_eq!(token.hidden_in("s3cret s3cre s3crets3cret"), "<token> s3cre <token><token>");
        assert!(matches!(token.hidden_in("nothing \\u0073 of it"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_token_is_not_shown_however_it_is_escaped() {
        let every = |text: &str| text.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect::<String>();
        let again = |text: &str| serde_json::to_string(text).unwrap();
        for secret in ["s3cret", "s3/cr\"e\\t", "u0073", "Zz+\\\\u"] {
            let token = Token::new(secret).unwrap();
            let once = [again(secret), every(secret), every(secret).to_uppercase().replace("\\U", "\\u")];
            let slashed = again(secret).replace('/', "\\/");
            for text in once.into_iter().chain([slashed]) {
                let hidden = |text: &str| token.hidden_in(&format!("é {text} é")).into_owned();
                for text in [again(&text), again(&again(&text)), every(&text), text] {
                    let shown = hidden(&text);
                    assert!(shown.contains("<token>") && shown.len() < 40, "{secret}: {text} -> {shown}");
                }
            }
        }
    }
}
