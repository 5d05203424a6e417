//! `molsieve audit`: the chained history of who signed what, when.

use std::path::PathBuf;

use super::exit_code::Exit;
use super::output::Output;
use super::registry::export;
use crate::audit::{self, Event, Head, What, check};
use crate::canonical::{json, row};
use crate::error::{Error, Result};
use crate::layout::HomeDir;

/// Schema of the events that are shown or exported.
const EVENTS_SCHEMA: &str = "molsieve.audit.v1";

/// Arguments of `audit`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve audit show --last 10\n  molsieve audit verify --head 41:9f86d0…\n  molsieve audit export --csv --out audit.csv\n\nKeep the head that `verify` and `sign` print where others cannot write: with it, a log that was cut off is noticed."
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show events, the oldest first.
    Show {
        /// Only the last so many.
        #[arg(long)]
        last: Option<u64>,
    },
    /// Check the log against itself and the registry.
    Verify {
        /// A head `SEQ:DIGEST` that was kept elsewhere; may be given several times.
        #[arg(long)]
        head: Vec<Head>,
    },
    /// Write all events, complete, for others.
    Export(Export),
}

#[derive(Debug, clap::Args)]
struct Export {
    /// As a table; else `--json` is needed, for one JSON document.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Where [default: standard output].
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let home = HomeDir::to_read()?;
    match &args.command {
        Command::Show { last } => show(&home, *last, output),
        Command::Verify { head } => verify(&home, head, output),
        Command::Export(form) => write(&home, form, output),
    }
}

/// Writes all events: whole, whatever the form.
fn write(home: &HomeDir, form: &Export, output: Output) -> Result<Exit> {
    if !form.csv && !output.is_json() {
        return Err(Error::usage("the form of the export is not said").hint("say `--csv` or `--json`"));
    }
    let mut table = b"seq,at,account,host,kind,entry,pack,payload,campaign,complete,keyids,prev\n".to_vec();
    let mut events = Vec::new();
    for number in audit::numbers(home)?.events {
        let (event, _) = read(home, number)?;
        if form.csv { push_row(&mut table, &event) } else { events.push(event) }
    }
    if form.csv {
        export(&String::from_utf8_lossy(&table), form.out.as_deref(), output)?;
        return Ok(Exit::Done);
    }
    let document = serde_json::json!({"schema": EVENTS_SCHEMA, "events": events});
    match &form.out {
        Some(out) => export(&String::from_utf8_lossy(&json::to_line(&document)?), Some(out), output)?,
        None => drop(output.document(&document)?),
    }
    Ok(Exit::Done)
}

fn read(home: &HomeDir, number: u64) -> Result<(Event, Vec<u8>)> {
    let line = audit::line(home, number)?;
    let line = line.ok_or_else(|| Error::verification(format!("audit event {number} has just gone")))?;
    Ok((audit::parse(number, &line)?, line))
}

fn push_row(table: &mut Vec<u8>, event: &Event) {
    let What::Signed { entry_digest, entry } = &event.what;
    let fields = [
        event.seq.to_string(),
        event.at.clone(),
        event.who.account.clone(),
        event.who.host.clone(),
        "signed".to_owned(),
        entry_digest.sha256_uri(),
        entry.pack_digest.clone(),
        entry.payload_digest.clone(),
        entry.campaign.clone(),
        entry.complete.to_string(),
        entry.keyids.join(" "),
        event.prev.to_string(),
    ];
    for (at, field) in fields.iter().enumerate() {
        if at > 0 {
            table.push(b',');
        }
        row::push_cell(table, field);
    }
    table.push(b'\n');
}

fn show(home: &HomeDir, last: Option<u64>, output: Output) -> Result<Exit> {
    let mut numbers = audit::numbers(home)?.events;
    if let Some(last) = last {
        let skip = numbers.len().saturating_sub(usize::try_from(last).unwrap_or(usize::MAX));
        numbers.drain(..skip);
    }
    if output.is_json() {
        let events = numbers.into_iter().map(|n| read(home, n).map(|(event, _)| event)).collect::<Result<Vec<_>>>()?;
        output.document(&serde_json::json!({"schema": EVENTS_SCHEMA, "events": events}))?;
        return Ok(Exit::Done);
    }
    for number in &numbers {
        let (Event { seq, at, who, what, .. }, _) = read(home, *number)?;
        let What::Signed { entry, .. } = what;
        output.say(format!(
            "{seq}  {at}  {}@{}  signed {} of `{}` with {}",
            who.account,
            who.host,
            entry.pack_digest,
            entry.campaign,
            entry.keyids.join(", ")
        ));
    }
    if numbers.is_empty() {
        output.say("no event");
    }
    Ok(Exit::Done)
}

fn verify(home: &HomeDir, heads: &[Head], output: Output) -> Result<Exit> {
    let report = check::check(home, heads)?;
    if !output.document(&report)? {
        output.say(match report.problems.len() {
            // A home that is not mounted, or mistyped, looks like this as well.
            0 if report.events == 0 => {
                format!("EMPTY: there is no event in `{}`, so nothing was checked", home.audit().display())
            }
            0 => "VERIFIED".to_owned(),
            1 => "NOT VERIFIED: 1 problem".to_owned(),
            n => format!("NOT VERIFIED: {n} problems"),
        });
        report.problems.iter().for_each(|problem| output.say(format!("  {}", problem.message)));
        report.notes.iter().for_each(|note| output.say(format!("  note: {note}")));
        output.say(format!("  {} events, {} registry entries", report.events, report.entries));
        output.say(format!("  head  {}", report.head));
    }
    Ok(report.failure().map_or(Exit::Done, Exit::Of))
}
