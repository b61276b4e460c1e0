//! Calls: where they go, how long their sender waits, and how it tries again.

use super::{
    DependencyIx, DependencyOperationIx, Direct, Guards, HttpRequest, LoadBalancerIx, OperationIx, QueueIx, ServiceIx,
};
use crate::units::Span;

#[derive(Clone, Debug)]
pub struct CallSite {
    /// For output: `service/operation/step`.
    pub name: String,
    pub to: Callee,
    /// Including queueing and network, for each attempt.
    pub timeout: Option<Span>,
    pub retry: Retry,
    pub guards: Guards,
    /// Plain unless it goes straight to a task.
    pub direct: Direct,
}

#[derive(Clone, Debug)]
pub enum Callee {
    /// Straight to one of the service's healthy tasks.
    Service {
        service: ServiceIx,
        operation: OperationIx,
        balancing: Balancing,
    },
    /// Through a load balancer's listener (internal or public), which routes by host, path and method.
    LoadBalancer {
        load_balancer: LoadBalancerIx,
        listener: u16,
        http: HttpRequest,
    },
    /// A dependency that does one thing.
    Dependency(DependencyIx),
    /// One of the operations of a dependency that has several.
    DependencyOperation(DependencyIx, DependencyOperationIx),
    /// A message is put into a queue; answered when it is there.
    Queue(QueueIx),
}

/// How a caller without a balancer picks the callee's task, from the view that [`Direct::view`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balancing {
    RoundRobin,
    LeastOutstandingRequests,
    Random,
    /// Of two targets drawn at random the one with fewer requests under way.
    PowerOfTwoChoices,
    /// In proportion to the targets' weights.
    WeightedRandom,
}

/// Attempts include the first: `max_attempts` 1 is no retry. Timeouts, refused connections and 5xx are retried.
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    pub max_attempts: u32,
    pub backoff: Backoff,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// Before the first retry.
    pub base: Span,
    /// From one retry to the next: 1 is a fixed pause, 2 the usual doubling.
    pub factor: f64,
    pub cap: Span,
    pub jitter: Jitter,
}

/// With pause d = min(cap, base·factor^k) before retry k (from 0): [AWS architecture blog, exponential backoff and jitter].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jitter {
    /// d.
    None,
    /// Uniform in [0, d].
    Full,
    /// d/2 + uniform in [0, d/2].
    Equal,
    /// min(cap, uniform in [base, 3 × the last pause]).
    Decorrelated,
}

/// So that lists of a program's callees can be walked without the callers' floors.
impl Callee {
    pub fn dependency(&self) -> Option<(DependencyIx, DependencyOperationIx)> {
        match self {
            Callee::Dependency(at) => Some((*at, DependencyOperationIx(0))),
            Callee::DependencyOperation(at, operation) => Some((*at, *operation)),
            _ => None,
        }
    }
}
