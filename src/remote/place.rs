//! The directory here that stands for a campaign there: `D/remote.json`.
//!
//! It says where the campaign is and how to get there. The truth is the campaign directory there; another machine that
//! says the same name goes on with the same campaign. No secret is in it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::login::{Login, Means, Way};
use crate::canonical::json;
use crate::error::{Error, Result};
use crate::fs;
use crate::layout::CampaignDir;

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

    /// What `dir` stands for, if it stands for a campaign elsewhere.
    ///
    /// # Errors
    /// The file is damaged (exit 4), or cannot be read (exit 6).
    pub fn read(dir: &CampaignDir) -> Result<Option<Self>> {
        let path = dir.remote();
        let bytes = match fs::read_plain(&path) {
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
        Ok(Some(remote))
    }

    /// Writes it into `dir`, which is empty, not there yet, or stands for this campaign already.
    ///
    /// # Errors
    /// There are other things in `dir`, or it stands for another campaign (exit 2); the system refuses (exit 6).
    pub fn write(&self, dir: &CampaignDir) -> Result<()> {
        let shown = dir.root().display();
        match Self::read(dir)? {
            Some(before) if !before.is_same(self) => {
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
        fs::replace(&dir.remote(), &json::to_line(self)?)
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
        assert_eq!(Remote::read(&dir).unwrap(), None);
        let remote = Remote { key: Some("k.pem".into()), ..Remote::new(&way(), "d".to_owned()) };
        remote.write(&dir).unwrap();
        assert_eq!(Remote::read(&dir).unwrap().as_ref(), Some(&remote));
        assert_eq!(remote.way().unwrap().login, way().login);
        // By another means it is the same; elsewhere it is another.
        Remote { transport: "ssh2".to_owned(), ..remote.clone() }.write(&dir).unwrap();
        let other = Remote { name: "e".to_owned(), ..remote.clone() };
        assert!(other.write(&dir).unwrap_err().what().contains("stands for `d`"));
        std::fs::write(temp.path().join("x"), "").unwrap();
        assert!(remote.write(&CampaignDir::new(temp.path())).unwrap_err().what().contains("other things"));
    }
}
