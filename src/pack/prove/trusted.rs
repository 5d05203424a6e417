//! What of a payload is trusted, from elsewhere than the proof: its digest alone, or what a signer stated of it.

use std::io::Read;
use std::path::Path;

use super::super::envelope::{self, Claims, Envelope, pre_authentication};
use super::super::keys::PublicKey;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::fs;

/// What is known of the payload that a proof should be of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted {
    /// `sha256:` and the root of the row tree.
    pub payload_digest: String,
    /// How many rows it has.
    pub rows: Option<u64>,
    /// Whether every record of the library is in it, so that the row of record n is leaf n + 1.
    pub complete: Option<bool>,
}

impl Trusted {
    /// The digest, as somebody read it from a verified pack, and the number of rows if they noted that as well.
    ///
    /// # Errors
    /// It is no digest (exit 2).
    pub fn stated(digest: &str, rows: Option<u64>) -> Result<Self> {
        if Digest::from_sha256_uri(digest).is_none() {
            return Err(Error::usage(format!("`{digest}` is not `sha256:` and 64 lowercase hex digits"))
                .hint("give the payload digest, as `molsieve verify` prints it"));
        }
        Ok(Self { payload_digest: digest.to_owned(), rows, complete: None })
    }

    /// What the attestation at `path` says, which one of `keys` must have signed.
    ///
    /// # Errors
    /// There is no such file (exit 2); it is no attestation, or none of the keys vouches for it (exit 4).
    pub fn attested(path: &Path, keys: &[PublicKey]) -> Result<Self> {
        let refused = |e| Error::input(path, &e);
        let mut bytes = Vec::new();
        let file = fs::open_input(path).map_err(refused)?;
        file.take(envelope::BYTES_MAX + 1).read_to_end(&mut bytes).map_err(refused)?;
        let wrong = |why: &str| {
            Error::verification(format!("`{}` {why}", path.display()))
                .hint("give the `attestation.dsse.json` of the pack, and the public key of who signed it")
        };
        if bytes.len() as u64 > envelope::BYTES_MAX {
            return Err(wrong("is longer than an attestation can be"));
        }
        let envelope = Envelope::read(&bytes)?;
        let (statement, mut vouched) = (envelope.statement()?, false);
        for signed in envelope.signatures()? {
            let Some(key) = keys.iter().find(|key| key.keyid() == signed.keyid) else { continue };
            if !key.verifies(&pre_authentication(&statement), &signed.signature) {
                return Err(wrong("holds a signature of that key that does not hold"));
            }
            vouched = true;
        }
        if !vouched {
            return Err(wrong("is not signed by that key"));
        }
        let Claims { payload_digest, rows, complete } = envelope::claims(&statement)?;
        Ok(Self { payload_digest, rows: Some(rows), complete: Some(complete) })
    }
}
