//! The joint from within: what a task can learn from its scheduler, and ask of it, about itself.

use std::fmt;

use crate::adapter::AdapterError;

/// A task's view of its scheduler.
pub trait Inside: fmt::Debug + Send {
    /// The scheduler's own name for this task, as it is written in commands.
    fn name(&self) -> &str;

    /// The node that it runs on, as the scheduler calls it.
    fn node(&self) -> Option<&str>;

    /// How often this task was started before, as far as the scheduler says.
    fn restarts(&self) -> u64;

    /// When the time limit ends this task, in seconds since the Unix epoch, as far as its environment says.
    fn ends_at_s(&self) -> Option<u64>;

    /// The same, asked of the scheduler; none where there is no limit, or nobody tells.
    fn ask_end_s(&mut self) -> Option<u64>;

    /// Asks to be put back into the queue: this task ends, and begins anew when there is room. When it returns, the scheduler
    /// has agreed, and may end this process at any moment.
    ///
    /// # Errors
    /// It will not ([`AdapterError::Rejected`]), or does not answer.
    fn requeue(&mut self) -> Result<(), AdapterError>;

    /// The exit code by which a task asks for that, where that is how: after a [`requeue`](Inside::requeue) that was agreed to, this
    /// task must end with it.
    fn requeue_exit(&self) -> Option<u8> {
        None
    }
}
