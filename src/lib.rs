//! molsieve runs a molecule-screening campaign on the batch system you have, and leaves one signed
//! pack that proves what was computed.

pub mod again;
pub mod audit;
pub mod campaign;
pub mod canonical;
pub mod cli;
pub mod clock;
pub mod decoys;
pub mod digest;
pub mod doctor;
pub mod encode;
pub mod error;
pub mod fs;
pub mod gather;
pub mod host;
pub mod housekeeping;
pub mod id;
pub mod journal;
pub mod layout;
pub mod library;
pub mod lift;
pub mod pack;
pub mod patience;
pub mod payload;
pub mod pilot;
pub mod random;
pub mod registry;
pub mod remote;
pub mod run;
pub mod scheduler;
pub mod scorer;
pub mod shard;
pub mod signal;
pub mod stop;
pub mod units;
pub mod view;
