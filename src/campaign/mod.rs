//! The campaign: what the user wrote ([`config`]), what is frozen of it ([`identity`]), and the
//! file that holds both for everybody who works on it ([`mod@file`]).

pub mod config;
mod container;
pub mod decoys;
pub mod file;
pub mod identity;
pub mod kind;
mod known_keys;
pub mod launch;
mod protocol;
mod resources;
pub mod scheduler;
pub mod scorer;
pub mod site;
mod toml_error;
