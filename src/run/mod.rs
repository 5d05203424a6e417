//! Running a campaign: the journal of what happened, the state that it folds to, the policy that
//! decides, and the driver that acts. The driver is the only caller of scheduler adapters.

pub mod amend;
pub mod archive;
mod carry;
pub mod clean;
pub mod compare;
pub mod core_time;
mod cut;
pub mod driver;
pub mod event;
pub mod finish;
pub mod finished;
pub mod forecast;
pub mod journal;
pub mod last_words;
pub mod look;
pub mod peek;
pub mod plan;
pub mod policy;
pub mod reproduce;
pub mod rescore;
pub mod retry;
pub mod sign_of_life;
pub mod state;
pub mod status;
pub mod wave;
