//! Campaigns on real schedulers, brought up for the test and taken down after it.

mod limits;
mod night;
mod site;
mod slurm;
