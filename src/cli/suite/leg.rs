//! One campaign of a suite: planned, driven, sealed and signed as any other.

use std::path::{Path, PathBuf};

use super::Begun;
use crate::campaign::file::Campaign;
use crate::cli::asked::CampaignArgs;
use crate::cli::exit_code::Exit;
use crate::cli::output::Output;
use crate::cli::resume;
use crate::error::{Error, Kind, Result};
use crate::fs;
use crate::journal;
use crate::journal::state::{Phase, State};
use crate::layout::{self, CampaignDir};
use crate::pack::ARCHIVE;
use crate::run::plan::Errors;
use crate::suite::{Suite, SuiteDir};

/// What became of it.
pub enum Leg {
    /// Its pack is sealed and signed, and its archive lies in the directory of the suite.
    Sealed,
    /// There is no pack yet, and the command has said why.
    NotYet(Exit),
}

/// The campaign of the file `config` in `begun`, called `name`: opened, or planned.
pub fn plan(begun: &Begun, config: &Path, name: &str, output: Output) -> Result<Campaign> {
    let dir = layout::inside(&begun.dir.work(), name);
    let is_begun = CampaignDir::new(&dir).campaign().is_file();
    let args = CampaignArgs { campaign: config.to_path_buf(), dir: Some(dir) };
    let of_another = |e: Error| {
        if !is_begun || e.kind() != Kind::Usage {
            return e;
        }
        Error::usage(format!("`{}` holds a suite that was begun otherwise: {}", begun.dir.root().display(), e.what()))
            .hint("give this one another `--dir`, or say what was said before: then that suite goes on")
    };
    args.open_or_plan(Errors::Forgotten, output.of_a_part()).map_err(of_another)
}

/// Drives `campaign` until its pack is sealed, and puts the archive of that where it is handed on.
pub fn drive(begun: &Begun, suite: Suite, campaign: &Campaign, name: &str, output: Output) -> Result<Leg> {
    let of_the_suite = |e: Error| e.hint("the same `molsieve suite` command goes on with the suite, and signs it");
    let exit = resume::go_on(campaign, &begun.options, output.of_a_part()).map_err(of_the_suite)?;
    let state = State::of(&journal::read(&campaign.dir)?.entries)?;
    if exit != Exit::Done || state.phase != Phase::Complete {
        output.note(format!("the suite is not finished: `{name}` has no pack yet; the same command goes on"));
        return Ok(Leg::NotYet(if exit == Exit::Done { super::not_yet() } else { exit }));
    }
    let sealed = layout::inside(&campaign.dir.pack(), ARCHIVE);
    let handed_on: PathBuf = begun.dir.file(&SuiteDir::archive(suite, name));
    if !is_same(&sealed, &handed_on)? {
        begun.unsign()?;
        fs::remove(&handed_on)?;
        fs::put::link_or_copy(&sealed, &handed_on)?;
    }
    Ok(Leg::Sealed)
}

/// Whether `there` holds what `sealed` does.
fn is_same(sealed: &Path, there: &Path) -> Result<bool> {
    Ok(there.exists() && fs::sha256_input(sealed)? == fs::sha256_input(there)?)
}

/// `text` as TOML writes a string.
pub fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
