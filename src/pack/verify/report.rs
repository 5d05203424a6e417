//! What verification found, as people and programs read it.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind};
use crate::pack::envelope::Records;

/// Schema of [`Report`].
pub const SCHEMA: &str = "molsieve.verify.v1";

/// No report lists more problems.
const PROBLEMS_MAX: usize = 100;

/// What verification found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// Whether there is no problem at all.
    pub verified: bool,
    /// What the manifest says is the payload digest; checked against the rows unless a problem says otherwise.
    pub payload_digest: Option<String>,
    /// `sha256:` of the manifest.
    pub pack_digest: Option<String>,
    /// What the manifest says became of the records.
    pub records: Records,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// Encodings of the payload that were not compared with `summary.csv`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_compared: Vec<NotCompared>,
    /// The trusted keys whose signatures hold, by keyid.
    #[serde(skip)]
    pub signers: Vec<String>,
    /// What the look-alikes say of the score, in a sentence, as it follows from the rows; for people.
    #[serde(skip)]
    pub score: Option<String>,
}

/// An encoding of the payload of which only size and digest were checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotCompared {
    /// The member.
    pub member: String,
    /// Why: a sentence fragment.
    pub why: String,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// Which sort of thing.
    pub code: Code,
    /// What, to what: a sentence fragment.
    pub message: String,
    /// The member that it is about, escaped, if it is about one.
    pub member: Option<String>,
    /// Whether it is about the archive in a directory, which is a copy and can be written anew.
    #[serde(skip)]
    pub in_copy: bool,
}

/// What can be wrong with a pack. Codes are stable: scripts may match on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The file is not a zip archive at all.
    NotAZip,
    /// The archive ends too early.
    ArchiveTruncated,
    /// There are bytes after the end of the archive.
    ArchiveTrailingData,
    /// Two members share bytes of the archive.
    ArchiveOverlap,
    /// The archive holds bytes that belong to no member.
    ArchiveHiddenData,
    /// The archive contradicts itself or uses what a pack may not use.
    ArchiveMalformed,
    /// `evidence_pack.zip` does not hold what the directory around it holds.
    ArchiveDiffers,
    /// A member's name is a path or otherwise unsafe, or it is not a regular file.
    MemberUnsafe,
    /// A member is there twice, or two differ by upper and lower case alone.
    MemberDuplicate,
    /// A member is not in the manifest.
    MemberUnlisted,
    /// A file of the manifest is not there.
    MemberMissing,
    /// A member has another size than the manifest says, or one that cannot be.
    MemberSize,
    /// A member has other content than the manifest says.
    MemberDigest,
    /// A member cannot be unpacked.
    MemberCorrupt,
    /// A member is encrypted.
    MemberEncrypted,
    /// A member is compressed by a method other than deflate.
    MemberMethod,
    /// There is no manifest.
    ManifestMissing,
    /// The manifest has a schema that this version does not know.
    ManifestSchema,
    /// The manifest is malformed, not canonical, or contradicts itself.
    ManifestMalformed,
    /// There are no checksums.
    ChecksumsMissing,
    /// The checksums are not those of the manifest.
    ChecksumsMismatch,
    /// The header of `summary.csv` is not that of the campaign.
    PayloadHeader,
    /// A row of `summary.csv` is malformed, or rows are missing at the end.
    PayloadRow,
    /// A row of `summary.csv` is double, missing or misplaced.
    PayloadOrder,
    /// The rows do not have the payload digest that the manifest claims.
    PayloadDigest,
    /// The rows do not have the outcomes that the manifest counts.
    PayloadCounts,
    /// `hits.csv` does not follow from the rows.
    HitsMismatch,
    /// `metrics.json` does not follow from the rows.
    MetricsMismatch,
    /// `signal.json` does not follow from the rows.
    SignalMismatch,
    /// The envelope is malformed or not canonical.
    AttestationMalformed,
    /// The envelope attests something other than this pack.
    AttestationMismatch,
    /// An encoding of the payload is not that of the rows of `summary.csv`.
    EncodingMismatch,
    /// An encoding of the payload is in a format of another version, and no trusted key vouches for it.
    EncodingUnknown,
    /// `hetero2.zip` is not what the rows of `summary.csv` make of it.
    ExportMismatch,
    /// `hetero2.zip` is in a shape of another version, and no trusted key vouches for it.
    ExportUnknown,
    /// There is no attestation.
    Unsigned,
    /// No trusted key has signed.
    KeyUnknown,
    /// A trusted key has signed, under the name of another.
    KeyidWrong,
    /// A signature of a trusted key does not hold.
    SignatureInvalid,
    /// Fewer trusted keys have signed than were asked for.
    SignaturesTooFew,
    /// The pack is sound and does not hold all records of its library.
    Incomplete,
}

impl Code {
    /// The code as reports write it.
    pub fn as_str(self) -> String {
        serde_json::to_value(self).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// Why a step of the verification cannot go on.
#[derive(Debug)]
pub enum Refusal {
    /// The pack is to blame.
    Problem(Problem),
    /// The system is.
    System(Error),
}

/// The result of a step.
pub type Judged<T> = std::result::Result<T, Refusal>;

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::System(error)
    }
}

impl Problem {
    /// About the pack as a whole.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), member: None, in_copy: false }
    }

    /// About one member.
    pub fn of(code: Code, member: &str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), member: Some(member.to_owned()), in_copy: false }
    }
}

impl Default for Report {
    fn default() -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            verified: false,
            payload_digest: None,
            pack_digest: None,
            records: Records::default(),
            problems: Vec::new(),
            not_compared: Vec::new(),
            signers: Vec::new(),
            score: None,
        }
    }
}

impl Report {
    /// Notes a problem.
    pub(super) fn add(&mut self, problem: Problem) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }

    /// Notes several problems.
    pub(super) fn extend(&mut self, problems: Vec<Problem>) {
        for problem in problems {
            self.add(problem);
        }
    }

    /// Says the last word: verified if there is no problem.
    pub(super) fn close(mut self) -> Self {
        self.verified = self.problems.is_empty();
        self
    }

    /// The failure that this report stands for: none, [`Kind::Incomplete`] (exit 3) if that is all
    /// that is wrong, else [`Kind::Verification`] (exit 4).
    pub fn failure(&self) -> Option<Kind> {
        if self.problems.is_empty() {
            return None;
        }
        let only_incomplete = self.problems.iter().all(|problem| problem.code == Code::Incomplete);
        Some(if only_incomplete { Kind::Incomplete } else { Kind::Verification })
    }

    /// Whether the pack is sound, though perhaps incomplete, or with an encoding of its rows that nobody vouches for.
    pub fn is_sound(&self) -> bool {
        self.unsound().is_none()
    }

    /// As [`Report::is_sound`], whatever the archive in the directory holds.
    pub fn is_sound_but_for_the_copy(&self) -> bool {
        self.problems
            .iter()
            .all(|p| p.in_copy || matches!(p.code, Code::Incomplete | Code::EncodingUnknown | Code::ExportUnknown))
    }

    /// Whether the archive in the directory is not what it should be.
    pub fn has_bad_copy(&self) -> bool {
        self.problems.iter().any(|p| p.in_copy)
    }

    /// The first problem that puts the rows themselves in doubt.
    pub fn unsound(&self) -> Option<&Problem> {
        self.problems.iter().find(|p| !matches!(p.code, Code::Incomplete | Code::EncodingUnknown | Code::ExportUnknown))
    }

    /// Whether one of the problems is of this sort.
    pub fn has(&self, code: Code) -> bool {
        self.problems.iter().any(|p| p.code == code)
    }
}
