//! Bindings to batch schedulers, behind one small trait.
//!
//! An [`Adapter`] turns a [`JobSpec`] (tasks that are argument vectors) into a job of some
//! scheduler, and answers what has become of its tasks. It knows nothing of campaigns, journals
//! or packs: this crate depends on nothing of molsieve's, so it cannot.
//!
//! What a scheduler says is a hint. `Succeeded` means that a task ended with exit code 0, not that
//! its work is there; a task that a scheduler no longer knows is [`TaskState::Unknown`], never done.
//!
//! A scheduler with commands is a [`Dialect`], pure text, which [`Cli`] makes an adapter. [`Ray`] is spoken to over HTTP.
//! [`Local`] is this machine, a supervisor of processes.

pub mod adapter;
pub mod cli;
mod clock;
pub mod command;
pub mod dialect;
pub mod htcondor;
pub mod inside;
pub mod job;
pub mod local;
pub mod patient;
pub mod ray;
pub mod slurm;
pub mod testing;
pub mod text;
pub mod throttled;
mod utc;

pub use adapter::{Adapter, AdapterError, Capabilities, Finally};
pub use cli::Cli;
pub use dialect::Dialect;
pub use htcondor::HtCondor;
pub use inside::Inside;
pub use job::{
    Blame, EmittedFile, Explained, Job, JobId, JobSpec, JobTag, OwnFiles, Place, Recalled, Resources, Retry, TaskId,
    TaskReport, TaskState, Tasks, Transfers,
};
pub use local::Local;
pub use patient::{Attendant, Patient};
pub use ray::Ray;
pub use slurm::Slurm;
pub use throttled::Throttled;
