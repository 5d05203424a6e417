//! What several tests need.

pub mod sealed_groups;
