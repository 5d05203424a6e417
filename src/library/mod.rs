//! Libraries: tables of SMILES, SD files and Parquet files to an ordered, digested, randomly readable snapshot.
//!
//! ```text
//! paths and globs ([`request`]) → bytes ([`decode`]) → lines ([`lines`]) → a frozen [`format`] ([`sniff`])
//!    → records ([`parse`], [`sdf`], `parquet`) → blocks ([`block`]) → digests, index, repacked frames ([`take`]) → [`snapshot`] → [`slice`]
//! ```
//!
//! What is a record: every line of a table that is not a header, blank, or a comment (`#` as its first byte);
//! what is up to each `$$$$` of an SD file; every row of a Parquet file. It is one record whatever it holds: an empty structure, a NUL, bytes that are not text, megabytes. Every line is
//! accounted for by reason ([`counts`]). A slice reads the same bytes with the same frozen format and checks
//! their digests, so that a library that changed after the snapshot is refused and never scored.

pub mod block;
pub mod cells;
pub mod counts;
pub mod cut;
pub mod decode;
mod finished;
pub mod format;
pub mod generate;
mod globbing;
mod index;
pub mod inspect;
pub mod lines;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod parse;
pub mod record;
mod records;
mod repack;
pub mod request;
mod scan;
pub mod sdf;
pub mod slice;
pub mod smiles_like;
pub mod snapshot;
pub mod sniff;
pub mod take;
mod warnings;
pub mod weigh;
