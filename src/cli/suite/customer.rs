//! `molsieve suite customer`: VALUE-M3, and with truth VALUE-M5 to VALUE-M7.

use std::path::{Path, PathBuf};

use super::finish::finish;
use super::leg::{self, Leg};
use super::{Begun, Common};
use crate::campaign::config::Config;
use crate::campaign::file::Campaign;
use crate::campaign::precomputed;

use crate::cli::exit_code::Exit;
use crate::cli::output::Output;
use crate::cli::question::QuestionArgs;
use crate::cli::values;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::fs;
use crate::library::snapshot::Snapshot;
use crate::lift::library::{self, Looked};
use crate::lift::proxy;
use crate::lift::truth::{Demands, Truth};
use crate::run::plan;
use crate::suite::build::Request;
use crate::suite::gates::Asked;
use crate::suite::utility::{Price, Question};
use crate::suite::{Suite, SuiteDir, TruthSource};

/// What its only pack is called.
const NAME: &str = "customer";

/// Arguments of `suite customer`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve suite customer compare.toml --dir customer --key me.pem --proxy-truth\n  molsieve suite customer compare.toml --dir customer --key me.pem --truth assay.csv --truth-sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 --k 200"
)]
pub struct Args {
    /// The campaign file (TOML), with a section `[decoys]`.
    campaign: PathBuf,
    #[command(flatten)]
    common: Common,
    /// What an expensive measurement said of each molecule: CSV, customer_truth.v1.
    #[arg(long, requires = "truth_sha256", conflicts_with = "proxy_truth")]
    truth: Option<PathBuf>,
    /// The SHA-256 that it must have.
    #[arg(long, value_name = "SHA256", requires = "truth", value_parser = values::sha256)]
    truth_sha256: Option<Digest>,
    /// Try the way out with labels that a rule makes: they say nothing of the molecules.
    #[arg(long)]
    proxy_truth: bool,
    #[command(flatten)]
    question: QuestionArgs,
}

impl Args {
    fn source(&self) -> TruthSource {
        match (&self.truth, self.proxy_truth) {
            (Some(_), _) => TruthSource::Measured,
            (None, true) => TruthSource::Rule,
            (None, false) => TruthSource::None,
        }
    }

    fn demands(&self) -> Demands {
        Demands { sha256: self.truth_sha256, source: None }
    }

    /// What is asked of the truth, if there is any.
    fn question(&self) -> Result<Option<Question>> {
        if self.source() == TruthSource::None {
            return Ok(None);
        }
        let QuestionArgs { k, seed, bootstrap_n, allow_unknown, .. } = self.question;
        let price = self.question.price();
        let price = price.map(|(amount, of)| Price { per_molecule: amount.to_string(), currency: of.to_owned() });
        let question = Question { k, seed, bootstrap_n: bootstrap_n as u32, price, allow_unknown };
        question.check()?;
        Ok(Some(question))
    }
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let (config, question) = (Config::read(&args.campaign)?, args.question()?);
    if config.decoys.is_none() {
        return Err(Error::usage(format!("`{}` has no section `[decoys]`", args.campaign.display())).hint(
            "without look-alikes there is nothing that a score must tell apart: add `[decoys]` and `count = 20`",
        ));
    }
    let table = args.truth.as_deref().map(|path| Truth::read(path, &args.demands())).transpose()?;
    if let Some(rule) = table.as_ref().and_then(Truth::proxy) {
        return Err(Error::usage(format!("the labels of this table are made by a rule (`{rule}`), and not measured"))
            .hint("`--proxy-truth` is for those"));
    }
    let is_from_files = config.scorer.kind == precomputed::KIND;
    if is_from_files {
        precomputed::must_be_pinned(&config.scorer, &plan::base_of(&args.campaign)?)?;
    }
    let begun = args.common.begin(Suite::Customer, args.source())?;
    must_be_asked_as_before(&begun, question.as_ref(), args.truth_sha256)?;
    let campaign = leg::plan(&begun, &args.campaign, NAME, output)?;
    // Before anything is submitted.
    truth(args, &begun, &campaign, table.as_ref())?;
    match leg::drive(&begun, Suite::Customer, &campaign, NAME, output)? {
        Leg::NotYet(exit) => Ok(exit),
        Leg::Sealed => {
            let asked = Asked { suite: Suite::Customer, truth: args.source(), pinned: is_from_files.then_some(true) };
            let (release, demands) = (begun.release.clone(), args.demands());
            finish(&begun, &Request { asked, release, question, demands }, output)
        }
    }
}

/// Refuses another question of measured truth that has answered one: whoever asks until the answer pleases has asked nothing.
fn must_be_asked_as_before(begun: &Begun, question: Option<&Question>, sha256: Option<Digest>) -> Result<()> {
    let before = super::there(&begun.dir)?.and_then(|document| document.utility);
    let (Some(before), Some(question), Some(sha256)) = (before, question, sha256) else { return Ok(()) };
    if before.truth_sha256 != sha256.to_string() || before.question == *question {
        return Ok(());
    }
    let Question { k, seed, bootstrap_n, .. } = before.question;
    Err(Error::usage(format!(
        "this truth was asked another question in `{}`: --k {k} --seed {seed} --bootstrap-n {bootstrap_n}, or another price",
        begun.dir.root().display()
    ))
    .hint("what is asked is said before the answer is known: give another question a suite of its own with `--dir`")
    .hint("to look at other numbers without a suite, use `molsieve report cost-lift`"))
}

/// Puts the table of truth where it is handed on, if it is about this library.
fn truth(args: &Args, begun: &Begun, campaign: &Campaign, table: Option<&Truth>) -> Result<()> {
    let to = begun.dir.file(SuiteDir::TRUTH);
    let snapshot = Snapshot::open(&campaign.dir.library_named(&campaign.file.execution.library))?;
    if let Some((path, table)) = args.truth.as_ref().zip(table) {
        must_be_about(path, table, &snapshot, args.question.allow_unknown)?;
    }
    begun.unsign()?;
    if let Some(path) = &args.truth {
        return copy(path, &to);
    }
    fs::remove(&to)?;
    if args.proxy_truth { proxy::write(&snapshot, &to).map(drop) } else { Ok(()) }
}

/// A copy, not another name: whoever goes on writing to the file that was given changes nothing here. It is whole before it takes
/// the place of what was there, which may be that very file.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut copy = fs::Staged::create_beside(to)?;
    let file = fs::open_input(from).map_err(|e| Error::input(from, &e))?;
    fs::each_block(file, from, |block| copy.write(block))?;
    copy.commit()
}

/// Refuses a table that speaks of molecules which the library does not have, or whose labels nobody measured.
fn must_be_about(path: &Path, table: &Truth, snapshot: &Snapshot, allow_unknown: bool) -> Result<()> {
    let Looked { unknown, first_unknown, is_of_the_rule } = library::look(table, snapshot)?;
    if is_of_the_rule {
        let (path, rule) = (path.display(), proxy::SOURCE);
        return Err(Error::usage(format!(
            "every label of `{path}` is the one that the rule `{rule}` makes: nobody measured them, whatever their source is called"
        ))
        .hint("`--proxy-truth` is for those"));
    }
    let Some(first) = first_unknown.filter(|_| !allow_unknown) else { return Ok(()) };
    let what = format!(
        "`{}` has labels of {unknown} molecules that the library does not have, such as `{first}`",
        path.display()
    );
    Err(Error::usage(what).hint("check the ids, or say `--allow-unknown` if it is meant for more than this library"))
}
