//! What became of every line of a file, by reason.

use serde::{Deserialize, Serialize};

use crate::canonical::json;

/// Lines by what they are, and records by what is odd about them. A zero is left out of the JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Counts {
    /// All lines (rows of a Parquet file): the sum of `records`, `continued`, `header`, `blank` and `comment`.
    #[serde(skip_serializing_if = "json::is_default")]
    pub lines: u64,
    /// Lines that are records, or begin one.
    #[serde(skip_serializing_if = "json::is_default")]
    pub records: u64,
    /// Further lines of records that have several (SD files), delimiters included.
    #[serde(skip_serializing_if = "json::is_default")]
    pub continued: u64,
    /// Header lines: the first, and any later line with the same bytes (files that were concatenated).
    #[serde(skip_serializing_if = "json::is_default")]
    pub header: u64,
    /// Lines without anything but spaces and tabs.
    #[serde(skip_serializing_if = "json::is_default")]
    pub blank: u64,
    /// Lines that start with `#`.
    #[serde(skip_serializing_if = "json::is_default")]
    pub comment: u64,
    /// Lines that ended with a CR, which was dropped.
    #[serde(skip_serializing_if = "json::is_default")]
    pub crlf: u64,
    /// Lines that started with a byte-order mark, which was dropped.
    #[serde(skip_serializing_if = "json::is_default")]
    pub bom: u64,
    /// Lines, structures and ids over the limit, of which only the start was kept.
    #[serde(skip_serializing_if = "json::is_default")]
    pub overlong: u64,
    /// 1 if the last line has no line feed.
    #[serde(skip_serializing_if = "json::is_default")]
    pub unterminated: u64,
    /// Records whose CXSMILES extension was dropped.
    #[serde(skip_serializing_if = "json::is_default")]
    pub cxsmiles_dropped: u64,
    /// Records without an id.
    #[serde(skip_serializing_if = "json::is_default")]
    pub missing_id: u64,
    /// Records without a structure.
    #[serde(skip_serializing_if = "json::is_default")]
    pub empty_structure: u64,
    /// Records with a quotation mark that is not closed on their line.
    #[serde(skip_serializing_if = "json::is_default")]
    pub unclosed_quote: u64,
    /// 1 if the last record of an SD file has no `$$$$`.
    #[serde(skip_serializing_if = "json::is_default")]
    pub undelimited: u64,
    /// Molfiles without `M  END`.
    #[serde(skip_serializing_if = "json::is_default")]
    pub no_m_end: u64,
    /// Data fields of SD records that are no ids, which were dropped.
    #[serde(skip_serializing_if = "json::is_default")]
    pub fields_dropped: u64,
    /// Records whose structure or id is not UTF-8.
    #[serde(skip_serializing_if = "json::is_default")]
    pub not_utf8: u64,
    /// Records with a NUL in structure or id.
    #[serde(skip_serializing_if = "json::is_default")]
    pub nul: u64,
}

impl Counts {
    /// Every count with its name, in the order of the fields.
    pub fn named(&self) -> [(&'static str, u64); 19] {
        [
            ("lines", self.lines),
            ("records", self.records),
            ("continued", self.continued),
            ("header", self.header),
            ("blank", self.blank),
            ("comment", self.comment),
            ("crlf", self.crlf),
            ("bom", self.bom),
            ("overlong", self.overlong),
            ("unterminated", self.unterminated),
            ("cxsmiles_dropped", self.cxsmiles_dropped),
            ("missing_id", self.missing_id),
            ("empty_structure", self.empty_structure),
            ("unclosed_quote", self.unclosed_quote),
            ("undelimited", self.undelimited),
            ("no_m_end", self.no_m_end),
            ("fields_dropped", self.fields_dropped),
            ("not_utf8", self.not_utf8),
            ("nul", self.nul),
        ]
    }

    /// Whether every line is accounted for exactly once.
    pub const fn is_balanced(&self) -> bool {
        self.lines == self.records + self.continued + self.header + self.blank + self.comment
    }

    /// Adds the counts of another file.
    pub fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.records += other.records;
        self.continued += other.continued;
        self.header += other.header;
        self.blank += other.blank;
        self.comment += other.comment;
        self.crlf += other.crlf;
        self.bom += other.bom;
        self.overlong += other.overlong;
        self.unterminated += other.unterminated;
        self.cxsmiles_dropped += other.cxsmiles_dropped;
        self.missing_id += other.missing_id;
        self.empty_structure += other.empty_structure;
        self.unclosed_quote += other.unclosed_quote;
        self.undelimited += other.undelimited;
        self.no_m_end += other.no_m_end;
        self.fields_dropped += other.fields_dropped;
        self.not_utf8 += other.not_utf8;
        self.nul += other.nul;
    }

    /// Notes what is odd about the bytes of one record.
    pub fn note_bytes(&mut self, structure: &[u8], id: &[u8]) {
        let utf8 = |bytes| std::str::from_utf8(bytes).is_ok();
        self.not_utf8 += u64::from(!utf8(structure) || !utf8(id));
        self.nul += u64::from(structure.contains(&0) || id.contains(&0));
    }
}
