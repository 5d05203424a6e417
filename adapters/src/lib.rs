//! Bindings to batch schedulers, behind one small trait.
//!
//! An [`Adapter`] turns a [`JobSpec`] (tasks that are argument vectors) into a job of some
//! scheduler, and answers what has become of its tasks. It knows nothing of campaigns, journals
//! or packs: this crate depends on nothing of molsieve's, so it cannot.
//!
//! What a scheduler says is a hint. `Succeeded` means that a task ended with exit code 0, not that
//! its work is there; a task that a scheduler no longer knows is [`TaskState::Unknown`], never done.

pub mod adapter;
pub mod job;
pub mod local;

pub use adapter::{Adapter, AdapterError, Capabilities, Finally};
pub use job::{Blame, JobId, JobSpec, JobTag, Resources, TaskId, TaskState};
pub use local::Local;
