//! The side of a translator that the pool sees: requests in, replies out, and an end that tells what happened.

use std::io::{self, BufRead, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};

use rustix::process::{Signal, getpgrp, getpid, kill_process, kill_process_group, set_parent_process_death_signal};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::program::Death;
use super::spec::Spec;
use crate::error::{Error, Result};
use crate::fs::scratch;
use crate::scorer::Column;
use crate::scorer::command::contain;
use crate::scorer::command::lines::LINE_BYTES_MAX;
use crate::scorer::command::trace::{self, Seen};

/// One request of the pool.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Its number.
    pub seq: u64,
    /// Its records.
    pub records: Vec<Asked>,
}

/// One record of a request: ordinal, id, structure, seed.
#[derive(Debug, Deserialize)]
pub struct Asked(pub u64, pub String, pub String, pub u64);

/// What became of one record.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Scored: one value a column, in their order.
    Ok(Vec<Json>),
    /// Not applicable.
    Skip(String),
    /// Failed, for a reason that the program gave.
    Error(String),
    /// Failed, for a reason of ours ([`super::spec::reason`]); and what was seen, for the log.
    Failed(&'static str, Seen),
    /// Not the record's fault: to be asked again later.
    Retry(String),
    /// Nothing can be said of it in this company: to be asked again, alone.
    Alone,
}

/// A file that the program left for a record and that is to be kept: ordinal, name, absolute path.
pub type Kept = (u64, String, PathBuf);

/// What a translator answers to one request.
#[derive(Debug, Default)]
pub struct Answers {
    /// One answer a record, in the order of the request.
    pub answers: Vec<Answer>,
    /// Files to be kept.
    pub files: Vec<Kept>,
}

/// Why a request has no answer.
#[derive(Debug)]
pub enum Trouble {
    /// The program died of it; and what was seen, for the log.
    Died(Death, Seen),
    /// The program said what its protocol does not allow.
    Violation(String),
}

/// What turns a request into answers.
pub trait Translator {
    /// Answers `request`.
    ///
    /// # Errors
    /// The program died, or broke its protocol.
    fn answer(&mut self, request: &Request) -> Result<Answers, Trouble>;
}

/// Says hello, and answers requests until there are no more.
///
/// A death of the program is passed on: this process ends in the same way. If the pool goes away
/// while the program is at work, nobody waits for it any more, and the whole process group ends.
///
/// # Errors
/// The pool says what is not a request (a defect of ours), or cannot be written to (exit 6).
pub fn serve(spec: &Spec, translator: &mut dyn Translator, tmp: &Path) -> Result<()> {
    let columns = &spec.translation.description.columns;
    let keeper = spec.contained.as_ref().and_then(|contained| contained.container.keeper()).map(Path::to_path_buf);
    say(&hello(spec))?;
    let busy = Arc::new(Busy::default());
    for line in requests(Arc::clone(&busy), tmp.to_path_buf(), keeper)? {
        busy.begin();
        let request: Request =
            serde_json::from_slice(&line).map_err(|e| Error::bug(format!("the pool asks what is no request: {e}")))?;
        let answered = translator.answer(&request);
        // Once the reply is read, the pool may close our input at any moment, and that is a good end.
        busy.end();
        match answered {
            Ok(answers) => {
                leave_traces(&request, &answers.answers);
                say(&reply(&request, &answers, columns))?;
            }
            Err(Trouble::Violation(what)) => say(&violation(request.seq, &what))?,
            Err(Trouble::Died(death, seen)) => {
                let what = format!("the program {death}; {}", seen.what);
                tell(&request.records, &Seen { what, ..seen });
                return Err(died(death));
            }
        }
    }
    Ok(())
}

/// Tells the log of the scorer what was seen where the reason of a failure is ours.
fn leave_traces(request: &Request, answers: &[Answer]) {
    for (asked, answer) in request.records.iter().zip(answers) {
        if let Answer::Failed(reason, seen) = answer {
            let what = format!("{reason}: {}", seen.what);
            tell(std::slice::from_ref(asked), &Seen { what, said: seen.said.clone() });
        }
    }
}

/// Leaves the trace of `records` on our stderr, the log of the scorer. One that cannot be written is no reason to stop.
pub fn tell(records: &[Asked], seen: &Seen) {
    let ordinals = || records.iter().map(|asked| asked.0);
    let trace = match records {
        [Asked(ordinal, id, ..)] => trace::of_record(*ordinal, id.as_bytes(), seen),
        many => {
            let (first, last) = (ordinals().min().unwrap_or_default(), ordinals().max().unwrap_or_default());
            trace::of_records(first, last, many.len(), seen)
        }
    };
    let _ = io::stderr().write_all(trace.as_bytes());
}

/// Whether a request is being answered, and whether the pool is gone.
#[derive(Debug, Default)]
struct Busy {
    working: AtomicBool,
    deserted: AtomicBool,
}

impl Busy {
    fn begin(&self) {
        self.working.store(true, Ordering::SeqCst);
        if self.deserted.load(Ordering::SeqCst) {
            end_all();
        }
    }

    fn end(&self) {
        self.working.store(false, Ordering::SeqCst);
    }
}

/// The lines of stdin, read by a thread of its own: so its end is seen while the program works.
fn requests(busy: Arc<Busy>, tmp: PathBuf, keeper: Option<PathBuf>) -> Result<Receiver<Vec<u8>>> {
    let (sender, receiver) = sync_channel(4);
    let read = move || {
        let mut input = io::stdin().lock();
        loop {
            let mut line = Vec::new();
            // The pool writes whole lines; one that is not is the last thing that a dying pool said.
            let limit = 8 * LINE_BYTES_MAX as u64;
            let whole = input.by_ref().take(limit).read_until(b'\n', &mut line).is_ok() && line.ends_with(b"\n");
            if !whole || sender.send(line).is_err() {
                break;
            }
        }
        busy.deserted.store(true, Ordering::SeqCst);
        if busy.working.load(Ordering::SeqCst) {
            keeper.iter().for_each(|program| contain::reap(program, &tmp));
            scratch::clear(&tmp);
            end_all();
        }
    };
    std::thread::Builder::new()
        .spawn(read)
        .map_err(|e| Error::environment(format!("cannot start a thread that listens to the pool: {e}")))?;
    // From here on the end of stdin says that the worker died, and all of the process group goes with it: also
    // what the program itself started, which the kernel's signal would not reach.
    let _ = set_parent_process_death_signal(None);
    Ok(receiver)
}

/// Ends this process and all that it started.
fn end_all() -> ! {
    let own = getpid();
    if getpgrp() == own {
        let _ = kill_process_group(own, Signal::KILL);
    }
    std::process::exit(1)
}

/// Ends this process as the program ended; the answer is for all cases in which it did not get SIGKILL.
///
/// SIGKILL is passed on, as it is what the kernel sends where memory is short. Any other signal is told: passed on, it
/// might leave a core of this process beside that of the program.
fn died(death: Death) -> Error {
    if death == Death::Signal(Signal::KILL.as_raw()) {
        let _ = kill_process(getpid(), Signal::KILL);
    }
    Error::environment(format!("the program {death}"))
}

fn say(line: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(line)
        .and_then(|()| out.flush())
        .map_err(|e| Error::environment(format!("cannot answer the worker: {e}")))
}

fn hello(spec: &Spec) -> Vec<u8> {
    let description = &spec.translation.description;
    let hello = json!({
        "name": description.name,
        "version": description.version,
        "columns": description.columns,
        "batch_size": spec.batch_size,
        "deterministic": description.deterministic,
        "reasons": description.reasons,
        "threads": spec.threads,
    });
    format!("{hello}\n").into_bytes()
}

fn reply(request: &Request, answers: &Answers, columns: &[Column]) -> Vec<u8> {
    let results = request.records.iter().zip(&answers.answers).map(|(Asked(ordinal, ..), answer)| match answer {
        Answer::Ok(values) => {
            let names = columns.iter().map(|column| column.name.clone());
            json!([ordinal, "OK", names.zip(values.iter().cloned()).collect::<serde_json::Map<_, _>>()])
        }
        Answer::Skip(reason) => json!([ordinal, "SKIP", reason]),
        Answer::Error(reason) => json!([ordinal, "ERROR", reason]),
        Answer::Failed(reason, _) => json!([ordinal, "ERROR", reason]),
        Answer::Retry(why) => json!([ordinal, "RETRY", why]),
        Answer::Alone => json!([ordinal, "ALONE", "it has no result in this company"]),
    });
    let mut reply = json!({"seq": request.seq, "results": results.collect::<Vec<_>>()});
    if !answers.files.is_empty() {
        reply["files"] = json!(answers.files);
    }
    format!("{reply}\n").into_bytes()
}

/// What tells the pool that the program broke its own protocol.
fn violation(seq: u64, what: &str) -> Vec<u8> {
    let what: String = what.chars().take(300).collect();
    format!("{}\n", json!({"seq": seq, "violation": what})).into_bytes()
}
