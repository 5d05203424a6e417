//! Running a campaign, from the request to the sealed pack. Only what is here, and `cli`, calls scheduler adapters.
//!
//! [`plan`] freezes it; [`look`] sees where it is; [`policy`] decides, and [`drive`] acts; [`here`] does that on this
//! machine until the end, and [`cluster`] tick by tick where a scheduler runs the work; [`finish`] seals the pack. [`launch`] and [`parcel`] are for tasks of
//! many ranks, and for nodes that share no files.

pub mod cluster;
pub mod drive;
pub mod finish;
pub mod here;
pub mod launch;
pub mod look;
pub mod parcel;
pub mod plan;
pub mod policy;
pub mod task;
pub mod wave;
