//! Views of a campaign that change nothing: how it is, what it has found so far, what it will cost.

pub mod forecast;
pub mod peek;
pub mod record;
pub mod status;
