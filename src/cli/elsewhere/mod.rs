//! `--on LOGIN`: the command runs on a login node, by this same program, and what comes of it comes home.
//!
//! A directory with a `remote.json` stands for a campaign there, so that `status D` means that one without `--on`.
//! Keys, registry and audit log are here alone: what is fetched is verified and signed here.

mod shown;
mod words;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Command;

use super::exit_code::Exit;
use super::output::Output;
use super::place::{self, this_program};
use super::{signals, verify};
use crate::campaign::config::Config;
use crate::campaign::site::{self, SiteProfile};
use crate::error::{Error, Kind, Result};
use crate::fs;
use crate::layout::{CampaignDir, HomeDir, PackDir, RemoteRoot};
use crate::pack::keys::PrivateKey;
use crate::pack::manifest::Manifest;
use crate::pack::{ATTESTATION, MANIFEST};
use crate::remote::client::Client;
use crate::remote::fetch::{self, Fetched};
use crate::remote::inputs::{self, Inputs};
use crate::remote::login::{self, Login, Means, Way};
use crate::remote::message::Ended;
use crate::remote::place::{Asked, Remote};
use crate::remote::serve;
use crate::run::plan;
use crate::scheduler;
use crate::stop::Stop;
use crate::view::next;
use shown::Shown;
use words::Words;

/// Where the system's ssh finds its configuration, if not where it always does.
const SSH_CONFIG: &str = "MOLSIEVE_SSH_CONFIG";

/// How to get to a login node.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// Run the command on this login node, `user@host` or `user@host:port`.
    #[arg(long, global = true, value_name = "LOGIN", help_heading = "Elsewhere")]
    on: Option<Login>,
    /// What speaks SSH: `ssh2`, which is built in [default], or `ssh`, the system's, with its configuration.
    #[arg(long, global = true, value_name = "MEANS", hide_short_help = true, help_heading = "Elsewhere")]
    transport: Option<Means>,
    /// The directory there under which everything goes [default: `molsieve` in the home].
    #[arg(long, global = true, value_name = "PATH", hide_short_help = true, help_heading = "Elsewhere")]
    remote_root: Option<String>,
    /// A key file to log in with, before the usual ones are tried.
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true, help_heading = "Elsewhere")]
    identity: Option<PathBuf>,
    /// Accept the host key with this fingerprint, `SHA256:…`, as the people of the site publish it.
    #[arg(long, global = true, value_name = "FINGERPRINT", hide_short_help = true, help_heading = "Elsewhere")]
    accept_host_key: Option<String>,
}

/// What a command does elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    /// It is given a campaign file: that is brought there first.
    Campaign,
    /// It is given a campaign directory.
    Directory,
    /// It is given neither.
    Machine,
}

/// The commands that run elsewhere.
const COMMANDS: [(&str, Sort); 12] = [
    ("doctor", Sort::Machine),
    ("plan", Sort::Campaign),
    ("pilot", Sort::Campaign),
    ("submit", Sort::Campaign),
    ("run", Sort::Campaign),
    ("status", Sort::Directory),
    ("resume", Sort::Directory),
    ("tick", Sort::Directory),
    ("cancel", Sort::Directory),
    ("logs", Sort::Directory),
    ("peek", Sort::Directory),
    ("clean", Sort::Directory),
];

/// Runs the command line `args` elsewhere, if it is meant so: by `--on`, or by its directory. None if it is not.
pub fn run(args: &[OsString], how: &Args, whole: &Command, output: Output) -> Option<Result<Exit>> {
    let words = match Words::of(args, whole) {
        Ok(words) => words,
        Err(error) => return how.on.is_some().then_some(Err(error)),
    };
    let name = words.commands.first()?.clone();
    let Some((_, sort)) = COMMANDS.iter().find(|(command, _)| *command == name) else {
        return how.on.as_ref().map(|_| Err(only_here(&name)));
    };
    let dir = match directory(&words, *sort) {
        Ok(dir) => dir,
        Err(error) => return how.on.is_some().then_some(Err(error)),
    };
    let before = match dir.as_ref().map(|dir| before(dir, output)).transpose() {
        Ok(before) => before.flatten(),
        Err(error) => return Some(Err(error)),
    };
    let site = match site(how, &words, *sort) {
        Ok(site) => site.filter(|_| how.on.is_some() || before.is_none()),
        Err(error) => return how.on.is_some().then_some(Err(error)),
    };
    if how.on.is_none() && before.is_none() && site.is_none() {
        return None;
    }
    Some(way(how, before.as_ref(), site.as_ref()).and_then(|way| {
        if how.on.is_none() && before.is_none() {
            output.note(format!("the site's scheduler is not on this machine: going to `{}`", way.login));
        }
        let journey = Journey { way, before, dir, words, output };
        match sort {
            Sort::Campaign => journey.campaign(),
            Sort::Directory => journey.directory(),
            Sort::Machine => journey.machine(),
        }
    }))
}

/// `error` with hints that work as they are copied: with the campaign directory of the command line `args`, where it has one.
pub fn with_dir(error: Error, args: &[OsString], whole: &Command) -> Error {
    let dir = Words::of(args, whole).ok().and_then(|words| {
        let name = words.commands.first()?;
        let sort = COMMANDS.iter().find(|(command, _)| command == name).map(|(_, sort)| *sort)?;
        directory(&words, sort).ok()?
    });
    let Some(dir) = dir.map(|dir| dir.root().display().to_string()) else { return error };
    let hints = error.hints().iter().map(|hint| next::with_dir(hint, &dir));
    hints.fold(Error::new(error.kind(), error.what()), Error::hint)
}

/// What `dir` stands for. Of a `remote.json` that this home did not write there, no key, host key or identity is taken: the
/// directory may be somebody else's, and their pack would get this user's signature.
fn before(dir: &CampaignDir, output: Output) -> Result<Option<Remote>> {
    let home = HomeDir::of_environment().ok();
    let Some((remote, is_noted)) = Remote::read(dir, home.as_ref())? else { return Ok(None) };
    if is_noted {
        return Ok(Some(remote));
    }
    let (remote, has_more) = remote.of_a_stranger();
    if has_more {
        let shown = dir.root().display();
        output.note(format!(
            "note: `{shown}` was moved, or comes from somebody else: the keys that its `remote.json` names are not used; \
             say `--identity` and `--accept-host-key` again, and sign with `molsieve sign {shown} --key K.pem` after looking"
        ));
    }
    Ok(Some(remote))
}

/// The site profile that says how to get there: the one that `--on` names, or that of a campaign file which cannot be
/// submitted here, since this machine has not the commands of its scheduler.
fn site(how: &Args, words: &Words, sort: Sort) -> Result<Option<SiteProfile>> {
    if let Some(Login { user: None, host, port: None }) = &how.on {
        let is_profile = site::is_name(host) && HomeDir::of_environment().is_ok_and(|home| home.site(host).is_file());
        return if is_profile { SiteProfile::find(host, Path::new("")).map(Some) } else { Ok(None) };
    }
    let file = words.plain.first().map(PathBuf::from).filter(|_| sort == Sort::Campaign && how.on.is_none());
    let Some(file) = file.filter(|file| file.is_file() && std::env::var_os(serve::FAR).is_none()) else {
        return Ok(None);
    };
    // What is wrong with the file is for the command itself to say.
    let Ok(config) = Config::read(&file) else { return Ok(None) };
    let is_here = scheduler::is_here(config.scheduler.kind()?);
    let Some(reference) = inputs::site_of(&file).filter(|_| !is_here) else { return Ok(None) };
    let profile = SiteProfile::find(&reference, &plan::base_of(&file)?)?;
    Ok(Some(profile).filter(|profile| profile.login.is_some()))
}

fn only_here(name: &str) -> Error {
    let names: Vec<&str> = COMMANDS.iter().map(|(name, _)| *name).collect();
    Error::usage(format!("`molsieve {name}` works on this machine alone"))
        .hint("keys, packs and the registry stay here: leave `--on` out")
        .hint(format!("on a login node run: {}", names.join(", ")))
}

/// The campaign directory here that the command means.
fn directory(words: &Words, sort: Sort) -> Result<Option<CampaignDir>> {
    let path = match (sort, words.option("--dir"), words.plain.first()) {
        (Sort::Machine, ..) => return Ok(None),
        (Sort::Campaign, Some(dir), _) => PathBuf::from(dir),
        (Sort::Campaign, None, Some(file)) => place::default_dir(Path::new(file))?,
        (Sort::Directory, _, Some(dir)) => PathBuf::from(dir),
        (_, _, None) => return Err(Error::usage("no campaign directory is given")),
    };
    Ok(Some(CampaignDir::new(path)))
}

/// How to get there: as it is said now, else as it was said before, else as the site profile has it.
fn way(how: &Args, before: Option<&Remote>, site: Option<&SiteProfile>) -> Result<Way> {
    let before = before.map(Remote::way).transpose()?;
    let by_site = site.map(|site| by_site(site, how)).transpose()?;
    let login = by_site.as_ref().map(|way| way.login.clone()).or_else(|| how.on.clone());
    let login = login.or_else(|| before.as_ref().map(|way| way.login.clone()));
    let login = login.ok_or_else(|| Error::bug("there is no login"))?;
    let before = before.filter(|way| way.login == login).or(by_site);
    let said = |now: Option<String>, then: fn(&Way) -> Option<String>| now.or_else(|| before.as_ref().and_then(then));
    let root = said(how.remote_root.clone(), |way| Some(way.root.clone())).unwrap_or_else(|| login::ROOT.to_owned());
    login::root_path(&root)?;
    let identity = how.identity.as_ref().map(std::path::absolute).transpose();
    let identity = identity.map_err(|e| Error::usage(format!("`--identity`: {e}")))?;
    Ok(Way {
        means: how.transport.or_else(|| before.as_ref().map(|way| way.means)).unwrap_or_default(),
        root,
        identity: identity.or_else(|| before.as_ref().and_then(|way| way.identity.clone())),
        host_key: said(how.accept_host_key.clone(), |way| way.host_key.clone()),
        ssh_config: std::env::var_os(SSH_CONFIG).filter(|path| !path.is_empty()).map(PathBuf::from),
        login,
    })
}

/// What a site profile says of the way.
fn by_site(site: &SiteProfile, how: &Args) -> Result<Way> {
    let remote = site.remote.clone().unwrap_or_default();
    let login = match (&site.login, &how.on) {
        (Some(login), _) => login.parse()?,
        (None, Some(host)) => host.clone(),
        (None, None) => return Err(Error::bug("a site without a login")),
    };
    Ok(Way {
        login,
        means: remote.transport.map_or(Ok(Means::default()), |means| means.parse().map_err(Error::usage))?,
        root: remote.root.unwrap_or_else(|| login::ROOT.to_owned()),
        identity: None,
        host_key: None,
        ssh_config: None,
    })
}

/// One command line on its way.
struct Journey {
    way: Way,
    /// What the directory here stood for before.
    before: Option<Remote>,
    dir: Option<CampaignDir>,
    words: Words,
    output: Output,
}

impl Journey {
    fn connect(&self) -> Result<Client> {
        Client::connect(&self.way, &this_program()?, &|line| self.output.note(line))
    }

    /// The directory here, and the name of the campaign there.
    fn named(&self) -> Result<(&CampaignDir, String)> {
        let dir = self.dir.as_ref().ok_or_else(|| Error::bug("there is no directory"))?;
        let name = self.before.as_ref().map_or_else(|| inputs::name_of(dir.root()), |remote| Ok(remote.name.clone()));
        Ok((dir, name?))
    }

    /// The campaign directory there.
    fn there(client: &Client, name: &str) -> String {
        RemoteRoot::new(&client.hello().root).campaign(name).root().display().to_string()
    }

    /// Has `argv` run there, and shows what it prints; `told` is whether facts are shown too.
    fn run(&self, client: &mut Client, argv: &[String], told: Told<'_>, stop: &Stop) -> Result<Exit> {
        let names = told.names.map(|(there, here)| (there.to_owned(), here.root().display().to_string()));
        let names = names.filter(|_| !self.output.is_json());
        let mut out: Box<dyn Write> = if told.facts { Box::new(io::stdout()) } else { Box::new(io::sink()) };
        let (mut facts, mut notes) = (Shown::new(&mut out, names.clone()), Shown::new(io::stderr(), names));
        let ended = client.run(argv, told.watches, stop, &mut |is_note, bytes| {
            if is_note { notes.push(bytes) } else { facts.push(bytes) }
        });
        facts.flush();
        notes.flush();
        match ended? {
            Ended::Exit(0) => Ok(Exit::Done),
            Ended::Exit(code) => Ok(Exit::Code(code)),
            Ended::Signal(signal) => Err(Error::new(
                Kind::Scheduler,
                format!("`molsieve {}` on `{}` was ended by signal {signal}", argv[0], self.way.login),
            )
            .hint("login nodes end what uses too much memory or time; somebody may have ended it")
            .hint("the jobs there go on; the same command again is safe")),
        }
    }

    /// `doctor`, and what is like it.
    fn machine(&self) -> Result<Exit> {
        let mut client = self.connect()?;
        let mut words = self.words.clone();
        if words.commands.len() > 1 {
            // A scorer is looked at with its campaign file.
            let file = words.plain.first().cloned().ok_or_else(|| Error::usage("no campaign file is given"))?;
            words.plain[0] = self.upload(&mut client, &inputs::of(Path::new(&file))?)?;
        }
        let told = Told { facts: true, watches: false, names: None };
        self.run(&mut client, &words.to_argv(), told, &Stop::new())
    }

    fn upload(&self, client: &mut Client, inputs: &Inputs) -> Result<String> {
        inputs.notes.iter().for_each(|note| self.output.note(format!("note: {note}")));
        client.upload(&inputs.request, &inputs.sources, &|line| self.output.note(line))
    }

    /// `run`, `submit`, `plan`, `pilot`.
    fn campaign(mut self) -> Result<Exit> {
        let command = self.words.commands[0].clone();
        let file = self.words.plain.first().cloned().ok_or_else(|| Error::usage("no campaign file is given"))?;
        let inputs = inputs::of(Path::new(&file))?;
        let key = inputs.key.clone();
        if let Some(key) = key.as_ref().filter(|_| command == "run") {
            PrivateKey::load(key).map_err(|e| e.within("`pack.key`"))?;
        }
        let (dir, name) = self.named()?;
        let asked = Asked { campaign: inputs.campaign.clone(), seed: inputs.seed };
        let remote = Remote { key: key.clone(), asked: Some(asked), ..Remote::new(&self.way, name.clone()) };
        let dir = dir.clone();
        let mut client = self.connect()?;
        let campaign = self.upload(&mut client, &inputs)?;
        // Before anything is begun there: whatever happens to the line, this directory stands for it.
        remote.write(&dir, &HomeDir::of_environment()?)?;
        let there = Self::there(&client, &name);
        let mut words = self.words.clone().without("--dir");
        words.plain[0] = campaign;
        words.options.push(("--dir".to_owned(), Some(there.clone())));
        if command == "run" {
            "submit".clone_into(&mut words.commands[0]);
            words.options.push(("--and-return".to_owned(), None));
        }
        let stop = Stop::new();
        signals::raise_on_signal(&stop, || {})?;
        client.heed(&stop);
        let told = Told { facts: command != "run", watches: false, names: Some((&there, &dir)) };
        let begun = self.run(&mut client, &words.to_argv(), told, &stop).map_err(|e| again(e, &dir))?;
        self.before = Some(remote);
        if command != "run" || begun != Exit::Done {
            return Ok(begun);
        }
        self.follow(&mut client, &stop)
    }

    /// What is given a campaign directory.
    fn directory(mut self) -> Result<Exit> {
        let (dir, name) = self.named()?;
        let dir = dir.clone();
        let mut client = self.connect()?;
        let there = Self::there(&client, &name);
        let mut words = self.words.clone();
        if let Some(word) = words.plain.first_mut() {
            word.clone_from(&there);
        }
        let is_resume = words.commands[0] == "resume";
        if words.commands[0] == "status"
            && let Some(payload) = signed_here(&dir)
        {
            words.options.push(("--signed".to_owned(), Some(payload)));
        }
        if !is_resume {
            // What changes something there comes to its end, whatever becomes of the line.
            let watches = ["status", "logs", "peek"].contains(&words.commands[0].as_str());
            let told = Told { facts: true, watches, names: Some((&there, &dir)) };
            return self.run(&mut client, &words.to_argv(), told, &Stop::new());
        }
        let mut remote = self.before.clone().unwrap_or_else(|| Remote::new(&self.way, name));
        if let Some(config) = words.option("--config").map(PathBuf::from) {
            let inputs = inputs::of(&config)?;
            words.replace("--config", &self.upload(&mut client, &inputs)?);
            // The key signs what this campaign file asks for, whatever the directory said before.
            remote.asked = Some(Asked { campaign: inputs.campaign.clone(), seed: inputs.seed });
            remote.key = inputs.key.or(remote.key);
        }
        words.options.push(("--and-return".to_owned(), None));
        let stop = Stop::new();
        signals::raise_on_signal(&stop, || {})?;
        client.heed(&stop);
        let told = Told { facts: false, watches: false, names: Some((&there, &dir)) };
        let begun = self.run(&mut client, &words.to_argv(), told, &stop).map_err(|e| again(e, &dir))?;
        if begun != Exit::Done {
            return Ok(begun);
        }
        // It is there: from now on this directory stands for it, on this machine too.
        self.way.means.word().clone_into(&mut remote.transport);
        remote.identity.clone_from(&self.way.identity);
        remote.host_key.clone_from(&self.way.host_key);
        remote.write(&dir, &HomeDir::of_environment()?)?;
        self.before = Some(remote);
        self.follow(&mut client, &stop)
    }

    /// Watches until the campaign is over, and brings its pack home.
    fn follow(&self, client: &mut Client, stop: &Stop) -> Result<Exit> {
        let (dir, name) = self.named()?;
        let there = Self::there(client, &name);
        let argv = ["follow".to_owned(), there.clone()];
        let told = Told { facts: true, watches: true, names: Some((&there, dir)) };
        let over = self.run(client, &argv, told, stop).map_err(|e| again(e, dir))?;
        if over != Exit::Done {
            return Ok(over);
        }
        let remote = self.before.as_ref();
        let asked = remote.and_then(|remote| remote.asked.as_ref());
        bring_home(client, dir, &name, asked, self.output)?;
        // What nobody here asked for is signed by nobody's default.
        let key = remote.filter(|_| asked.is_some()).and_then(|remote| remote.key.as_deref());
        if key.is_none() {
            self.output.note(format!(
                "note: the pack is sealed but unsigned; `molsieve sign {} --key K.pem` signs it here",
                dir.root().display()
            ));
        }
        verify::sealed_pack(&dir.pack(), key, self.output)
    }
}

/// How what comes from there is shown.
#[derive(Clone, Copy)]
struct Told<'a> {
    /// Whether what goes to standard output is shown, or only notes and errors.
    facts: bool,
    /// Whether the command only watches, and goes with the line.
    watches: bool,
    /// The path there and the directory here.
    names: Option<(&'a str, &'a CampaignDir)>,
}

/// The payload digest of the pack that was brought to `dir`, and signed here.
fn signed_here(dir: &CampaignDir) -> Option<String> {
    let pack = PackDir::new(dir.pack());
    let manifest = fs::read_plain(&pack.member(MANIFEST)).ok().filter(|_| pack.member(ATTESTATION).is_file())?;
    Manifest::read(&manifest).ok().map(|manifest| manifest.payload.digest)
}

fn again(error: Error, dir: &CampaignDir) -> Error {
    if error.kind() != Kind::Stopped {
        return error;
    }
    let dir = dir.root().display();
    error.hint(format!("`molsieve resume {dir}` watches again, `molsieve cancel {dir}` stops it"))
}

/// Fetches the pack, which must be there.
fn bring_home(client: &mut Client, dir: &CampaignDir, name: &str, asked: Option<&Asked>, output: Output) -> Result<()> {
    match fetch::fetch(client, name, dir, asked, &|line| output.note(line))? {
        Fetched::New(_) | Fetched::Same => Ok(()),
        Fetched::None => {
            Err(Error::new(Kind::Incomplete, format!("`{name}` has no pack on `{}` yet", client.way().login))
                .hint(format!("`molsieve status {}` says how far it is", dir.root().display())))
        }
    }
}

/// The pack of the campaign elsewhere for which `dir` stands, brought home if it is not there; none if `dir` stands for
/// nothing elsewhere.
///
/// # Errors
/// As [`fetch::fetch`]; there is none there yet (exit 3).
pub fn pack_at_home(dir: &CampaignDir, how: &Args, output: Output) -> Result<Option<PathBuf>> {
    let Some(remote) = before(dir, output)? else { return Ok(None) };
    if !verify::is_whole(&dir.pack()) {
        let way = way(how, Some(&remote), None)?;
        let mut client = Client::connect(&way, &this_program()?, &|line| output.note(line))?;
        bring_home(&mut client, dir, &remote.name, remote.asked.as_ref(), output)?;
    }
    Ok(Some(dir.pack()))
}
