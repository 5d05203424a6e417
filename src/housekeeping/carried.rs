//! What was carried to nodes that share no files with us, and what they brought back, as far as nobody needs it any more.
//!
//! Both go with the end of their wave. What is left is of somebody who was killed then, or was refused when it was taken in: that stays
//! for somebody to look at, until its task groups are sealed by others and whoever looks says `clean`.

use std::path::PathBuf;

use super::clean::{entries, is_dir};
use crate::campaign::file::Campaign;
use crate::error::Result;
use crate::id::GroupIndex;
use crate::run::wave;

/// Parcels, of which the next wave makes its own.
const PARCELS: &str = "what was carried to the tasks of a wave that is over";

/// What tasks returned that is in the campaign, or was refused.
const RETURNED: &str = "what tasks returned whose task groups are sealed";

/// The leftovers of the first `waves` of `campaign`, which are over: each with what it is.
///
/// # Errors
/// The system refuses (exit 6).
pub(super) fn leftovers(
    campaign: &Campaign,
    waves: u64,
    is_sealed: &dyn Fn(GroupIndex) -> bool,
) -> Result<Vec<(PathBuf, &'static str)>> {
    let (dir, mut found) = (&campaign.dir, Vec::new());
    for number in 1..=waves {
        let (parcels, returned) = (dir.wave_parcels(number), dir.returned_wave(number));
        if is_dir(&parcels) {
            found.push((parcels, PARCELS));
        }
        // (Where nobody knows of which task groups it is, it stays.)
        let Some(tasks) = is_dir(&returned).then(|| wave::read(dir, number).ok()).flatten() else { continue };
        let is_over = |groups: &Vec<GroupIndex>| groups.iter().all(|group| is_sealed(*group));
        let places = (0..).zip(&tasks).filter(|(_, groups)| is_over(groups));
        let over: Vec<PathBuf> = places.map(|(task, _)| dir.returned_task(number, task).root().to_path_buf()).collect();
        let (over, stays): (Vec<_>, Vec<_>) = entries(&returned)?.into_iter().partition(|path| over.contains(path));
        let whole = if stays.is_empty() { vec![returned] } else { over };
        found.extend(whole.into_iter().map(|path| (path, RETURNED)));
    }
    Ok(found)
}
