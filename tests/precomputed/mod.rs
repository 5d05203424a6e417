//! `precomputed` and `molsieve decoys`: scores from files, and the look-alikes that are to be scored elsewhere.

mod campaigns;
mod faults;
mod list;
mod rdkit;
