//! The long suite: runs that are killed at random until every phase was hit often enough. `./test --long` runs it, and
//! runs it again on the builds with `sabotage-sync` and `sabotage-rename`, where it must fail.
// So that the lints know helper functions for what they are: parts of tests.
#![cfg(test)]
