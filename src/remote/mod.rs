//! From elsewhere: the same program, run on a login node, at the end of one ssh channel.
//!
//! ```text
//! here                                                    there
//! client ─ transport (ssh2, or the system's ssh) ─ shell ─ bootstrap ─→ serve ─→ this program, with an argv
//!        ←────────────────────── frames ──────────────────────────────
//! ```
//!
//! [`bootstrap`] holds the only texts that a shell there ever reads. [`serve`] is the far end, [`client`] the near one;
//! [`frame`] and [`message`] are what they say to each other. [`inputs`] finds the files that a campaign file names, and
//! [`place`] is the directory here that stands for the campaign there. The far end is not trusted: what it sends is
//! bounded, its pack is verified before it gets a name, and keys never travel. See `docs/formats/remote.md`.

pub mod bootstrap;
pub mod client;
pub mod fetch;
pub mod frame;
pub mod inputs;
pub mod login;
pub mod message;
pub mod place;
pub mod serve;
pub mod terminal;
pub mod transport;
