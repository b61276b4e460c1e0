//! Traffic: who asks, when, and for what.

use super::{ClassIx, Guards, HttpRequest, Journey, LoadBalancerIx, Priority, Retry, ServiceIx, TrafficIx};
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
    /// Positions in [`super::Blueprint::classes`], with weights that sum to more than 0. With journeys the weight is how
    /// often an arrival asks for it on average, if all is served.
    pub classes: Vec<(ClassIx, f64)>,
    /// What arrivals or users do; if there are none, each is one request.
    pub journeys: Vec<Journey>,
    /// Of one attempt; `None`: the client waits for ever.
    pub timeout: Option<Span>,
    pub retry: Retry,
    pub guards: Guards,
    /// Plain unless it goes straight to tasks.
    pub direct: super::Direct,
}

impl Traffic {
    /// How many requests follow from each arrival on average, retries aside.
    pub fn requests_per_arrival(&self) -> f64 {
        if self.journeys.is_empty() {
            return 1.0;
        }
        self.classes.iter().map(|(_, visits)| visits).sum()
    }
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
    /// Requests are messages that are put into a queue.
    Queue(super::QueueIx),
}

#[derive(Clone, Debug)]
pub enum Source {
    /// Arrivals that do not wait for answers.
    Open {
        profile: RateProfile,
        arrivals: Arrivals,
    },
    Recorded(Recorded),
    /// `users` who each wait for the answer, think, and ask again.
    Closed {
        users: u32,
        think_time: Dist,
    },
}

/// Recorded arrivals.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// In time order.
    pub arrivals: Arc<[RecordedArrival]>,
    /// They come again after each such time, which all of them lie within.
    pub repeat_every: Option<Span>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordedArrival {
    /// On the simulation's clock.
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
#[derive(Clone, Debug, PartialEq)]
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
    /// A Markov-modulated Poisson process; the mean stays the profile's.
    Modulated(Arc<[RateState]>),
    SelfSimilar(SelfSimilar),
}

/// A state of a Markov-modulated Poisson process.
#[derive(Clone, Debug, PartialEq)]
pub struct RateState {
    /// Its rate beside those of the others; one is above 0.
    pub ratio: f64,
    /// Of an exponential length; above 0.
    pub mean: Span,
    /// Which states may follow, with probabilities that sum to 1; every state leads to every other.
    pub next: Vec<(usize, f64)>,
}

/// As if sessions of Pareto length, which begin at random, each sent at the same rate; the mean stays the profile's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SelfSimilar {
    /// Hurst's parameter, between 1/2 and 1.
    pub hurst: f64,
    /// How many are under way on average.
    pub sessions: f64,
    pub mean_session: Span,
}

#[derive(Clone, Debug)]
pub struct RequestClass {
    pub name: String,
    pub traffic: TrafficIx,
    /// Calls that are made for its sake inherit it.
    pub priority: Priority,
    pub http: HttpRequest,
}
