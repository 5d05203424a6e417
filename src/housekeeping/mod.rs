//! What is done with the files of a campaign that has ended: the scratch goes, the rest is packed away.

pub mod archive;
mod carried;
pub mod clean;
