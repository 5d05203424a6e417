//! A shard and what becomes of it: [`plan`], [`stop`], [`receipt`].

pub mod plan;
pub mod receipt;
pub mod stop;
