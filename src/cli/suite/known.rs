//! `molsieve suite known-bad-good`: VALUE-M2.

use super::finish::finish;
use super::leg::{self, Leg};
use super::ring::Molecules;
use super::{Begun, Common};
use crate::campaign::config::Config;
use crate::cli::exit_code::Exit;
use crate::cli::output::Output;
use crate::cli::{progress, signals};
use crate::decoys::Wanted;
use crate::error::{Error, Result};
use crate::fs;
use crate::fs::scratch::Scratch;
use crate::host;
use crate::layout::{self, CampaignDir};
use crate::library::take;
use crate::lift::truth::Demands;
use crate::run::plan;
use crate::stop::Stop;
use crate::suite::build::Request;
use crate::suite::gates::Asked;
use crate::suite::scores::{self, MadeUp};
use crate::suite::{Suite, TruthSource};

/// Arguments of `suite known-bad-good`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  molsieve suite known-bad-good --dir known --key me.pem")]
pub struct Args {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    molecules: Molecules,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let begun = args.common.begin(Suite::KnownBadGood, TruthSource::None)?;
    for made_up in MadeUp::ALL {
        let name = made_up.variant();
        let scores = format!("[scorer]\nkind = \"precomputed\"\nscores = {}\n", leg::quoted(&table(made_up)));
        let file = format!("{}{scores}", args.molecules.sections(&begun, name)?);
        fs::replace(&config(&begun, made_up), file.as_bytes())?;
    }
    make_up(&begun, output)?;
    for made_up in MadeUp::ALL {
        let name = made_up.variant();
        output.note(format!("scores `{name}`:"));
        let campaign = leg::plan(&begun, &config(&begun, made_up), name, output)?;
        if let Leg::NotYet(exit) = leg::drive(&begun, Suite::KnownBadGood, &campaign, name, output)? {
            return Ok(exit);
        }
    }
    let asked = Asked { suite: Suite::KnownBadGood, truth: TruthSource::None, pinned: None };
    let request = Request { asked, release: begun.release.clone(), question: None, demands: Demands::default() };
    finish(&begun, &request, output)
}

fn config(begun: &Begun, made_up: MadeUp) -> std::path::PathBuf {
    layout::inside(&begun.dir.work(), &format!("{}.toml", made_up.variant()))
}

/// What the table of these scores is called.
fn table(made_up: MadeUp) -> String {
    format!("{}.csv", made_up.variant())
}

/// Writes the tables of scores, but for campaigns that are planned: those have read them.
fn make_up(begun: &Begun, output: Output) -> Result<()> {
    let path = |made_up| layout::inside(&begun.dir.work(), &table(made_up));
    let is_planned =
        |made_up: MadeUp| CampaignDir::new(layout::inside(&begun.dir.work(), made_up.variant())).campaign().is_file();
    let missing: Vec<MadeUp> = MadeUp::ALL.into_iter().filter(|made_up| !is_planned(*made_up)).collect();
    let Some(first) = missing.first() else { return Ok(()) };
    let (file, base) = (Config::read(&config(begun, *first))?, begun.dir.work());
    let section = file.decoys.as_ref().ok_or_else(|| Error::bug("a suite has no look-alikes"))?;
    let stop = Stop::new();
    signals::raise_on_signal(&stop, || {})?;
    let scratch = Scratch::create()?;
    let library = take::take(
        &plan::library_request(&file, &base),
        &layout::inside(scratch.path(), "library"),
        host::cores(),
        &progress::reading(output.of_a_part()),
    )?;
    let wanted = Wanted {
        library: &library,
        seed: file.campaign.seed,
        decoys: &section.settings()?.to_decoys(),
        scores: None,
        missing: false,
        threads: begun.options.workers.map_or_else(host::cores, |workers| workers as usize),
    };
    let tables: Vec<_> = missing.into_iter().map(|made_up| (made_up, path(made_up))).collect();
    scores::write(&tables, &wanted, &stop)
}
