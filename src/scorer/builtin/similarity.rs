//! Placeholder until the chemistry is merged.
use std::path::Path;

use super::null::Null;
use crate::error::Result;

/// Not yet.
///
/// # Errors
/// None.
pub fn load(_: &Path) -> Result<Null> {
    Ok(Null::new())
}
