//! What a program says about itself in its first line: the hello.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::timeout;

use super::child::{Child, Event, Life, What};
use super::launch::{Environment, Launch, Told};
use super::stderr::Log;
use crate::canonical::escape;
use crate::canonical::row::FIXED_COLUMNS;
use crate::error::{Error, Result};
use crate::scorer::{ABOUT_CHARS_MAX, Column, Description, UNIT_CHARS_MAX, reason};

/// The most records that a hello may ask for in one request.
pub const BATCH_MAX: usize = 65_536;
/// The most columns, and the most reasons, that a hello may declare.
pub const DECLARED_MAX: usize = 1024;

/// What a hello says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// What is frozen when the campaign is planned.
    pub description: Description,
    /// The most records in one request.
    pub batch_size: usize,
    /// How many threads one child uses.
    pub threads: usize,
}

/// The hello as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    version: String,
    columns: Vec<Column>,
    batch_size: usize,
    deterministic: bool,
    #[serde(default)]
    protocol: Option<serde_json::Value>,
    #[serde(default)]
    reasons: Vec<String>,
    #[serde(default)]
    threads: Option<usize>,
}

/// Reads the line of a hello.
///
/// # Errors
/// What is wrong with it, in words.
pub fn read(line: &[u8]) -> Result<Hello, String> {
    // Fields that are not known, and fields given twice, are refused: a typing error must not pass unseen.
    let written: Written = serde_json::from_slice(line).map_err(|e| shortened(&e.to_string()))?;
    check(&written)?;
    let mut reasons = written.reasons;
    reasons.sort_unstable();
    Ok(Hello {
        description: Description {
            name: written.name,
            version: written.version,
            columns: written.columns,
            deterministic: written.deterministic,
            reasons,
        },
        batch_size: written.batch_size,
        threads: written.threads.unwrap_or(1),
    })
}

fn check(hello: &Written) -> Result<(), String> {
    let known = hello.protocol.as_ref().is_none_or(|it| it.as_u64() == Some(1) || it.as_str() == Some("jsonl"));
    let (name, version) = (&hello.name, &hello.version);
    let rules = [
        (known, "`protocol` must be 1".to_owned()),
        (
            is_word(name, |b| b.is_ascii_alphanumeric() || b"._-".contains(&b)),
            "`name` must match [A-Za-z0-9._-]{1,64}".into(),
        ),
        (
            (1..=64).contains(&version.chars().count()) && !version.contains(escape::is_unseen),
            "`version` must be 1 to 64 characters of text".into(),
        ),
        ((1..=BATCH_MAX).contains(&hello.batch_size), format!("`batch_size` must be between 1 and {BATCH_MAX}")),
        (hello.threads.is_none_or(|n| (1..=4096).contains(&n)), "`threads` must be between 1 and 4096".into()),
        (hello.columns.len() <= DECLARED_MAX, format!("there may be at most {DECLARED_MAX} columns")),
        (hello.reasons.len() <= DECLARED_MAX, format!("there may be at most {DECLARED_MAX} reasons")),
    ];
    if let Some((_, rule)) = rules.into_iter().find(|(holds, _)| !holds) {
        return Err(rule);
    }
    check_columns(&hello.columns)?;
    check_reasons(&hello.reasons)
}

/// Checks what a campaign file says of a scorer by the rules of a hello.
///
/// # Errors
/// What is wrong with it, in words.
pub fn check_description(description: &Description) -> Result<(), String> {
    let Description { name, version, columns, deterministic, reasons } = description.clone();
    let optional = (None, Some(1));
    check(&Written {
        name,
        version,
        columns,
        batch_size: 1,
        deterministic,
        protocol: optional.0,
        reasons,
        threads: optional.1,
    })
}

fn check_columns(columns: &[Column]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for Column { name, unit, description, .. } in columns {
        let (name, shown) = (name.as_str(), shortened(name));
        for (what, text, max) in [("unit", unit, UNIT_CHARS_MAX), ("description", description, ABOUT_CHARS_MAX)] {
            if text.as_ref().is_some_and(|text| !is_phrase(text, max)) {
                return Err(format!("the {what} of the column `{shown}` must be 1 to {max} characters of plain text"));
            }
        }
        if !is_word(name, |b| b.is_ascii_alphanumeric() || b"_.-".contains(&b)) {
            return Err(format!("the column `{shown}` must match [A-Za-z0-9_.-]{{1,64}}"));
        }
        if FIXED_COLUMNS.contains(&name) {
            return Err(format!("the column `{shown}` has the name of one that every summary has"));
        }
        if !seen.insert(name) {
            return Err(format!("the column `{shown}` is declared twice"));
        }
    }
    Ok(())
}

fn check_reasons(reasons: &[String]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for reason in reasons {
        let shown = shortened(reason);
        if !is_word(reason, |b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
            return Err(format!("the reason `{shown}` must match [a-z0-9_]{{1,64}}"));
        }
        if reason::OURS.contains(&reason.as_str()) {
            return Err(format!("the reason `{shown}` is one that molsieve itself gives"));
        }
        if !seen.insert(reason) {
            return Err(format!("the reason `{shown}` is declared twice"));
        }
    }
    Ok(())
}

fn is_word(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

/// Whether `text` is words that can be shown anywhere: nothing in it, or around it, that is not seen.
fn is_phrase(text: &str, chars_max: usize) -> bool {
    (1..=chars_max).contains(&text.chars().count()) && !text.contains(escape::is_unseen) && text.trim() == text
}

fn shortened(text: &str) -> String {
    text.chars().take(200).filter(|c| !escape::is_unseen(*c)).collect()
}

/// What differs between the hello of a child and what was frozen, in words; `None` if nothing does.
pub fn difference(frozen: &Description, now: &Description) -> Option<String> {
    let differs = |what: &str, was: &dyn std::fmt::Debug, is: &dyn std::fmt::Debug| {
        Some(format!("its {what} was {} and is {}", shortened(&format!("{was:?}")), shortened(&format!("{is:?}"))))
    };
    let names = |d: &Description| d.columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
    if frozen == now {
        None
    } else if frozen.name != now.name {
        differs("name", &frozen.name, &now.name)
    } else if frozen.version != now.version {
        differs("version", &frozen.version, &now.version)
    } else if names(frozen) != names(now) {
        differs("list of columns", &names(frozen), &names(now))
    } else if frozen.deterministic != now.deterministic {
        differs("`deterministic`", &frozen.deterministic, &now.deterministic)
    } else if frozen.reasons != now.reasons {
        differs("list of reasons", &frozen.reasons, &now.reasons)
    } else {
        Some("the type, the order, the unit or the description of one of its columns differs".to_owned())
    }
}

/// The error for a scorer that does not get as far as a sound hello (exit 6).
pub fn cannot_start(launch: &Launch, what: &str, last_words: &[String]) -> Error {
    let Told { program, document } = &launch.told;
    let hint = if launch.told.is_jsonl() {
        format!("run the command of `[scorer] argv` by hand: its first line on stdout must be the hello of {document}")
    } else {
        format!("{document} says what the program must do; what it said last is above")
    };
    let said = if last_words.is_empty() {
        "it said nothing on stderr".to_owned()
    } else {
        format!("its last words on stderr:\n    {}", last_words.join("\n    "))
    };
    Error::environment(format!("the scorer `{program}` cannot start: {what}; {said}")).hint(hint)
}

/// Starts one child, reads its hello, and lets it end.
///
/// # Errors
/// The program cannot start, ends before its hello, says something else, or says nothing within
/// `startup_timeout` (exit 6).
pub fn probe(launch: &Launch, environment: &Environment, startup_timeout: Duration) -> Result<Hello> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Error::environment(format!("cannot watch a child process: {e}")))?
        .block_on(probe_now(launch, environment, startup_timeout))
}

async fn probe_now(launch: &Launch, environment: &Environment, startup_timeout: Duration) -> Result<Hello> {
    let (sender, mut events) = unbounded_channel();
    let log = Log::new(launch.stderr.clone());
    let mut child = Child::start(launch, environment, Life { lane: 0, number: 0 }, &sender, &log)?;
    let first = timeout(startup_timeout, events.recv()).await;
    child.close();
    if !child.gone(Duration::from_secs(3)).await {
        child.kill();
        child.gone(Duration::from_secs(6)).await;
    }
    let refused = |what: &str| Err(cannot_start(launch, what, &child.last_words()));
    match first {
        Err(_) => refused(&silent(startup_timeout)),
        Ok(Some(Event { what: What::Said(line), .. })) => read(&line).or_else(|what| refused(&bad(&what))),
        Ok(Some(Event { what: What::Ended(end), .. })) => refused(&early(&end.how)),
        Ok(_) => refused(&bad("it is over 16 MiB")),
    }
}

/// What to say of a child that ended before its hello.
pub fn early(how: &str) -> String {
    format!("it ended before its hello ({how})")
}

/// What to say of a hello that is wrong.
pub fn bad(what: &str) -> String {
    format!("its hello is wrong: {what}")
}

/// What to say of a child that said nothing in time.
pub fn silent(startup_timeout: Duration) -> String {
    format!("it said no hello within {} s (does it flush stdout after each line?)", startup_timeout.as_secs_f64())
}

#[cfg(test)]
mod tests;
