//! What stands outside the cluster.

use super::ZoneIx;
use crate::engine::dist::Dist;
use crate::units::Span;

/// A database or other thing outside the cluster, with `slots` served at once and an unbounded FIFO queue up to `backlog`.
#[derive(Clone, Debug)]
pub struct Dependency {
    pub name: String,
    pub zone: Option<ZoneIx>,
    pub standby: Option<ZoneIx>,
    /// From the loss of the primary (or a commanded failover) until the standby answers.
    pub failover: Span,
    pub slots: u32,
    pub backlog: u32,
    pub service_time: Dist,
}
