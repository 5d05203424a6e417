//! The directory here that stands for a campaign there: `D/remote.json`.
//!
//! It says where the campaign is and how to get there. The truth is the campaign directory there; another machine that
//! says the same name goes on with the same campaign. No secret is in it.
//!
//! A directory may come from somebody else. So the home notes what it wrote, and where: from any other `remote.json` no
//! key, host key or identity is taken.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::login::{self, Login, Means, Way};
use crate::canonical::json;
use crate::digest::{Digest, Sha256};
use crate::error::{Error, Result};
use crate::fs;
use crate::layout::{CampaignDir, HomeDir};

/// Schema of [`Remote`].
pub const SCHEMA: &str = "molsieve.remote.v1";

/// `D/remote.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remote {
    /// [`SCHEMA`].
    pub schema: String,
    /// `user@host:port`.
    pub login: String,
    /// `ssh2` or `ssh`.
    pub transport: String,
    /// The directory there under which everything lies, as it was said.
    pub root: String,
    /// The name of the campaign directory there.
    pub name: String,
    /// The path of the key file for the login that was named, on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<PathBuf>,
    /// The fingerprint of the host key that was accepted by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_key: Option<String>,
    /// The path of the private key that signs, on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// What was asked for, where it was asked for from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
}

/// What was asked for: a pack of something else is not taken for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The name of the campaign, for people.
    pub campaign: String,
    /// Its seed.
    pub seed: u64,
}

impl Remote {
    /// The campaign called `name`, by `way`.
    pub fn new(way: &Way, name: String) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            login: way.login.to_string(),
            transport: way.means.word().to_owned(),
            root: way.root.clone(),
            name,
            identity: way.identity.clone(),
            host_key: way.host_key.clone(),
            key: None,
            asked: None,
        }
    }

    /// What `dir` stands for, if it stands for a campaign elsewhere; and whether `home` wrote that, there.
    ///
    /// # Errors
    /// The file is damaged (exit 4), or cannot be read (exit 6).
    pub fn read(dir: &CampaignDir, home: Option<&HomeDir>) -> Result<Option<(Self, bool)>> {
        let path = dir.remote();
        let bytes = match fs::read_small(&path) {
            Ok(bytes) => bytes,
            Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(e) => return Err(Error::io("cannot read", &path, &e)),
        };
        let remote: Self = json::from_line(&format!("`{}`", path.display()), &bytes)?;
        if remote.schema != SCHEMA {
            return Err(Error::verification(format!("`{}` has the schema `{}`", path.display(), remote.schema)));
        }
        if !login::is_name(&remote.name) {
            let name = remote.name.escape_debug();
            return Err(Error::verification(format!("`{}` has the name `{name}`, which is none", path.display())));
        }
        let is_noted = home.is_some_and(|home| note(dir, &bytes).is_ok_and(|digest| home.remote(&digest).is_file()));
        Ok(Some((remote, is_noted)))
    }

    /// What is left of it where it may be somebody else's: where the campaign is, and what must be in its pack. Whether
    /// anything was left out.
    pub fn of_a_stranger(self) -> (Self, bool) {
        let has_more = self.identity.is_some() || self.host_key.is_some() || self.key.is_some();
        (Self { identity: None, host_key: None, key: None, ..self }, has_more)
    }

    /// Writes it into `dir`, which is empty, not there yet, or stands for this campaign already; `home` notes it.
    ///
    /// # Errors
    /// There are other things in `dir`, or it stands for another campaign (exit 2); the system refuses (exit 6).
    pub fn write(&self, dir: &CampaignDir, home: &HomeDir) -> Result<()> {
        let shown = dir.root().display();
        match Self::read(dir, None)? {
            Some((before, _)) if !before.is_same(self) => {
                return Err(Error::usage(format!(
                    "`{shown}` stands for `{}` on `{}`, in `{}`",
                    before.name, before.login, before.root
                ))
                .hint("give this campaign a directory of its own with `--dir`"));
            }
            None if is_in_use(dir.root()) => {
                return Err(Error::usage(format!("`{shown}` holds other things than a campaign elsewhere"))
                    .hint("give a directory that is empty or not there yet with `--dir`"));
            }
            _ => {}
        }
        fs::create_dir(dir.root())?;
        let bytes = json::to_line(self)?;
        let noted = home.remote(&note(dir, &bytes)?);
        noted.parent().map_or(Ok(()), fs::create_dir)?;
        // The note comes first: one of a file that was never written does no harm.
        fs::write_new(&noted, b"")?;
        fs::replace(&dir.remote(), &bytes)
    }

    /// Whether both are the same campaign at the same place, however one gets there.
    fn is_same(&self, other: &Self) -> bool {
        (&self.login, &self.root, &self.name) == (&other.login, &other.root, &other.name)
    }

    /// How to get there.
    ///
    /// # Errors
    /// It was edited (exit 2).
    pub fn way(&self) -> Result<Way> {
        let login: Login = self.login.parse()?;
        let means: Means = self.transport.parse().map_err(Error::usage)?;
        Ok(Way {
            login,
            means,
            root: self.root.clone(),
            identity: self.identity.clone(),
            host_key: self.host_key.clone(),
            ssh_config: None,
        })
    }
}

/// What is noted of a `remote.json` with this content in `dir`, which must be there.
fn note(dir: &CampaignDir, bytes: &[u8]) -> Result<Digest> {
    let path = dir.root().canonicalize().map_err(|e| Error::io("cannot find", dir.root(), &e))?;
    let mut digest = Sha256::default();
    // No path holds NUL.
    [path.as_os_str().as_bytes(), b"\0", bytes].into_iter().for_each(|part| digest.update(part));
    Ok(digest.finish())
}

/// Whether anything is in `dir`.
fn is_in_use(dir: &Path) -> bool {
    std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) || dir.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way() -> Way {
        let remote = "me@login:2222".parse().unwrap();
        Way { login: remote, means: Means::Ssh, root: "r".to_owned(), identity: None, host_key: None, ssh_config: None }
    }

    #[test]
    fn a_directory_stands_for_one_campaign() {
        let temp = tempfile::tempdir().unwrap();
        let dir = CampaignDir::new(temp.path().join("d"));
        let home = HomeDir::new(temp.path().join("home"));
        assert_eq!(Remote::read(&dir, Some(&home)).unwrap(), None);
        let remote = Remote { key: Some("k.pem".into()), ..Remote::new(&way(), "d".to_owned()) };
        remote.write(&dir, &home).unwrap();
        assert_eq!(Remote::read(&dir, Some(&home)).unwrap(), Some((remote.clone(), true)));
        assert_eq!(remote.way().unwrap().login, way().login);
        // By another means it is the same; elsewhere it is another.
        Remote { transport: "ssh2".to_owned(), ..remote.clone() }.write(&dir, &home).unwrap();
        let other = Remote { name: "e".to_owned(), ..remote.clone() };
        assert!(other.write(&dir, &home).unwrap_err().what().contains("stands for `d`"));
        std::fs::write(temp.path().join("x"), "").unwrap();
        assert!(remote.write(&CampaignDir::new(temp.path()), &home).unwrap_err().what().contains("other things"));
    }

    #[test]
    fn only_what_this_home_wrote_and_where_it_wrote_it_names_keys() {
        let temp = tempfile::tempdir().unwrap();
        let at = |name: &str| CampaignDir::new(temp.path().join(name));
        let (home, other) = (HomeDir::new(temp.path().join("home")), HomeDir::new(temp.path().join("other")));
        let remote = Remote { key: Some("k.pem".into()), ..Remote::new(&way(), "d".to_owned()) };
        remote.write(&at("d"), &home).unwrap();
        let is_noted = |dir: &str, home: Option<&HomeDir>| Remote::read(&at(dir), home).unwrap().unwrap().1;
        assert!(is_noted("d", Some(&home)) && !is_noted("d", Some(&other)) && !is_noted("d", None));
        std::fs::rename(temp.path().join("d"), temp.path().join("e")).unwrap();
        assert!(!is_noted("e", Some(&home)), "it was moved");
        std::fs::rename(temp.path().join("e"), temp.path().join("d")).unwrap();
        let edited = Remote { key: Some("other.pem".into()), ..remote.clone() };
        std::fs::write(at("d").remote(), json::to_line(&edited).unwrap()).unwrap();
        assert!(!is_noted("d", Some(&home)), "it was edited");
        let (left, has_more) = edited.of_a_stranger();
        assert!(has_more && left == Remote { key: None, ..remote });
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_damage() {
        let temp = tempfile::tempdir().unwrap();
        let dir = CampaignDir::new(temp.path());
        std::fs::write(dir.remote(), json::to_line(&Remote::new(&way(), "../x".to_owned())).unwrap()).unwrap();
        assert_eq!(Remote::read(&dir, None).unwrap_err().kind(), crate::error::Kind::Verification);
    }
}
