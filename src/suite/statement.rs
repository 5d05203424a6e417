//! `suite.dsse.json`: an in-toto Statement v1 on all files of a suite, signed as a pack is. See `docs/formats/suite.md`.

use serde::{Deserialize, Serialize};

use super::document::{Document, Verdict};
use super::{Suite, SuiteDir};
use crate::canonical::json;
use crate::error::{Error, Kind, Result};
use crate::fs;
use crate::pack::envelope::{Envelope, Statement, pre_authentication};
use crate::pack::keys::{PrivateKey, PublicKey};

/// The in-toto predicate type.
const PREDICATE_TYPE: &str = "urn:molsieve:suite:v1";

/// What a reader of statements alone wants to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Predicate {
    suite: Suite,
    tag: String,
    verdict: Verdict,
}

/// The files of `document` that are signed for, by name.
pub fn names(document: &Document) -> Vec<String> {
    let mut names = vec![SuiteDir::REGISTRY, SuiteDir::LINEAGE, SuiteDir::DOCUMENT];
    if document.utility.is_some() {
        names.extend([SuiteDir::TRUTH, SuiteDir::COST_LIFT, SuiteDir::COST_LIFT_PAGE]);
    }
    let suite = document.asked.suite;
    let archives = suite.variants().into_iter().map(|name| SuiteDir::archive(suite, name));
    let mut names: Vec<String> = names.into_iter().map(str::to_owned).chain(archives).collect();
    names.sort_unstable();
    names
}

/// The statement on the files of `document` that lie in `dir`: canonical JSON, a function of their content.
///
/// # Errors
/// One is not there (exit 4), or the system refuses (exit 6).
pub fn statement(dir: &SuiteDir, document: &Document) -> Result<Vec<u8>> {
    let (suite, names) = (document.asked.suite, names(document));
    let subject = |name: &str| {
        let lacks = |e: Error| match e.kind() {
            Kind::Usage => Error::verification(format!("`{name}` of this suite is not there"))
                .hint("get the suite again from whoever signed it"),
            _ => e,
        };
        let (sha256, _) = fs::sha256_input(&dir.file(name)).map_err(lacks)?;
        Ok((name.to_owned(), sha256))
    };
    let files = names.iter().map(|name| subject(name)).collect::<Result<Vec<_>>>()?;
    let predicate = Predicate { suite, tag: document.release.tag.clone(), verdict: document.verdict };
    json::to_vec(&Statement::new(files, PREDICATE_TYPE, predicate))
}

/// `statement` in an envelope that `key` has signed: the content of the file.
///
/// # Errors
/// None in practice: an envelope has a canonical form.
pub fn signed(statement: &[u8], key: &PrivateKey) -> Result<Vec<u8>> {
    let mut envelope = Envelope::around(statement);
    envelope.sign(key)?;
    envelope.to_bytes()
}

/// Who of `keys` has signed the envelope in `bytes`, which must be around `statement`.
///
/// # Errors
/// It is malformed, about other files, or signed by none of them (exit 4).
pub fn signers(bytes: &[u8], statement: &[u8], keys: &[PublicKey]) -> Result<Vec<String>> {
    let envelope = Envelope::read(bytes).map_err(|e| e.within(format!("`{}`", SuiteDir::STATEMENT)))?;
    if envelope.statement()? != statement {
        return Err(Error::verification("the signed statement is about other files than those that lie here")
            .hint("a file was changed, or is missing: get the suite again from whoever signed it"));
    }
    let message = pre_authentication(statement);
    let all = envelope.signatures()?;
    let holds =
        |key: &&PublicKey| all.iter().any(|by| by.keyid == key.keyid() && key.verifies(&message, &by.signature));
    let signers: Vec<String> = keys.iter().filter(holds).map(|key| key.keyid().to_owned()).collect();
    if signers.is_empty() {
        return Err(Error::verification("none of the keys that were given has signed this suite")
            .hint("give the public key of whoever signed it with `--key`, if you trust them"));
    }
    Ok(signers)
}
