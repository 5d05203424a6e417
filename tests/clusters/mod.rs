//! Campaigns on real schedulers, brought up for the test and taken down after it.

mod blame;
mod budget;
mod limits;
mod lives;
mod lost;
mod night;
mod scene;
mod site;
mod slurm;
mod status;
mod ticks;
