//! `molsieve init`: a commented campaign that runs, without a question asked.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::exit_code::Exit;
use super::output::Output;
use crate::error::{Error, Result};
use crate::fs;
use crate::layout::{self, CAMPAIGN_FILE};
use crate::library::format::{FileFormat, FormatRequest, Notation};
use crate::library::request::{self, LibraryRequest};

const HEAD: &str = include_str!("../../configs/init/head.toml");
const TAIL: &str = include_str!("../../configs/init/tail.toml");
const SIMILARITY: &str = include_str!("../../configs/init/similarity.toml");
const COMMAND: &str = include_str!("../../configs/init/command.toml");
const LIBRARY: &str = include_str!("../../configs/init/library.smi");
const ACTIVES: &str = include_str!("../../configs/init/actives.smi");
const SCORE: &str = include_str!("../../configs/init/score.py");
const ALL_KEYS: &str = include_str!("../../configs/defaults.toml");

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve init first && molsieve run first/campaign.toml --dir first/out\n  molsieve init night --scorer command --library 'enamine/*.cxsmiles.bz2'"
)]
pub struct Args {
    /// The directory to write into; made if it is not there.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Library files and globs [default: the only library in the directory, else a file of 24 well-known molecules].
    #[arg(long, num_args = 1..)]
    library: Vec<String>,
    /// What computes: the built-in similarity, or a Python program to put your own model into.
    #[arg(long, value_enum, default_value_t = Scorer::Similarity)]
    scorer: Scorer,
    /// Write nothing: print every key of a campaign file, with its default.
    #[arg(long, conflicts_with_all = ["dir", "library", "scorer"])]
    all_keys: bool,
}

/// What the library is, as far as the comments of a campaign file differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    Smiles,
    Molblocks,
    Parquet,
}

impl About {
    /// What the campaign file says of such a library.
    const fn comment(self) -> &'static str {
        match self {
            Self::Smiles => {
                "# Files and globs. SMILES, one molecule a line, with or without a header, plain or compressed; the format is sniffed."
            }
            Self::Molblocks => {
                "# Files and globs. SD files, plain or compressed. The id is the title line; `id_column = \"NAME\"` takes a data field.\n\
                 # The scorer is given the molblock of each record as it is."
            }
            Self::Parquet => {
                "# Files and globs. Parquet; the columns are found by their names and content, or say them:\n\
                 # structure_column = \"smiles\"\n# id_column = \"id\""
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scorer {
    Similarity,
    Command,
}

/// Endings of files that hold molecules and nothing else, apart from compression.
const ENDINGS: [&str; 7] = ["smi", "smiles", "cxsmiles", "sdf", "sd", "parquet", "pq"];

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    if args.all_keys {
        output.say(ALL_KEYS.trim_end());
        return Ok(Exit::Done);
    }
    let library = library(args)?;
    let about = about(&args.dir, &library)?;
    let files = files(&name(&args.dir), args.scorer, &library, about);
    let path = |name: &str| layout::beside_campaign_file(&args.dir, name);
    if let Some((name, _)) = files.iter().find(|(name, _)| path(name).exists()) {
        return Err(Error::usage(format!("`{}` is there already", path(name).display()))
            .hint("nothing was written; give another directory, or move that file away"));
    }
    fs::create_dir(&args.dir)?;
    for (name, content) in &files {
        // Whoever was quicker keeps what is theirs.
        if !fs::write_new(&path(name), content.as_bytes())? {
            return Err(Error::usage(format!("`{}` has just been made by somebody else", path(name).display()))
                .hint("give another directory"));
        }
    }
    tell(args, &files, &library, output)
}

/// A library of these paths, which start at `base`.
fn request(base: &Path, paths: Vec<String>) -> LibraryRequest {
    LibraryRequest { base: base.to_path_buf(), paths, format: FormatRequest::default() }
}

/// What the library is whose paths start at `dir`; SMILES for the one that is written.
fn about(dir: &Path, library: &[String]) -> Result<About> {
    if library.is_empty() {
        return Ok(About::Smiles);
    }
    let notation = request::notation(&request(dir, library.to_vec())).map_err(|e| e.within("`--library`"))?;
    let is_parquet = |path: &String| matches!(FileFormat::of(Path::new(path)), Ok(FileFormat::Parquet));
    Ok(match notation {
        Notation::Molblock => About::Molblocks,
        Notation::Smiles if library.iter().any(is_parquet) => About::Parquet,
        Notation::Smiles => About::Smiles,
    })
}

/// The name of the only library in `dir`, if there is exactly one.
fn only_library(dir: &Path) -> Option<String> {
    let names = std::fs::read_dir(dir).ok()?.flatten().filter(|entry| entry.path().is_file());
    let is_library = |name: &String| {
        let mut parts = name.rsplit('.').map(str::to_ascii_lowercase);
        let ending = parts.next().filter(|end| !["gz", "bgz", "bz2", "zst", "zstd"].contains(&end.as_str()));
        let ending = ending.or_else(|| parts.next()).unwrap_or_default();
        ENDINGS.contains(&ending.as_str())
    };
    let mut found = names.filter_map(|entry| entry.file_name().into_string().ok()).filter(is_library);
    found.next().filter(|_| found.next().is_none())
}

/// The paths as the campaign file in `args.dir` will say them, if any were given or one is there.
fn library(args: &Args) -> Result<Vec<String>> {
    if args.library.is_empty() {
        return Ok(only_library(&args.dir).into_iter().collect());
    }
    let here =
        std::env::current_dir().map_err(|e| Error::environment(format!("there is no current directory: {e}")))?;
    request::resolve(&request(&here, args.library.clone())).map_err(|e| e.within("`--library`"))?;
    let absolute = |path: &String| {
        let path = here.join(path);
        path.to_str().map(str::to_owned).ok_or_else(|| Error::usage(format!("`{}` is not text", path.display())))
    };
    args.library.iter().map(absolute).collect()
}

/// What the campaign is called: as its directory, where that has a name.
fn name(dir: &Path) -> String {
    let base = dir.file_name().and_then(|name| name.to_str());
    base.filter(|name| !name.chars().any(char::is_control)).unwrap_or("first").to_owned()
}

/// The files to write: name and content.
fn files(name: &str, scorer: Scorer, library: &[String], about: About) -> Vec<(&'static str, String)> {
    const OWN: &str = "library.smi";
    let paths = if library.is_empty() { vec![OWN.to_owned()] } else { library.to_vec() };
    let paths = toml::Value::Array(paths.into_iter().map(toml::Value::String).collect());
    let name = toml::Value::String(name.to_owned());
    let (section, more) = match scorer {
        Scorer::Similarity => (SIMILARITY, ("actives.smi", ACTIVES.to_owned())),
        Scorer::Command => (COMMAND, ("score.py", SCORE.to_owned())),
    };
    let head = HEAD.replace("@ABOUT@", about.comment()).replace("@LIBRARY@", &paths.to_string());
    let campaign = head.replace("@NAME@", &name.to_string()) + section + TAIL;
    let mut files = vec![more];
    if library.is_empty() {
        files.push((OWN, LIBRARY.to_owned()));
    }
    // Last: where it is, the others are.
    files.push((CAMPAIGN_FILE, campaign));
    files
}

fn tell(args: &Args, files: &[(&str, String)], library: &[String], output: Output) -> Result<Exit> {
    let written: Vec<String> =
        files.iter().map(|(name, _)| layout::beside_campaign_file(&args.dir, name).display().to_string()).collect();
    let facts = serde_json::json!({"schema": "molsieve.init.v1", "dir": args.dir, "written": written});
    if !output.document(&facts)? {
        written.iter().for_each(|path| output.say(format!("wrote  {path}")));
        library.iter().for_each(|path| output.say(format!("takes  {path}")));
        let campaign = layout::beside_campaign_file(&args.dir, CAMPAIGN_FILE);
        let dir = layout::beside_campaign_file(&args.dir, "out");
        output.say(format!("run    molsieve run {} --dir {}", campaign.display(), dir.display()));
    }
    Ok(Exit::Done)
}
