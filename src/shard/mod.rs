//! A shard and what becomes of it.
//!
//! ```text
//! plan         how a library is cut into shards and task groups           (pure)
//!   estimate   what a pilot found, and what it says of cost               (pure)
//!   order      which task group comes first                               (pure)
//! worker       one attempt after another at the task groups of a task
//!   group      one of them while it is worked on
//!   checkpoint what is finished of it, durably
//!   tally      how far that is
//!   recover    what earlier attempts at it left
//!   kept       the files of its best records
//! receipt      the proof that it is complete
//!   judge      whether a receipt counts
//! ```

pub mod checkpoint;
pub mod estimate;
pub mod group;
pub mod judge;
pub mod kept;
pub mod order;
pub mod plan;
pub mod receipt;
pub mod recover;
pub mod tally;
pub mod worker;
