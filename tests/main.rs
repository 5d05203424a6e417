//! One integration binary. Each module is a list of sentences about molsieve that must be true.
// So that the lints know helper functions for what they are: parts of tests.
#![cfg(test)]

mod attacks;
mod blame;
mod clusters;
mod day_two;
mod decoys;
mod doctor;
mod errors;
mod first_minutes;
mod formats;
mod guides;
mod hangs;
mod hetero2;
mod kept;
mod libraries;
mod lift;
mod mended;
mod molblocks;
mod molfiles;
mod packs;
mod payload;
mod planning;
mod precomputed;
mod protocols;
mod provenance;
mod report;
mod resume;
mod scale;
mod scorers;
mod shipped;
mod signal;
mod similarity;
mod spectral;
mod suite;
mod support;
mod tidy;
mod trouble;
mod vina;
mod workers;
mod write_faults;
