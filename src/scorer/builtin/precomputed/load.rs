//! From files to the table of scores: each file is hashed and read once a process, and all that is wrong is told.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde_json::{Map, Value as Json, json};

use super::key::{Key, hash_in};
use super::read::{self, At, Found, Keys, Outline};
use super::settings::{HashFile, ScoreFile, Settings};
use super::table::{Builder, Conflict, SCORES_MAX, Sorted};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::fs;
use crate::scorer::identity::ScorerFile;

/// The role of a file of scores in a scorer's identity.
const SCORES: &str = "scores";
/// The role of the file that says which of RDKit's hashes is which of ours.
const RDKIT_HASHES: &str = "rdkit_hashes";

/// What the files hold.
#[derive(Debug, Default)]
pub struct Scores {
    /// The scores by id and hash.
    pub table: Sorted<f64>,
    /// The one score of all records, where a file in HETERO-2's form says it and none has scores of ids.
    pub original: Option<f64>,
}

/// What there was in the files, for people and for the identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Scores that were there again under the same id or hash.
    pub repeated: u64,
    /// Rows without a score.
    pub without_score: u64,
    /// Scores under RDKit's hashes of which nobody says which look-alike they are of.
    pub unmatched: u64,
}

/// Scores, and what the identity of their scorer says.
#[derive(Debug)]
pub struct Loaded {
    /// The scores.
    pub scores: Scores,
    /// What there was.
    pub counts: Counts,
    /// The files, for the identity.
    pub files: Vec<ScorerFile>,
    /// All that changes an answer, for the identity.
    pub settings: Map<String, Json>,
}

/// Reads all files that `settings` name.
///
/// # Errors
/// A file is not there, changed since it was frozen, is none of its form, or contradicts another (exit 2); it cannot be
/// read (exit 6).
pub fn load(settings: &Settings) -> Result<Loaded> {
    load_at_most(settings, SCORES_MAX)
}

fn load_at_most(settings: &Settings, most: usize) -> Result<Loaded> {
    let ours = settings.rdkit_hashes.as_ref().map(hashes).transpose()?;
    let mut builder = Builder::new(most);
    let (mut counts, mut original, mut outlines) = (Counts::default(), None, Vec::new());
    let mut has_ids = false;
    for file in &settings.scores {
        let mut unmatched = 0;
        let mut found_any = false;
        let outline = unchanged(&file.path, file.sha256, || {
            read::read(file, &mut |found| {
                found_any = true;
                has_ids |= found.keys == Keys::Ids && hash_in(found.key).is_none();
                match keys_of(&found, ours.as_ref()) {
                    Under::One(key) => builder.push(key, found.score),
                    Under::Ours(hashes, range) => {
                        range.into_iter().try_for_each(|at| builder.push(hashes.value(at), found.score))
                    }
                    Under::Nothing => {
                        unmatched += 1;
                        Ok(())
                    }
                }
            })
        })?;
        if !found_any && outline.original.is_none() {
            return Err(Error::usage(format!("`{}` holds no score", file.path.display())).hint(
                "check that the right column is read and that the file is complete: a header alone is no score",
            ));
        }
        if let Some(score) = outline.original {
            one_for_all(&mut original, score, &file.path)?;
        }
        counts.unmatched += unmatched;
        counts.without_score += outline.without_score;
        outlines.push(outline);
    }
    let (table, repeated) = match builder.finish() {
        Ok(built) => built,
        Err(conflict) => return Err(told(settings, ours.as_ref(), conflict)),
    };
    counts.repeated = repeated;
    // Whoever gives records scores of their own does not mean one score for all.
    let original = original.filter(|_| !has_ids);
    let files = files(settings);
    let identity = identity(settings, &outlines, &counts, table.len())?;
    Ok(Loaded { scores: Scores { table, original }, counts, files, settings: identity })
}

/// Under which keys a score belongs.
enum Under<'a> {
    One(Key),
    Ours(&'a Sorted<Key>, std::ops::Range<usize>),
    Nothing,
}

fn keys_of<'a>(found: &Found<'_>, ours: Option<&'a Sorted<Key>>) -> Under<'a> {
    if found.keys != Keys::Foreign {
        return Under::One(Key::of_id(found.key));
    }
    let Some(ours) = ours else { return Under::Nothing };
    let range = ours.range(Key::of_id(found.key));
    if range.is_empty() { Under::Nothing } else { Under::Ours(ours, range) }
}

/// Whether two scores are one; 0 and −0 are.
fn is_same(one: f64, other: f64) -> bool {
    (one + 0.0).to_bits() == (other + 0.0).to_bits()
}

/// Only one file may say the score of all records, for there is one.
fn one_for_all(original: &mut Option<f64>, score: f64, path: &Path) -> Result<()> {
    match original.replace(score) {
        Some(other) if !is_same(other, score) => Err(Error::usage(format!(
            "`{}`: `original` is {score}, and {other} in another file: it is the score of all records",
            path.display()
        ))
        .hint("give the records their scores in a file with the columns `id` and `score`")),
        _ => Ok(()),
    }
}

/// Which of RDKit's hashes is which of ours.
fn hashes(file: &HashFile) -> Result<Sorted<Key>> {
    let mut builder = Builder::new(SCORES_MAX);
    unchanged(&file.path, file.sha256, || {
        read::pairs(&file.path, &mut |theirs, ours, _| builder.push(Key::of_id(theirs), Key::of_id(ours)))
    })?;
    Ok(builder.finish_with_all())
}

/// What `read` makes of the file at `path`, which must be the one that was frozen from its beginning to its end.
fn unchanged<T>(path: &Path, frozen: Digest, read: impl FnOnce() -> Result<T>) -> Result<T> {
    let before = stamp(path);
    let (digest, _) = fs::sha256_input(path)?;
    if digest != frozen {
        return Err(Error::usage(format!(
            "the scorer changed since the plan: `{}` has another content",
            path.display()
        ))
        .hint("put back what was there, and `molsieve resume` goes on: the rows that are finished are of that scorer")
        .hint("the changed scorer is a campaign of its own: `molsieve run` its campaign file with another `--dir`"));
    }
    let made = read();
    if stamp(path) != before {
        return Err(Error::usage(format!("`{}` changed while it was read", path.display()))
            .hint("wait until it is complete, then run the same command again"));
    }
    made
}

/// What tells that a file is the one that was looked at before.
fn stamp(path: &Path) -> Option<[i64; 7]> {
    let m = path.metadata().ok()?;
    let (length, device, inode) = (m.len().cast_signed(), m.dev().cast_signed(), m.ino().cast_signed());
    Some([length, m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec(), device, inode])
}

fn files(settings: &Settings) -> Vec<ScorerFile> {
    let scores = settings.scores.iter().map(|file| (SCORES, file.sha256));
    let hashes = settings.rdkit_hashes.iter().map(|file| (RDKIT_HASHES, file.sha256));
    crate::scorer::argv::sorted(
        scores.chain(hashes).map(|(name, sha256)| ScorerFile { name: name.to_owned(), sha256 }).collect(),
    )
}

/// What the identity says: how each file was read, in order of digest, and what came of it.
fn identity(settings: &Settings, outlines: &[Outline], counts: &Counts, scores: usize) -> Result<Map<String, Json>> {
    let mut all = Vec::new();
    for (file, outline) in settings.scores.iter().zip(outlines) {
        let mut of = Map::from_iter([
            ("format".to_owned(), json!(file.format()?.name())),
            ("sha256".to_owned(), json!(file.sha256)),
        ]);
        let said = [
            ("id_column", &outline.id_column),
            ("score_column", &outline.score_column),
            ("score_key", &outline.score_key),
        ];
        of.extend(said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?)))));
        all.push((file.sha256, Json::Object(of)));
    }
    all.sort_by_key(|(sha256, _)| *sha256);
    let files: Vec<Json> = all.into_iter().map(|(_, of)| of).collect();
    let held = json!({
        "repeated": counts.repeated,
        "scores": scores,
        "unmatched": counts.unmatched,
        "without_score": counts.without_score,
    });
    Ok(Map::from_iter([
        ("files".to_owned(), Json::Array(files)),
        ("held".to_owned(), held),
        ("order".to_owned(), json!(settings.order)),
    ]))
}

/// Where an id has two scores: the files are read again for it.
fn told(settings: &Settings, ours: Option<&Sorted<Key>>, Conflict(key): Conflict) -> Error {
    let mut first: Option<(&ScoreFile, At, f64)> = None;
    for file in &settings.scores {
        let mut second = None;
        let read = read::read(file, &mut |found| {
            let is_it = match keys_of(&found, ours) {
                Under::One(other) => other == key,
                Under::Ours(hashes, range) => range.into_iter().any(|at| hashes.value(at) == key),
                Under::Nothing => false,
            };
            match first {
                Some((_, _, score)) if is_it && second.is_none() && !is_same(score, found.score) => {
                    second = Some((found.at, found.score, String::from_utf8_lossy(found.key).into_owned()));
                }
                None if is_it => first = Some((file, found.at, found.score)),
                _ => {}
            }
            Ok(())
        });
        if let Err(error) = read {
            return error;
        }
        if let (Some((of, at, score)), Some((again, other, id))) = (first, second) {
            let place = if of.path == file.path { at.to_string() } else { format!("`{}`, {at}", of.path.display()) };
            return Error::usage(format!(
                "`{}`: {again}: `{}` has the score {other}, and {score} in {place}",
                file.path.display(),
                read::shown(id.as_bytes()),
            ))
            .hint("keep one score for each record and look-alike, such as the best one of several poses");
        }
    }
    Error::bug("two scores of one id are not found again")
}

#[cfg(test)]
mod tests;
