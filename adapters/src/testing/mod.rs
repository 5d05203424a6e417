//! A scheduler that exists in memory alone, for tests of what drives schedulers.

mod memory;

pub use memory::{Memory, Script};
