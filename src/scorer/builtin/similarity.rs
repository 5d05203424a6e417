//! Similarity to a set of actives, and seven descriptors, with RDKit's definitions.
//!
//! ECFP4 (2048 bits) and Tanimoto; molecular weight, log P, polar surface, donors, acceptors,
//! rotatable bonds. How far it agrees with RDKit is measured and stated in `docs/similarity.md`.

use std::path::Path;

use super::chem::{Mol, crippen, hbond, morgan, rotatable, tpsa, weight};
use super::decoys::Decoy;
use super::{Builtin, structure, tanimoto};
use crate::digest::{self, Digest};
use crate::error::{Error, Result};
use crate::fs;
use crate::library::format::Notation;
use crate::library::record::Record;
use crate::scorer::identity::ScorerFile;
use crate::scorer::precheck::precheck;
use crate::scorer::{Column, ColumnType, Description, Order, Value, Verdict};

/// The columns, in order: name, type, unit (`1`: a number without one), and what it is.
const COLUMNS: [(&str, ColumnType, Option<&str>, &str); 8] = [
    ("similarity", ColumnType::Float, Some("1"), "Tanimoto similarity to the nearest active"),
    ("nearest", ColumnType::String, None, "id of the nearest active"),
    ("mw", ColumnType::Float, Some("g/mol"), "average molecular weight"),
    ("logp", ColumnType::Float, Some("1"), "octanol-water partition coefficient, decadic logarithm, estimated"),
    ("tpsa", ColumnType::Float, Some("angstrom^2"), "topological polar surface area"),
    ("hbd", ColumnType::Int, Some("1"), "hydrogen bond donors"),
    ("hba", ColumnType::Int, Some("1"), "hydrogen bond acceptors"),
    ("rotb", ColumnType::Int, Some("1"), "rotatable bonds"),
];

/// Version of the algorithm: it changes when any structure could get another row.
const VERSION: &str = "1";

/// The scorer with its actives.
#[derive(Clone, Debug)]
pub struct Similarity {
    description: Description,
    notation: Notation,
    ids: Vec<String>,
    index: tanimoto::Index,
    sha256: Digest,
}

/// No file of actives is larger, in bytes.
const ACTIVES_BYTES_MAX: u64 = 256 << 20;

/// Reads a file of actives: a SMILES and an id a line, separated by white space; blank lines and
/// lines that begin with `#` are passed over. The nth active without an id (from 1) is `active-n`.
///
/// # Errors
/// The file is not there, holds no active, or one that is not a molecule (exit 2, naming file, line
/// and text); it cannot be read (exit 6).
pub fn load(actives: &Path) -> Result<Similarity> {
    let bytes = fs::read_input(actives, ACTIVES_BYTES_MAX).map_err(|e| Error::input(actives, &e))?;
    Similarity::from_actives(&bytes).map_err(|e| e.within(format!("actives `{}`", actives.display())))
}

impl Similarity {
    /// The scorer with the actives in `bytes`, the content of such a file.
    ///
    /// # Errors
    /// As for [`load`].
    pub fn from_actives(bytes: &[u8]) -> Result<Self> {
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let (mut ids, mut fingerprints) = (Vec::new(), Vec::new());
        for (number, line) in text.split(|b| *b == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() || line[0] == b'#' {
                continue;
            }
            let (id, fingerprint) = read_active(line, ids.len() + 1).map_err(|why| {
                let shown = String::from_utf8_lossy(line);
                Error::usage(format!("line {}: `{shown}` is not an active: {why}", number + 1))
                    .hint("correct the structure, or put `#` in front of the line")
            })?;
            ids.push(id);
            fingerprints.push(fingerprint);
        }
        if ids.is_empty() {
            return Err(Error::usage("there is no active in it").hint("give at least one SMILES"));
        }
        let notation = Notation::Smiles;
        let (description, index) = (description(notation), tanimoto::Index::new(&fingerprints));
        Ok(Self { description, notation, ids, index, sha256: digest::sha256(bytes) })
    }

    /// The same scorer for records whose structures are written as `notation`; the actives stay SMILES.
    #[must_use]
    pub fn reading(self, notation: Notation) -> Self {
        Self { notation, description: description(notation), ..self }
    }

    /// The files that the answer depends on, for the scorer's identity.
    pub fn files(&self) -> Vec<ScorerFile> {
        vec![ScorerFile { name: "actives".to_owned(), sha256: self.sha256 }]
    }

    /// The ids of the actives, in the order of the file.
    pub fn actives(&self) -> &[String] {
        &self.ids
    }

    fn values(&self, mol: &Mol) -> Vec<Value> {
        let (similarity, nearest) = match self.index.nearest(&morgan::fingerprint(mol)) {
            Some((similarity, at)) => (Value::Float(similarity), Value::Text(self.ids[at].clone().into_bytes())),
            None => (Value::Null, Value::Null),
        };
        vec![
            similarity,
            nearest,
            Value::Float(weight::molecular_weight(mol)),
            Value::Float(crippen::log_p(mol)),
            Value::Float(tpsa::polar_surface(mol)),
            Value::Int(hbond::donors(mol) as i64),
            Value::Int(hbond::acceptors(mol) as i64),
            Value::Int(rotatable::bonds(mol) as i64),
        ]
    }
}

impl Builtin for Similarity {
    fn describe(&self) -> &Description {
        &self.description
    }

    fn score(&self, record: &Record<'_>) -> Verdict {
        match structure::read(record, self.notation) {
            Ok(mol) => Verdict::ok(self.values(&mol)),
            Err(verdict) => verdict,
        }
    }

    fn score_of_decoy(&self, _parent: &Record<'_>, decoy: &Decoy) -> Option<f64> {
        self.index.nearest(&morgan::fingerprint(&decoy.mol)).map(|(similarity, _)| similarity)
    }
}

/// The id and fingerprint of an active; `number` counts them from 1.
fn read_active(line: &[u8], number: usize) -> std::result::Result<(String, morgan::Fingerprint), String> {
    let mut fields = line.split(u8::is_ascii_whitespace).filter(|f| !f.is_empty());
    let structure = fields.next().unwrap_or_default();
    if let Some(verdict) = precheck(&Record { ordinal: 0, id: b"", structure }) {
        return Err(verdict.reason.into_owned());
    }
    let mol = Mol::from_smiles(structure).map_err(|refusal| structure::reason(refusal).0.to_owned())?;
    let id = match fields.next() {
        Some(id) => String::from_utf8(id.to_vec()).map_err(|_| "its id is not UTF-8".to_owned())?,
        None => format!("active-{number}"),
    };
    Ok((id, morgan::fingerprint(&mol)))
}

fn description(notation: Notation) -> Description {
    let column = |(name, kind, unit, about): (&str, ColumnType, Option<&str>, &str)| Column {
        unit: unit.map(str::to_owned),
        description: Some(about.to_owned()),
        ..Column::new(name, kind, Order::default())
    };
    Description {
        name: "similarity".to_owned(),
        version: VERSION.to_owned(),
        columns: COLUMNS.map(column).to_vec(),
        deterministic: true,
        reasons: structure::reasons(notation, &[]),
    }
}
