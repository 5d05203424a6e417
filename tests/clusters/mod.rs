//! Campaigns on real schedulers, brought up for the test and taken down after it.

mod hostile_remote;
mod night;
mod remote;
mod slurm;
mod sshd;
mod status;
