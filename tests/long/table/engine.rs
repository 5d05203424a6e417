//! What differs between the rows of the table: how an engine comes up, what campaigns say of it, and what can befall it.

use std::process::Command;

use super::cell::Cell;
use crate::env::MOLSIEVE;

/// What befalls a campaign that is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The process of one task dies, by `kill -9`.
    Worker,
    /// A machine dies with all that runs on it.
    Node,
    /// Who hands out the work dies, by `kill -9`.
    Coordinator,
    /// Somebody stops the campaign, and goes on with it later.
    Stop,
    /// Somebody submits it once more, and somebody starts a task by hand that runs already.
    Twice,
}

impl Fault {
    pub const ALL: [Self; 6] = [Self::None, Self::Worker, Self::Node, Self::Coordinator, Self::Stop, Self::Twice];

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Worker => "worker killed",
            Self::Node => "node lost",
            Self::Coordinator => "coordinator lost",
            Self::Stop => "stopped, resumed",
            Self::Twice => "submitted twice",
        }
    }
}

/// What an engine does to a campaign itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// [`Fault::Worker`].
    Worker,
    /// [`Fault::Node`].
    Node,
    /// [`Fault::Coordinator`].
    Coordinator,
}

/// What is left to be proven when the pack is sealed.
pub type AtEnd<'a> = Box<dyn FnOnce() + 'a>;

/// Nothing is.
pub fn proven<'a>() -> AtEnd<'a> {
    Box::new(|| {})
}

/// A scheduler that is up, or this machine.
pub trait Contender {
    /// Its name in the table.
    fn name(&self) -> &'static str;

    /// What it says of its version.
    fn version(&self) -> String;

    /// The shape of what is up.
    fn shape(&self) -> String;

    /// What a campaign file says in `[scheduler]`.
    fn keys(&self) -> String;

    /// Further arguments of `submit`.
    fn submit_options(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether it is tried with other shard sizes than the middle one.
    fn is_thorough(&self) -> bool {
        true
    }

    /// What each fault is here, in words; none where there is nothing of the kind.
    fn fault(&self, fault: Fault) -> Option<&'static str>;

    /// A command that means it.
    fn command(&self, program: &str) -> Command {
        Command::new(program)
    }

    /// All jobs that wait or run, one a line; nothing where there is no queue.
    fn queue(&self) -> String {
        String::new()
    }

    /// Whether a task of `cell` is in the middle of its work: it has rows in a checkpoint.
    fn is_at_work(&self, cell: &Cell<'_>) -> bool {
        cell.is_at_work_here()
    }

    /// Whether somebody can start a task by hand that runs: tasks whose nodes share no files have a place of their own.
    fn has_twins(&self) -> bool {
        true
    }

    /// Lets `blow` befall `cell`, and notes what shows that it hit. It fails
    /// where nothing was hit.
    fn strike<'a>(&'a self, cell: &'a Cell<'a>, blow: Blow) -> AtEnd<'a>;

    /// What shows that a second submission left one job.
    fn note_submitted_twice(&self, _cell: &Cell<'_>) {}

    /// Makes it fit for the next cell, whatever befell this one.
    fn mend(&self) {}
}

/// The first line that a program prints.
pub fn first_line(command: &mut Command) -> String {
    let said = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    said.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned()
}

/// molsieve's own version.
pub fn molsieve() -> String {
    first_line(Command::new(MOLSIEVE).arg("--version"))
}
