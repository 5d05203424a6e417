//! The names of what lies in `$MOLSIEVE_HOME`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::digest::Digest;
use crate::error::{Error, Result};

/// What outlives campaigns: the registry of packs and the audit log of one person or one site.
#[derive(Clone, Debug)]
pub struct HomeDir {
    root: PathBuf,
}

impl HomeDir {
    /// The directory at `root`, whether it exists or not.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// That of this process: `$MOLSIEVE_HOME`, or `molsieve` in `$XDG_DATA_HOME`, or in `~/.local/share`.
    ///
    /// # Errors
    /// The environment names none (exit 6).
    pub fn of_environment() -> Result<Self> {
        Self::of(|name| std::env::var_os(name))
    }

    /// As [`HomeDir::of_environment`], for who only reads: a home that somebody named must be there, since one that
    /// is not mounted, or mistyped, would look like one where nothing was ever signed.
    ///
    /// # Errors
    /// The environment names none (exit 6), or one that is not there (exit 2).
    pub fn to_read() -> Result<Self> {
        let home = Self::of_environment()?;
        let named = std::env::var_os("MOLSIEVE_HOME").is_some_and(|value| !value.is_empty());
        if !named || home.root.is_dir() {
            return Ok(home);
        }
        Err(Error::usage(format!("there is no directory `{}`, which `MOLSIEVE_HOME` names", home.root.display()))
            .hint("mount it, or correct the name; where nothing was signed yet, make it with `mkdir`"))
    }

    fn of(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let path = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        // The XDG specification says that a relative path is to be ignored.
        let data = path("XDG_DATA_HOME").filter(|data| data.is_absolute());
        let data = data.or_else(|| path("HOME").map(|home| home.join(".local/share")));
        path("MOLSIEVE_HOME").or_else(|| data.map(|data| data.join("molsieve"))).map(Self::new).ok_or_else(|| {
            Error::environment("there is no place for the registry: neither `MOLSIEVE_HOME` nor `HOME` is set")
                .hint("set `MOLSIEVE_HOME` to a directory that is kept")
        })
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The directory under which all registry entries are, in a directory for the first two digits of their names.
    pub fn entries(&self) -> PathBuf {
        self.root.join("registry").join("sha256")
    }

    /// The directory of the entries whose names begin as that of `digest`.
    pub fn entries_like(&self, digest: &Digest) -> PathBuf {
        self.entries().join(format!("{digest:.2}"))
    }

    /// The registry entry with this digest.
    pub fn entry(&self, digest: &Digest) -> PathBuf {
        self.entries_like(digest).join(format!("{digest}.json"))
    }

    /// The directory of audit events.
    pub fn audit(&self) -> PathBuf {
        self.root.join("audit")
    }

    /// Audit event `number`, from 1.
    pub fn audit_event(&self, number: u64) -> PathBuf {
        self.audit().join(format!("{number:06}.jsonl"))
    }

    /// The directory of site profiles.
    pub fn sites(&self) -> PathBuf {
        self.root.join("sites")
    }

    /// The profile of the site called `name`, which must have been checked to be a plain name.
    pub fn site(&self, name: &str) -> PathBuf {
        self.sites().join(format!("{name}.toml"))
    }

    /// The site whose profile the file called `name` is, if that is such a name.
    pub fn site_name(name: &str) -> Option<&str> {
        name.strip_suffix(".toml")
    }

    /// What notes that this home wrote the `remote.json` with this digest, which covers its place too.
    pub fn remote(&self, digest: &Digest) -> PathBuf {
        self.root.join("remotes").join(digest.to_string())
    }

    /// The number of the audit event in the file called `name`, if that is such a name.
    pub fn audit_number(name: &str) -> Option<u64> {
        let number = name.strip_suffix(".jsonl")?.parse().ok()?;
        (number > 0 && format!("{number:06}.jsonl") == name).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_home_is_where_the_environment_says() {
        let of = |set: &[(&str, &str)]| {
            let found = HomeDir::of(|name| set.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v)));
            found.map(|home| home.root().display().to_string()).ok()
        };
        assert_eq!(of(&[("MOLSIEVE_HOME", "m"), ("HOME", "/h")]).as_deref(), Some("m"));
        assert_eq!(of(&[("XDG_DATA_HOME", "/x"), ("HOME", "/h")]).as_deref(), Some("/x/molsieve"));
        assert_eq!(of(&[("XDG_DATA_HOME", "x"), ("HOME", "/h")]).as_deref(), Some("/h/.local/share/molsieve"));
        assert_eq!(of(&[("MOLSIEVE_HOME", ""), ("HOME", "/h")]).as_deref(), Some("/h/.local/share/molsieve"));
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn only_the_names_that_are_written_are_read_as_events() {
        assert_eq!(HomeDir::audit_number("000012.jsonl"), Some(12));
        assert_eq!(HomeDir::audit_number("1000000.jsonl"), Some(1_000_000));
        for other in ["12.jsonl", "0000012.jsonl", "000000.jsonl", "+00012.jsonl", "000012.json", ".000012.jsonl.x.tmp"]
        {
            assert_eq!(HomeDir::audit_number(other), None, "{other}");
        }
    }
}
