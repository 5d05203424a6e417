//! `molsieve registry`: the catalogue of what was signed here.

use std::path::{Path, PathBuf};

use super::exit_code::Exit;
use super::output::Output;
use crate::error::{Error, Result};
use crate::fs;
use crate::layout::HomeDir;
use crate::pack::sign::Signed;
use crate::registry::{self, Listed, markdown};
use crate::run::finish::{self, Registered};

/// Arguments of `registry`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve registry list\n  molsieve registry search egfr\n  molsieve registry export --markdown --out packs.md\n\nIt lies in $MOLSIEVE_HOME, by default $XDG_DATA_HOME/molsieve or ~/.local/share/molsieve."
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List every entry, the oldest first.
    List,
    /// Show the entries of a pack, a payload or an entry digest.
    Show {
        /// The digest, or its first 8 hex digits or more.
        digest: String,
    },
    /// List the entries that mention a text: a campaign, a scorer, a digest, a key.
    Search {
        /// The text; upper and lower case are one.
        text: String,
    },
    /// Write all entries as a table for people.
    Export {
        /// As Markdown.
        #[arg(long, required = true)]
        markdown: bool,
        /// Where [default: standard output].
        #[arg(long)]
        out: Option<PathBuf>,
    },
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let mut entries = registry::all(&HomeDir::to_read()?)?;
    match &args.command {
        Command::List => list(&entries, output)?,
        Command::Show { digest } => {
            let mut named = Vec::new();
            for listed in entries {
                if listed.is_named(digest)? {
                    named.push(listed);
                }
            }
            if named.is_empty() {
                return Err(Error::usage(format!("the registry has no entry of `{digest}`"))
                    .hint("`molsieve registry list` shows what it has; `molsieve sign` writes an entry"));
            }
            show(&named, output)?;
        }
        Command::Search { text } => {
            entries.retain(|listed| listed.mentions(text));
            list(&entries, output)?;
        }
        Command::Export { out, .. } => export(&markdown::render(&entries), out.as_deref(), output)?,
    }
    Ok(Exit::Done)
}

/// Writes `text` to `out`, which must be new, or prints it.
pub fn export(text: &str, out: Option<&Path>, output: Output) -> Result<()> {
    let Some(out) = out else {
        output.say(text.trim_end());
        return Ok(());
    };
    fs::put_new(out, text.as_bytes())?;
    output.say(format!("written to `{}`", out.display()));
    Ok(())
}

fn document(entries: &[Listed], output: Output) -> Result<bool> {
    output.document(&serde_json::json!({"schema": "molsieve.registry.v1", "entries": entries}))
}

fn list(entries: &[Listed], output: Output) -> Result<()> {
    if document(entries, output)? {
        return Ok(());
    }
    for Listed { entry, .. } in entries {
        let word = if entry.complete { "complete" } else { "INCOMPLETE" };
        output.say(format!(
            "{}  {}  {} records, {word}  {} {}  {}",
            entry.signed,
            entry.payload_digest,
            entry.records.total,
            entry.scorer.name,
            entry.scorer.version,
            entry.campaign
        ));
    }
    if entries.is_empty() {
        output.say("no entry");
    }
    Ok(())
}

fn show(entries: &[Listed], output: Output) -> Result<()> {
    if document(entries, output)? {
        return Ok(());
    }
    for Listed { entry_digest, entry } in entries {
        let records = &entry.records;
        output.say(format!("{}{}", entry.campaign, if entry.complete { "" } else { " (INCOMPLETE)" }));
        output.say(format!("  entry      {entry_digest}"));
        output.say(format!("  payload    {}", entry.payload_digest));
        output.say(format!("  pack       {}", entry.pack_digest));
        output.say(format!("  library    {} records, root {}", entry.library.records, entry.library.root));
        output.say(format!(
            "  scorer     {} {}, identity {}",
            entry.scorer.name, entry.scorer.version, entry.scorer.digest
        ));
        output.say(format!("  seed       {}", entry.seed));
        output.say(format!(
            "  records    {}: {} OK, {} SKIP, {} ERROR, {} of them circumstantial",
            records.total, records.ok, records.skip, records.error, entry.circumstantial
        ));
        entry.keyids.iter().for_each(|keyid| output.say(format!("  signed by  {keyid}")));
        output.say(format!("  signed     {}, audit event {}", entry.signed, entry.audit.seq));
    }
    Ok(())
}

/// Enters what was just signed. The signature stands whether this works or not, so a failure is a warning.
pub fn enter(signed: &Signed, output: Output) -> Option<Registered> {
    match finish::register(signed) {
        Ok(registered) => Some(registered),
        Err(error) => {
            output.warning(&error.within("the pack is signed, and is not in the registry").hint(
                "set `MOLSIEVE_HOME` to a directory that can be written and is kept, and sign again to enter it",
            ));
            None
        }
    }
}
