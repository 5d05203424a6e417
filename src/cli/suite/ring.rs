//! `molsieve suite ring`: VALUE-M1.

use std::path::PathBuf;

use super::finish::finish;
use super::leg::{self, Leg};
use super::{Begun, Common};

use crate::cli::exit_code::Exit;
use crate::cli::output::Output;
use crate::cli::values;
use crate::error::{Error, Result};
use crate::fs;
use crate::layout;
use crate::lift::truth::Demands;
use crate::scorer::builtin::compared::settings::COUNT_MAX;
use crate::suite::build::Request;
use crate::suite::gates::Asked;
use crate::suite::{RING_MOLECULES, Suite, TruthSource};

/// What its only pack is called.
const NAME: &str = "ring";

/// Arguments of `suite ring`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  molsieve suite ring --dir ring --key me.pem")]
pub struct Args {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    molecules: Molecules,
}

/// Which molecules, and how many look-alikes of each.
#[derive(Debug, clap::Args)]
pub struct Molecules {
    /// The library [default: 200 molecules with ring systems of every kind, which molsieve has with it].
    #[arg(long)]
    library: Option<PathBuf>,
    /// Look-alikes of each record, at most.
    #[arg(long, default_value_t = 20, value_parser = values::count::<{ COUNT_MAX as u64 }>)]
    count: u64,
    /// The campaign seed.
    #[arg(long, default_value_t = 0, value_parser = values::seed)]
    seed: u64,
}

impl Molecules {
    /// What campaigns of it have in common: sections of a campaign file.
    pub fn sections(&self, begun: &Begun, name: &str) -> Result<String> {
        let path = if let Some(path) = &self.library {
            std::path::absolute(path).map_err(|e| Error::io("cannot find", path, &e))?
        } else {
            let path = layout::inside(&begun.dir.work(), "ring_molecules.smi");
            fs::replace(&path, RING_MOLECULES)?;
            path
        };
        let path = path.to_str().ok_or_else(|| Error::usage("the path of the library is not text"))?;
        let (name, path) = (leg::quoted(name), leg::quoted(path));
        Ok(format!(
            "[campaign]\nname = {name}\nseed = {}\n[library]\npath = [{path}]\n[decoys]\ncount = {}\n[pack]\nexport = [\"hetero2\"]\n",
            self.seed, self.count
        ))
    }
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let begun = args.common.begin(Suite::Ring, TruthSource::None)?;
    let config = layout::inside(&begun.dir.work(), "ring.toml");
    let file = format!("{}[scorer]\nkind = \"spectral2d\"\n", args.molecules.sections(&begun, NAME)?);
    fs::replace(&config, file.as_bytes())?;
    let campaign = leg::plan(&begun, &config, NAME, output)?;
    match leg::drive(&begun, Suite::Ring, &campaign, NAME, output)? {
        Leg::NotYet(exit) => Ok(exit),
        Leg::Sealed => {
            let asked = Asked { suite: Suite::Ring, truth: TruthSource::None, pinned: None };
            let request =
                Request { asked, release: begun.release.clone(), question: None, demands: Demands::default() };
            finish(&begun, &request, output)
        }
    }
}
