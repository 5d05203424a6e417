//! `molsieve suite`: campaigns whose answer is known, or agreed, before they run.

mod customer;
mod finish;
mod known;
mod leg;
mod ring;
mod verify;

use std::path::{Path, PathBuf};

use super::asked::Options;
use super::exit_code::Exit;
use super::output::Output;
use super::values;
use crate::clock;
use crate::error::{Error, Kind, Result};
use crate::fs::{self, alone::Alone};
use crate::pack::envelope;
use crate::pack::keys::PrivateKey;
use crate::suite::document::{self, Document, Release};
use crate::suite::{Suite, SuiteDir, TruthSource, statement};

/// Arguments of `suite`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve suite ring --dir ring --key me.pem\n  molsieve suite known-bad-good --dir known --key me.pem\n  molsieve suite customer compare.toml --dir customer --key me.pem --truth assay.csv --truth-sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n  molsieve suite verify ring --key me.pub.pem"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Ring systems of every kind: none may be an error, and nearly all must have look-alikes.
    Ring(ring::Args),
    /// Scores that know nothing and one that knows everything: the audit must tell them apart.
    KnownBadGood(known::Args),
    /// A customer's library and scores, and what an expensive measurement said of them.
    Customer(customer::Args),
    /// Make a suite again from its files, compare, and check who signed it.
    Verify(verify::Args),
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    match &args.command {
        Command::Ring(args) => ring::run(args, output),
        Command::KnownBadGood(args) => known::run(args, output),
        Command::Customer(args) => customer::run(args, output),
        Command::Verify(args) => verify::run(args, output),
    }
}

/// What every suite is told.
#[derive(Debug, clap::Args)]
struct Common {
    /// The directory of the suite: made if it is not there, gone on with if it is.
    #[arg(long)]
    dir: PathBuf,
    /// The private key that signs its packs and the suite (see `molsieve keygen`).
    #[arg(long)]
    key: PathBuf,
    /// Worker processes at a time [default: one for the cores of a task].
    #[arg(long, value_parser = values::count::<4096>)]
    workers: Option<u64>,
    /// The tag of the release [default: HETERO-2's for this suite and day].
    #[arg(long)]
    tag: Option<String>,
    /// The commit of the sources.
    #[arg(long, value_name = "40HEX", value_parser = values::commit)]
    commit: Option<String>,
    /// Where the packs are to be had: the address that the names of files are appended to.
    #[arg(long)]
    url: Option<String>,
}

/// A suite that was begun.
struct Begun {
    dir: SuiteDir,
    key: PrivateKey,
    options: Options,
    release: Release,
    /// Nobody else works on this suite.
    _alone: Alone,
}

impl Common {
    /// Begins the suite, or goes on with it: what was said of it stays, unless it is said again.
    fn begin(&self, suite: Suite, truth: TruthSource) -> Result<Begun> {
        let key = PrivateKey::load(&self.key)?;
        self.said().check()?;
        let root = std::path::absolute(&self.dir).map_err(|e| Error::io("cannot find", &self.dir, &e))?;
        let dir = SuiteDir::new(root);
        must_be_ours_alone(&dir)?;
        fs::create_dir(&dir.work())?;
        fs::write_new(&dir.mark(), format!("{}\n", suite.word()).as_bytes())?;
        // From here on, nobody else changes what is read.
        let alone = fs::alone::hold(&dir.mark())?.ok_or_else(|| {
            Error::usage(format!("somebody else is at work on the suite in `{}`", self.dir.display()))
                .hint("wait for that `molsieve suite` to end; the same command then goes on, or begins anew")
        })?;
        let before = there(&dir)?;
        if let Some(before) = before.as_ref().filter(|before| before.asked.suite != suite) {
            let what = format!("`{}` holds the suite `{}`", self.dir.display(), before.asked.suite.word());
            return Err(Error::usage(what).hint("give each suite a directory of its own"));
        }
        let by_default = |truth: TruthSource, date: &str| format!("{}-{date}", suite.tag_stem(truth));
        let truth_before = before.as_ref().map_or(truth, |document| document.asked.truth);
        let before = before.filter(|document| is_signed(&dir, document, &key)).map(|document| document.release);
        let date = before.as_ref().map_or_else(clock::today, |release| release.date.clone());
        // (What nobody said follows from where the truth is from.)
        let said =
            before.as_ref().map(|release| release.tag.clone()).filter(|tag| *tag != by_default(truth_before, &date));
        let tag = self.tag.clone().or(said);
        let release = Release {
            tag: tag.unwrap_or_else(|| by_default(truth, &date)),
            date,
            commit: self.commit.clone().or_else(|| before.as_ref()?.commit.clone()),
            url: self.url.clone().or_else(|| before.as_ref()?.url.clone()),
        };
        let options = Options { workers: self.workers, key: Some(self.key.clone()) };
        Ok(Begun { dir, key, options, release, _alone: alone })
    }
}

impl Common {
    /// What is said of the release now; what nobody says holds for any.
    fn said(&self) -> Release {
        let tag = self.tag.clone().unwrap_or_else(|| "tag".to_owned());
        Release { tag, date: clock::today(), commit: self.commit.clone(), url: self.url.clone() }
    }
}

/// Refuses a directory that is somebody else's: files of these names would be written over.
fn must_be_ours_alone(dir: &SuiteDir) -> Result<()> {
    if dir.mark().is_file() {
        return Ok(());
    }
    // (Killed before the mark was there, a suite leaves a directory and nothing in it.)
    let begun = |name: &str| name == SuiteDir::WORK || fs::is_temporary(name);
    if names(dir.root())?.iter().all(|name| begun(name))
        && names(&dir.work())?.iter().all(|name| fs::is_temporary(name))
    {
        return Ok(());
    }
    Err(Error::usage(format!("`{}` is not empty, and holds no suite", dir.root().display()))
        .hint("give the suite a directory of its own, which need not be there: `--dir DIR`"))
}

/// What lies in the directory at `path`; nothing if it is not there.
fn names(path: &Path) -> Result<Vec<String>> {
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::io("cannot read", path, &e)),
    };
    Ok(entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}

/// Whether `key` has signed what `document` says: else nothing of it is said again.
fn is_signed(dir: &SuiteDir, document: &Document, key: &PrivateKey) -> bool {
    let signers = || {
        let envelope = fs::read_input(&dir.file(SuiteDir::STATEMENT), envelope::BYTES_MAX).ok()?;
        statement::signers(&envelope, &statement::statement(dir, document).ok()?, &[key.public().ok()?]).ok()
    };
    signers().is_some()
}

impl Begun {
    /// Before a file changes that is signed for: no statement is ever about other files than those that lie beside it.
    fn unsign(&self) -> Result<()> {
        fs::remove(&self.dir.file(SuiteDir::STATEMENT))
    }
}

/// The document of the suite in `dir`, if there is one.
fn there(dir: &SuiteDir) -> Result<Option<Document>> {
    let path = dir.file(SuiteDir::DOCUMENT);
    match fs::read_input(&path, document::BYTES_MAX) {
        Ok(bytes) => Document::read(&bytes).map(Some),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) if e.kind() == std::io::ErrorKind::FileTooLarge => {
            Err(Error::verification(format!("`{}` is the document of no suite: {e}", path.display())))
        }
        Err(e) => Err(Error::input(&path, &e)),
    }
}

/// What a suite ends with that cannot be finished yet.
const fn not_yet() -> Exit {
    Exit::Of(Kind::Incomplete)
}
