//! Published facts of AWS as tables: instance types, Fargate sizes, prices, quotas; each row with its source and date.
//!
//! Nothing here decides anything.

pub mod agent;
pub mod credits;
pub mod fargate;
pub mod instance_types;
pub mod prices;
pub mod quotas;
