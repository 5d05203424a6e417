//! `evidence_pack.zip`: written so that every tool reads it, read so that nothing can hide in it.

mod muted;
pub mod read;
mod records;
pub mod write;
