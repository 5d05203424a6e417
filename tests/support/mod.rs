//! What several test modules need.

pub mod env;
pub mod memory;
pub mod sealed_groups;
