//! How the lines of a file are read: what the user said ([`FormatRequest`]) and what is frozen ([`Format`]).

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::canonical::escape;
use crate::error::{Error, Result};

/// What the user said about the format; all else is sniffed, for each file alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FormatRequest {
    /// Read every file as if its name ended so.
    pub format: Option<FileFormat>,
    /// What is between two columns.
    pub delimiter: Option<Delimiter>,
    /// Whether the first line that is neither blank nor a comment is a header.
    pub header: Option<bool>,
    /// The column with the structure: its name in the header, or its number from 1.
    pub structure_column: Option<String>,
    /// The column with the id: its name in the header, its number from 1, or `0` for none.
    pub id_column: Option<String>,
}

impl FormatRequest {
    /// Whether the user said nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The text formats, by the ending of a file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    /// `.smi` and `.smiles`: delimiter sniffed.
    Smi,
    /// `.txt`: as `.smi`.
    Txt,
    /// `.cxsmiles`: columns between tabs; the first may end with a CXSMILES extension.
    Cxsmiles,
    /// `.csv`: columns between commas or semicolons, quoted as in RFC 4180 within one line.
    Csv,
    /// `.tsv`: columns between tabs.
    Tsv,
}

impl FileFormat {
    /// The format that the name of `path` tells, apart from an ending for compression.
    ///
    /// # Errors
    /// The ending is that of a format that is not a table of SMILES (exit 2).
    pub fn of(path: &Path) -> Result<Self> {
        let name = path.file_name().map(|n| n.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        let mut parts = name.rsplit('.');
        let mut ending = parts.next().unwrap_or_default();
        if matches!(ending, "gz" | "bgz" | "bz2" | "zst" | "zstd") {
            ending = parts.next().unwrap_or_default();
        }
        match ending {
            "cxsmiles" => Ok(Self::Cxsmiles),
            "csv" => Ok(Self::Csv),
            "tsv" | "tab" => Ok(Self::Tsv),
            "txt" => Ok(Self::Txt),
            "sdf" | "sd" | "mol" | "mol2" | "pdb" | "pdbqt" | "db2" | "parquet" | "xlsx" | "xls" | "ods" | "h5"
            | "hdf5" | "zip" | "tar" | "tgz" | "tbz2" | "xz" | "7z" | "json" | "jsonl" => {
                Err(Error::usage(format!("`{}` is not a format that molsieve reads", path.display())).hint(
                    "convert it to SMILES, one record a line (`.smi`, `.txt`, `.cxsmiles`, `.csv`, `.tsv`; plain, \
                     `.gz`, `.bz2` or `.zst`), or say `format` if only the name is wrong",
                ))
            }
            _ => Ok(Self::Smi),
        }
    }
}

impl FromStr for FileFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "smi" => Ok(Self::Smi),
            "txt" => Ok(Self::Txt),
            "cxsmiles" => Ok(Self::Cxsmiles),
            "csv" => Ok(Self::Csv),
            "tsv" => Ok(Self::Tsv),
            _ => Err(Error::usage(format!("`{text}` is not a format")).hint("say smi, txt, cxsmiles, csv or tsv")),
        }
    }
}

/// What is between two columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delimiter {
    /// One tab.
    Tab,
    /// One comma; cells may be quoted.
    Comma,
    /// One semicolon; cells may be quoted.
    Semicolon,
    /// One or more spaces and tabs; those at the start of a line are skipped.
    Whitespace,
}

impl Delimiter {
    /// The word for it in campaign files and in `snapshot.json`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tab => "tab",
            Self::Comma => "comma",
            Self::Semicolon => "semicolon",
            Self::Whitespace => "whitespace",
        }
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Delimiter {
    type Err = Error;

    /// The word, or the character itself.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "tab" | "\t" | "\\t" => Ok(Self::Tab),
            "comma" | "," => Ok(Self::Comma),
            "semicolon" | ";" => Ok(Self::Semicolon),
            "whitespace" | "space" | " " => Ok(Self::Whitespace),
            _ => Err(Error::usage(format!("`{}` is not a delimiter", text.escape_debug()))
                .hint("say tab, comma, semicolon or whitespace")),
        }
    }
}

impl Serialize for Delimiter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Delimiter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// How the lines of one file are read, frozen with the snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Format {
    /// What is between two columns.
    pub delimiter: Delimiter,
    /// The header line (without CR, BOM and line feed), if there is one. Every line with these bytes is a header.
    #[serde(with = "escaped")]
    pub header: Option<Vec<u8>>,
    /// The column with the structure, from 1.
    pub structure_column: u32,
    /// The column with the id, from 1; 0 if there is none.
    pub id_column: u32,
}

impl Default for Format {
    /// A structure, white space, an id; no header.
    fn default() -> Self {
        Self { delimiter: Delimiter::Whitespace, header: None, structure_column: 1, id_column: 2 }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = if self.header.is_some() { "a header" } else { "no header" };
        write!(f, "{} between columns, {header}, structure in column {}", self.delimiter, self.structure_column)?;
        if self.id_column == 0 { f.write_str(", no id") } else { write!(f, ", id in column {}", self.id_column) }
    }
}

/// Bytes as an escaped JSON string, or null.
mod escaped {
    use super::{Deserialize, Deserializer, Serializer, de, escape};

    #[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
    pub fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => serializer.serialize_some(&escape::to_string(bytes)),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        escape::undo(text.as_bytes()).map(Some).ok_or_else(|| de::Error::custom("not an escaped text"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn the_name_tells_the_format_whatever_the_compression() {
        for (name, format) in [
            ("a.smi", FileFormat::Smi),
            ("a.b/REAL.CXSMILES.bz2", FileFormat::Cxsmiles),
            ("x.csv.gz", FileFormat::Csv),
            ("x.tsv.zst", FileFormat::Tsv),
            ("CID-SMILES.gz", FileFormat::Smi),
            ("chemreps.txt.gz", FileFormat::Txt),
            ("noending", FileFormat::Smi),
        ] {
            assert_eq!(FileFormat::of(Path::new(name)).unwrap(), format, "{name}");
        }
        assert_eq!(FileFormat::of(Path::new("x.sdf.gz")).unwrap_err().kind(), Kind::Usage);
    }

    #[test]
    fn a_format_survives_json_even_with_a_header_that_is_not_text() {
        let format = Format { header: Some(b"a\tsmiles\xff\\".to_vec()), ..Format::default() };
        let text = serde_json::to_string(&format).unwrap();
        assert_eq!(serde_json::from_str::<Format>(&text).unwrap(), format);
    }
}
