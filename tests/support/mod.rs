//! What several test modules need.

pub mod env;
pub mod guide;
pub mod memory;
pub mod memory_pool;
pub mod raw_zip;
pub mod sealed_groups;
pub mod workshop;
