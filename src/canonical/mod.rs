//! The only forms that are hashed or signed: canonical JSON (RFC 8785) and the payload row.
//!
//! - [`json`]: any serializable value to canonical JSON, and back with strictness.
//! - [`number`]: one text per number.
//! - [`escape`]: bytes to one line of valid UTF-8, reversibly.
//! - [`row`]: the CSV line of one record.

pub mod escape;
pub mod json;
pub mod number;
pub mod row;
