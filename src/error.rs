//! One error type for people: what happened, to what, what to do about it, and the exit code.
//!
//! An [`Error`] carries a [`Kind`] (which decides the exit code), a lower-case sentence that names
//! the thing in backticks, and hints in the imperative. Modules do not invent error types of their
//! own unless a caller has to tell the cases apart.

use std::fmt;
use std::io;
use std::path::Path;

/// What sort of failure it is; each kind has one exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A defect of molsieve itself: exit 1.
    Bug,
    /// Wrong usage, or the content of an input: exit 2.
    Usage,
    /// Sound, but not all of it is there, or the campaign is paused: exit 3.
    Incomplete,
    /// A pack, a signature or a receipt does not verify: exit 4.
    Verification,
    /// The scheduler or the site refused, or cannot be reached: exit 5.
    Scheduler,
    /// The system refused (disk, permission, missing tool), or a scorer cannot start: exit 6.
    Environment,
    /// A disk or a quota is full: exit 6. A task turns it into exit 3, so that the campaign pauses and
    /// does not tour the tasks.
    Full,
    /// A scorer keeps breaking its protocol: exit 6. A task turns it into exit 2, so that a broken
    /// scorer does not tour the cluster.
    Scorer,
    /// A scorer is lost on every record that it is first given: exit 3, and the campaign pauses.
    Hopeless,
    /// Stopped at a clean checkpoint; resuming continues: exit 75.
    Stopped,
}

impl Kind {
    /// The process exit code of this kind.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Bug => 1,
            Self::Usage => 2,
            Self::Incomplete | Self::Hopeless => 3,
            Self::Verification => 4,
            Self::Scheduler => 5,
            Self::Environment | Self::Full | Self::Scorer => 6,
            Self::Stopped => 75,
        }
    }
}

impl Kind {
    /// The kind behind an exit code; a code that is none of ours is the environment's doing.
    pub const fn of_exit_code(code: u8) -> Self {
        match code {
            1 => Self::Bug,
            2 => Self::Usage,
            3 => Self::Incomplete,
            4 => Self::Verification,
            5 => Self::Scheduler,
            75 => Self::Stopped,
            _ => Self::Environment,
        }
    }
}

/// A failure, as a person will read it.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    what: String,
    hints: Vec<String>,
    for_good: bool,
}

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind`; `what` is a lower-case fragment that names the thing in backticks.
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), hints: Vec::new(), for_good: false }
    }

    /// A defect of ours (exit 1).
    pub fn bug(what: impl Into<String>) -> Self {
        Self::new(Kind::Bug, what).hint("this is a defect of molsieve: please report it with the command that led here")
    }

    /// Wrong usage or input content (exit 2).
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Kind::Usage, what)
    }

    /// Something does not verify (exit 4).
    pub fn verification(what: impl Into<String>) -> Self {
        Self::new(Kind::Verification, what)
    }

    /// The system refused (exit 6).
    pub fn environment(what: impl Into<String>) -> Self {
        Self::new(Kind::Environment, what)
    }

    /// The system refused `doing` (a verb phrase such as "cannot write") to `path` (exit 6).
    pub fn io(doing: &str, path: &Path, error: &io::Error) -> Self {
        let what = format!("{doing} `{}`: {error}", path.display());
        let new = Self::environment(what.clone());
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::new(Kind::Full, what)
                    .hint("free some space or raise the quota, then run the same command again: it resumes")
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                new.hint("check the owner and the permissions of that directory, then run the same command again")
            }
            _ => new,
        }
    }

    /// The failure to read an input that the user named: no such path is exit 2, all else exit 6.
    pub fn input(path: &Path, error: &io::Error) -> Self {
        if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
            return Self::usage(format!("there is no `{}`", path.display()))
                .hint("check the path: on the command line it starts at the current directory, in a campaign file at that of the file");
        }
        if error.kind() == io::ErrorKind::IsADirectory {
            return Self::usage(format!("`{}` is a directory, and not a file", path.display()))
                .hint("name the file in it that is meant");
        }
        Self::io("cannot read", path, error)
    }

    /// Adds what to do about it, in the imperative.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The same, and whoever asks again gets the same answer.
    #[must_use]
    pub const fn for_good(mut self) -> Self {
        self.for_good = true;
        self
    }

    /// Whether whoever asks again gets the same answer, as far as that is known.
    pub const fn is_for_good(&self) -> bool {
        self.for_good
    }

    /// Puts `context` in front, as in "`context`: what happened".
    #[must_use]
    pub fn within(mut self, context: impl fmt::Display) -> Self {
        self.what = format!("{context}: {}", self.what);
        self
    }

    /// Which sort of failure it is.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// What happened, to what.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What to do about it.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Error {}
