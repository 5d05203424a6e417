//! `customer_truth.v1`: what an expensive measurement said of each molecule. See `docs/formats/truth.md`.

use std::collections::BTreeMap;
use std::path::Path;

use super::csv::{self, Fields};
use super::ids::Ids;
use super::proxy;
use crate::canonical::escape;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::fs;

/// Version of the table, as each of its lines says it.
pub const SCHEMA: &str = "customer_truth.v1";

/// The columns that it must have, in the order of `Columns`.
pub const COLUMNS: [&str; 4] = ["molecule_id", "expensive_label", "truth_source", "truth_version"];

/// There are no more sources: what has more is another column.
const SOURCES_MAX: usize = 100;
/// The name of a source has no more characters.
const SOURCE_CHARS_MAX: usize = 256;
/// Of a foreign text, no more characters are shown.
const SHOWN_CHARS_MAX: usize = 60;

/// What the expensive measurement said of a molecule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// A hit.
    Pass,
    /// None.
    Fail,
}

impl Label {
    /// The word in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
        }
    }
}

/// What is asked of a table of truth beside its being one.
#[derive(Clone, Debug, Default)]
pub struct Demands {
    /// The SHA-256 that it must have.
    pub sha256: Option<Digest>,
    /// The only source that its labels may have.
    pub source: Option<String>,
}

/// The table, read.
pub struct Truth {
    ids: Ids,
    labels: Vec<Label>,
    /// SHA-256 of the file.
    pub sha256: Digest,
    /// How many labels each source gave.
    pub sources: BTreeMap<String, u64>,
}

impl Truth {
    /// Reads the table at `path`.
    ///
    /// # Errors
    /// There is no such file, or it is not what it should be (exit 2); the system refuses (exit 6).
    pub fn read(path: &Path, demands: &Demands) -> Result<Self> {
        if let Some(sha256) = demands.sha256 {
            // Before its content is looked at: what is wrong with another file is of no use to anybody.
            must_be_pinned(path, sha256, fs::sha256_input(path)?.0)?;
        }
        let mut reading = Reading { path, demands, columns: None, lines: Vec::new(), truth: Self::new() };
        let sha256 = csv::each_line(path, |fields| reading.take(&fields))?;
        if let Some(pinned) = demands.sha256 {
            must_be_pinned(path, pinned, sha256)?;
        }
        let Reading { mut truth, columns, .. } = reading;
        if columns.is_none() {
            return Err(Error::usage(format!("`{}` is empty", path.display()))
                .hint(format!("give a CSV file with the columns {}, a line for each molecule", COLUMNS.join(", "))));
        }
        if truth.ids.is_empty() {
            return Err(Error::usage(format!("`{}` has a header and no label", path.display()))
                .hint("give the file that has a line for each molecule that was measured"));
        }
        truth.sha256 = sha256;
        Ok(truth)
    }

    fn new() -> Self {
        Self { ids: Ids::default(), labels: Vec::new(), sha256: Digest::default(), sources: BTreeMap::new() }
    }

    /// How many molecules have a label.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// How many labels are `label`.
    pub fn count(&self, label: Label) -> u64 {
        self.labels.iter().filter(|other| **other == label).count() as u64
    }

    /// The number of the molecule with this id, in the order of the table, and its label.
    pub fn find(&self, id: &[u8]) -> Option<(u32, Label)> {
        self.ids.find(id).map(|number| (number, self.labels[number as usize]))
    }

    /// The id of the molecule with this number.
    pub fn id(&self, number: u32) -> &[u8] {
        self.ids.get(number)
    }

    /// The source of labels that a rule made, and no measurement, if there are any.
    pub fn proxy(&self) -> Option<&str> {
        self.sources.keys().map(String::as_str).find(|source| proxy::is_rule(source))
    }
}

fn must_be_pinned(path: &Path, pinned: Digest, found: Digest) -> Result<()> {
    if pinned == found {
        return Ok(());
    }
    Err(Error::usage(format!("`{}` has the SHA-256 {found}, and not {pinned}", path.display()))
        .hint("it is another file, or was changed: get the one whose SHA-256 that is"))
}

/// Where the columns are.
struct Columns([usize; COLUMNS.len()], usize);

/// A table while it is read.
struct Reading<'a> {
    path: &'a Path,
    demands: &'a Demands,
    columns: Option<Columns>,
    /// The line of each molecule.
    lines: Vec<u32>,
    truth: Truth,
}

impl Reading<'_> {
    fn take(&mut self, fields: &Fields<'_>) -> Result<()> {
        let Some(Columns(columns, count)) = &self.columns else {
            self.columns = Some(self.header(fields)?);
            return Ok(());
        };
        if fields.len() != *count {
            return Err(self
                .refused(fields, &format!("has {} fields, and the header has {count}", fields.len()))
                .hint("put a field that has a comma in it in quotation marks"));
        }
        let [id, label, source, version] = columns.map(|column| fields.get(column));
        let label = self.label(fields, id, label)?;
        if version != SCHEMA {
            return Err(self
                .refused(fields, &format!("has the `truth_version` `{}`", shown(version)))
                .hint(format!("this version reads `{SCHEMA}` alone; write that only if the table is one")));
        }
        self.source(fields, source)?;
        match self.truth.ids.add(id.as_bytes()).map_err(|e| e.within(self.place(fields)))? {
            Ok(_) => {
                self.truth.labels.push(label);
                self.lines.push(u32::try_from(fields.begins).unwrap_or(u32::MAX));
                Ok(())
            }
            Err(number) => {
                let first = self.lines[number as usize];
                let what = format!("has the `molecule_id` `{}`, which line {first} has already", shown(id));
                Err(self.refused(fields, &what).hint("a molecule has one label: leave one of the two lines out"))
            }
        }
    }

    fn header(&self, fields: &Fields<'_>) -> Result<Columns> {
        let names: Vec<&str> = (0..fields.len()).map(|column| fields.get(column)).collect();
        let mut columns = [0; COLUMNS.len()];
        for (place, wanted) in columns.iter_mut().zip(COLUMNS) {
            let mut found = names.iter().enumerate().filter(|(_, name)| **name == wanted).map(|(at, _)| at);
            let Some(at) = found.next() else {
                let error = Error::usage(format!("`{}` has no column `{wanted}`", self.path.display()));
                let line = names.join(",");
                let other = [';', '\t'].into_iter().find(|other| {
                    line.contains(&format!("{wanted}{other}")) || line.contains(&format!("{other}{wanted}"))
                });
                return Err(error.hint(match other {
                    Some(_) => "its fields are not parted by commas: save it as CSV with commas".to_owned(),
                    None => format!("its first line must name {}; it names {}", COLUMNS.join(", "), shown(&line)),
                }));
            };
            if found.next().is_some() {
                return Err(Error::usage(format!("`{}` has two columns `{wanted}`", self.path.display()))
                    .hint("leave one of them out, or give it another name"));
            }
            *place = at;
        }
        Ok(Columns(columns, names.len()))
    }

    fn label(&self, fields: &Fields, id: &str, label: &str) -> Result<Label> {
        if id.is_empty() {
            return Err(self
                .refused(fields, "has an empty `molecule_id`")
                .hint("write the id that the record has in `summary.csv`, or leave the line out"));
        }
        // HETERO-2 reads small letters as well.
        if label.eq_ignore_ascii_case(Label::Pass.as_str()) {
            Ok(Label::Pass)
        } else if label.eq_ignore_ascii_case(Label::Fail.as_str()) {
            Ok(Label::Fail)
        } else {
            Err(self
                .refused(fields, &format!("has the `expensive_label` `{}`", shown(label)))
                .hint("write PASS for a hit and FAIL for none; leave out what was not measured"))
        }
    }

    fn source(&mut self, fields: &Fields, source: &str) -> Result<()> {
        if source.is_empty() || source.chars().count() > SOURCE_CHARS_MAX {
            let what = if source.is_empty() { "an empty `truth_source`" } else { "a `truth_source` that is no name" };
            return Err(self
                .refused(fields, &format!("has {what}"))
                .hint("say where the label comes from, in a word such as `external` or the name of an assay"));
        }
        if let Some(wanted) = self.demands.source.as_ref().filter(|wanted| *wanted != source) {
            return Err(self
                .refused(fields, &format!("has the `truth_source` `{}`, and not `{}`", shown(source), shown(wanted)))
                .hint("leave `--truth-source` away if labels of this source count as well"));
        }
        if let Some(count) = self.truth.sources.get_mut(source) {
            *count += 1;
            return Ok(());
        }
        if self.truth.sources.len() == SOURCES_MAX {
            return Err(self
                .refused(fields, &format!("has the `truth_source` number {}", SOURCES_MAX + 1))
                .hint("a source is an assay or a rule, not a molecule: see whether the column is the right one"));
        }
        self.truth.sources.insert(source.to_owned(), 1);
        Ok(())
    }

    fn place(&self, fields: &Fields<'_>) -> String {
        format!("line {} of `{}`", fields.begins, self.path.display())
    }

    fn refused(&self, fields: &Fields, what: &str) -> Error {
        Error::usage(format!("{} {what}", self.place(fields)))
    }
}

/// The beginning of a foreign text, for an error.
pub(super) fn shown(text: &str) -> String {
    let cut: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    let dots = if cut.len() < text.len() { "…" } else { "" };
    escape::visible(&cut) + dots
}
