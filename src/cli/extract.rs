//! `molsieve extract`: takes kept files, such as poses, out of the archives of a campaign.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::exit_code::Exit;
use super::output::Output;
use super::values;
use crate::campaign::file::Campaign;
use crate::error::{Error, Kind, Result};
use crate::fs;
use crate::gather::extract::{self, Chosen, Pick, Wanted, Why};
use crate::id::Ordinal;
use crate::layout::{self, CampaignDir};
use crate::payload;

/// Schema of [`Facts`].
const SCHEMA: &str = "molsieve.extract.v1";

/// The table of what was extracted, beside it.
const TABLE: &str = "files.csv";

/// No id makes up more of a file's name, in characters.
const ID_CHARS_MAX: usize = 64;

/// As many records without files are named one by one.
const NAMED: usize = 10;

/// Arguments of `extract`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: the poses of the ten best, as poses/01-NSC_42-pose.pdbqt and so on:\n  \
    molsieve extract vina --top 10 --out poses/ --name '*.pdbqt'")]
pub struct Args {
    /// The campaign directory.
    dir: PathBuf,
    /// An id, as the library has it; may be given several times.
    #[arg(long, required_unless_present_any = ["ordinal", "top"], conflicts_with = "top")]
    id: Vec<String>,
    /// An ordinal, from 0; may be given several times.
    #[arg(long, conflicts_with = "top", value_parser = values::ordinal)]
    ordinal: Vec<Ordinal>,
    /// The best so many, in the order of hits.csv.
    #[arg(long, value_parser = values::count::<{ extract::TOP_MAX }>)]
    top: Option<u64>,
    /// The directory to put them in; files that are there stay as they are.
    #[arg(long)]
    out: PathBuf,
    /// Only files whose own name matches, such as '*.pdbqt'.
    #[arg(long, value_name = "GLOB", default_value = "*")]
    name: String,
}

/// What was extracted.
#[derive(Debug, Serialize)]
struct Facts {
    schema: &'static str,
    out: PathBuf,
    files: Vec<Extracted>,
    without: Vec<Without>,
    missing: Vec<String>,
    /// Task groups that are not sealed yet.
    unsealed: u64,
}

#[derive(Debug, Serialize)]
struct Extracted {
    file: String,
    name: String,
    ordinal: Ordinal,
    id: String,
    rank: Option<u64>,
    bytes: u64,
}

#[derive(Debug, Serialize)]
struct Without {
    ordinal: Ordinal,
    id: String,
    rank: Option<u64>,
    why: Why,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let pattern = glob::Pattern::new(&args.name).map_err(|e| Error::usage(format!("`--name {}`: {e}", args.name)))?;
    let campaign = Campaign::open(CampaignDir::new(&args.dir))?;
    let wanted = match args.top {
        Some(top) => Wanted::Top(top),
        None => Wanted::Named { ids: args.id.clone(), ordinals: args.ordinal.iter().copied().collect() },
    };
    let chosen = extract::choose(&campaign, &wanted)?;
    let ordinals = chosen.picks.iter().map(|pick| pick.rank.unwrap_or(pick.ordinal));
    let digits = ordinals.max().unwrap_or(0).to_string().len();
    // All names are looked at before the first file is written.
    let mut names = BTreeSet::new();
    chosen.each_file(|pick, file| {
        if pattern.matches(&file.name) {
            names.insert(file_name(pick, &file.name, digits));
        }
        Ok(())
    })?;
    let taken = names.iter().map(String::as_str).chain([TABLE]).find(|name| layout::inside(&args.out, name).exists());
    if let Some(name) = taken {
        return Err(Error::usage(format!("`{}` is there already", layout::inside(&args.out, name).display()))
            .hint("nothing is written over: give another directory with --out"));
    }
    let facts = write(args, &campaign, &chosen, &pattern, digits)?;
    if !output.document(&facts)? {
        tell(&facts, output);
    }
    verdict(&facts)
}

fn write(args: &Args, campaign: &Campaign, chosen: &Chosen, pattern: &glob::Pattern, digits: usize) -> Result<Facts> {
    let mut written: Vec<(Extracted, &[u8])> = Vec::new();
    let without = {
        let mut made = false;
        let rows = &mut written;
        chosen.each_file(|pick, file| {
            if !pattern.matches(&file.name) {
                return Ok(());
            }
            if !std::mem::replace(&mut made, true) {
                fs::create_dir(&args.out)?;
            }
            let name = file_name(pick, &file.name, digits);
            put(&args.out, &name, &file.content)?;
            let (ordinal, id, rank) = (pick.ordinal, pick.id(), pick.rank);
            let row = chosen.picks.iter().find(|p| p.ordinal == ordinal).map(|p| p.row.as_slice()).unwrap_or_default();
            rows.push((
                Extracted { file: name, name: file.name, ordinal, id, rank, bytes: file.content.len() as u64 },
                row,
            ));
            Ok(())
        })?
    };
    written.sort_by(|(a, _), (b, _)| (a.rank, a.ordinal, &a.name).cmp(&(b.rank, b.ordinal, &b.name)));
    if !written.is_empty() {
        let mut table = [b"file,".to_vec(), payload::header(&campaign.file.identity), b"\n".to_vec()].concat();
        for (file, row) in &written {
            table.extend_from_slice(file.file.as_bytes());
            table.push(b',');
            table.extend_from_slice(row);
            table.push(b'\n');
        }
        put(&args.out, TABLE, &table)?;
    }
    let without = without
        .into_iter()
        .map(|(pick, why)| Without { ordinal: pick.ordinal, id: pick.id(), rank: pick.rank, why })
        .collect();
    Ok(Facts {
        schema: SCHEMA,
        out: args.out.clone(),
        files: written.into_iter().map(|(file, _)| file).collect(),
        without,
        missing: chosen.missing.clone(),
        unsealed: chosen.unsealed,
    })
}

fn put(out: &Path, name: &str, content: &[u8]) -> Result<()> {
    let path = layout::inside(out, name);
    if fs::write_new(&path, content)? {
        return Ok(());
    }
    Err(Error::usage(format!("`{}` is there already", path.display())).hint("give another directory with --out"))
}

/// `RANK-ID-NAME`, or `ORDINAL-ID-NAME`, so that a listing is in the order of hits. It begins with a digit and has no
/// character that a path or a shell takes for its own, whatever the id is.
fn file_name(pick: &Pick, name: &str, digits: usize) -> String {
    let number = pick.rank.unwrap_or(pick.ordinal);
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' };
    let id: String = pick.id().chars().take(ID_CHARS_MAX).map(plain).collect();
    let middle = if id.is_empty() { String::new() } else { format!("{id}-") };
    format!("{number:0digits$}-{middle}{name}")
}

/// For a person: what there is, and of what there is nothing, and why.
fn tell(facts: &Facts, output: Output) {
    let records: BTreeSet<Ordinal> = facts.files.iter().map(|file| file.ordinal).collect();
    let (files, out) = (facts.files.len(), facts.out.display());
    output.say(format!("{files} files of {} records in `{out}`", records.len()));
    for Without { ordinal, id, why, .. } in facts.without.iter().take(NAMED) {
        output.note(format!("record {ordinal} (`{id}`): {}", why.as_str()));
    }
    if facts.without.len() > NAMED {
        output.note(format!("and {} more records without files", facts.without.len() - NAMED));
    }
    for named in &facts.missing {
        let unsealed = if facts.unsealed > 0 { "is not finished, or not there" } else { "is not in the library" };
        output.note(format!("{named} {unsealed}"));
    }
    if facts.unsealed > 0 {
        output.note(format!("{} task groups are not finished yet: nothing of theirs was looked at", facts.unsealed));
    }
}

/// Something is better than nothing; nothing at all has a reason.
fn verdict(facts: &Facts) -> Result<Exit> {
    let unfinished = facts.unsealed > 0 && (!facts.missing.is_empty() || facts.files.is_empty());
    if unfinished {
        return Ok(Exit::Of(Kind::Incomplete));
    }
    if !facts.missing.is_empty() {
        return Ok(Exit::Of(Kind::Usage));
    }
    if !facts.files.is_empty() {
        return Ok(Exit::Done);
    }
    let error = Error::usage("there are no files of these records");
    Err(match facts.without.first().map(|without| without.why) {
        Some(Why::NothingKept) => error.hint(
            "set `keep = 100` in `[pack]` and have the scorer hand over files; what is sealed stays as it is: run it anew",
        ),
        Some(Why::NotAmongTheBest) => error.hint("a larger `[pack] keep` keeps more of each task group; run it anew"),
        None => error.hint("their files do not match `--name`"),
        Some(Why::NotOk | Why::NoneGiven) => error,
    })
}
