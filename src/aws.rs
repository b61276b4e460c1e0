//! Published facts of AWS as tables: instance types, Fargate sizes, prices, quotas; each row with its source and date.
//!
//! Nothing here decides anything.

pub mod instance_types;
