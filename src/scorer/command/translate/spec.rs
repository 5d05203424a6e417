//! What a translator is told: which protocol the program speaks, and what the campaign file says of it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::error::{Error, Result};
use crate::scorer::Description;
use crate::scorer::command::contain::Contained;

/// Reasons that a translator gives: they are declared for every scorer that speaks through one.
pub mod reason {
    /// The program ended well and said nothing of this record (ERROR).
    pub const NO_RESULT: &str = "no_result";
    /// What the program said for a column is not a value of its type (ERROR).
    pub const BAD_VALUE: &str = "bad_value";
    /// The structure or the id would be taken for something else: an option, a second column, a second line (ERROR).
    pub const UNSAFE: &str = "unsafe_structure";

    /// All of them.
    pub const ALL: [&str; 3] = [BAD_VALUE, NO_RESULT, UNSAFE];
}

/// How a program that does not speak `jsonl` is spoken to; frozen when the campaign is planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Translation {
    /// What the campaign file says about the scorer.
    pub description: Description,
    /// Columns in which an empty cell is a value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub optional: Vec<String>,
    /// Which elements of the argument vector hold fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub templates: Vec<usize>,
    /// Exit codes that are no crash.
    pub ok_exit: Vec<i32>,
    /// The protocol, with what it alone needs.
    pub protocol: Protocol,
}

/// A protocol other than `jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
pub enum Protocol {
    /// One process for many records, over files.
    Batch(Batch),
    /// One process a record.
    Each(Each),
    /// A server of EasyDock's.
    Easydock(Easydock),
}

/// What `batch` needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// How the records are written for the program.
    pub input: Input,
    /// How the program writes its results.
    pub output: Output,
    /// Files that are kept: patterns of paths below `{tmp}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keep: Vec<String>,
}

/// What `each` needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Each {
    /// How the record is written for the program, if it is told where.
    pub input: Input,
    /// Where its score is looked for.
    pub source: Source,
    /// A regular expression with one named group a column.
    pub pattern: String,
}

/// Where the score of an `each` program is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// In what it prints.
    Stdout,
    /// In the file that it was told to write.
    Out,
}

/// What a server of EasyDock's needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Easydock {
    /// What it is told at its start; files as absolute paths.
    pub init: Map<String, Json>,
    /// The only column is the one that every server has: the server says which end is best.
    pub default_column: bool,
}

/// How records are written to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Input {
    /// `SMILES`, tab, ordinal.
    Smi,
    /// With a header: ordinal, id, structure, seed.
    Csv,
}

impl Input {
    /// The name of the file.
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Smi => "in.smi",
            Self::Csv => "in.csv",
        }
    }
}

/// How a table of results is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// What is between cells.
    pub format: Format,
    /// Whether the first line names the columns.
    pub header: bool,
    /// The name of the column with the ordinals, where there is a header.
    pub key: String,
}

impl Output {
    /// The name of the file.
    pub const fn file_name(&self) -> &'static str {
        match self.format {
            Format::Tsv => "out.tsv",
            Format::Csv => "out.csv",
        }
    }
}

/// What is between cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Tabs; no quoting.
    Tsv,
    /// Commas; cells quoted as in RFC 4180, each row on one line.
    Csv,
}

impl Protocol {
    /// The document that says how it is spoken.
    pub const fn document(&self) -> &'static str {
        match self {
            Self::Batch(_) => "docs/formats/batch.md",
            Self::Each(_) => "docs/formats/each.md",
            Self::Easydock(_) => "docs/formats/easydock.md",
        }
    }
}

impl Translation {
    /// What of it changes an answer: the `settings` of the scorer's identity.
    pub fn settings(&self) -> Map<String, Json> {
        let mut settings = Map::new();
        if self.ok_exit != [0] {
            settings.insert("ok_exit".to_owned(), json!(self.ok_exit));
        }
        if !self.optional.is_empty() {
            settings.insert("optional".to_owned(), json!(self.optional));
        }
        match &self.protocol {
            Protocol::Batch(batch) => {
                settings.insert("protocol".to_owned(), json!("batch"));
                settings.insert("input".to_owned(), json!(batch.input));
                settings.insert("output".to_owned(), json!(batch.output));
            }
            Protocol::Each(each) => {
                settings.insert("protocol".to_owned(), json!("each"));
                settings.insert("input".to_owned(), json!(each.input));
                settings.insert("source".to_owned(), json!(each.source));
                settings.insert("pattern".to_owned(), json!(each.pattern));
            }
            // What the server is told holds paths: who plans puts it in, with digests in their place.
            Protocol::Easydock(_) => {
                settings.insert("protocol".to_owned(), json!("easydock"));
            }
        }
        settings
    }
}

/// All that a translator needs to know: the argument of [`super::SUBCOMMAND`], as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The program and its arguments, resolved; those that [`Translation::templates`] names hold fields.
    pub argv: Vec<String>,
    /// How it is spoken to.
    pub translation: Translation,
    /// The most records in one request.
    pub batch_size: u32,
    /// Threads that one child uses.
    pub threads: u32,
    /// The campaign seed.
    pub seed: u64,
    /// The container that the program runs in, without an argument vector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contained: Option<Contained>,
}

/// The kernel takes no longer argument than 128 KiB.
const ARGUMENT_BYTES_MAX: usize = 120 << 10;

impl Spec {
    /// This, as one argument.
    ///
    /// # Errors
    /// It is too long (exit 2).
    pub fn to_argument(&self) -> Result<String> {
        let text = serde_json::to_string(self).map_err(|e| Error::bug(format!("a scorer cannot be described: {e}")))?;
        if text.len() > ARGUMENT_BYTES_MAX {
            return Err(Error::usage(
                "`[scorer]` says more of its columns, reasons and arguments than can be handed on",
            )
            .hint("declare fewer columns, or let the program speak `jsonl` itself: there is no such limit"));
        }
        Ok(text)
    }
}
