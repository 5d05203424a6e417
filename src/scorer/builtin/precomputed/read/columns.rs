//! Which columns of a table hold keys, scores and weights.

use super::Keys;
use crate::canonical::row::FIXED_COLUMNS;
use crate::error::{Error, Result};

/// The column of scores, unless another is said.
const SCORE: &str = "score";
/// The column of ids.
const ID: &str = "id";
/// The column of our hashes.
pub const DECOY_HASH: &str = "decoy_hash";
/// The column of RDKit's hashes.
pub const RDKIT_HASH: &str = "rdkit_hash";
/// The column of weights.
const WEIGHT: &str = "weight";

/// Columns that are named to people.
const SHOWN: usize = 20;

/// What was said of the columns: names, or numbers from 1.
#[derive(Clone, Copy, Debug, Default)]
pub struct Said<'a> {
    /// The column of keys.
    pub id: Option<&'a str>,
    /// The column of scores.
    pub score: Option<&'a str>,
}

/// The columns of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// How many there are.
    pub count: usize,
    /// Which holds the keys, from 0.
    pub key: usize,
    /// What they are.
    pub keys: Keys,
    /// Which holds the scores, from 0.
    pub score: usize,
    /// Which holds the weights, if there are any.
    pub weight: Option<usize>,
    /// Whether the ids are escaped, as in the payload of a campaign.
    pub is_escaped: bool,
}

impl Columns {
    /// Those of a table with these names.
    ///
    /// # Errors
    /// A column is not there, or two have its name (exit 2).
    pub fn of(names: &[String], said: Said<'_>) -> Result<Self> {
        let key = if let Some(text) = said.id {
            self::said(names, text, "id_column")?
        } else {
            let mut known = [ID, DECOY_HASH, RDKIT_HASH].into_iter();
            let known = known.find(|known| names.iter().any(|name| name == known)).ok_or_else(|| {
                Error::usage("there is no column `id`, `decoy_hash` or `rdkit_hash`")
                    .hint("say which column holds the ids of the records with `id_column`")
                    .hint(listed(names))
            })?;
            only(names, known)?
        };
        let score = match said.score {
            Some(text) => self::said(names, text, "score_column")?,
            None if names.iter().any(|name| name == SCORE) => only(names, SCORE)?,
            None => {
                return Err(Error::usage("there is no column `score`")
                    .hint("say which column holds the scores with `score_column`")
                    .hint(listed(names)));
            }
        };
        if key == score {
            return Err(Error::usage(format!("`{}` cannot be both the ids and the scores", names[key]))
                .hint("say `id_column` and `score_column`")
                .hint(listed(names)));
        }
        let keys = match names[key].as_str() {
            DECOY_HASH => Keys::Hashes,
            RDKIT_HASH => Keys::Foreign,
            _ => Keys::Ids,
        };
        let weight = names.iter().position(|name| name == WEIGHT).filter(|at| *at != key && *at != score);
        let is_payload =
            names.len() > FIXED_COLUMNS.len() && names.iter().zip(FIXED_COLUMNS).all(|(name, ours)| name == ours);
        Ok(Self { count: names.len(), key, keys, score, weight, is_escaped: is_payload && names[key] == ID })
    }
}

/// The column of a table that is called `name`.
///
/// # Errors
/// There is none, or there are two (exit 2).
pub fn only(names: &[String], name: &str) -> Result<usize> {
    let mut found = (0..names.len()).filter(|at| names[*at] == name);
    match (found.next(), found.next()) {
        (Some(at), None) => Ok(at),
        (Some(_), Some(_)) => Err(Error::usage(format!("two columns are called `{name}`"))
            .hint("rename one of them, or say the number of the right one, from 1")),
        (None, _) => Err(Error::usage(format!("there is no column `{name}`")).hint(listed(names))),
    }
}

/// A column as the user said it.
fn said(names: &[String], text: &str, key: &str) -> Result<usize> {
    if names.iter().any(|name| name == text) {
        return only(names, text);
    }
    let alike = names.iter().find(|name| name.eq_ignore_ascii_case(text));
    match (alike, text.parse::<usize>()) {
        (Some(name), _) => only(names, name),
        (None, Ok(number)) if (1..=names.len()).contains(&number) => Ok(number - 1),
        _ => Err(Error::usage(format!("there is no column `{text}`, which `{key}` names")).hint(listed(names))),
    }
}

fn listed(names: &[String]) -> String {
    let some: Vec<String> =
        names.iter().take(SHOWN).map(|name| format!("`{}`", super::shown(name.as_bytes()))).collect();
    format!("its columns are {}", some.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &str, id: Option<&str>, score: Option<&str>) -> Result<(usize, Keys, usize)> {
        let names: Vec<String> = names.split(',').map(str::to_owned).collect();
        Columns::of(&names, Said { id, score }).map(|found| (found.key, found.keys, found.score))
    }

    #[test]
    fn columns_are_found_by_their_names_and_said_by_name_or_number() {
        assert_eq!(of("id,score", None, None).unwrap(), (0, Keys::Ids, 1));
        assert_eq!(of("score,smiles,decoy_hash", None, None).unwrap(), (2, Keys::Hashes, 0));
        assert_eq!(of("rdkit_hash,score", None, None).unwrap(), (0, Keys::Foreign, 1));
        assert_eq!(of("decoy_hash,id,score,rdkit_hash", None, None).unwrap(), (1, Keys::Ids, 2));
        assert_eq!(of("id,score,rdkit_hash", Some("rdkit_hash"), None).unwrap(), (2, Keys::Foreign, 1));
        assert_eq!(of("Name,Affinity", Some("name"), Some("2")).unwrap(), (0, Keys::Ids, 1));
        assert_eq!(of("1,2", Some("2"), Some("1")).unwrap(), (1, Keys::Ids, 0));
    }

    #[test]
    fn a_column_that_is_not_there_or_there_twice_is_refused_with_those_that_are() {
        for (names, id, score, what, hint) in [
            ("name,score", None, None, "no column `id`", "`name`, `score`"),
            ("id,affinity", None, None, "no column `score`", "score_column"),
            ("id,score", Some("nam"), None, "no column `nam`, which `id_column` names", "`id`"),
            ("id,score", None, Some("3"), "no column `3`", "`id`"),
            ("id,score", None, Some("0"), "no column `0`", "`id`"),
            ("id,score,score", None, None, "two columns are called `score`", "number"),
            ("id,score", Some("score"), None, "cannot be both", "id_column"),
        ] {
            let error = of(names, id, score).unwrap_err();
            assert!(error.what().contains(what), "{error}");
            assert!(error.hints().iter().any(|said| said.contains(hint)), "{:?}", error.hints());
        }
    }

    #[test]
    fn ids_are_escaped_in_a_payload_alone() {
        let names = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        let is_escaped = |text: &str, id| Columns::of(&names(text), Said { id, score: None }).unwrap().is_escaped;
        assert!(is_escaped("ordinal,id,outcome,reason,score", None));
        assert!(!is_escaped("ordinal,id,outcome,reason,score", Some("reason")));
        assert!(!is_escaped("id,outcome,reason,score", None));
    }
}
