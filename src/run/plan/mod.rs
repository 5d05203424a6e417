//! Planning: from what the user wrote to a frozen campaign in its directory.

pub mod amend;
pub mod anew;
mod cut;
mod fit;
mod frozen;

use std::path::{Path, PathBuf};

use self::cut::Cutting;
pub use self::fit::Fit;
use crate::campaign::config::{Config, LibrarySection, ShardSize};
use crate::campaign::file::{self, Campaign, CampaignFile, Execution};
use crate::campaign::identity::{self, Identity, LibraryIdentity, PackRequest, Rank};
use crate::campaign::scorer as asked_scorer;
use crate::encode;
use crate::error::{Error, Result};
use crate::id::AttemptId;
use crate::journal::Journal;
use crate::journal::event::Event;
use crate::layout::CampaignDir;
use crate::library::format::FormatRequest;
use crate::library::request::{self, Inputs, LibraryRequest};
use crate::library::snapshot::Snapshot;
use crate::library::take;
use crate::pack::hetero2;
use crate::pack::keys::PrivateKey;
use crate::pilot;
use crate::run::policy::EVERY_RECORD;
use crate::scheduler;
use crate::scorer::identity::ScorerLaunch;
use crate::scorer::open::{self, Here};
use crate::scorer::{Column, ColumnType, Description};
use crate::units;

/// Called while the library is read, with bytes and records so far.
pub type Watch<'a> = &'a (dyn Fn(u64, u64) + Sync);

/// What somebody gets who asks for a campaign.
#[derive(Debug)]
pub struct Opened {
    /// The campaign.
    pub campaign: Campaign,
    /// Where there was one without a result, and it was planned anew: so many rows, all of them ERROR, are forgotten.
    pub forgotten: Option<u64>,
    /// How the scores that it takes from files fit it, if it was planned just now.
    pub fit: Option<Fit>,
}

impl From<Campaign> for Opened {
    fn from(campaign: Campaign) -> Self {
        Self { campaign, forgotten: None, fit: None }
    }
}

/// What becomes of a campaign that has come to an end with nothing but errors, where its scorer is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errors {
    /// They stay.
    Kept,
    /// It is planned anew: somebody mended what the identity of a scorer does not hold, such as the program itself.
    Forgotten,
}

/// Opens the campaign that `config` asks for in `dir`, or plans it there.
///
/// # Errors
/// `dir` holds another campaign (exit 2), or the campaign cannot be frozen.
pub fn open_or_plan(config: &Path, dir: CampaignDir, here: &Here, watch: Watch<'_>, errors: Errors) -> Result<Opened> {
    let (config, base) = read(config)?;
    let shards = config.shards.size()?;
    let asked = Asked { config: &config, base: &base, here, watch, shards, pilot: None, errors };
    match Campaign::open_if_any(dir.clone())? {
        Some(campaign) => same(&asked, campaign),
        None => plan(&asked, dir, Plans::IfNone),
    }
}

/// Gives `campaign` what `config` says now about all that is not frozen.
///
/// # Errors
/// Something that is frozen differs (exit 2), or the system refuses (exit 6).
pub fn reread(config: &Path, campaign: Campaign, here: &Here) -> Result<Opened> {
    let (config, base) = read(config)?;
    let (shards, errors) = (config.shards.size()?, Errors::Kept);
    same(&Asked { config: &config, base: &base, here, watch: &|_, _| {}, shards, pilot: None, errors }, campaign)
}

/// Plans the campaign that `config` asks for in `dir`, with what a pilot says of its cost.
///
/// # Errors
/// As [`open_or_plan`]; nothing follows from the pilot (exit 3), or work has begun (exit 2).
pub fn with_pilot(
    config: &Path,
    dir: CampaignDir,
    here: &Here,
    watch: Watch<'_>,
    pilot: pilot::Request,
) -> Result<Opened> {
    let (config, base) = read(config)?;
    let (shards, errors) = (config.shards.size()?, Errors::Kept);
    let asked = Asked { config: &config, base: &base, here, watch, shards, pilot: Some(pilot), errors };
    let Some(campaign) = Campaign::open_if_any(dir.clone())? else { return plan(&asked, dir, Plans::IfNone) };
    let opened = same(&Asked { pilot: None, ..asked }, campaign)?;
    Ok(Opened { campaign: cut::again(&asked.cutting(), opened.campaign)?, ..opened })
}

/// What somebody asked for, as far as planning goes.
#[derive(Clone, Copy)]
struct Asked<'a> {
    config: &'a Config,
    base: &'a Path,
    here: &'a Here,
    watch: Watch<'a>,
    shards: ShardSize,
    /// A pilot is asked for, whether the shards need one or not.
    pilot: Option<pilot::Request>,
    /// What becomes of a campaign of errors alone.
    errors: Errors,
}

impl Asked<'_> {
    fn cutting(&self) -> Cutting<'_> {
        Cutting { here: self.here, shards: self.shards, pilot: self.pilot }
    }
}

/// What a planner does where there is a campaign already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plans {
    /// It takes that one, if it is the same.
    IfNone,
    /// It plans anew: nothing was finished yet.
    Anew,
}

/// Freezes and cuts a new campaign.
fn plan(asked: &Asked<'_>, dir: CampaignDir, plans: Plans) -> Result<Opened> {
    let Asked { config, base, here, watch, .. } = *asked;
    let notation = request::notation(&library_request(config, base));
    // What is wrong with the request itself is told before what is wrong with the library.
    let assumed = notation.as_ref().copied().unwrap_or_default();
    let (scorer, launch) = asked_scorer::resolve(config, base, here, assumed)?;
    let pack = pack_request(config, &scorer.description)?;
    notation?;
    let mut execution = execution(config, base, launch, PathBuf::new())?;
    let (mut journal, there) = open_for_planning(&dir)?;
    let (forgotten, nonce) = match (plans, there) {
        // That older planner was quicker.
        (Plans::IfNone, Some(campaign)) => return same(asked, campaign),
        // Jobs of before may be in a queue, and are found by it.
        (Plans::Anew, Some(campaign)) => (Some(anew::forget(&campaign)?), campaign.file.nonce),
        (_, None) => (None, None),
    };
    let (wanted, into) = (library_request(config, base), dir.library(&AttemptId::random()?));
    let library = take::take_after(&earlier_snapshots(&dir), &wanted, &into, crate::host::cores(), watch)?;
    let fit = fit::of(&execution.scorer, config.campaign.seed, &library)?;
    execution.library = dir.library_name(library.dir());
    let identity = Identity {
        schema: identity::SCHEMA.to_owned(),
        name: config.campaign.name.clone(),
        seed: config.campaign.seed,
        library: LibraryIdentity { root: library.root(), records: library.records() },
        scorer,
        pack,
        parent: None,
    };
    let plan = cut::cut(&asked.cutting(), &dir, &identity, &execution, &library)?;
    // The event comes before `campaign.json`: whoever finds that file finds a journal that begins with it.
    journal.record(Event::Planned { campaign: identity.digest()?, plan: plan.digest()? })?;
    let (schema, request) = (file::SCHEMA.to_owned(), frozen::keys(config));
    let file = CampaignFile { schema, identity, request, execution, nonce };
    Ok(Opened { campaign: Campaign::create(dir, file, plan)?, forgotten, fit })
}

/// Opens `dir` for a planner: its journal, and the campaign that is there all the same, because an older planner was
/// quicker. From here on any older one stops before it writes anything that lasts.
///
/// # Errors
/// There are other things in `dir`, or it is a file (exit 2); what is there is no campaign of ours (exit 4); the system
/// refuses (exit 6).
pub fn open_for_planning(dir: &CampaignDir) -> Result<(Journal, Option<Campaign>)> {
    nobody_elses(dir)?;
    crate::fs::create_dir(dir.root())?;
    let (journal, _) = Journal::take_over(dir)?;
    let there = Campaign::open_if_any(dir.clone())?;
    Ok((journal, there))
}

/// Where planners of this directory took or began snapshots.
fn earlier_snapshots(dir: &CampaignDir) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir.libraries()).into_iter().flatten().flatten();
    let mut dirs: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    dirs.sort();
    dirs
}

/// A campaign moves into an empty directory, or into one where a planner of ours began; never among other things.
///
/// # Errors
/// There are other things in `dir`, or it is a file (exit 2); the system refuses (exit 6).
fn nobody_elses(dir: &CampaignDir) -> Result<()> {
    let entries = match std::fs::read_dir(dir.root()) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::NotADirectory => {
            return Err(
                Error::usage(format!("`{}` is a file", dir.root().display())).hint("give a directory with `--dir`")
            );
        }
        Err(e) => return Err(Error::io("cannot list", dir.root(), &e)),
    };
    // A planner makes the journal's directory first, and its first segment before anything else.
    let only_begun = entries.flatten().all(|entry| entry.path() == dir.journal());
    if only_begun || dir.journal_segment(1).is_file() {
        return Ok(());
    }
    Err(Error::usage(format!("`{}` holds other things than a campaign", dir.root().display()))
        .hint("give a directory that is empty or not there yet: a campaign writes and replaces files in its own"))
}

/// Checks that `campaign` is what `config` asks for. What is not frozen is taken from the file anew. Where there is no
/// result that another scorer could spoil, another scorer is no other campaign: it is planned anew.
fn same(asked: &Asked<'_>, campaign: Campaign) -> Result<Opened> {
    let Asked { config, base, here, .. } = *asked;
    let keys = frozen::keys(config);
    let same_keys = match frozen::unchanged(&keys, &campaign) {
        Err(another) if !frozen::is_scorer_alone(&keys, &campaign) => return Err(another),
        Err(another) if !anew::is_without_result(&campaign)? => return Err(another),
        told => told,
    };
    library_is_the_same(config, base, &campaign)?;
    let notation = request::notation(&library_request(config, base))?;
    let (now, launch) = asked_scorer::resolve(config, base, here, notation)?;
    let same_scorer = same_keys.and_then(|()| open::unchanged(&now, &campaign.file.identity.scorer));
    let is_changed = same_scorer.is_err() && anew::is_without_result(&campaign)?;
    let forgets = asked.errors == Errors::Forgotten && !are_errors_wanted(config);
    if is_changed || forgets && anew::ended_with_errors_alone(&campaign)? {
        return plan(asked, campaign.dir, Plans::Anew);
    }
    same_scorer?;
    let library = campaign.file.execution.library.clone();
    let execution = execution(config, base, launch, library)?;
    amend::amend(campaign, execution).map(Opened::from)
}

/// Whether the campaign file says that every record may be an error: then those that are there are meant to be.
fn are_errors_wanted(config: &Config) -> bool {
    config.limits.max_error_rate.map(units::millionths) == Some(EVERY_RECORD)
}

/// Checks that the paths stand for the files that were planned, by name and size; the content is checked by who reads it.
fn library_is_the_same(config: &Config, base: &Path, campaign: &Campaign) -> Result<()> {
    let planned = Snapshot::open(&campaign.dir.library_named(&campaign.file.execution.library))?;
    let differs = |what: String| {
        Err(Error::usage(format!(
            "the library is not the one that was planned in `{}`: {what}",
            campaign.dir.root().display()
        ))
        .hint("put the planned files back, or screen the new ones as a campaign of its own with another `--dir`"))
    };
    let now = match request::resolve(&library_request(config, base))? {
        Inputs::Files(files) => files,
        Inputs::Snapshot(dir) if Snapshot::open(&dir)?.root() == planned.root() => return Ok(()),
        Inputs::Snapshot(dir) => return differs(format!("`{}` is another snapshot", dir.display())),
    };
    let mut then = Vec::new();
    for file in planned.files() {
        then.push((file.source.path()?, file.source.bytes));
    }
    if now.len() != then.len() {
        return differs(format!("it has {} files, and had {}", now.len(), then.len()));
    }
    let other = now
        .iter()
        .zip(&then)
        .find(|(now, (path, bytes))| now.path.file_name() != path.file_name() || now.bytes != *bytes);
    match other {
        Some((now, (path, bytes))) => {
            differs(format!("`{}` has {} bytes, and `{}` had {bytes}", now.path.display(), now.bytes, path.display()))
        }
        None => Ok(()),
    }
}

/// The library that a campaign file names.
pub fn library_request(config: &Config, base: &Path) -> LibraryRequest {
    LibraryRequest {
        base: base.to_path_buf(),
        paths: config.library.path.clone(),
        format: format_request(&config.library),
    }
}

/// What `[library]` says about the format.
pub fn format_request(section: &LibrarySection) -> FormatRequest {
    FormatRequest {
        format: section.format,
        delimiter: section.delimiter,
        header: section.header,
        structure_column: section.structure_column.clone(),
        id_column: section.id_column.clone(),
    }
}

fn execution(config: &Config, base: &Path, scorer: ScorerLaunch, library: PathBuf) -> Result<Execution> {
    let execution = Execution {
        library,
        scorer,
        sync_ms: units::duration(&config.checkpoint.sync).map_err(|e| e.within("`checkpoint.sync`"))?.as_millis()
            as u64,
        scheduler: config.scheduler.kind()?,
        cluster: scheduler::cluster(&config.scheduler, base)?,
        launch: config.scheduler.launch()?,
        cpus: config.resources.cpus,
        gpus: config.resources.gpus,
        memory_mib: config.resources.memory_mib()?,
        walltime_s: config.resources.walltime_s()?,
        max_error_ppm: config.limits.max_error_rate.map(units::millionths),
        core_ms_max: config.limits.core_hours.map(units::core_ms),
        key: config.pack.key.as_ref().map(|key| base.join(key)),
        keep: config.pack.keep,
        export: exports(&config.pack.export)?,
    };
    scheduler::check(&execution)?;
    Ok(execution)
}

/// In which shapes of others the pack is to hold the payload, sorted.
fn exports(asked: &[String]) -> Result<Vec<String>> {
    if let Some(unknown) = asked.iter().find(|export| *export != hetero2::NAME) {
        let what = format!("`pack.export` asks for `{unknown}`, which is no shape of a pack");
        return Err(Error::usage(what).hint("use `export = [\"hetero2\"]`, or leave it out"));
    }
    let mut exports = asked.to_vec();
    exports.sort();
    exports.dedup();
    Ok(exports)
}

fn pack_request(config: &Config, scorer: &Description) -> Result<PackRequest> {
    let numeric = |column: &&Column| column.kind != ColumnType::String;
    let column = match &config.pack.rank {
        None => scorer.columns.iter().find(numeric),
        Some(name) => Some(scorer.columns.iter().filter(numeric).find(|c| c.name == *name).ok_or_else(|| {
            let names: Vec<&str> = scorer.columns.iter().filter(numeric).map(|c| c.name.as_str()).collect();
            let hint = match names.as_slice() {
                [] => "this scorer has no numeric column: leave `rank` out".to_owned(),
                names => format!("its numeric columns are: {}", names.join(", ")),
            };
            Error::usage(format!("`pack.rank` names `{name}`, which is no numeric column of the scorer")).hint(hint)
        })?),
    };
    if config.pack.keep > 0 && column.is_none() {
        return Err(Error::usage(
            "`pack.keep` keeps the files of the best records, and the scorer has no numeric column",
        )
        .hint("remove it, or have the scorer give a number that ranks its records"));
    }
    let rank = column.map(|c| Rank { column: c.clone(), order: config.pack.order.unwrap_or(c.order) });
    let mut outputs = config.pack.outputs.clone();
    outputs.sort();
    outputs.dedup();
    encode::asked(&outputs, &scorer.columns)?;
    if !outputs.iter().any(|output| output == encode::CSV) {
        return Err(Error::usage("`pack.outputs` leaves out `csv`, which every pack has")
            .hint("add `\"csv\"`: the payload digest is taken over it"));
    }
    Ok(PackRequest { outputs, rank, top: config.pack.top })
}

/// The campaign file and its directory; what no work should be spent on is refused.
fn read(config: &Path) -> Result<(Config, PathBuf)> {
    let (config, base) = (Config::read(config)?, base_of(config)?);
    config.check_shares()?;
    key_must_be_sound(&config, &base)?;
    Ok((config, base))
}

/// A key that is not there, or that cannot sign, is refused before any work.
fn key_must_be_sound(config: &Config, base: &Path) -> Result<()> {
    let Some(key) = &config.pack.key else { return Ok(()) };
    let path = base.join(key);
    std::fs::metadata(&path).map_err(|e| {
        let make = format!("`molsieve keygen --out {}` makes one", key.display());
        Error::input(&path, &e).within("`pack.key`").hint(make)
    })?;
    PrivateKey::load(&path).map(|_| ()).map_err(|e| e.within("`pack.key`"))
}

/// The directory of the campaign file, absolute.
///
/// # Errors
/// The file is not there (exit 2).
pub fn base_of(config: &Path) -> Result<PathBuf> {
    let file = std::fs::canonicalize(config).map_err(|e| Error::input(config, &e))?;
    Ok(file.parent().map(Path::to_path_buf).unwrap_or_default())
}
