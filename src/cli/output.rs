//! How anything is printed: for people, as one JSON document, or not at all.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::canonical::escape;
use crate::error::{Error, Kind, Result};

/// Which form the facts of a command take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Sentences and tables.
    Human,
    /// One JSON document on standard output.
    Json,
    /// Only errors.
    Quiet,
}

/// Where a command puts its facts. Facts go to standard output, errors and progress to standard error.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    form: Form,
}

impl Output {
    /// Prints in `form`.
    pub const fn new(form: Form) -> Self {
        Self { form }
    }

    /// Whether facts are wanted as JSON.
    pub fn is_json(&self) -> bool {
        self.form == Form::Json
    }

    /// Whether facts are wanted as sentences.
    pub fn is_for_people(&self) -> bool {
        self.form == Form::Human
    }

    /// Whether a person watches: progress may redraw its line.
    pub fn is_watched(&self) -> bool {
        self.form == Form::Human && io::stderr().is_terminal()
    }

    /// For a part of a command that has one document of its own to print in the end.
    #[must_use]
    pub const fn of_a_part(self) -> Self {
        match self.form {
            Form::Json => Self::new(Form::Quiet),
            _ => self,
        }
    }

    /// A line for people.
    pub fn say(&self, line: impl AsRef<str>) {
        if self.form == Form::Human {
            write_line(&mut io::stdout().lock(), line.as_ref());
        }
    }

    /// A line for people about what is going on, on standard error.
    pub fn note(&self, line: impl AsRef<str>) {
        if self.form != Form::Quiet {
            write_line(&mut io::stderr().lock(), line.as_ref());
        }
    }

    /// The one JSON document, if that is the form; whether it was.
    ///
    /// # Errors
    /// The value has no JSON form: a defect.
    pub fn document<T: Serialize>(&self, value: &T) -> Result<bool> {
        if self.form == Form::Json {
            let text = serde_json::to_string(value).map_err(|e| Error::bug(format!("facts have no JSON form: {e}")))?;
            match write_checked(&mut io::stdout().lock(), &in_json(&text)) {
                Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
                    return Err(Error::environment(format!("the facts cannot be written to standard output: {e}")));
                }
                _ => {}
            }
        }
        Ok(self.form == Form::Json)
    }

    /// An error, with what to do about it.
    pub fn error(self, error: &Error) {
        // A stop that somebody asked for went as it should.
        told(if error.kind() == Kind::Stopped { "stopped" } else { "error" }, error);
    }

    /// What went wrong beside the work, which stands.
    pub fn warning(self, error: &Error) {
        told("warning", error);
    }
}

fn told(word: &str, error: &Error) {
    let mut stderr = io::stderr().lock();
    write_line(&mut stderr, &format!("{word}: {}", error.what()));
    for hint in error.hints() {
        write_line(&mut stderr, &format!("  hint: {hint}"));
    }
}

/// Writes a line. A reader that has gone away (a closed pipe) ends the printing, not the work.
///
/// Nothing that comes from a file or a name drives the terminal: what steers, turns or hides text is shown, not sent.
fn write_line(to: &mut impl Write, line: &str) {
    let parts: Vec<String> =
        line.split('\n').map(|part| part.split('\t').map(escape::visible).collect::<Vec<_>>().join("\t")).collect();
    let _ = write_checked(to, &parts.join("\n"));
}

/// A JSON document that says the same without a character that drives a terminal.
fn in_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if escape::is_unseen(c) {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    out
}

fn write_checked(to: &mut impl Write, text: &str) -> io::Result<()> {
    writeln!(to, "{text}").and_then(|()| to.flush())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_drives_no_terminal_and_json_says_the_same() {
        let name = "a\u{1b}[31m\u{202e}\u{200b}\u{9b}\u{e0041}";
        let mut shown = Vec::new();
        write_line(&mut shown, &format!("one\t{name}\ntwo"));
        let shown = String::from_utf8(shown).unwrap();
        assert!(shown.starts_with("one\ta\\x1b[31m") && shown.ends_with("\ntwo\n"), "{shown}");
        let document = in_json(&serde_json::to_string(&[name]).unwrap());
        assert!(document.is_ascii() && !shown.contains('\u{202e}'), "{document}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&document).unwrap(), [name]);
    }
}
