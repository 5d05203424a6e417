//! Libraries: any of the field's text formats to an ordered, digested, randomly readable snapshot.

pub mod record;
