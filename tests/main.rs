//! One integration binary. Each module is a list of sentences about molsieve that must be true.

mod scorers;
mod support;
