//! `scores.h5`: the payload as HDF5; `docs/formats/hdf5.md` defines it.

pub(super) mod write;

use ::hdf5_metno::types::FixedAscii;

/// Rows in a chunk of a column. A block is a multiple of it: each is compressed once.
const CHUNK_ROWS: usize = 1 << 16;

/// Outcomes, and reasons: ASCII padded with zeros. No reason is longer.
type Word = FixedAscii<64>;

/// Where an integer has no value. No integer of a payload comes near it.
const NO_INTEGER: i64 = i64::MIN;
