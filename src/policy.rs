//! Policies: what should be done. Each reads a view and returns a decision with its reason.
//!
//! Nothing here schedules, changes the world or reads more of it than its view shows; so each rule can be tested alone,
//! by its name.

pub mod alarm;
pub mod scaling;
