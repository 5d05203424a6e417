//! The user's own program as a scorer: a pool of child processes.
//!
//! ```text
//! pool     draws records, hands requests to children, takes their replies      (the state of a worker)
//!   work, queue   records that are to be asked, and in which manner
//!   lane          one place in the pool: the child that fills it, and what it was asked
//!   drive, react  hands out work; takes replies, deaths and silence
//!   handover      takes the files of a reply
//!   blame         what a death, a time-out or a violation means for a record
//!   trace         the line in the log that says so, for people
//!   settings      what the pool is told: the program, how many children, how patient to be
//!   watched       the program's files, which must stay what they were
//!   oom           whether the kernel killed for want of memory
//! child    one process: its pipes, its end                                      (the only asynchronous part)
//!   launch, contain, shim, lines, stderr
//! hello    what a program says about itself
//! jsonl    the protocol: how a request is written and a reply is read
//! translate   children of ours that speak `jsonl` for programs that do not
//! ```
//!
//! The pool decides, the child moves bytes: no decision is taken where bytes move, and nothing
//! waits where decisions are taken. A further protocol is a further file in [`translate`]. What a
//! program must do to be a scorer is in `docs/formats/jsonl.md`.

pub mod contain;
pub mod hello;
pub mod jsonl;
pub mod launch;
pub mod pool;
pub mod settings;
pub mod shim;
pub mod trace;
pub mod translate;

mod blame;
mod child;
mod doubt;
mod drive;
mod handover;
mod lane;
mod lines;
pub mod oom;
mod queue;
mod react;
mod stderr;
mod watched;
