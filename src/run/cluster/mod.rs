//! A campaign on a cluster: what it is asked for and would submit, the small jobs that go on with nobody there, and how long a
//! worker lives.

pub mod examine;
pub mod life;
mod mid_wave;
pub mod outlook;
pub mod probe;
mod queue;
pub mod tick;
mod tries;
