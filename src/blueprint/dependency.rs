//! What stands outside the cluster.

use super::{DependencyOperationIx, ZoneIx};
use crate::engine::dist::Dist;
use crate::units::{Ratio, Span};

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
    /// Of its operations the one that takes longest on average, if there are several.
    pub service_time: Dist,
    /// `None`: it has none of these.
    pub extras: Option<Box<DependencyExtras>>,
}

/// What few dependencies have.
#[derive(Clone, Debug, Default)]
pub struct DependencyExtras {
    /// At least one.
    pub operations: Vec<DependencyOperation>,
    pub slowdown: Option<Slowdown>,
    pub cold_cache: Option<ColdCache>,
    pub replicas: Option<ReadReplicas>,
    pub connection_pool: Option<ConnectionPool>,
    /// Of the primary, and of each replica; what would be one more is refused.
    pub max_connections: Option<u32>,
}

#[derive(Clone, Debug)]
pub struct DependencyOperation {
    pub name: String,
    pub service_time: Dist,
    /// Share of requests that are served and answered with an error.
    pub error_ratio: Ratio,
    pub endpoint: Endpoint,
    pub locks: Option<RowLocks>,
}

/// Whom an operation is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// The primary.
    Writer,
    /// The read replicas, in turn; the primary while there is none.
    Reader,
}

impl Endpoint {
    /// Position in tables of both.
    pub const fn at(self) -> usize {
        self as usize
    }
}

/// Gunther's universal scalability law: with n in service each takes 1 + α(n − 1) + βn(n − 1) times as long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slowdown {
    /// α: what each other one in service adds.
    pub contention: f64,
    /// β: what each pair adds that has to agree.
    pub coherency: f64,
}

impl Slowdown {
    /// How many times as long service takes with `busy` in service.
    pub fn factor(self, busy: u32) -> f64 {
        let n = f64::from(busy.max(1));
        1.0 + self.contention * (n - 1.0) + self.coherency * n * (n - 1.0)
    }
}

/// After a failover the new primary's cache is cold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColdCache {
    /// How many times as long service takes at first.
    pub factor: f64,
    /// Until it is warm; the factor falls in a straight line.
    pub warms_over: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ReadReplicas {
    /// Where each stands; `None`: in every caller's zone.
    pub zones: Vec<Option<ZoneIx>>,
}

/// Each row is locked by one request at a time, in order of arrival.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowLocks {
    pub rows: u32,
    /// The k-th row is asked for k^−zipf as often as the first; 0 is all alike.
    pub zipf: f64,
}

/// What each task of a caller keeps open.
#[derive(Clone, Debug)]
pub struct ConnectionPool {
    pub size: u32,
    pub min_idle: u32,
    pub acquire_timeout: Span,
    pub max_waiting: u32,
    pub connect_time: Dist,
    pub idle_timeout: Span,
}

impl Dependency {
    /// The law of an operation's service.
    pub fn service_time_of(&self, operation: DependencyOperationIx) -> &Dist {
        match &self.extras {
            Some(extras) => &extras.operations[operation.at()].service_time,
            None => &self.service_time,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contention_grows_in_a_line_and_coherency_in_a_square() {
        let slowdown = Slowdown {
            contention: 0.1,
            coherency: 0.01,
        };
        assert_eq!(slowdown.factor(1), 1.0);
        assert!((slowdown.factor(4) - (1.0 + 0.3 + 0.12)).abs() < 1e-12);
    }
}
