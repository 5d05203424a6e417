//! Running a campaign: the journal of what happened, the state that it folds to, the policy that
//! decides, and the driver that acts. The driver is the only caller of scheduler adapters.

mod cut;
pub mod compare;
pub mod driver;
pub mod event;
pub mod finish;
pub mod forecast;
pub mod journal;
pub mod last_words;
pub mod look;
pub mod plan;
pub mod policy;
pub mod reproduce;
pub mod rescore;
pub mod sign_of_life;
pub mod state;
pub mod status;
pub mod wave;
