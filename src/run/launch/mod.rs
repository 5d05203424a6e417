//! A task of many ranks: who starts them, which rank this process is, and how task groups come to each.
//!
//! A launch is started and watched by one process, `molsieve launch`, which stands to the scheduler as a worker does: it is told
//! to stop, its exit code is the task's, and it asks for another life. Each rank does with a task group what a worker does,
//! so that nothing of a launch reaches a payload. Who gets which group is told in one of two ways:
//!
//! ```text
//! share        rank 0 gives the next one to whoever asks, the costliest first    (molsieve-mpi)
//!   hand_out   what it knows: what is left, and who has ended                    (pure)
//!   message    what ranks say to each other                                      (pure)
//! rank         by the number of the rank, as the environment has it              (molsieve worker, no MPI library)
//! command      the command that starts the ranks                                 (pure)
//! launched     that command at work
//! outcome      what its end says of the task                                     (pure)
//! stopping     a launch that was told to stop, and does not end
//! ```

pub mod command;
pub mod hand_out;
pub mod launched;
pub mod message;
pub mod outcome;
pub mod rank;
pub mod script;
pub mod share;
pub mod stopping;
