//! Campaigns on real schedulers, brought up for the test and taken down after it.

mod blame;
mod budget;
mod lives;
mod night;
mod scene;
mod slurm;
mod ticks;
