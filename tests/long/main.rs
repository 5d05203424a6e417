//! The long suite: runs that are killed at random until every phase was hit often enough, runs that
//! die before each of their writes, campaigns on a real SLURM to which everything happens, and the table of all schedulers.
//! `./test --long` runs all but the table, which `./test --table` does, and runs the first two again on the builds with `sabotage-sync` and
//! `sabotage-rename`, where they must fail.
// So that the lints know helper functions for what they are: parts of tests.
#![cfg(test)]

mod chance;
mod clusters;
#[path = "../support/env.rs"]
#[expect(dead_code, reason = "the long suite needs only a part of what the tests share")]
mod env;
mod kills;
mod scene;
mod table;
mod writes;

/// Where the tests of the night look for what they share.
mod support {
    pub(crate) use crate::env;
}
