//! What the runs say, told to people and programs: tables, charts, a summary.
//!
//! Everything here is a function of the records and the blueprint, down to the byte. Measuring is not here
//! ([`crate::probe`]), nor is running ([`crate::experiment`]).

pub mod assumptions;
pub mod chart;
pub mod page;
pub mod provenance;
#[cfg(test)]
pub(crate) mod sample;
pub mod summary;
pub mod sweep;
pub mod table;
pub mod tables;
pub mod traces;
pub mod words;
