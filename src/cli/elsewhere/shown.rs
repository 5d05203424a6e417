//! What the far end prints, as it is shown here: line by line, without steering a terminal, and with the campaign
//! directory there called by its name here.

use std::io::Write;

use crate::canonical::escape;
use crate::remote::serve;

/// A line that is longer is shown in parts.
const LINE_BYTES_MAX: usize = 64 << 10;

/// One of the two streams.
#[derive(Debug)]
pub struct Shown<W> {
    to: W,
    line: Vec<u8>,
    /// The path there, and the name here.
    names: Option<(String, String)>,
}

impl<W: Write> Shown<W> {
    /// Shows on `to`; `names` are the path there and the name here, where they are to be exchanged.
    pub const fn new(to: W, names: Option<(String, String)>) -> Self {
        Self { to, line: Vec::new(), names }
    }

    /// Shows what came. A reader that has gone away ends the showing, not the work.
    pub fn push(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") || self.line.len() > LINE_BYTES_MAX {
                self.flush();
            }
        }
    }

    /// Shows what is left of a line.
    pub fn flush(&mut self) {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        let (text, end) = text.strip_suffix('\n').map_or((&*text, ""), |text| (text, "\n"));
        let mut text = text.split('\t').map(escape::visible).collect::<Vec<_>>().join("\t");
        if let Some((there, here)) = &self.names {
            text = text.replace(there, here);
        }
        if text.ends_with(serve::AS_IT_LIES_THERE) {
            self.names = None;
        }
        let _ = self.to.write_all(format!("{text}{end}").as_bytes()).and_then(|()| self.to.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_is_shown_as_it_is_unless_it_steers() {
        let mut out = Vec::new();
        let mut shown = Shown::new(&mut out, None);
        for part in ["{\"a\":\"\u{e9}", "\"}\n\tb\x1b[2J", "\n", "rest"] {
            shown.push(part.as_bytes());
        }
        shown.flush();
        assert_eq!(String::from_utf8(out).unwrap(), "{\"a\":\"\u{e9}\"}\n\tb\\x1b[2J\nrest");
    }

    #[test]
    fn a_campaign_there_is_called_by_its_name_here() {
        let mut out = Vec::new();
        let mut shown = Shown::new(&mut out, Some(("/r/campaigns/n".to_owned(), "n-1".to_owned())));
        shown.push(b"`molsieve resume /r/camp");
        shown.push(b"aigns/n` goes on\n");
        assert_eq!(out, b"`molsieve resume n-1` goes on\n");
    }

    #[test]
    fn a_file_that_is_shown_as_it_lies_there_keeps_its_paths() {
        let mut out = Vec::new();
        let mut shown = Shown::new(&mut out, Some(("/r/n".to_owned(), "n-1".to_owned())));
        shown.push(format!("`/r/n`\non `h`; {}\nexec worker /r/n\n", serve::AS_IT_LIES_THERE).as_bytes());
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("`n-1`\n") && text.ends_with("\nexec worker /r/n\n"), "{text}");
    }
}
