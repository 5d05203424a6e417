//! The long suite: runs that are killed at random until every phase was hit often enough, and runs
//! that die before each of their writes. `./test --long` runs it, and runs it again on the builds
//! with `sabotage-sync` and `sabotage-rename`, where it must fail.
// So that the lints know helper functions for what they are: parts of tests.
#![cfg(test)]

#[path = "../support/env.rs"]
#[expect(dead_code, reason = "the long suite needs only a part of what the tests share")]
mod env;
mod kills;
mod scene;
mod writes;
