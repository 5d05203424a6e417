//! What a user may choose of the comparison with decoys.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::canonical::json;
use crate::scorer::builtin::decoys::{self, Strategy, Window};
use crate::scorer::identity::ScorerIdentity;

/// Version of what follows from these settings: it changes when any record could be compared, or judged, otherwise. In version 1
/// log P was not rounded to the four decimals that it has, decoys of another formula were pooled with the others, and decoys without
/// a score changed no verdict.
const VERSION: u64 = 2;

/// No record has more decoys.
pub const COUNT_MAX: u32 = 100;

/// What a user may choose, each with what holds where nothing is said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Decoys of each record, from 1 to [`COUNT_MAX`].
    pub count: u32,
    /// Which bonds may be exchanged, in the order in which that is tried.
    pub strategies: Vec<Strategy>,
    /// The least and the greatest Tanimoto similarity of a decoy to its parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<[f64; 2]>,
    /// Whether a decoy must not have more fragments than its parent.
    pub connected: bool,
}

impl Eq for Settings {}

impl Default for Settings {
    fn default() -> Self {
        Self { count: 20, strategies: Strategy::ALL.to_vec(), window: None, connected: true }
    }
}

impl Settings {
    /// The version of how the records of `scorer` were compared; none if they were not.
    pub fn version_of(scorer: &ScorerIdentity) -> Option<u64> {
        scorer.settings.get("decoys")?.get("version")?.as_u64()
    }

    /// The settings that `scorer` was frozen with; none if its records are not compared.
    pub fn of_identity(scorer: &ScorerIdentity) -> Option<Self> {
        // (Of the versions before, the settings mean the same.)
        Self::version_of(scorer).filter(|version| (1..=VERSION).contains(version))?;
        let mut settings = scorer.settings.get("decoys")?.clone();
        settings.as_object_mut()?.remove("version");
        serde_json::from_value(settings).ok()
    }

    /// The same for whoever makes decoys.
    pub fn to_decoys(&self) -> decoys::Settings {
        decoys::Settings {
            strategies: self.strategies.clone(),
            window: self.window.map(|[least, most]| Window { least, most }),
            connected: self.connected,
            ..decoys::Settings::of(self.count as usize)
        }
    }

    /// All of them, as they are part of a scorer's identity under `decoys`, and as they are read again from where that was
    /// written: in canonical JSON a double that is whole is an integer.
    pub fn identity(&self) -> Json {
        let written = json::to_vec(self).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let mut settings: Json = written.unwrap_or_default();
        if let Json::Object(settings) = &mut settings {
            settings.insert("version".to_owned(), VERSION.into());
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_part_of_the_identity() {
        let settings = Settings { window: Some([0.65, 0.95]), ..Settings::default() };
        assert_eq!(
            serde_json::to_string(&settings.identity()).unwrap(),
            r#"{"connected":true,"count":20,"strategies":["rewire_strict_v1","rewire_relax_a_v1","rewire_relax_b_v1","rewire_fallback_aromatic_as_single_v1"],"version":2,"window":[0.65,0.95]}"#
        );
        assert!(Settings::default().identity().get("window").is_none());
    }

    #[test]
    fn what_was_written_and_read_again_is_the_same() {
        for window in [None, Some([0.0, 1.0]), Some([0.65, 0.95])] {
            let identity = Settings { window, ..Settings::default() }.identity();
            let again: Json = serde_json::from_slice(&json::to_vec(&identity).unwrap()).unwrap();
            assert_eq!(identity, again);
        }
    }
}
