//! What several tests need.

pub mod raw_zip;
pub mod sealed_groups;
