//! The driver: looks, decides, records, acts.
//!
//! [`drive`] stays until the campaign is done, or stopped. Where a scheduler runs the work without us, a
//! driver does one [step](Driver::step) after the other only as long as there is something to do now; see
//! [`tick`](crate::run::cluster::tick).

pub mod carried;
pub mod core_time;
pub mod driver;
mod ended;
pub mod jobs;
pub mod room;
pub mod step;
pub mod submission;

use std::path::PathBuf;
use std::time::Duration;

use molsieve_adapters::Adapter;

use crate::campaign::file::Campaign;
use crate::error::Result;
use crate::journal::{History, Journal};
use crate::patience::Patience;
use crate::run::drive::driver::Driver;
use crate::run::drive::step::Step;
use crate::run::look::Progress;
use crate::run::policy::Pause;
use crate::stop::Stop;

/// How often the driver looks when the adapter has no news.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What else the driver needs to know.
pub struct Settings<'a> {
    /// The program that runs a task: this one.
    pub program: PathBuf,
    /// How many tasks a wave is dealt to, at most.
    pub tasks: u64,
    /// Raised when somebody asks to stop.
    pub stop: Stop,
    /// What is waited for, and whether whoever waits has had enough.
    pub patience: Patience,
    /// Called at every look.
    pub watch: &'a mut dyn FnMut(&Progress<'_>),
}

/// How it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Driven {
    /// Every group has its receipt.
    Ready,
    /// Stopped at a clean checkpoint.
    Stopped,
    /// It waits for somebody; every task has ended.
    Paused(Pause),
}

/// Drives the campaign until every group has its receipt, or until it is stopped, pauses or fails.
///
/// # Errors
/// It fails (the exit code of what made it fail), another process takes over
/// (exit 75), or the scheduler refuses (exit 5).
pub fn drive<'a>(
    campaign: &'a Campaign,
    journal: &'a mut Journal,
    history: &History,
    adapter: &'a mut dyn Adapter,
    settings: Settings<'a>,
) -> Result<Driven> {
    let mut driver = Driver::new(campaign, journal, history, adapter, settings)?;
    driver.start()?;
    let driven = run(&mut driver);
    if driven.is_err() {
        driver.abandon();
    }
    driven
}

fn run(driver: &mut Driver<'_>) -> Result<Driven> {
    loop {
        match driver.step()? {
            Step::Acted => {}
            Step::Wait => driver.adapter.wait(LOOK_EVERY),
            Step::Over(driven) => return Ok(driven),
        }
    }
}
