//! Checks the audit log against itself, against the registry, and against a head that was kept elsewhere.

use serde::{Deserialize, Serialize};

use super::{Event, Head, What, line, numbers, parse};
use crate::canonical::escape;
use crate::digest::{self, Digest};
use crate::error::{Kind, Result};
use crate::layout::HomeDir;
use crate::registry;

/// Schema of [`Report`].
pub const SCHEMA: &str = "molsieve.audit-verify.v1";

/// No report lists more problems.
const PROBLEMS_MAX: usize = 100;

/// What the check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// Whether there is no problem.
    pub verified: bool,
    /// How many events there are.
    pub events: u64,
    /// How many registry entries there are.
    pub entries: u64,
    /// How far the log goes: keep it elsewhere, and give it to the next check.
    pub head: String,
    /// What is wrong, the first event first.
    pub problems: Vec<Problem>,
    /// What an auditor wants to know and is not wrong.
    pub notes: Vec<String>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// Which sort of thing.
    pub code: Code,
    /// What, to what.
    pub message: String,
}

/// What can be wrong. Codes are stable: scripts may match on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// An event is not there, and a later one is.
    EventMissing,
    /// An event is not one, or not under its number.
    EventMalformed,
    /// An event does not follow from the one before it: one of the two was changed or moved.
    ChainBroken,
    /// There is something else among the events.
    Stranger,
    /// The entry that an event tells of is not in the registry.
    EntryMissing,
    /// An entry is not what its name says, or not what its event says.
    EntryChanged,
    /// No event tells of an entry: the end of the log was cut off, or the entry was put there.
    EntryUnknown,
    /// The log does not go through the head that was kept elsewhere.
    HeadDiffers,
}

impl Report {
    /// The failure that this report stands for.
    pub fn failure(&self) -> Option<Kind> {
        (!self.verified).then_some(Kind::Verification)
    }

    fn add(&mut self, code: Code, message: impl Into<String>) {
        self.verified = false;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { code, message: message.into() });
        }
    }
}

/// Checks the log in `home`, and that it goes through each of `heads`.
///
/// # Errors
/// The system refuses (exit 6). What is wrong with the log is in the report.
pub fn check(home: &HomeDir, heads: &[Head]) -> Result<Report> {
    let mut report = Report {
        schema: SCHEMA.to_owned(),
        verified: true,
        events: 0,
        entries: 0,
        head: String::new(),
        problems: Vec::new(),
        notes: Vec::new(),
    };
    let head = events(home, heads, &mut report)?;
    report.head = head.to_string();
    for kept in heads.iter().filter(|kept| kept.seq > head.seq) {
        let message = format!("the log ends at event {}, and went to {} when its head was kept", head.seq, kept.seq);
        report.add(Code::HeadDiffers, message);
    }
    entries(home, &mut report)?;
    Ok(report)
}

/// Walks the chain.
fn events(home: &HomeDir, heads: &[Head], report: &mut Report) -> Result<Head> {
    let numbers = numbers(home)?;
    for name in numbers.strangers {
        report.add(Code::Stranger, format!("`{}` is among the audit events", escape::to_string(name.as_bytes())));
    }
    let mut head = Head { seq: 0, digest: digest::sha256(b"") };
    let mut before = String::new();
    for number in numbers.events {
        report.events += 1;
        if number != head.seq + 1 {
            report.add(Code::EventMissing, format!("events {} to {} are not there", head.seq + 1, number - 1));
        }
        let follows = number == head.seq + 1;
        let read = match line(home, number) {
            Err(e) if e.kind() != Kind::Verification => return Err(e),
            other => other.ok().flatten(),
        };
        let Some(bytes) = read else {
            report.add(Code::EventMalformed, format!("event {number} is not a line as they are written"));
            head.seq = number;
            continue;
        };
        let digest = digest::sha256(&bytes);
        for kept in heads.iter().filter(|kept| kept.seq == number && kept.digest != digest) {
            report.add(Code::HeadDiffers, format!("event {number} is not what it was when its head {kept} was kept"));
        }
        match parse(number, &bytes) {
            Err(error) => report.add(Code::EventMalformed, error.what()),
            Ok(event) => {
                if follows && event.prev != head.digest {
                    let message = format!("event {number} does not follow from event {}", head.seq);
                    report.add(Code::ChainBroken, message);
                }
                if event.at < before {
                    report.notes.push(format!("the clock of event {number} is behind that of the event before it"));
                }
                before.clone_from(&event.at);
                entry_of(home, &event, report)?;
            }
        }
        head = Head { seq: number, digest };
    }
    for kept in heads.iter().filter(|kept| kept.seq == 0 && kept.digest != digest::sha256(b"")) {
        report.add(Code::HeadDiffers, format!("no log has the head {kept}"));
    }
    Ok(head)
}

/// Checks the registry entry that `event` tells of.
fn entry_of(home: &HomeDir, event: &Event, report: &mut Report) -> Result<()> {
    let What::Signed { entry_digest, entry } = &event.what;
    let told = (entry.audit.seq, entry.audit.prev, &entry.signed, &entry.who);
    if entry.digest()? != *entry_digest || told != (event.seq, event.prev, &event.at, &event.who) {
        report.add(Code::EventMalformed, format!("event {} contradicts itself about its entry", event.seq));
        return Ok(());
    }
    match registry::load(home, entry_digest) {
        // The digest decides: an entry under that name is the one that the event holds.
        Ok(Some(_)) => {}
        Ok(None) => report.add(
            Code::EntryMissing,
            format!("entry {entry_digest} of event {} is not in the registry; the event holds it", event.seq),
        ),
        // Whoever walks the registry says what is wrong with it.
        Err(e) if e.kind() == Kind::Verification => {}
        Err(e) => return Err(e),
    }
    Ok(())
}

/// Checks that an event tells of every registry entry.
fn entries(home: &HomeDir, report: &mut Report) -> Result<()> {
    let names = registry::names(home)?;
    for path in names.strangers {
        report.add(Code::Stranger, format!("`{}` is in the registry and no entry", escape::to_string(path.as_bytes())));
    }
    for name in names.entries {
        report.entries += 1;
        let entry = match registry::load(home, &name) {
            Ok(Some(entry)) => entry,
            Ok(None) => continue,
            Err(e) if e.kind() == Kind::Verification => {
                report.add(Code::EntryChanged, e.what());
                continue;
            }
            Err(e) => return Err(e),
        };
        if told_by(home, entry.audit.seq)? != Some(name) {
            let message = format!(
                "entry {name} was signed as event {}, and that event does not tell of it: the log was cut off or changed",
                entry.audit.seq
            );
            report.add(Code::EntryUnknown, message);
        }
    }
    Ok(())
}

/// The entry that event `number` tells of, if it is there and tells of any.
fn told_by(home: &HomeDir, number: u64) -> Result<Option<Digest>> {
    match line(home, number) {
        Err(e) if e.kind() != Kind::Verification => Err(e),
        Err(_) | Ok(None) => Ok(None),
        Ok(Some(bytes)) => Ok(parse(number, &bytes).ok().map(|event| {
            let What::Signed { entry_digest, .. } = event.what;
            entry_digest
        })),
    }
}
