//! `molsieve peek`: the best rows so far, or examples of what failed, without disturbing anybody.

use std::path::PathBuf;

use super::exit_code::Exit;
use super::output::Output;
use super::values;
use crate::campaign::file::Campaign;
use crate::error::Result;
use crate::layout::CampaignDir;
use crate::library::format::Notation;
use crate::view::peek::{self, Peek, Shown, Wanted};

/// More rows than this are not for looking at: `gather` makes a pack of all.
const TOP_MAX: u64 = 100_000;

/// Arguments of `peek`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve peek night-1 --top 20\n  molsieve peek night-1 --errors --reason timeout\n  molsieve --json peek night-1"
)]
pub struct Args {
    /// The campaign directory.
    dir: PathBuf,
    /// How many rows.
    #[arg(long, default_value_t = 10, value_parser = values::count::<TOP_MAX>)]
    top: u64,
    /// Records that ended as ERROR instead, the first in the library's order.
    #[arg(long)]
    errors: bool,
    /// Only those that ended for this reason.
    #[arg(long, requires = "errors")]
    reason: Option<String>,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let campaign = Campaign::open(CampaignDir::new(&args.dir))?;
    let wanted = if args.errors { Wanted::Errors(args.reason.clone()) } else { Wanted::Top };
    let peek = peek::peek(&campaign, &wanted, args.top)?;
    if !output.document(&peek)? {
        output.say(heading(&peek));
        peek.rows.iter().for_each(|row| output.say(sentence(row, peek.notation)));
        if let (Some(reason), []) = (&args.reason, peek.rows.as_slice()) {
            output.say(format!("none of them is ERROR {reason}; {}", peek::in_words(&peek.reasons)));
        }
    }
    Ok(Exit::Done)
}

fn heading(peek: &Peek) -> String {
    let seen = &peek.seen;
    let percent = 100.0 * seen.total as f64 / peek.library.max(1) as f64;
    format!(
        "{}: {} of {} records seen ({percent:.1} %): {} OK, {} SKIP, {} ERROR",
        peek.campaign, seen.total, peek.library, seen.ok, seen.skip, seen.error
    )
}

/// One row: ordinal, id, what came of it, structure (of a molblock, its title and length).
fn sentence(row: &Shown, notation: Notation) -> String {
    let mut words = vec![format!("{:>10}  {}", row.ordinal, row.id)];
    words.extend(Some(&row.reason).filter(|reason| !reason.is_empty()).cloned());
    let filled = row.values.iter().filter(|(_, value)| !value.is_null());
    words.extend(filled.map(|(name, value)| match value.as_str() {
        Some(text) => format!("{name}={text}"),
        None => format!("{name}={value}"),
    }));
    words.push(match notation {
        Notation::Smiles => row.structure.clone(),
        Notation::Molblock => molblock(&row.structure),
    });
    words.join("  ")
}

/// What a line of text can say of a molblock that is escaped.
fn molblock(escaped: &str) -> String {
    const LINE_END: &str = "\\x0a";
    let title = escaped.split(LINE_END).next().unwrap_or_default().trim();
    let lines = escaped.matches(LINE_END).count();
    if title.is_empty() { format!("molblock of {lines} lines") } else { format!("molblock `{title}` of {lines} lines") }
}
