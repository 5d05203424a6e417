//! The attestation: who signed, whether that holds, and whether it is this pack that they signed.

use std::collections::BTreeSet;

use super::report::{Code, Judged, Problem, Refusal, Report};
use crate::pack::ATTESTATION;
use crate::pack::envelope::{Envelope, SignedBy, pre_authentication};
use crate::pack::keys::PublicKey;

/// Whom to trust.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// The keys that count.
    pub keys: Vec<PublicKey>,
    /// How many of them must have signed; 0 counts as 1.
    pub threshold: usize,
    /// Which shortcomings of the signatures are no problem.
    pub accept: Accept,
}

impl Trust {
    /// Nobody in particular: the integrity of a pack is asked for, whoever signed it or not.
    pub fn integrity() -> Self {
        Self { accept: Accept::Unsigned, ..Self::default() }
    }
}

/// Which shortcomings of the signatures are no problem. A signature that does not hold always is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accept {
    /// None.
    #[default]
    Trusted,
    /// That only keys have signed which are not among the trusted ones.
    UnknownKeys,
    /// That, and that nobody has signed at all.
    Unsigned,
}

/// Judges the envelope in `bytes`, which should attest `statement`; who of the trusted signed goes to the report.
pub(super) fn judge(bytes: Option<&[u8]>, statement: &[u8], trust: &Trust, report: &mut Report) -> Judged<()> {
    let Some(bytes) = bytes else {
        if trust.accept != Accept::Unsigned {
            report.add(Problem::new(Code::Unsigned, "nobody has signed this pack"));
        }
        return Ok(());
    };
    let malformed = |e: crate::error::Error| {
        Refusal::Problem(Problem::of(Code::AttestationMalformed, ATTESTATION, e.what().to_owned()))
    };
    let envelope = Envelope::read(bytes).map_err(malformed)?;
    let signed = envelope.statement().map_err(malformed)?;
    let message = pre_authentication(&signed);
    let signatures = envelope.signatures().map_err(malformed)?;
    for signature in &signatures {
        judge_one(signature, &message, &trust.keys, report);
    }
    if signed != statement {
        let message = "the attestation is of another pack than this one";
        report.add(Problem::of(Code::AttestationMismatch, ATTESTATION, message));
    }
    enough(trust, report);
    Ok(())
}

/// Judges one signature.
fn judge_one(signed: &SignedBy, message: &[u8], keys: &[PublicKey], report: &mut Report) {
    let keyid = &signed.keyid;
    match keys.iter().find(|key| key.keyid() == keyid) {
        Some(key) if key.verifies(message, &signed.signature) => report.signers.push(keyid.clone()),
        Some(_) => {
            let message = format!("the signature of the trusted key `{keyid}` does not hold");
            report.add(Problem::of(Code::SignatureInvalid, ATTESTATION, message));
        }
        None if keys.iter().any(|key| key.verifies(message, &signed.signature)) => {
            let message = format!("a trusted key has signed under the keyid `{keyid}`, which is not its own");
            report.add(Problem::of(Code::KeyidWrong, ATTESTATION, message));
        }
        None => {}
    }
}

/// Whether enough trusted keys have signed.
fn enough(trust: &Trust, report: &mut Report) {
    let signers: BTreeSet<&String> = report.signers.iter().collect();
    let needed = trust.threshold.max(1);
    if signers.len() >= needed || trust.accept != Accept::Trusted {
        return;
    }
    let problem = if signers.is_empty() {
        let hint = if trust.keys.is_empty() {
            "no key was given to check the signatures with"
        } else {
            "no trusted key has signed this pack"
        };
        Problem::of(Code::KeyUnknown, ATTESTATION, hint)
    } else {
        let message = format!("{} trusted keys have signed, {needed} were asked for", signers.len());
        Problem::of(Code::SignaturesTooFew, ATTESTATION, message)
    };
    report.add(problem);
}
