//! Proofs that one row is in a payload, without the others: an inclusion proof of RFC 6962 in a document of its own.
//!
//! The header is leaf 0 of the tree and is proven with the row: a value whose column nobody vouches for
//! proves little. See `docs/formats/proof.md`.

mod trusted;

use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::verify::{self, Trust};
use crate::canonical::row::{self, Malformed, Row};
use crate::canonical::{escape, json};
use crate::digest::inclusion::{self, Inclusion, Prover};
use crate::digest::merkle;
use crate::digest::{Digest, inclusion::PATH_MAX};
use crate::error::{Error, Result};
use crate::fs;
use crate::id::Ordinal;
pub use trusted::Trusted;

/// Schema of [`Proof`].
pub const SCHEMA: &str = "molsieve.proof.v1";

/// A proof is never longer: a row may take up to six bytes a byte in JSON.
const BYTES_MAX: u64 = 6 * row::BYTES_MAX as u64 + (1 << 20);

/// So many ordinals are listed of an id that is there more than once.
const REPEATS_SHOWN: usize = 20;

/// That a row is in a payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// [`SCHEMA`].
    pub schema: String,
    /// The payload: `sha256:` and the root of the tree.
    pub payload_digest: String,
    /// The pack that it was taken from: `sha256:` of its manifest. The proof does not depend on it.
    pub pack_digest: String,
    /// Leaves of the tree: the header and the rows.
    pub tree_size: u64,
    /// The header line, leaf 0.
    pub header: Leaf,
    /// The row.
    pub row: Leaf,
}

/// A line and its way to the root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// Position in the tree, from 0.
    pub leaf_index: u64,
    /// The line of `summary.csv` without its line feed, byte for byte; it is UTF-8 always.
    pub line: String,
    /// The audit path in hex, the sibling of the leaf first.
    pub audit_path: Vec<Digest>,
}

/// Which row is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// That of the record at this position.
    Ordinal(Ordinal),
    /// That of the record with this id: its bytes, or as `summary.csv` shows it.
    Id(Vec<u8>),
}

/// Proves that the row asked for is in the pack at `path`. The pack is checked first, all of it, but not who signed it.
///
/// # Errors
/// There is no such row, or more than one (exit 2); the pack is not sound (exit 4); the system refuses (exit 6).
pub fn prove(path: &Path, asked: &Asked) -> Result<Proof> {
    let (report, manifest) = verify::sound(path, &Trust::integrity())?;
    let unsound = |why: &str| verify::unsound(path, why);
    let mut pass = Pass::new(asked);
    verify::each_line(path, |line| pass.take(line).map_err(|odd| unsound(&odd.to_string())))?;
    let (header, found) = pass.finish(asked)?;
    if found.root.sha256_uri() != manifest.payload.digest {
        return Err(unsound("its rows changed while they were read"));
    }
    Ok(Proof {
        schema: SCHEMA.to_owned(),
        payload_digest: manifest.payload.digest,
        pack_digest: report.pack_digest.unwrap_or_default(),
        tree_size: found.size,
        header,
        row: Leaf { leaf_index: found.index, line: found.line, audit_path: found.path },
    })
}

/// The pass over the rows.
struct Pass {
    asked: Asked,
    /// As the row would show the id asked for, from its bytes or from its escaped form.
    fields: Vec<Vec<u8>>,
    header: Option<String>,
    of_header: Prover,
    of_row: Prover,
    row: Option<String>,
    found: u64,
    ordinals: Vec<Ordinal>,
}

/// The row that was found, and where.
struct Found {
    index: u64,
    size: u64,
    line: String,
    path: Vec<Digest>,
    root: Digest,
}

impl Pass {
    fn new(asked: &Asked) -> Self {
        let mut fields = Vec::new();
        if let Asked::Id(id) = asked {
            let unescaped = escape::undo(id);
            for bytes in [Some(id.clone()), unescaped].into_iter().flatten() {
                let mut field = Vec::new();
                row::push_text(&mut field, &bytes);
                fields.push(field);
            }
        }
        Self {
            asked: asked.clone(),
            fields,
            header: None,
            of_header: Prover::default(),
            of_row: Prover::default(),
            row: None,
            found: 0,
            ordinals: Vec::new(),
        }
    }

    fn take(&mut self, line: &[u8]) -> Result<(), Malformed> {
        let hash = merkle::leaf(line);
        let is_header = self.header.is_none();
        if is_header {
            let malformed = Malformed::Part { part: "the header", ordinal: None };
            self.header = Some(String::from_utf8(line.to_vec()).map_err(|_| malformed)?);
        }
        self.of_header.push(hash, is_header);
        let is_asked = !is_header && self.is_asked(line)?;
        self.of_row.push(hash, is_asked);
        Ok(())
    }

    /// Whether the row in `line` is one that was asked for; it is then kept.
    fn is_asked(&mut self, line: &[u8]) -> Result<bool, Malformed> {
        let row = Row::read(line)?;
        let is_asked = match &self.asked {
            Asked::Ordinal(asked) => *asked == row.ordinal,
            Asked::Id(_) => self.fields.iter().any(|field| field == row.id()),
        };
        if !is_asked {
            return Ok(false);
        }
        self.found += 1;
        if self.row.is_none() {
            let malformed = Malformed::part("the text", row.ordinal);
            self.row = Some(String::from_utf8(line.to_vec()).map_err(|_| malformed)?);
        }
        if self.ordinals.len() < REPEATS_SHOWN {
            self.ordinals.push(row.ordinal);
        }
        Ok(true)
    }

    fn finish(self, asked: &Asked) -> Result<(Leaf, Found)> {
        let name = match asked {
            Asked::Ordinal(ordinal) => format!("ordinal {ordinal}"),
            Asked::Id(id) => format!("the id `{}`", escape::to_string(id)),
        };
        if self.found > 1 {
            let shown: Vec<String> = self.ordinals.iter().map(ToString::to_string).collect();
            let more = if self.found > shown.len() as u64 { ", …" } else { "" };
            return Err(Error::usage(format!(
                "{name} is that of {} records, at ordinals {}{more}",
                self.found,
                shown.join(", ")
            ))
            .hint("say which one with `--ordinal N`"));
        }
        let (Some(row), Some(line), Some(header), Some(of_header)) =
            (self.of_row.finish(), self.row, self.header, self.of_header.finish())
        else {
            return Err(Error::usage(format!("no row of the pack has {name}"))
                .hint("`summary.csv` shows every id and ordinal; an INCOMPLETE pack does not have them all"));
        };
        let Inclusion { index, size, path, root } = row;
        let header = Leaf { leaf_index: 0, line: header, audit_path: of_header.path };
        Ok((header, Found { index, size, line, path, root }))
    }
}

impl Proof {
    /// The file's content: canonical JSON.
    ///
    /// # Errors
    /// None in practice: a proof has a canonical form.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        json::to_line(self)
    }

    /// Reads the proof in the file at `path`.
    ///
    /// # Errors
    /// There is no such file (exit 2), or it is not a proof (exit 4).
    pub fn load(path: &Path) -> Result<Self> {
        let metadata = std::fs::metadata(path).map_err(|e| Error::input(path, &e))?;
        if !metadata.is_file() || metadata.len() > BYTES_MAX {
            return Err(Error::verification(format!("`{}` is no proof: not a file of its size", path.display()))
                .hint("give the file that `molsieve prove --out` wrote"));
        }
        let (mut bytes, refused) = (Vec::new(), |e| Error::input(path, &e));
        fs::open_input(path).map_err(refused)?.take(BYTES_MAX).read_to_end(&mut bytes).map_err(refused)?;
        let what = format!("`{}`", path.display());
        let remade = "it was changed, or is none: `molsieve prove PACK --id X --out P` makes one";
        let proof: Self = json::from_slice(&what, &bytes).map_err(|e| e.hint(remade))?;
        if proof.schema != SCHEMA {
            return Err(Error::verification(format!("{what} has the unknown schema `{}`", escape_text(&proof.schema)))
                .hint("use the version of molsieve that made it, or a later one"));
        }
        Ok(proof)
    }

    /// Checks that both lines are in the tree whose root is the payload digest, the row at a place where it can be; and that
    /// this is the payload that is `trusted`, of so many rows, if that is known.
    ///
    /// # Errors
    /// They are not, or it is not (exit 4); what is trusted is the digest of the pack (exit 2).
    pub fn check(&self, trusted: Option<&Trusted>) -> Result<()> {
        let Some(root) = Digest::from_sha256_uri(&self.payload_digest) else {
            return wrong("its payload digest is not `sha256:` and 64 digits");
        };
        if self.header.leaf_index != 0 || self.row.leaf_index == 0 {
            return wrong("the header is leaf 0, and a row is another one");
        }
        for (name, leaf) in [("header", &self.header), ("row", &self.row)] {
            if leaf.line.contains(['\n', '\r']) || leaf.audit_path.len() > PATH_MAX {
                return wrong(&format!("its {name} is not one line, or its path is too long"));
            }
            let hash = merkle::leaf(leaf.line.as_bytes());
            if inclusion::root_of(hash, leaf.leaf_index, self.tree_size, &leaf.audit_path) != Some(root) {
                return wrong(&format!("the {name} is not in the tree that has this payload digest"));
            }
        }
        let Some(ordinal) = self.ordinal() else { return wrong("its row does not begin with an ordinal") };
        // Ordinals ascend, so no row stands further down than it does where none is missing.
        if self.row.leaf_index - 1 > ordinal {
            return wrong(&format!("the row of record {ordinal} cannot be leaf {}", self.row.leaf_index));
        }
        trusted.map_or(Ok(()), |trusted| self.check_against(trusted, ordinal))
    }

    /// The ordinal with which the row begins.
    pub fn ordinal(&self) -> Option<Ordinal> {
        Row::read(self.row.line.as_bytes()).ok().map(|row| row.ordinal)
    }

    fn check_against(&self, trusted: &Trusted, ordinal: Ordinal) -> Result<()> {
        if trusted.payload_digest != self.payload_digest {
            if trusted.payload_digest == self.pack_digest {
                return Err(Error::usage("that is the digest of the pack, and a proof is of its payload")
                    .hint("give the payload digest of that pack: it is in its manifest and in its attestation"));
            }
            let own = &self.payload_digest;
            return wrong(&format!("it is of the payload {own}, and not of the one that you trust"));
        }
        // The root alone does not say of how many leaves it is.
        if let Some(rows) = trusted.rows.filter(|rows| rows.checked_add(1) != Some(self.tree_size)) {
            let size = self.tree_size;
            return wrong(&format!(
                "its tree has {size} leaves, and a header and the {rows} rows of that payload are not as many"
            ));
        }
        if trusted.complete == Some(true) && self.row.leaf_index - 1 != ordinal {
            let at = self.row.leaf_index;
            return wrong(&format!("the payload is complete, and the row of record {ordinal} is not its leaf {at}"));
        }
        Ok(())
    }
}

fn wrong<T>(what: &str) -> Result<T> {
    Err(Error::verification(format!("the proof does not hold: {what}"))
        .hint("it was changed, or made wrongly: ask for another, which `molsieve prove PACK --id X` makes"))
}

fn escape_text(text: &str) -> String {
    escape::to_string(text.as_bytes())
}
