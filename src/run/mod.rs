//! Running a campaign, from the request to the sealed pack: plan, the policy that decides, the driver
//! that acts, and the end. Only what is here, and `cli`, calls scheduler adapters.

pub mod amend;
pub mod anew;
pub mod at_work;
pub mod core_time;
mod cut;
pub mod driver;
mod ended;
pub mod examine;
pub mod finish;
mod frozen;
pub mod heard;
pub mod here;
pub mod life;
pub mod look;
mod mid_wave;
pub mod outlook;
pub mod plan;
pub mod policy;
pub mod probe;
mod submission;
pub mod tick;
pub mod watch;
pub mod wave;
