//! `molsieve site`: profiles of clusters.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde::Serialize;

use super::doctor::site::{TryArgs, WhichArgs, look};
use super::exit_code::Exit;
use super::output::Output;
use crate::campaign::site::{self, SiteProfile};
use crate::doctor::Verdict;
use crate::doctor::profile::{self, Found};
use crate::error::{Error, Result};
use crate::fs;
use crate::host;
use crate::layout::HomeDir;

/// Arguments of `site`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve site init our-cluster --dir /scratch/me --try\n  molsieve site list\n  molsieve site show our-cluster"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a profile from what `molsieve doctor --site` finds here.
    #[command(
        after_help = "Examples:\n  molsieve site init our-cluster\n  molsieve site init our-cluster --dir /scratch/me --try\n  molsieve site init our-cluster --out our.toml\n  molsieve site init our-pool --scheduler htcondor"
    )]
    Init(InitArgs),
    /// List the profiles.
    #[command(after_help = "Example:\n  molsieve site list")]
    List,
    /// Show a profile, and what it says.
    #[command(after_help = "Example:\n  molsieve site show our-cluster")]
    Show(ShowArgs),
}

#[derive(Debug, clap::Args)]
struct InitArgs {
    /// What a campaign file is to call the site.
    name: String,
    /// A directory that the nodes share.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Where the profile goes [default: `sites/NAME.toml` in `$MOLSIEVE_HOME`].
    #[arg(long)]
    out: Option<PathBuf>,
    #[command(flatten)]
    which: WhichArgs,
    #[command(flatten)]
    job: TryArgs,
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// The name of a profile, or the path of one.
    site: String,
}

/// What `site list` and `site show` say of a profile.
#[derive(Debug, Serialize)]
struct ProfileFacts {
    name: String,
    path: String,
    profile: Option<SiteProfile>,
    problem: Option<String>,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    match &args.command {
        Command::Init(args) => init(args, output),
        Command::List => list(output),
        Command::Show(args) => show(args, output),
    }
}

fn init(args: &InitArgs, output: Output) -> Result<Exit> {
    if !site::is_name(&args.name) {
        return Err(Error::usage(format!("`{}` cannot be the name of a site", args.name.escape_debug()))
            .hint("give 1 to 64 letters, digits and ._-"));
    }
    if !args.dir.is_dir() {
        return Err(Error::usage(format!("there is no directory `{}`", args.dir.display()))
            .hint("give a directory that the nodes share"));
    }
    let path = match &args.out {
        Some(path) => path.clone(),
        None => HomeDir::of_environment()?.site(&args.name),
    };
    // Better known before a job is waited for than after.
    if path.symlink_metadata().is_ok() {
        return Err(is_there(&path));
    }
    let facts = look(None, &args.which, &args.dir, &args.job, output)?;
    let job = facts.job.as_ref();
    let found = Found {
        scheduler: facts.kind.word(),
        product: facts.product,
        lines: &facts.profile,
        cluster: &facts.cluster,
        node: job.and_then(|job| job.node.as_ref()),
        exchange: job.and_then(|job| job.exchange.as_ref()),
        host: &facts.host,
        user: &host::account(),
    };
    let text = profile::write(&args.name, &found);
    SiteProfile::parse(&text).map_err(|e| Error::bug(format!("the profile that was made is none: {e}")))?;
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        fs::create_dir(dir)?;
    }
    if !fs::write_new(&path, text.as_bytes())? {
        return Err(is_there(&path));
    }
    let document = serde_json::json!({
        "schema": "molsieve.site-init.v1", "name": args.name, "path": path, "found": facts,
    });
    if !output.document(&document)? {
        for finding in facts.findings.iter().filter(|finding| finding.verdict >= Verdict::Warning) {
            super::doctor::tell(finding, output);
        }
        output.say(format!("`{}` is written; read it, and correct it", path.display()));
        let meant = if args.out.is_some() { path.display().to_string() } else { args.name.clone() };
        output.say(format!("  a campaign file names it with   [scheduler]  site = \"{meant}\""));
    }
    Ok(Exit::Done)
}

fn is_there(path: &Path) -> Error {
    Error::usage(format!("`{}` is there already", path.display()))
        .hint("remove it, or give another name, or another path with `--out`")
}

fn list(output: Output) -> Result<Exit> {
    let home = HomeDir::of_environment()?;
    let all: Vec<ProfileFacts> = site::list(&home)
        .into_iter()
        .map(|(name, path)| {
            let (profile, problem) = match SiteProfile::read(&path) {
                Ok(profile) => (Some(profile), None),
                Err(error) => (None, Some(error.what().to_owned())),
            };
            ProfileFacts { name, path: path.display().to_string(), profile, problem }
        })
        .collect();
    if !output.document(&serde_json::json!({"schema": "molsieve.sites.v1", "sites": all}))? {
        for facts in &all {
            let profile = facts.profile.as_ref();
            let words = profile.and_then(|profile| profile.description.clone()).or_else(|| facts.problem.clone());
            let login = profile.and_then(|profile| profile.login.as_ref());
            let login = login.map_or_else(String::new, |login| format!("  ({login})"));
            output.say(format!("{:<20} {}{login}", facts.name, words.unwrap_or_default()));
        }
        if all.is_empty() {
            output.note(format!("there is no profile in `{}`", home.sites().display()));
            output.note("  `molsieve site init NAME`, on a machine of the cluster, writes one");
        }
    }
    Ok(Exit::Done)
}

fn show(args: &ShowArgs, output: Output) -> Result<Exit> {
    let (path, profile) = SiteProfile::find_with_path(&args.site, Path::new(""))?;
    let name = profile.name.clone();
    let facts = ProfileFacts { name, path: path.display().to_string(), profile: Some(profile), problem: None };
    if !output.document(&serde_json::json!({"schema": "molsieve.site-facts.v1", "site": facts}))? {
        output.say(format!("# {}", facts.path));
        let text = fs::read_plain(&path).map_err(|e| Error::input(&path, &e))?;
        output.say(String::from_utf8_lossy(&text).trim_end());
    }
    Ok(Exit::Done)
}
