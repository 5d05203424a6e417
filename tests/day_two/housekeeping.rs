//! Clean and archive.
