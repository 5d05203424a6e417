//! The protocol `jsonl`: one JSON object a line, a request down, a reply up.
//!
//! Its document, with a complete transcript, is `docs/formats/jsonl.md`.

pub mod reply;
pub mod request;
