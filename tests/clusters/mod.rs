//! Campaigns on real schedulers, brought up for the test and taken down after it.

mod allocations;
mod blame;
mod budget;
mod hostile_remote;
mod htcondor;
mod limits;
mod lives;
mod looks;
mod lost;
mod mpi;
mod mpich;
mod night;
mod parcels;
mod people;
mod pool;
mod pool_people;
mod pool_torn;
mod ranks;
mod ray;
mod ray_cluster;
mod ray_ways;
mod remote;
mod rivals;
mod scene;
mod site;
#[expect(dead_code, reason = "the long suite shares it, and asks more of a cluster")]
mod slurm;
mod sshd;
mod status;
mod ticks;
