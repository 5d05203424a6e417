//! The campaign: what the user wrote ([`config`]) and what is frozen of it ([`identity`]).

pub mod identity;
pub mod seed;
