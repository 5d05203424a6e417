//! SD files: molfiles, each with its data fields, up to a line that is `$$$$`.
//!
//! The format is that of the CTfile documentation (BIOVIA, "SDfile"). What is kept of a record is its
//! molfile, line by line up to `M  END`, each line without CR and with one line feed, and its id. A
//! record begins where the one before it ended and depends on nothing else, so a slice can start at any.

use std::io::{self, Read};

use super::cells::trim;
use super::counts::Counts;
use super::format::{FormatRequest, SdfFormat, SdfId};
use super::lines::{LINE_MAX, Lines};
use super::parse::{bare, is_blank};
use super::sniff::{self, Sample};
use crate::canonical::escape;
use crate::error::{Error, Result};

/// Of a longer id only the start is kept.
pub(super) const ID_MAX: usize = 64 << 10;

/// Of a longer structure only the start is kept. With its id no record is larger than a line may be.
pub(super) const STRUCTURE_MAX: usize = LINE_MAX - ID_MAX;

/// The line that ends a record.
const DELIMITER: &[u8] = b"$$$$";

/// The line that ends a molfile.
const END: &[u8] = b"M  END";

/// Lines of a molfile that are free text: title, program, comment.
const HEADER_LINES: u64 = 3;

/// Records of the sample that are looked at.
const SAMPLE_RECORDS: u64 = 1000;

/// Data fields of the sample whose names are kept.
const FIELDS_MAX: usize = 256;

/// Where in a record the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Molfile,
    /// Where the next data field may begin.
    Between,
    /// At the value that is the id.
    Wanted,
    /// In a value that is dropped.
    Value,
}

/// Reads records, and counts what it saw. It has no state between records.
#[derive(Clone, Debug)]
pub struct SdfReader {
    id_from: SdfId,
    structure: Vec<u8>,
    id: Vec<u8>,
    /// What became of the lines so far. `not_utf8` and `nul` are for the caller.
    pub counts: Counts,
}

/// What is known of the record that is being read.
#[expect(clippy::struct_excessive_bools, reason = "four facts that do not depend on each other")]
struct Open {
    offset: u64,
    lines: u64,
    part: Part,
    has_end: bool,
    has_id: bool,
    is_cut: bool,
    /// No line of it held anything.
    is_blank: bool,
    fields: u64,
}

impl SdfReader {
    /// A reader for `format`.
    pub fn new(format: &SdfFormat) -> Self {
        Self { id_from: format.id.clone(), structure: Vec::new(), id: Vec::new(), counts: Counts::default() }
    }

    /// The molfile of the record that was read last; empty if it held nothing but white space.
    pub fn structure(&self) -> &[u8] {
        &self.structure
    }

    /// Its id.
    pub fn id(&self) -> &[u8] {
        &self.id
    }

    /// Reads the next record; the value is where it starts in the stream, or `None` at the end.
    ///
    /// # Errors
    /// The source cannot be read.
    pub fn read<R: Read>(&mut self, lines: &mut Lines<R>) -> io::Result<Option<u64>> {
        self.structure.clear();
        self.id.clear();
        let mut open = Open {
            offset: lines.offset(),
            lines: 0,
            part: Part::Molfile,
            has_end: false,
            has_id: false,
            is_cut: false,
            is_blank: true,
            fields: 0,
        };
        while let Some(line) = lines.next_line()? {
            open.lines += 1;
            self.counts.lines += 1;
            self.counts.unterminated = u64::from(!line.is_terminated && !line.is_cut);
            open.is_cut |= line.is_cut;
            self.counts.crlf += u64::from(line.bytes.ends_with(b"\r"));
            let text = if open.lines == 1 {
                self.counts.bom += u64::from(line.bytes.starts_with(b"\xef\xbb\xbf"));
                bare(line.bytes)
            } else {
                without_cr(line.bytes)
            };
            if text == DELIMITER {
                self.close(&open);
                return Ok(Some(open.offset));
            }
            self.take_line(text, &mut open);
        }
        if open.is_blank {
            // What is after the last delimiter is no record if nothing is in it.
            self.counts.blank += open.lines;
            return Ok(None);
        }
        self.counts.undelimited += 1;
        self.close(&open);
        Ok(Some(open.offset))
    }

    fn take_line(&mut self, line: &[u8], open: &mut Open) {
        open.is_blank &= is_blank(line);
        let is_after_header = open.lines > HEADER_LINES;
        if open.part == Part::Molfile && is_after_header && line.first() == Some(&b'>') {
            // A molfile without its end: the data fields end it.
            open.part = Part::Between;
        }
        match open.part {
            Part::Molfile => {
                if open.lines == 1 && self.id_from == SdfId::Title {
                    open.is_cut |= keep(&mut self.id, trim(line), ID_MAX);
                }
                open.is_cut |= keep(&mut self.structure, line, STRUCTURE_MAX);
                open.is_cut |= keep(&mut self.structure, b"\n", STRUCTURE_MAX);
                if is_after_header && line.trim_ascii_end() == END {
                    open.has_end = true;
                    open.part = Part::Between;
                }
            }
            Part::Between if line.first() == Some(&b'>') => {
                let is_wanted = !open.has_id
                    && matches!(&self.id_from, SdfId::Field(name) if field_name(line) == Some(name.as_slice()));
                open.fields += u64::from(!is_wanted);
                open.has_id |= is_wanted;
                open.part = if is_wanted { Part::Wanted } else { Part::Value };
            }
            Part::Wanted if !is_blank(line) => {
                open.is_cut |= keep(&mut self.id, trim(line), ID_MAX);
                open.part = Part::Value;
            }
            Part::Wanted | Part::Value if is_blank(line) => open.part = Part::Between,
            Part::Between | Part::Wanted | Part::Value => {}
        }
    }

    /// Counts a record that is whole.
    fn close(&mut self, open: &Open) {
        if self.structure.iter().all(u8::is_ascii_whitespace) {
            self.structure.clear();
        }
        let counts = &mut self.counts;
        counts.records += 1;
        counts.continued += open.lines - 1;
        counts.fields_dropped += open.fields;
        counts.overlong += u64::from(open.is_cut);
        counts.empty_structure += u64::from(self.structure.is_empty());
        counts.no_m_end += u64::from(!open.has_end && !self.structure.is_empty());
        counts.missing_id += u64::from(self.id.is_empty());
    }
}

/// Appends `bytes` up to a length of `max` in all; whether some were left out.
fn keep(to: &mut Vec<u8>, bytes: &[u8], max: usize) -> bool {
    let room = max - to.len().min(max);
    to.extend_from_slice(&bytes[..bytes.len().min(room)]);
    bytes.len() > room
}

fn without_cr(mut line: &[u8]) -> &[u8] {
    while let [inner @ .., b'\r'] = line {
        line = inner;
    }
    line
}

/// The name in a header such as `> 25 <MELTING.POINT> (1)`.
fn field_name(header: &[u8]) -> Option<&[u8]> {
    let inside = &header[memchr::memchr(b'<', header)? + 1..];
    memchr::memchr(b'>', inside).map(|end| trim(&inside[..end]))
}

/// Data fields that the start of an SD file has, in the order of their first appearance.
pub(super) fn fields(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = Vec::new();
    let (mut number, mut is_open) = (0u64, false);
    for line in bytes.split(|b| *b == b'\n').map(bare) {
        number += 1;
        if line == DELIMITER {
            (number, is_open) = (0, false);
        } else if is_open && is_blank(line) {
            is_open = false;
        } else if !is_open && number > HEADER_LINES && line.first() == Some(&b'>') {
            is_open = true;
            let name = field_name(line).unwrap_or_default();
            if !name.is_empty() && names.len() < FIELDS_MAX && !names.iter().any(|known| known == name) {
                names.push(name.to_vec());
            }
        }
    }
    names
}

/// How an SD file that starts with `sample` is read.
///
/// # Errors
/// It is not an SD file, or what was said does not fit it (exit 2).
pub(super) fn sniff(sample: Sample<'_>, said: &FormatRequest) -> Result<SdfFormat> {
    if said.delimiter.is_some() || said.header.is_some() || said.structure_column.is_some() {
        return Err(Error::usage("an SD file has neither columns nor a header")
            .hint("leave out delimiter, header and structure_column; id_column may name a data field"));
    }
    if !is_sdf(sample.bytes) {
        return Err(Error::usage("it is not an SD file: no `M  END`, no `$$$$` and no counts line is at its start")
            .hint("say the format that it has, such as `format = \"smi\"`, if only the name is wrong"));
    }
    let names = fields(sample.bytes);
    let id = match said.id_column.as_deref() {
        None => sniffed_id(sample, &names),
        Some("0") => SdfId::None,
        Some(name) => SdfId::Field(said_field(name, &names, sample.is_whole)?),
    };
    Ok(SdfFormat { id })
}

/// Whether these first bytes are those of an SD file, or nothing at all.
pub(super) fn is_sdf(bytes: &[u8]) -> bool {
    let lines = || bytes.split(|b| *b == b'\n').map(bare);
    let is_counts =
        |line: &[u8]| line.trim_ascii_end().ends_with(b" V2000") || line.trim_ascii_end().ends_with(b" V3000");
    lines().all(is_blank)
        || lines().any(|line| line == DELIMITER || line.trim_ascii_end() == END)
        || lines().take(4).any(is_counts)
}

/// The field that the user named, as the file spells it.
fn said_field(said: &str, names: &[Vec<u8>], is_whole: bool) -> Result<Vec<u8>> {
    if !said.is_empty() && said.bytes().all(|b| b.is_ascii_digit()) && !names.iter().any(|name| name == said.as_bytes())
    {
        return Err(Error::usage(format!("there is no column `{said}`: an SD file has none"))
            .hint("say the name of a data field as id_column, or `0` for no id; leave it out for the title line"));
    }
    let exact = names.iter().find(|name| *name == said.as_bytes());
    match exact.or_else(|| names.iter().find(|name| name.eq_ignore_ascii_case(said.as_bytes()))) {
        Some(name) => Ok(name.clone()),
        // The sample ends inside the first record.
        None if names.is_empty() && !is_whole => Ok(said.as_bytes().to_vec()),
        None => {
            let known: Vec<String> = names.iter().take(20).map(|n| format!("`{}`", escape::to_string(n))).collect();
            let known = if known.is_empty() { "none at all".to_owned() } else { known.join(", ") };
            Err(Error::usage(format!("no record at the start of the file has a data field `{said}`"))
                .hint(format!("those that are there: {known}; leave id_column out for the title line")))
        }
    }
}

/// Titles, unless most are empty or all are the same and a data field has a name that says id.
fn sniffed_id(sample: Sample<'_>, names: &[Vec<u8>]) -> SdfId {
    let mut reader = SdfReader::new(&SdfFormat { id: SdfId::Title });
    let mut lines = Lines::starting_at(sample.bytes, 0);
    let (mut first, mut named, mut differs) = (None, 0u64, false);
    while reader.counts.records < SAMPLE_RECORDS && matches!(reader.read(&mut lines), Ok(Some(_))) {
        named += u64::from(!reader.id().is_empty());
        let first = first.get_or_insert_with(|| reader.id().to_vec());
        differs |= first.as_slice() != reader.id();
    }
    let records = reader.counts.records;
    if 2 * named >= records && (differs || records < 2) && named > 0 {
        return SdfId::Title;
    }
    let words: Vec<String> = names.iter().map(|name| sniff::word(name)).collect();
    sniff::named_id(&words, |_| true).map_or(SdfId::Title, |field| SdfId::Field(names[field].clone()))
}

#[cfg(test)]
#[path = "sdf/tests.rs"]
mod tests;
