//! What several test modules need.

pub mod env;
pub mod sealed_groups;
