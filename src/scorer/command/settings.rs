//! What a pool is told: which program, how many children, how patient to be.

use std::path::PathBuf;
use std::time::Duration;

use super::launch::{Environment, Launch};
use crate::scorer::Description;
use crate::scorer::seed::Seeder;

/// All that a [`super::pool::CommandPool`] needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How a child is started.
    pub launch: Launch,
    /// One entry a child: what is added to its environment. Their number is that of the children.
    pub children: Vec<Environment>,
    /// The most records in one request; a child whose hello names fewer is given fewer.
    pub batch: usize,
    /// What the scorer said when the campaign was planned: each child must say the same.
    pub description: Description,
    /// Files that the scorer's identity names: a child is started only while they are what they were.
    pub files: Vec<PathBuf>,
    /// Gives each record its seed.
    pub seeder: Seeder,
    /// How records are told apart when a child dies of a request.
    pub apart: Apart,
    /// How patient to be.
    pub limits: Limits,
    /// The `memory.events` of the control group that the children are in, if there is one.
    pub memory_events: Option<PathBuf>,
}

/// How the records of a request whose child died are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apart {
    /// One by one: the child lives on from request to request, so a death is dear and a request is cheap.
    OneByOne,
    /// In halves: every request starts a program, so what counts is how few there are. One record among n that kills
    /// it is found with 2 log₂ n of them.
    Halves,
}

/// How patient a pool is.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most that one request may take.
    pub timeout: Duration,
    /// The most that a child may take from its start to its hello.
    pub startup_timeout: Duration,
    /// What requests in flight are given after a stop.
    pub grace: Duration,
    /// What a child is given to end by itself once its input is closed.
    pub end: Duration,
    /// The first wait after `RETRY`; doubled each time.
    pub retry_first: Duration,
    /// The longest wait after `RETRY`.
    pub retry_longest: Duration,
    /// How long `RETRY` without any result is borne before the campaign is paused.
    pub retry_patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(600),
            startup_timeout: Duration::from_secs(120),
            grace: Duration::from_secs(5),
            end: Duration::from_secs(3),
            retry_first: Duration::from_secs(1),
            retry_longest: Duration::from_secs(30),
            retry_patience: Duration::from_secs(600),
        }
    }
}
