//! Traffic: who asks, when, and for what.

use super::{ClassIx, HttpRequest, LoadBalancerIx, Priority, Retry, ServiceIx, TrafficIx};
use crate::engine::dist::Dist;
use crate::units::{Instant, Span};
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct Traffic {
    pub name: String,
    pub to: Destination,
    pub source: Source,
    /// How many clients the requests come from, each with cookies and connections of its own; `None`: each request comes
    /// from a client that was never seen before. Closed users are such clients anyway.
    pub clients: Option<u32>,
    /// Positions in [`super::Blueprint::classes`], with weights that sum to more than 0.
    pub classes: Vec<(ClassIx, f64)>,
    /// Of one attempt; `None`: the client waits for ever.
    pub timeout: Option<Span>,
    pub retry: Retry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    LoadBalancer {
        load_balancer: LoadBalancerIx,
        listener: u16,
    },
    Service {
        service: ServiceIx,
        balancing: super::Balancing,
    },
}

#[derive(Clone, Debug)]
pub enum Source {
    /// Arrivals that do not wait for answers.
    Open { profile: RateProfile, arrivals: Arrivals },
    /// Recorded arrivals, in time order, on the simulation's clock.
    Recorded(Arc<[RecordedArrival]>),
    /// `users` who each wait for the answer, think, and ask again.
    Closed { users: u32, think_time: Dist },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordedArrival {
    pub at: Instant,
    /// `None`: drawn by the classes' weights.
    pub class: Option<ClassIx>,
}

/// Requests a second over simulated time (warm-up included), linear within each segment.
#[derive(Clone, Debug, PartialEq)]
pub struct RateProfile {
    /// In order, the first at instant 0, contiguous; the last one's `to` holds for ever.
    pub segments: Vec<RateSegment>,
}

/// A segment of no length says nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateSegment {
    pub start: Instant,
    pub end: Instant,
    /// Requests/s at `start` and at `end`.
    pub from: f64,
    pub to: f64,
}

/// How arrivals scatter around the rate profile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arrivals {
    Poisson,
    /// Evenly spaced in integrated rate.
    Regular,
    /// Two states of exponential length; in `high` the rate is `ratio` times that in `low`, the mean stays the profile's.
    Bursty {
        ratio: f64,
        mean_high: Span,
        mean_low: Span,
    },
}

#[derive(Clone, Debug)]
pub struct RequestClass {
    pub name: String,
    pub traffic: TrafficIx,
    /// Calls that are made for its sake inherit it.
    pub priority: Priority,
    pub http: HttpRequest,
}
