//! The names of everything that a campaign elsewhere has: in a directory here, and below the root there.
//!
//! ```text
//! D/remote.json              which campaign on which login this directory stands for; no secret is in it
//! D/pack/                    its sealed pack, once it was fetched and verified
//!
//! R/bin/SHA256/molsieve      this program, once
//! R/inputs/SHA256/NAME       files that campaign files name, once
//! R/requests/SHA256/         a campaign file, and the files that it names in their places
//! R/campaigns/NAME/          the campaign directory
//! ```

use std::path::{Path, PathBuf};

use super::CampaignDir;
use crate::digest::Digest;

impl CampaignDir {
    /// What says that the campaign is elsewhere.
    pub fn remote(&self) -> PathBuf {
        self.root.join("remote.json")
    }
}

/// The directory on a login node in which everything of one user's lies.
#[derive(Clone, Debug)]
pub struct RemoteRoot {
    root: PathBuf,
}

impl RemoteRoot {
    /// The directory at `root`, whether it exists or not.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The directory of all files that were sent.
    pub fn inputs(&self) -> PathBuf {
        self.root.join("inputs")
    }

    /// The directory of all requests.
    pub fn requests(&self) -> PathBuf {
        self.root.join("requests")
    }

    /// Where a file with this content and this name, which must have been checked to be a plain one, lies.
    pub fn input(&self, sha256: &Digest, name: &str) -> PathBuf {
        self.inputs().join(sha256.to_string()).join(name)
    }

    /// The directory of the request with this digest.
    pub fn request(&self, digest: &Digest) -> PathBuf {
        self.requests().join(digest.to_string())
    }

    /// The campaign directory called `name`, which must have been checked to be a plain name.
    pub fn campaign(&self, name: &str) -> CampaignDir {
        CampaignDir::new(self.root.join("campaigns").join(name))
    }
}

/// What is asked of a login shell's home lies there, below `root`: the directory of the program with this digest.
pub fn remote_bin(root: &str, sha256: &Digest) -> String {
    format!("{root}/bin/{sha256}")
}

/// The build of this program for old systems, where there is one: beside the program itself.
pub fn portable_beside(program: &Path) -> PathBuf {
    program.with_file_name("molsieve-portable")
}

/// What is in a home directory under `.ssh`.
pub fn ssh_dir(home: &Path, name: &str) -> PathBuf {
    home.join(".ssh").join(name)
}

/// A path of plain names, which must have been checked, below `dir`.
pub fn below(dir: &Path, path: &str) -> PathBuf {
    dir.join(path)
}
