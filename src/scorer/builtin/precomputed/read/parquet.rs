//! Scores in the columns of a Parquet file.

use std::path::Path;
use std::sync::atomic::AtomicU64;

use super::columns::{self, Said};
use super::{At, Each, Found, Outline, checked, not_finite, weight};
use crate::canonical::escape;
use crate::error::Result;
use crate::library::parquet::columns::Columns;

/// Hands each score in the file at `path` to `each`.
pub fn read(path: &Path, said: Said<'_>, each: &mut Each<'_>) -> Result<Outline> {
    let progress = AtomicU64::new(0);
    let file = Columns::open(path, &progress)?;
    let names = file.names();
    let columns = columns::Columns::of(&names, said)?;
    let (keys, name) = (columns.keys, &names[columns.score]);
    let mut without_score = 0;
    file.rows(columns.key, [Some(columns.score), columns.weight], |row, key, [score, weighs]| {
        let at = At::Row(row);
        let Some(score) = score else {
            without_score += 1;
            return Ok(());
        };
        if !score.is_finite() {
            return Err(not_finite(at, name, score.to_string().as_bytes()));
        }
        if let Some(value) = weighs {
            weight(value, at)?;
        }
        if columns.is_escaped && key.contains(&b'\\') {
            let key = escape::undo(key).ok_or_else(|| super::text::not_escaped(key, at))?;
            return each(Found { keys, key: &key, score, at });
        }
        checked(keys, key, at)?;
        each(Found { keys, key, score, at })
    })?;
    let (id_column, score_column) = (Some(names[columns.key].clone()), Some(name.clone()));
    Ok(Outline { id_column, score_column, without_score, ..Outline::default() })
}
