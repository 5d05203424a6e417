//! Once more: a campaign for the records that failed, the same campaign from its pack, a sample of its rows.
//! What comes out is compared with what was there.

mod carry;
pub mod compare;
pub mod reproduce;
pub mod rescore;
pub mod retry;
