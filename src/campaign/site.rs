//! A site profile: what the people of one cluster need to say once.
//!
//! It holds defaults for `[scheduler]` and `[resources]`, and how to log in. What a campaign file says itself comes
//! first. Nothing of it is frozen; what came out is in the execution part of `campaign.json`. See `docs/formats/site.md`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::config::{CPUS_MAX, ResourcesSection};
use super::scheduler::SchedulerSection;
use super::{kind, known_keys, toml_error};
use crate::error::{Error, Result};
use crate::fs;
use crate::layout::HomeDir;
use crate::remote::login::{Login, Means};

/// Schema of [`SiteProfile`].
pub const SCHEMA: &str = "molsieve.site.v1";

/// No profile is larger, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A site profile, as a person writes it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SiteProfile {
    /// [`SCHEMA`].
    pub schema: String,
    /// What the site is called.
    pub name: String,
    /// What it is, in words.
    pub description: Option<String>,
    /// Where to log in, as `user@host` or `user@host:port`.
    pub login: Option<String>,
    /// `[remote]`
    pub remote: Option<RemoteSection>,
    /// `[scheduler]`: any key of a campaign file's, but `site`.
    #[serde(default)]
    pub scheduler: toml::Table,
    /// `[resources]`: defaults for what a campaign file does not say.
    #[serde(default)]
    pub resources: toml::Table,
}

/// `[remote]`: what is done there by whoever logs in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteSection {
    /// The directory there under which everything goes.
    pub root: Option<String>,
    /// `ssh2` or `ssh`.
    pub transport: Option<String>,
}

impl SiteProfile {
    /// The profile that `reference` stands for: a name is that of a file in `$MOLSIEVE_HOME/sites`, and what holds a `/`
    /// or ends in `.toml` is a path from `base`, the directory of a campaign file.
    ///
    /// # Errors
    /// There is none, or it is no site profile (exit 2).
    pub fn find(reference: &str, base: &Path) -> Result<Self> {
        Self::find_with_path(reference, base).map(|(_, profile)| profile)
    }

    /// As [`SiteProfile::find`], with where it lies.
    ///
    /// # Errors
    /// As [`SiteProfile::find`].
    pub fn find_with_path(reference: &str, base: &Path) -> Result<(PathBuf, Self)> {
        if is_path(reference) {
            let path = base.join(reference);
            let profile = Self::read(&path)?;
            return Ok((path, profile));
        }
        if !is_name(reference) {
            return Err(Error::usage(format!("`{}` cannot be the name of a site", reference.escape_debug()))
                .hint("a name has 1 to 64 letters, digits and ._- and a path holds a `/` or ends in `.toml`"));
        }
        let home = HomeDir::of_environment()?;
        let path = home.site(reference);
        if path.is_file() {
            let profile = Self::read(&path)?;
            return Ok((path, profile));
        }
        let known: Vec<String> = list(&home).into_iter().map(|(name, _)| name).collect();
        let error = Error::usage(format!("there is no site `{reference}`: no file `{}`", path.display()));
        let error = match known.as_slice() {
            [] => error,
            known => error.hint(known_keys::meant(reference, known.iter().map(String::as_str))),
        };
        Err(error
            .hint(format!("`molsieve site init {reference}`, on a machine of the cluster, writes one"))
            .hint("a path holds a `/` or ends in `.toml`, as in `site = \"./our.toml\"`"))
    }

    /// Reads the profile at `path`.
    ///
    /// # Errors
    /// As [`SiteProfile::find`].
    pub fn read(path: &Path) -> Result<Self> {
        let within = |e: Error| e.within(format!("`{}`", path.display()));
        let bytes = fs::read_input(path, FILE_BYTES_MAX).map_err(|e| Error::input(path, &e))?;
        let text = String::from_utf8(bytes).map_err(|_| within(Error::usage("this is not text")))?;
        let mut profile = Self::parse(&text).map_err(within)?;
        // The campaign file that names it may lie anywhere.
        let dir = std::path::absolute(path).map_err(|e| Error::input(path, &e))?;
        let dir = dir.parent().unwrap_or(Path::new(""));
        for key in kind::PATHS.iter().chain(&["template"]) {
            if let Some(toml::Value::String(named)) = profile.scheduler.get_mut(*key) {
                let whole = dir.join(&*named).to_str().map(str::to_owned);
                *named = whole.ok_or_else(|| within(Error::usage("its path is not UTF-8")))?;
            }
        }
        Ok(profile)
    }

    /// Reads a profile's text.
    ///
    /// # Errors
    /// It is no site profile (exit 2).
    pub fn parse(text: &str) -> Result<Self> {
        let table: toml::Table = toml::from_str(text).map_err(|e| toml_error::explain(text, &e))?;
        known_keys::check_site(&table)?;
        // First the sections as what they are, so that the line is shown of a value that is no such value.
        let profile = toml::from_str::<Typed>(text).and_then(|_| toml::from_str::<Self>(text));
        let profile = profile.map_err(|e| toml_error::explain(text, &e))?;
        profile.check()?;
        Ok(profile)
    }

    /// What no type can say.
    fn check(&self) -> Result<()> {
        if self.schema != SCHEMA {
            return Err(Error::usage(format!("the schema is `{}`, not `{SCHEMA}`", self.schema.escape_debug()))
                .hint(format!("the first line of a site profile is `schema = \"{SCHEMA}\"`")));
        }
        if !is_name(&self.name) {
            return Err(Error::usage("`name` must have 1 to 64 letters, digits and ._-")
                .hint("it is what a campaign file calls the site, as in `name = \"our-cluster\"`"));
        }
        if let Some(login) = self.login.as_ref().filter(|login| login.parse::<Login>().is_err()) {
            return Err(Error::usage(format!("`login` is `{}`", login.escape_debug()))
                .hint("write `login = \"user@host\"` or `login = \"user@host:port\"`"));
        }
        let remote = self.remote.clone().unwrap_or_default();
        if let Some(other) = remote.transport.as_ref().filter(|word| word.parse::<Means>().is_err()) {
            return Err(Error::usage(format!("`remote.transport` is `{}`", other.escape_debug()))
                .hint(format!("known are: {}", Means::ALL.map(Means::word).join(", "))));
        }
        if remote.root.is_some_and(|root| root.is_empty() || root.chars().any(char::is_control)) {
            return Err(Error::usage("`remote.root` must be the path of a directory"));
        }
        self.scheduler_section()?.cluster()?;
        let resources = self.resources_section()?;
        if !(1..=CPUS_MAX).contains(&resources.cpus) {
            return Err(Error::usage(format!("`resources.cpus` must be from 1 to {CPUS_MAX}")));
        }
        resources.memory_mib()?;
        resources.walltime_s()?;
        Ok(())
    }

    /// Its `[scheduler]`, as that of a campaign file that says nothing itself.
    ///
    /// # Errors
    /// A value is of the wrong type (exit 2).
    pub fn scheduler_section(&self) -> Result<SchedulerSection> {
        typed(self.scheduler.clone(), "scheduler")
    }

    /// Its `[resources]`, as that of a campaign file that says nothing itself.
    ///
    /// # Errors
    /// A value is of the wrong type (exit 2).
    pub fn resources_section(&self) -> Result<ResourcesSection> {
        typed(self.resources.clone(), "resources")
    }

    /// `campaign`, with what it does not say itself. Where it says another scheduler than the profile, the profile's
    /// `[scheduler]` means nothing to it.
    pub fn under(&self, mut campaign: toml::Table) -> toml::Table {
        let kind = |table: &toml::Table| table.get("kind").and_then(toml::Value::as_str).map(str::to_owned);
        let section = |campaign: &toml::Table, name: &str| {
            campaign.get(name).and_then(toml::Value::as_table).cloned().unwrap_or_default()
        };
        let mut scheduler = section(&campaign, "scheduler");
        if kind(&scheduler).is_none_or(|own| Some(own) == kind(&self.scheduler)) {
            fill(&mut scheduler, &self.scheduler);
        }
        // Which profile it was, whichever way it was found.
        scheduler.insert("site".to_owned(), self.name.clone().into());
        let mut resources = section(&campaign, "resources");
        fill(&mut resources, &self.resources);
        campaign.insert("scheduler".to_owned(), scheduler.into());
        campaign.insert("resources".to_owned(), resources.into());
        campaign
    }
}

/// For the reader's sake alone: its errors name the line.
#[derive(Deserialize)]
struct Typed {
    #[serde(default, rename = "scheduler")]
    _scheduler: SchedulerSection,
    #[serde(default, rename = "resources")]
    _resources: ResourcesSection,
}

/// The profiles of `home`, by the names of their files.
pub fn list(home: &HomeDir) -> Vec<(String, PathBuf)> {
    let entries = std::fs::read_dir(home.sites()).into_iter().flatten().flatten();
    let mut found: Vec<(String, PathBuf)> = entries
        .filter_map(|entry| Some((HomeDir::site_name(entry.file_name().to_str()?)?.to_owned(), entry.path())))
        .filter(|(name, _)| is_name(name))
        .collect();
    found.sort();
    found
}

/// Whether `text` can be the name of a site.
pub fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (1..=64).contains(&text.len()) && text.chars().all(plain) && !text.starts_with(['.', '-'])
}

/// Whether `reference` is meant as a path.
fn is_path(reference: &str) -> bool {
    reference.contains('/') || Path::new(reference).extension().is_some_and(|ending| ending == "toml")
}

/// Puts what `own` lacks of `defaults` into it.
fn fill(own: &mut toml::Table, defaults: &toml::Table) {
    for (key, value) in defaults {
        own.entry(key.clone()).or_insert_with(|| value.clone());
    }
}

fn typed<T: serde::de::DeserializeOwned>(table: toml::Table, section: &str) -> Result<T> {
    table.try_into().map_err(|e| Error::usage(format!("section [{section}]: {}", e.message().trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "schema = \"molsieve.site.v1\"\nname = \"our-cluster\"\nlogin = \"me@login.example.org:2222\"\n\
        [remote]\nroot = \"/scratch/me\"\ntransport = \"ssh\"\n\
        [scheduler]\nkind = \"slurm\"\npartition = \"batch\"\nsettle = \"1min\"\n\
        [resources]\ncpus = 8\nmemory = \"16G\"\n";

    fn campaign(text: &str) -> toml::Table {
        SiteProfile::parse(GOOD).unwrap().under(toml::from_str(text).unwrap())
    }

    #[test]
    fn a_profile_says_how_to_log_in_and_what_its_people_need_not_repeat() {
        let site = SiteProfile::parse(GOOD).unwrap();
        let remote = site.remote.clone().unwrap();
        assert_eq!((remote.root.as_deref(), remote.transport.as_deref()), (Some("/scratch/me"), Some("ssh")));
        assert_eq!(site.scheduler_section().unwrap().partition.as_deref(), Some("batch"));
        assert_eq!(site.resources_section().unwrap().cpus, 8);
    }

    #[test]
    fn what_the_campaign_file_says_itself_comes_first() {
        let whole = campaign("[scheduler]\nsite = \"./x.toml\"\npartition = \"long\"\n[resources]\ncpus = 2\n");
        assert_eq!(whole["scheduler"]["partition"].as_str(), Some("long"));
        assert_eq!(whole["scheduler"]["kind"].as_str(), Some("slurm"));
        assert_eq!(whole["scheduler"]["site"].as_str(), Some("our-cluster"));
        assert_eq!(
            (whole["resources"]["cpus"].as_integer(), whole["resources"]["memory"].as_str()),
            (Some(2), Some("16G"))
        );
    }

    #[test]
    fn a_campaign_for_another_scheduler_takes_nothing_of_the_sites() {
        let whole = campaign("[scheduler]\nsite = \"our-cluster\"\nkind = \"local\"\n");
        assert_eq!(whole["scheduler"].as_table().unwrap().len(), 2);
        assert_eq!(whole["resources"]["cpus"].as_integer(), Some(8));
    }

    #[test]
    fn a_profile_that_cannot_be_meant_is_refused() {
        for (from, to, told) in [
            ("molsieve.site.v1", "molsieve.site.v9", "schema"),
            ("our-cluster", "../x", "`name`"),
            ("me@login", "-oProxyCommand=id@login", "`login`"),
            (":2222", ":x", "`login`"),
            ("\"ssh\"", "\"telnet\"", "`remote.transport`"),
            ("partition", "partitoin", "there is no key `partitoin`"),
            ("settle = \"1min\"", "settle = \"soon\"", "`scheduler.settle`"),
            ("settle = \"1min\"", "settle = 3", "expected a text in quotation marks"),
            ("settle = \"1min\"", "site = \"other\"", "there is no key `site`"),
            ("cpus = 8", "cpus = 0", "`resources.cpus`"),
            ("memory = \"16G\"", "memory = \"much\"", "`resources.memory`"),
            ("[resources]", "[campaign]", "there is no section `campaign`"),
        ] {
            let error = SiteProfile::parse(&GOOD.replacen(from, to, 1)).unwrap_err();
            assert!(error.what().contains(told), "{to}: {error}");
        }
    }

    #[test]
    fn a_reference_is_a_name_or_a_path() {
        assert!(is_path("./our.toml") && is_path("our.toml") && is_path("sites/our") && !is_path("our-cluster"));
        assert!(is_name("our-cluster") && is_name("a.b_c") && !is_name("") && !is_name(".x") && !is_name("a b"));
    }
}
