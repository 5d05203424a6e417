//! A shard and what becomes of it: [`plan`], [`worker`], [`checkpoint`], [`receipt`].

pub mod checkpoint;
pub mod estimate;
pub mod group;
pub mod judge;
pub mod kept;
pub mod order;
pub mod plan;
pub mod receipt;
pub mod recover;
pub mod worker;
