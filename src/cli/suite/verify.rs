//! `molsieve suite verify`: a suite made again from its files, and compared.

use std::path::PathBuf;

use super::finish::{exit, tell};
use super::there;
use crate::cli::exit_code::Exit;
use crate::cli::output::Output;
use crate::error::{Error, Result};
use crate::fs;
use crate::pack::envelope;
use crate::pack::keys::PublicKey;
use crate::pack::verify::{Accept, Trust};
use crate::suite::build::{self, Built, Request};
use crate::suite::document::{self, Document};
use crate::suite::{SuiteDir, statement};

/// Schema of the facts.
const SCHEMA: &str = "molsieve.suite-verify.v1";

/// Arguments of `suite verify`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  molsieve suite verify ring --key me.pub.pem\n\nThe directory `work` in it is not looked at: what is handed on is the files beside it."
)]
pub struct Args {
    /// The directory of the suite.
    dir: PathBuf,
    /// A public key (SPKI PEM) that is trusted; may be given several times.
    #[arg(long, required = true)]
    key: Vec<PathBuf>,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let keys = args.key.iter().map(|path| PublicKey::load(path)).collect::<Result<Vec<_>>>()?;
    let dir = SuiteDir::new(&args.dir);
    let document = there(&dir)?.ok_or_else(|| {
        Error::usage(format!("`{}` holds no `{}`", args.dir.display(), SuiteDir::DOCUMENT))
            .hint("give the directory that `molsieve suite` wrote, when it has finished")
    })?;
    // First who answers for it: what nobody has signed is not worked on.
    let path = dir.file(SuiteDir::STATEMENT);
    let envelope = fs::read_input(&path, envelope::BYTES_MAX).map_err(|e| Error::input(&path, &e))?;
    let signers = statement::signers(&envelope, &statement::statement(&dir, &document)?, &keys)?;
    let unsigned = unsigned(&dir, &document)?;
    let trust = Trust { keys, threshold: 1, accept: Accept::Trusted };
    let built = build::build(&dir, &Request::of(&document)?, &trust)?;
    for (name, bytes) in built.files()?.into_iter().filter(|(name, _)| Built::FROZEN.contains(name)) {
        let path = dir.file(name);
        let there =
            fs::read_input(&path, document::BYTES_MAX.max(bytes.len() as u64)).map_err(|e| Error::input(&path, &e))?;
        if there != bytes {
            return Err(Error::verification(format!("`{name}` is not what follows from the packs beside it"))
                .hint("it was changed, or a pack was: get the suite again from whoever signed it"));
        }
    }
    let facts =
        serde_json::json!({"schema": SCHEMA, "signers": signers, "unsigned": unsigned, "suite": built.document});
    if !output.document(&facts)? {
        tell(&built.document, output)?;
    }
    unsigned.iter().for_each(|name| output.say(format!("  not part of it, and signed by nobody: `{name}`")));
    signers.iter().for_each(|keyid| output.say(format!("  VERIFIED: signed by {keyid}")));
    Ok(exit(&built.document))
}

/// What lies beside the suite and is not part of it. A file that has the name of one of its own is none of these: it is refused.
fn unsigned(dir: &SuiteDir, document: &Document) -> Result<Vec<String>> {
    let own = statement::names(document);
    let mut others = Vec::new();
    for entry in std::fs::read_dir(dir.root()).map_err(|e| Error::input(dir.root(), &e))?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == SuiteDir::WORK || name == SuiteDir::STATEMENT || own.contains(&name) {
            continue;
        }
        if SuiteDir::is_of_a_suite(&name) {
            return Err(Error::verification(format!("`{name}` lies here, and is no part of this suite"))
                .hint("it was put there, or left: do not rely on it, and take it away"));
        }
        others.push(name);
    }
    others.sort();
    Ok(others)
}
