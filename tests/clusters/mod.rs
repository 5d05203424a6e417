//! Campaigns on real schedulers, brought up for the test and taken down after it.

mod blame;
mod budget;
mod hostile_remote;
mod limits;
mod lives;
mod lost;
mod night;
mod remote;
mod scene;
mod site;
mod slurm;
mod sshd;
mod status;
mod ticks;
