//! The words of frames: what the two ends say to each other, as JSON.
//!
//! Both ends are the same program, by its digest, so there are no versions to agree on; what is not known is refused.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::digest::Digest;
use crate::error::{Error, Kind, Result};

/// Schema of [`Hello`].
pub const HELLO_SCHEMA: &str = "molsieve.remote-hello.v1";

/// The first word of the far end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// [`HELLO_SCHEMA`].
    pub schema: String,
    /// The version of the program there.
    pub version: String,
    /// The directory there in which all of it lies, from the root.
    pub root: String,
    /// The name of the machine.
    pub host: String,
}

/// A file that the far end gets once, by its digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileId {
    /// Its content.
    pub sha256: Digest,
    /// Its name, which scorers and readers look at.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Whether it is a program.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub executable: bool,
}

/// Where a file lies in a request, as a path from the request's directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The path: plain names with `/` between them.
    pub path: String,
    /// The file.
    pub file: FileId,
}

/// A campaign file with all that it names: what one directory below `requests/` holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The name of the campaign file.
    pub name: String,
    /// What it says.
    pub text: String,
    /// The files.
    pub places: Vec<Place>,
    /// Directories that are there even if they are empty.
    pub dirs: Vec<String>,
}

/// What is asked of the far end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ask {
    /// Which of these files are not there? The answer is [`Missing`].
    Missing {
        /// The files.
        files: Vec<FileId>,
    },
    /// Take a file; its data follow.
    Put {
        /// The file.
        file: FileId,
    },
    /// Put files into their places. The answer is [`Laid`].
    Lay {
        /// Which, and where.
        request: Request,
    },
    /// Run this very program with these arguments.
    Run {
        /// The arguments, without the program.
        argv: Vec<String>,
        /// Whether it only watches: then it goes with the line. Everything else comes to its end.
        watches: bool,
    },
    /// Send the pack of a campaign. The answer is [`Packed`], then come the data.
    Pack {
        /// The name of the campaign's directory.
        campaign: String,
        /// Not if it is this one: `sha256:` of the manifest that is at home already.
        unless: Option<String>,
    },
}

/// The positions of files that are not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Missing {
    /// In the list that was asked about.
    pub missing: Vec<usize>,
}

/// Where the campaign file of a request lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Laid {
    /// Its path, from the root.
    pub campaign: String,
}

/// Whether there is a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packed {
    /// `sha256:` of its manifest; none where there is no pack.
    pub pack_digest: Option<String>,
    /// The length of the archive that follows; none where nothing does.
    pub bytes: Option<u64>,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ended {
    /// By itself, with this code.
    Exit(u8),
    /// By a signal, which is never an exit code.
    Signal(i32),
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The exit code of its kind.
    pub exit: u8,
    /// What happened.
    pub what: String,
    /// What to do.
    pub hints: Vec<String>,
}

impl From<&Error> for Fault {
    fn from(error: &Error) -> Self {
        Self { exit: error.kind().exit_code(), what: error.what().to_owned(), hints: error.hints().to_vec() }
    }
}

impl Fault {
    /// As an error of this end.
    pub fn into_error(self) -> Error {
        let error = Error::new(Kind::of_exit_code(self.exit), self.what);
        self.hints.into_iter().fold(error, Error::hint)
    }
}

/// The form of a message on the line.
///
/// # Errors
/// It has none: a defect.
pub fn to_bytes(message: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(message).map_err(|e| Error::bug(format!("a message has no JSON form: {e}")))
}

/// The message in `payload`.
///
/// # Errors
/// It is another one, or none (exit 5).
pub fn from_bytes<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Result<T> {
    serde_json::from_slice(payload)
        .map_err(|e| Error::new(Kind::Scheduler, format!("the far end said what nobody understands: {e}")))
}

/// The answer to what needs none.
pub fn done() -> Json {
    Json::Object(serde_json::Map::new())
}
