//! Decisions: routing, placement, scaling, rollout, retry. Each reads a view and returns a decision with its reason.
//!
//! Nothing here schedules, draws from anything but the key it is given, or changes the world (a round-robin position is
//! part of its view).

pub mod alarm;
pub mod anomaly;
pub mod breaker;
pub mod brown_out;
pub mod budget;
pub mod circuit_breaker;
pub mod concurrency;
pub mod credits;
pub mod daemon;
pub mod hook;
pub mod outlier;
pub mod placement;
pub mod quantile;
pub mod rebalancing;
pub mod retry;
pub mod rollout;
pub mod routable;
pub mod routing;
pub mod scaling;
pub mod sharding;
pub mod shedding;
pub mod shift;
pub mod stopping;
pub mod window;
pub mod zones;
