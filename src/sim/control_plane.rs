//! (to be written)

pub mod monitoring;
