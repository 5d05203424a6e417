//! Views of a campaign that change nothing: how it is, what it has found so far, what it will cost.

pub mod cluster;
pub mod events;
pub mod failures;
pub mod forecast;
pub mod next;
pub mod pace;
pub mod peek;
pub mod record;
mod standing;
pub mod status;
pub mod tries;
