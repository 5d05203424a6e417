//! The audit log: who did what, when, as a chain of events, one file each.
//!
//! Each event names the digest of the one before it, so none can be changed, removed or moved without
//! all later ones being written anew; and the registry entries, each named by its own digest, say where
//! in the chain they belong, so the end of the log cannot be cut off without them. Appending takes no
//! lock: the next file is created whole, and whoever is second takes the next number.
//! See `docs/formats/audit.md` for what can be detected, and what cannot.

pub mod check;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::canonical::json;
use crate::clock;
use crate::digest::{self, Digest};
use crate::error::{Error, Kind, Result};
use crate::fs;
use crate::layout::HomeDir;
use crate::registry::{self, Entry, Place, Who};

/// Schema of [`Event`].
pub const SCHEMA: &str = "molsieve.audit-event.v1";

/// An event is never longer: it holds one registry entry.
const BYTES_MAX: u64 = registry::BYTES_MAX + (1 << 16);

const REPAIR: &str = "`molsieve audit verify` says all that is wrong; restore the file from a copy";

/// So many others may take the number that this process was about to take.
const RACES_MAX: u32 = 10_000;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// [`SCHEMA`].
    pub schema: String,
    /// Its number, from 1: the name of its file.
    pub seq: u64,
    /// SHA-256 of the line before without its line feed; of nothing for the first.
    pub prev: Digest,
    /// When, RFC 3339, by the clock of the machine.
    pub at: String,
    /// Who, as the system says.
    pub who: Who,
    /// What.
    pub what: What,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case", tag = "kind")]
pub enum What {
    /// A pack was signed.
    Signed {
        /// The name of the registry entry: SHA-256 of its file.
        entry_digest: Digest,
        /// The registry entry itself, so that it can be written again.
        entry: Box<Entry>,
    },
}

/// How far the log goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The number of the last event; 0 if there is none.
    pub seq: u64,
    /// SHA-256 of its line without the line feed; of nothing if there is none.
    pub digest: Digest,
}

impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.seq, self.digest)
    }
}

impl std::str::FromStr for Head {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parsed = || {
            let (seq, digest) = text.split_once(':')?;
            Some(Self { seq: seq.parse().ok()?, digest: digest.parse().ok()? })
        };
        parsed().ok_or_else(|| {
            Error::usage(format!("`{text}` is not the head of an audit log"))
                .hint("give `SEQ:DIGEST`, as `molsieve audit verify` prints it")
        })
    }
}

/// The numbers of all events, ascending, and what else is in their directory.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    /// The events.
    pub events: Vec<u64>,
    /// Other names.
    pub strangers: Vec<String>,
}

/// Lists the log in `home` without reading it. Temporary files of writers are left out.
///
/// # Errors
/// The system refuses (exit 6).
pub fn numbers(home: &HomeDir) -> Result<Numbers> {
    let (dir, mut numbers) = (home.audit(), Numbers::default());
    let entries = match std::fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(numbers),
        Err(e) => return Err(Error::io("cannot list", &dir, &e)),
    };
    for entry in entries {
        let name = entry.map_err(|e| Error::io("cannot list", &dir, &e))?.file_name();
        let name = name.to_string_lossy();
        match HomeDir::audit_number(&name) {
            Some(number) => numbers.events.push(number),
            None if fs::is_temporary(&name) => {}
            None => numbers.strangers.push(name.into_owned()),
        }
    }
    numbers.events.sort_unstable();
    numbers.strangers.sort();
    Ok(numbers)
}

/// The line of an event without its line feed; `None` if it is not there.
///
/// # Errors
/// It is no event (exit 4), or cannot be read (exit 6).
pub fn line(home: &HomeDir, number: u64) -> Result<Option<Vec<u8>>> {
    let path = home.audit_event(number);
    match std::fs::symlink_metadata(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io("cannot read", &path, &e)),
        Ok(found) if !found.is_file() || found.len() > BYTES_MAX => return Err(no_event(&path)),
        Ok(_) => {}
    }
    let mut bytes = fs::read_plain(&path).map_err(|e| Error::io("cannot read", &path, &e))?;
    if bytes.pop() == Some(b'\n') && !bytes.ends_with(b"\n") { Ok(Some(bytes)) } else { Err(no_event(&path)) }
}

fn no_event(path: &Path) -> Error {
    Error::verification(format!("`{}` is not an event as they are written", path.display())).hint(REPAIR)
}

/// Reads an event from its line.
///
/// # Errors
/// It is none (exit 4).
pub fn parse(number: u64, line: &[u8]) -> Result<Event> {
    let event: Event = json::from_slice(&format!("audit event {number}"), line).map_err(|e| e.hint(REPAIR))?;
    if event.schema != SCHEMA || event.seq != number {
        return Err(
            Error::verification(format!("audit event {number} has another number or an unknown schema")).hint(REPAIR)
        );
    }
    Ok(event)
}

/// How far the log in `home` goes, from its last event alone.
///
/// # Errors
/// That event is damaged (exit 4), or the system refuses (exit 6).
pub fn head(home: &HomeDir) -> Result<Head> {
    let Some(seq) = numbers(home)?.events.last().copied() else {
        return Ok(Head { seq: 0, digest: digest::sha256(b"") });
    };
    let last = line(home, seq)?.ok_or_else(|| Error::verification(format!("audit event {seq} has just gone")))?;
    Ok(Head { seq, digest: digest::sha256(&last) })
}

/// Appends that a pack was signed; `entry` makes the registry entry for a place and a time. It is stored as well.
///
/// The event comes first: should this process die between the two, the next one to sign writes the entry.
///
/// # Errors
/// The log or the registry is damaged (exit 4), or cannot be written (exit 6).
pub fn signed(home: &HomeDir, entry: impl Fn(Place, String) -> Result<Entry>) -> Result<(Event, Head)> {
    fs::create_dir(&home.audit())?;
    for _ in 0..RACES_MAX {
        let last = head(home)?;
        complete(home, last.seq)?;
        let (seq, prev, at) = (last.seq + 1, last.digest, clock::rfc3339(clock::unix_ms()));
        let entry = entry(Place { seq, prev }, at.clone())?;
        let who = entry.who.clone();
        let what = What::Signed { entry_digest: entry.digest()?, entry: Box::new(entry) };
        let event = Event { schema: SCHEMA.to_owned(), seq, prev, at, who, what };
        let mut bytes = json::to_vec(&event)?;
        let digest = digest::sha256(&bytes);
        bytes.push(b'\n');
        if bytes.len() as u64 > BYTES_MAX {
            return Err(
                Error::usage("the audit event of this pack is too long").hint("give the campaign a shorter name")
            );
        }
        if fs::write_new(&home.audit_event(seq), &bytes)? {
            let What::Signed { entry, .. } = &event.what;
            registry::store(home, entry)?;
            return Ok((event, Head { seq, digest }));
        }
    }
    Err(Error::new(Kind::Environment, format!("others keep appending to `{}`", home.audit().display())))
}

/// Writes the registry entry of event `seq`, if whoever appended that event died before it could.
fn complete(home: &HomeDir, seq: u64) -> Result<()> {
    if seq == 0 {
        return Ok(());
    }
    let Some(last) = line(home, seq)? else { return Ok(()) };
    let What::Signed { entry_digest, entry } = parse(seq, &last)?.what;
    if registry::load(home, &entry_digest)?.is_none() && entry.digest()? == entry_digest {
        registry::store(home, &entry)?;
    }
    Ok(())
}
