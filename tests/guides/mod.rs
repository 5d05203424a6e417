//! The guides are true: what they show is read and parsed, and where it is cheap, done.

mod done;
mod files;
mod said;
