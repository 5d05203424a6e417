//! `attestation.dsse.json`: an in-toto Statement v1 in a DSSE envelope, signed with Ed25519.
//!
//! The statement is a function of the manifest alone, so every signer signs the same bytes and a
//! verifier can say what the payload must be before it looks at it. The envelope is canonical JSON
//! with canonical base64: what is signed cannot be written in two ways.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::keys::PrivateKey;
use super::manifest::Manifest;
use super::{CHECKSUMS, MANIFEST};
use crate::canonical::json;
use crate::digest::{self, Digest};
use crate::error::{Error, Result};

/// The DSSE payload type.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// The in-toto statement type.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// The in-toto predicate type; `docs/formats/attestation.md` defines it.
pub const PREDICATE_TYPE: &str = "urn:molsieve:pack:v1";

/// An envelope is never longer.
pub const BYTES_MAX: u64 = 1 << 20;

/// The DSSE envelope, as the file holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// The statement, in base64.
    payload: String,
    /// [`PAYLOAD_TYPE`].
    #[serde(rename = "payloadType")]
    payload_type: String,
    /// Sorted by key, one a key, at least one.
    signatures: Vec<SignatureEntry>,
}

/// One signature of the envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureEntry {
    keyid: String,
    sig: String,
}

/// What signers state: an in-toto Statement v1 with a predicate of the type `P`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement<P> {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: P,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    name: String,
    digest: SubjectDigest,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SubjectDigest {
    sha256: Digest,
}

impl<P> Statement<P> {
    /// That the files of these names and digests are what `predicate` says, in this order.
    pub fn new(files: impl IntoIterator<Item = (String, Digest)>, predicate_type: &str, predicate: P) -> Self {
        let subject = |(name, sha256)| Subject { name, digest: SubjectDigest { sha256 } };
        Self {
            kind: STATEMENT_TYPE.to_owned(),
            subject: files.into_iter().map(subject).collect(),
            predicate_type: predicate_type.to_owned(),
            predicate,
        }
    }
}

/// The claims of the manifest that a reader of attestations alone wants to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Predicate {
    circumstantial: u64,
    complete: bool,
    pack_digest: String,
    payload_digest: String,
    records: Records,
}

/// How many records ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Records {
    /// All of them.
    pub total: u64,
    /// Scored.
    pub ok: u64,
    /// Not applicable.
    pub skip: u64,
    /// Failed.
    pub error: u64,
}

impl Records {
    /// Without the reasons.
    pub const fn of(counts: &crate::shard::receipt::Counts) -> Self {
        Self { total: counts.total, ok: counts.ok, skip: counts.skip, error: counts.error }
    }
}

/// A decoded signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedBy {
    /// The key that claims it.
    pub keyid: String,
    /// 64 bytes.
    pub signature: Vec<u8>,
}

/// The statement on a pack: canonical JSON.
///
/// # Errors
/// None in practice: a statement has a canonical form.
pub fn statement(manifest: &Manifest, manifest_bytes: &[u8], checksums: &[u8]) -> Result<Vec<u8>> {
    let file = |name: &str, bytes: &[u8]| (name.to_owned(), digest::sha256(bytes));
    let predicate = Predicate {
        circumstantial: manifest.circumstantial,
        complete: manifest.complete,
        pack_digest: digest::sha256(manifest_bytes).sha256_uri(),
        payload_digest: manifest.payload.digest.clone(),
        records: Records::of(&manifest.records),
    };
    let files = [file(MANIFEST, manifest_bytes), file(CHECKSUMS, checksums)];
    json::to_vec(&Statement::new(files, PREDICATE_TYPE, predicate))
}

/// What a statement says of the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// `sha256:` and the root of the row tree.
    pub payload_digest: String,
    /// How many rows.
    pub rows: u64,
    /// Whether every record of the library is in it.
    pub complete: bool,
}

/// What `statement` says of the payload, for whoever has no more of the pack.
///
/// # Errors
/// It is no statement on a pack (exit 4).
pub fn claims(statement: &[u8]) -> Result<Claims> {
    let statement: Statement<Predicate> = json::from_slice("the statement in `attestation.dsse.json`", statement)?;
    if (statement.kind.as_str(), statement.predicate_type.as_str()) != (STATEMENT_TYPE, PREDICATE_TYPE) {
        return Err(malformed("states something else than what is in a pack"));
    }
    let Predicate { payload_digest, records, complete, .. } = statement.predicate;
    Ok(Claims { payload_digest, rows: records.total, complete })
}

/// The bytes that are signed: the DSSE pre-authentication encoding of `statement`.
pub fn pre_authentication(statement: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), statement.len()).into_bytes();
    out.extend_from_slice(statement);
    out
}

impl Envelope {
    /// An envelope around `statement` that nobody has signed yet: not valid as a file.
    pub fn around(statement: &[u8]) -> Self {
        Self { payload: STANDARD.encode(statement), payload_type: PAYLOAD_TYPE.to_owned(), signatures: Vec::new() }
    }

    /// Adds the signature of `key`, or leaves the one that it gave before.
    ///
    /// # Errors
    /// The payload is not base64: it was not checked.
    pub fn sign(&mut self, key: &PrivateKey) -> Result<()> {
        let sig = STANDARD.encode(key.sign(&pre_authentication(&self.statement()?)));
        let entry = SignatureEntry { keyid: key.public()?.keyid().to_owned(), sig };
        self.signatures.retain(|s| s.keyid != entry.keyid);
        self.signatures.push(entry);
        self.signatures.sort_by(|a, b| a.keyid.cmp(&b.keyid));
        Ok(())
    }

    /// Takes over the signatures of `other` by keys that have not signed here; whether it is around the same statement.
    pub fn join(&mut self, other: &Self) -> bool {
        if !self.is_around_the_same(other) {
            return false;
        }
        for entry in &other.signatures {
            if self.signatures.iter().all(|known| known.keyid != entry.keyid) {
                self.signatures.push(entry.clone());
            }
        }
        self.signatures.sort_by(|a, b| a.keyid.cmp(&b.keyid));
        true
    }

    /// Whether `other` is around the same statement.
    pub fn is_around_the_same(&self, other: &Self) -> bool {
        other.payload == self.payload
    }

    /// Whether anybody has signed.
    pub fn is_signed(&self) -> bool {
        !self.signatures.is_empty()
    }

    /// The file's content.
    ///
    /// # Errors
    /// None in practice: an envelope has a canonical form.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        json::to_line(self)
    }

    /// Reads an envelope, strictly: canonical JSON, no other field, canonical base64, signatures
    /// sorted by key and one a key.
    ///
    /// # Errors
    /// It is anything else (exit 4).
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let envelope: Self = json::from_line("the envelope", bytes)?;
        if envelope.payload_type != PAYLOAD_TYPE {
            return Err(malformed("holds another payload type"));
        }
        if envelope.signatures.is_empty() {
            return Err(malformed("holds no signature"));
        }
        if !envelope.signatures.is_sorted_by(|a, b| a.keyid < b.keyid) {
            return Err(malformed("holds signatures that are not sorted by key, or two of one key"));
        }
        envelope.statement()?;
        envelope.signatures()?;
        Ok(envelope)
    }

    /// The statement: the bytes that were signed, decoded.
    ///
    /// # Errors
    /// The payload is not canonical base64 (exit 4).
    pub fn statement(&self) -> Result<Vec<u8>> {
        STANDARD.decode(&self.payload).map_err(|_| malformed("holds a payload that is not canonical base64"))
    }

    /// The signatures, decoded.
    ///
    /// # Errors
    /// One is not canonical base64 of 64 bytes, or its keyid is not one (exit 4).
    pub fn signatures(&self) -> Result<Vec<SignedBy>> {
        let decode = |entry: &SignatureEntry| {
            let signature = STANDARD.decode(&entry.sig).ok().filter(|s| s.len() == 64);
            let signature =
                signature.ok_or_else(|| malformed("holds a signature that is not canonical base64 of 64 bytes"))?;
            let keyid = entry
                .keyid
                .parse::<Digest>()
                .map_err(|_| malformed("holds a keyid that is not 64 lowercase hex digits"))?;
            Ok(SignedBy { keyid: keyid.to_string(), signature })
        };
        self.signatures.iter().map(decode).collect()
    }
}

fn malformed(what: &str) -> Error {
    Error::verification(format!("the envelope {what}"))
}
