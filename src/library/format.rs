//! How a file is read: what the user said ([`FormatRequest`]) and what is frozen ([`Format`]).

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

/// The formats, by the ending of a file's name.
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
    /// `.sdf` and `.sd`: molfiles with data fields, each up to a line `$$$$`.
    Sdf,
    /// `.parquet`: columns of an Apache Parquet file.
    Parquet,
}

/// How a structure is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Notation {
    /// A SMILES string, on one line.
    #[default]
    Smiles,
    /// A molfile (V2000 or V3000), of many lines.
    Molblock,
}

impl Notation {
    /// The word for it in `snapshot.json`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Smiles => "smiles",
            Self::Molblock => "molblock",
        }
    }

    /// The word for many of it, as people write it.
    pub const fn many(self) -> &'static str {
        match self {
            Self::Smiles => "SMILES",
            Self::Molblock => "molblocks",
        }
    }

    /// Whether it is what a snapshot is of if it says nothing.
    pub fn is_smiles(&self) -> bool {
        *self == Self::Smiles
    }
}

impl fmt::Display for Notation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FileFormat {
    /// The format that the name of `path` tells, apart from an ending for compression.
    ///
    /// # Errors
    /// The ending is that of a format that is not read here (exit 2).
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
            "sdf" | "sd" => Ok(Self::Sdf),
            "parquet" | "pq" => Ok(Self::Parquet),
            "mol" | "mol2" | "pdb" | "pdbqt" | "db2" | "xlsx" | "xls" | "ods" | "h5" | "hdf5" | "zip" | "tar"
            | "tgz" | "tbz2" | "xz" | "7z" | "json" | "jsonl" => {
                Err(Error::usage(format!("`{}` is not a format that molsieve reads", path.display())).hint(
                    "convert it to SMILES, one record a line (`.smi`, `.txt`, `.cxsmiles`, `.csv`, `.tsv`), to an SD \
                     file (`.sdf`; all of these plain, `.gz`, `.bz2` or `.zst`) or to `.parquet`, or say `format` if \
                     only the name is wrong",
                ))
            }
            _ => Ok(Self::Smi),
        }
    }

    /// How its structures are written.
    pub const fn notation(self) -> Notation {
        match self {
            Self::Sdf => Notation::Molblock,
            Self::Smi | Self::Txt | Self::Cxsmiles | Self::Csv | Self::Tsv | Self::Parquet => Notation::Smiles,
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
            "sdf" => Ok(Self::Sdf),
            "parquet" => Ok(Self::Parquet),
            _ => Err(Error::usage(format!("`{text}` is not a format"))
                .hint("say smi, txt, cxsmiles, csv, tsv, sdf or parquet")),
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

/// How one file is read, frozen with the snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Format {
    /// Lines with columns.
    Table(TableFormat),
    /// Molfiles with data fields.
    Sdf {
        /// How its records are read.
        sdf: SdfFormat,
    },
    /// Columns of a Parquet file.
    Parquet {
        /// Which columns are read.
        parquet: ParquetFormat,
    },
}

impl Format {
    /// How the structures are written.
    pub const fn notation(&self) -> Notation {
        match self {
            Self::Sdf { .. } => Notation::Molblock,
            Self::Table(_) | Self::Parquet { .. } => Notation::Smiles,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(table) => table.fmt(f),
            Self::Sdf { sdf } => sdf.fmt(f),
            Self::Parquet { parquet } => parquet.fmt(f),
        }
    }
}

/// How the lines of a table are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableFormat {
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

impl Default for TableFormat {
    /// A structure, white space, an id; no header.
    fn default() -> Self {
        Self { delimiter: Delimiter::Whitespace, header: None, structure_column: 1, id_column: 2 }
    }
}

impl fmt::Display for TableFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = if self.header.is_some() { "a header" } else { "no header" };
        write!(f, "{} between columns, {header}, structure in column {}", self.delimiter, self.structure_column)?;
        if self.id_column == 0 { f.write_str(", no id") } else { write!(f, ", id in column {}", self.id_column) }
    }
}

/// How the records of an SD file are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SdfFormat {
    /// Where ids are.
    pub id: SdfId,
}

/// Where the ids of an SD file are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SdfId {
    /// In the title line of each molfile.
    Title,
    /// In the data field of this name, its first line.
    Field(#[serde(with = "escaped_bytes")] Vec<u8>),
    /// Nowhere.
    None,
}

impl fmt::Display for SdfFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.id {
            SdfId::Title => f.write_str("SD file, id in the title line"),
            SdfId::Field(name) => write!(f, "SD file, id in data field `{}`", escape::to_string(name)),
            SdfId::None => f.write_str("SD file, no id"),
        }
    }
}

/// Which columns of a Parquet file are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParquetFormat {
    /// The column with the structure, from 1.
    pub structure_column: u32,
    /// Its name.
    pub structure_name: String,
    /// The column with the id, from 1; 0 if there is none.
    pub id_column: u32,
    /// Its name, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_name: Option<String>,
}

impl fmt::Display for ParquetFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let printable = |name: &str| escape::to_string(name.as_bytes());
        write!(f, "Parquet, structure in column {} `{}`", self.structure_column, printable(&self.structure_name))?;
        match &self.id_name {
            None => f.write_str(", no id"),
            Some(name) => write!(f, ", id in column {} `{}`", self.id_column, printable(name)),
        }
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

/// Bytes as an escaped JSON string.
mod escaped_bytes {
    use super::{Deserialize, Deserializer, Serializer, de, escape};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&escape::to_string(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        escape::undo(text.as_bytes()).ok_or_else(|| de::Error::custom("not an escaped text"))
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
            ("x.SDF.gz", FileFormat::Sdf),
            ("x.sd", FileFormat::Sdf),
            ("x.parquet", FileFormat::Parquet),
        ] {
            assert_eq!(FileFormat::of(Path::new(name)).unwrap(), format, "{name}");
        }
        assert_eq!(FileFormat::of(Path::new("x.mol2.gz")).unwrap_err().kind(), Kind::Usage);
    }

    #[test]
    fn a_format_survives_json_even_with_a_header_that_is_not_text() {
        let table = TableFormat { header: Some(b"a\tsmiles\xff\\".to_vec()), ..TableFormat::default() };
        let field = |id| Format::Sdf { sdf: SdfFormat { id } };
        for format in [
            Format::Table(table),
            field(SdfId::Title),
            field(SdfId::None),
            field(SdfId::Field(b"id\xff\\".to_vec())),
            Format::Parquet {
                parquet: ParquetFormat {
                    structure_column: 2,
                    structure_name: "smiles".to_owned(),
                    id_column: 0,
                    id_name: None,
                },
            },
        ] {
            let text = serde_json::to_string(&format).unwrap();
            assert_eq!(serde_json::from_str::<Format>(&text).unwrap(), format);
        }
    }
}
