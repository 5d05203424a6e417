//! Campaigns on real schedulers, brought up for the test and taken down after it.

mod night;
mod slurm;
mod status;
