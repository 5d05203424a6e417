//! The end of a campaign: gathered, sealed, signed, and each of it in the journal.

use std::path::Path;

use crate::audit;
use crate::campaign::file::Campaign;
use crate::campaign::identity::Identity;
use crate::clock;
use crate::encode;
use crate::error::{Error, Kind, Result};
use crate::fs;
use crate::gather;
use crate::journal::event::{Event, PauseCode};
use crate::journal::{self, Journal};
use crate::layout::{self, HomeDir};
use crate::pack::keys::{PrivateKey, PublicKey};
use crate::pack::seal::{self, SealedPack};
use crate::pack::sign;
use crate::pack::verify::{self, Accept, Code, Problem, Report, Trust};
use crate::registry::Entry;
use crate::run::policy::Pause;

/// Enough for a segment of the journal and its name.
const RESERVE_BYTES: usize = 32 << 10;

/// A pack at the end of a campaign, or of its budget.
#[derive(Debug)]
pub struct Closed {
    /// As it was sealed.
    pub sealed: SealedPack,
    /// Its signature, where there was a key.
    pub signed: Option<sign::Signed>,
}

/// Gathers, seals, and signs where there is a key; each of it is in the journal afterwards.
///
/// # Errors
/// As [`seal()`] and [`sign()`].
pub fn close(
    campaign: &Campaign,
    journal: &mut Journal,
    key: Option<&Path>,
    missing: gather::Missing,
) -> Result<Closed> {
    let sealed = seal(campaign, missing)?;
    note_sealed(journal, &sealed)?;
    let signed = key.map(|key| sign(journal, &sealed, key)).transpose()?;
    Ok(Closed { sealed, signed })
}

/// The budget is used up: what is sealed becomes an INCOMPLETE pack. None where not one task group is complete: what is
/// finished is in the checkpoints, and there is nothing to pack.
///
/// # Errors
/// As [`close`].
pub fn drain(campaign: &Campaign, journal: &mut Journal, key: Option<&Path>) -> Result<Option<Closed>> {
    match close(campaign, journal, key, gather::Missing::Allow) {
        Err(e) if e.kind() == Kind::Incomplete => Ok(None),
        closed => closed.map(Some),
    }
}

/// Verifies the pack that a campaign has already. A copy in it that is damaged is mended, and where there is a key and no
/// signature, it is signed: the driver that sealed it may have died before, or have had no key.
///
/// # Errors
/// The pack cannot be read, the key cannot sign (exit 2), or the system refuses (exit 6).
pub fn confirm(campaign: &Campaign, key: Option<&Path>) -> Result<(Report, Option<sign::Signed>)> {
    confirm_at(&campaign.dir.pack(), key, |signed| {
        let (mut journal, _) = Journal::take_over(&campaign.dir)?;
        note_signed(&mut journal, signed)
    })
}

/// As [`confirm`], for the pack at `path`, whose campaign may be elsewhere; `note` is told of a signature.
///
/// # Errors
/// As [`confirm`], and those of `note`.
pub fn confirm_at(
    path: &Path,
    key: Option<&Path>,
    note: impl FnOnce(&sign::Signed) -> Result<()>,
) -> Result<(Report, Option<sign::Signed>)> {
    let trust = match key {
        Some(private) => Trust { keys: vec![public_half(private)?], threshold: 1, accept: Accept::Trusted },
        None => Trust::integrity(),
    };
    let mut report = verify::verify(path, &trust)?;
    let is_of_signers = |problem: &Problem| matches!(problem.code, Code::Unsigned | Code::KeyUnknown);
    if report.has_bad_copy() && report.problems.iter().all(|p| p.in_copy || is_of_signers(p)) {
        sign::mend(path)?;
        report = verify::verify(path, &trust)?;
    }
    let Some(private) = key.filter(|_| report.has(Code::Unsigned) && report.problems.len() == 1) else {
        return Ok((report, None));
    };
    let signed = sign::sign(path, &[PrivateKey::load(private)?])?;
    note(&signed)?;
    Ok((verify::verify(path, &trust)?, Some(signed)))
}

/// The public key of `private`, from the file beside it if the private one is kept elsewhere.
fn public_half(private: &Path) -> Result<PublicKey> {
    let beside = layout::public_key_beside(private);
    if !private.exists() && beside.exists() {
        return PublicKey::load(&beside);
    }
    PrivateKey::load(private)?.public()
}

/// Gathers and seals, and leaves the journal alone.
///
/// # Errors
/// As [`gather::gather`] and [`seal::seal`].
pub fn seal(campaign: &Campaign, missing: gather::Missing) -> Result<SealedPack> {
    can_write(&campaign.file.identity)?;
    let gathered = gather::gather(&campaign.dir, &campaign.file.identity, &campaign.plan, missing)?;
    let library = campaign.dir.library_named(&campaign.file.execution.library);
    let request = seal::Request {
        dir: &campaign.dir,
        identity: &campaign.file.identity,
        plan: &campaign.plan,
        library: &library,
        exports: &campaign.file.execution.export,
        facts: facts(campaign)?,
    };
    seal::seal(gathered, &request)
}

/// Refuses a campaign whose pack this binary cannot make, before anything is done for it.
///
/// # Errors
/// This binary was built without an encoding that the pack is to hold (exit 2).
pub fn can_write(identity: &Identity) -> Result<()> {
    encode::asked(&identity.pack.outputs, &identity.scorer.description.columns).map(|_| ())
}

/// Notes the seal in the journal.
///
/// # Errors
/// The journal cannot be written (exit 6), or is another's by now (exit 75).
pub fn note_sealed(journal: &mut Journal, sealed: &SealedPack) -> Result<()> {
    let event = Event::Sealed {
        payload: sealed.manifest.payload.digest.clone(),
        pack: sealed.pack_digest.clone(),
        complete: sealed.manifest.complete,
    };
    journal.record(event).map(|_| ())
}

/// Sets room aside for the last words of a driver that meets a full disk. What cannot be reserved is not missed before.
pub fn reserve(campaign: &Campaign) {
    let _ = has_room(campaign);
}

/// Whether there is room for the last words of a driver now; it is set aside anew.
pub fn has_room(campaign: &Campaign) -> bool {
    fs::replace(&campaign.dir.reserve(), &vec![b'.'; RESERVE_BYTES]).is_ok()
}

/// Gives it back. (A successor of `journal`'s writer has made one for itself.)
pub fn free_reserve(campaign: &Campaign, journal: &Journal) {
    if journal.still_ours().is_ok() {
        let _ = fs::remove(&campaign.dir.reserve());
    }
}

/// Pauses a campaign whose driver met a full disk, if the journal can still be written: the reserve makes room for it.
///
/// # Errors
/// Not even that can be written (exit 6), or another process has taken over (exit 75).
pub fn pause_for_room(campaign: &Campaign, journal: &Journal, full: &Error) -> Result<Pause> {
    journal.still_ours()?;
    fs::remove(&campaign.dir.reserve())?;
    // A segment of its own: the one before may end in half a line.
    let (mut journal, _) = Journal::take_over(&campaign.dir)?;
    let what = std::iter::once(full.what()).chain(full.hints().iter().map(String::as_str));
    let pause = Pause { code: PauseCode::DiskFull, reason: what.collect::<Vec<_>>().join("; ") };
    journal.record(Event::Paused { reason: pause.reason.clone(), code: Some(pause.code) })?;
    Ok(pause)
}

/// Signs with the key at `key`, and notes it in the journal.
///
/// # Errors
/// The key cannot sign (exit 2), or the system refuses (exit 6).
pub fn sign(journal: &mut Journal, sealed: &SealedPack, key: &Path) -> Result<sign::Signed> {
    let signed = sign::sign_sealed(sealed, &[PrivateKey::load(key)?])?;
    note_signed(journal, &signed)?;
    Ok(signed)
}

/// Notes each signature in the journal.
///
/// # Errors
/// As [`note_sealed`].
pub fn note_signed(journal: &mut Journal, signed: &sign::Signed) -> Result<()> {
    let mut keyids = signed.keyids.iter();
    keyids.try_for_each(|keyid| journal.record(Event::Signed { keyid: keyid.clone() }).map(|_| ()))
}

/// Where a signature stands in the registry and in the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// `sha256:` of the registry entry.
    pub entry_digest: String,
    /// How far the audit log goes with it.
    pub head: audit::Head,
}

/// Writes what was signed into the registry and the audit log of this process's home.
///
/// The signature stands whether this works or not.
///
/// # Errors
/// They are damaged (exit 4), or cannot be written (exit 6).
pub fn register(signed: &sign::Signed) -> Result<Registered> {
    let home = HomeDir::of_environment()?;
    let (event, head) = audit::signed(&home, |place, at| Entry::new(&signed.manifest, &signed.keyids, place, at))?;
    let audit::What::Signed { entry_digest, .. } = event.what;
    Ok(Registered { entry_digest: entry_digest.sha256_uri(), head })
}

/// The journal's facts about an execution, for the provenance of its pack.
fn facts(campaign: &Campaign) -> Result<serde_json::Value> {
    let entries = journal::read(&campaign.dir)?.entries;
    let events = entries.into_iter().map(|entry| (clock::rfc3339(entry.at_ms), entry.event));
    let events: Vec<_> = events.map(|(at, event)| serde_json::json!({"at": at, "event": event})).collect();
    let mut facts = campaign.file.execution.told();
    facts.insert("events".to_owned(), events.into());
    Ok(facts.into())
}
