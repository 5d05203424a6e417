//! The plan: which ordinals make a shard, and which shards make a task group. Pure.
//!
//! A plan is a formula, not a list: a million shards take no more room than one.

use serde::{Deserialize, Serialize};

use super::estimate::Pilot;
use crate::canonical::json;
use crate::digest::{self, Digest};
use crate::error::{Error, Result};
use crate::id::{GroupIndex, Ordinals, ShardIndex};

/// Schema of [`Plan`].
pub const SCHEMA: &str = "molsieve.plan.v1";

/// Task groups that a plan aims for: a receipt and a rows file each, and one entry of a directory.
const GROUPS_TARGET: u64 = 1000;

/// No plan has more cost classes: the cheapest of so many costs a five-hundredth of the costliest.
pub const CLASSES_MAX: usize = 10;

/// The shards and task groups of one campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// [`SCHEMA`].
    pub schema: String,
    /// Digest of the campaign's identity.
    pub campaign: Digest,
    /// Records of the library.
    pub records: u64,
    /// Records a shard; the last shard may have fewer.
    pub shard_records: u64,
    /// Shards a task group; the last group may have fewer.
    pub group_shards: u64,
    /// What a pilot measured, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pilot: Option<Pilot>,
    /// What task groups are expected to cost, if there was a pilot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<Classes>,
}

/// Task groups by what they are expected to cost: each class costs about half of the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classes {
    /// The mean cost of a task group of each class, in milliseconds of one core; the costliest class first.
    pub core_ms: Vec<u64>,
    /// The class of each task group.
    pub of_group: Vec<u8>,
}

impl Classes {
    /// Whether it speaks of `groups` task groups, and of no class that it does not have.
    fn is_sound(&self, groups: u64) -> bool {
        self.of_group.len() as u64 == groups
            && self.core_ms.len() <= CLASSES_MAX
            && self.of_group.iter().all(|class| usize::from(*class) < self.core_ms.len())
            && self.core_ms.iter().all(|cost| *cost < 1 << 53)
    }
}

impl Plan {
    /// Cuts `records` into shards of `shard_records`, and these into about a thousand task groups at most.
    ///
    /// # Errors
    /// There is nothing to cut, or a shard would be empty.
    pub fn new(campaign: Digest, records: u64, shard_records: u64) -> Result<Self> {
        if records == 0 || shard_records == 0 {
            return Err(Error::usage("a plan needs at least one record, and one record a shard"));
        }
        let shards = records.div_ceil(shard_records);
        let group_shards = shards.div_ceil(GROUPS_TARGET);
        let schema = SCHEMA.to_owned();
        Ok(Self { schema, campaign, records, shard_records, group_shards, pilot: None, classes: None })
    }

    /// Whether this is a plan that [`Plan::new`] could have made: it may come from a file that somebody edited.
    pub fn is_sound(&self) -> bool {
        self.records > 0
            && self.shard_records > 0
            && self.group_shards > 0
            && self.group_shards <= self.records.div_ceil(self.shard_records)
            && self.pilot.as_ref().is_none_or(Pilot::is_sound)
            && self.classes.as_ref().is_none_or(|classes| classes.is_sound(self.groups()))
    }

    /// The cost class of a task group, 0 the costliest; without a pilot there is one.
    pub fn class(&self, group: GroupIndex) -> u8 {
        let of = |classes: &Classes| classes.of_group.get(usize::try_from(group.0).ok()?).copied();
        self.classes.as_ref().and_then(of).unwrap_or(0)
    }

    /// What a task group weighs when work is dealt: its expected cost, or, without a pilot, its shards.
    pub fn weight(&self, group: GroupIndex) -> u64 {
        let shards = self.group_shards(group);
        let of = |classes: &Classes| classes.core_ms.get(usize::from(self.class(group))).copied();
        self.classes.as_ref().and_then(of).unwrap_or(shards.end - shards.start).max(1)
    }

    /// BLAKE3 of the canonical JSON: what checkpoints and receipts name.
    ///
    /// # Errors
    /// None in practice: a plan has a canonical form.
    pub fn digest(&self) -> Result<Digest> {
        Ok(digest::blake3(&json::to_vec(self)?))
    }

    /// How many shards.
    pub const fn shards(&self) -> u64 {
        self.records.div_ceil(self.shard_records)
    }

    /// How many task groups.
    pub const fn groups(&self) -> u64 {
        self.shards().div_ceil(self.group_shards)
    }

    /// The records of a shard.
    pub fn shard(&self, shard: ShardIndex) -> Ordinals {
        let start = shard.saturating_mul(self.shard_records).min(self.records);
        start..start.saturating_add(self.shard_records).min(self.records)
    }

    /// The shards of a task group.
    pub fn group_shards(&self, group: GroupIndex) -> std::ops::Range<ShardIndex> {
        let start = group.0.saturating_mul(self.group_shards).min(self.shards());
        start..start.saturating_add(self.group_shards).min(self.shards())
    }

    /// The records of a task group.
    pub fn group(&self, group: GroupIndex) -> Ordinals {
        let shards = self.group_shards(group);
        if shards.is_empty() {
            return self.records..self.records;
        }
        self.shard(shards.start).start..self.shard(shards.end - 1).end
    }

    /// All task groups, in order.
    pub fn all_groups(&self) -> impl Iterator<Item = GroupIndex> {
        (0..self.groups()).map(GroupIndex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_record_is_in_exactly_one_shard_and_group(records in 1u64..50_000, size in 1u64..60_000) {
            let plan = Plan::new(Digest::default(), records, size).unwrap();
            let mut next = 0;
            for shard in 0..plan.shards() {
                let range = plan.shard(shard);
                prop_assert_eq!(range.start, next);
                prop_assert!(range.end > range.start);
                next = range.end;
            }
            prop_assert_eq!(next, records);
            let mut next = 0;
            for group in plan.all_groups() {
                let range = plan.group(group);
                prop_assert_eq!(range.start, next);
                next = range.end;
            }
            prop_assert_eq!(next, records);
            prop_assert!(plan.groups() <= GROUPS_TARGET);
        }
    }

    #[test]
    fn a_billion_records_in_a_million_shards_are_a_formula() {
        let plan = Plan::new(Digest::default(), 1_000_000_000, 1000).unwrap();
        assert_eq!((plan.shards(), plan.groups()), (1_000_000, 1000));
        assert_eq!(plan.group(GroupIndex(999)).end, 1_000_000_000);
    }
}
