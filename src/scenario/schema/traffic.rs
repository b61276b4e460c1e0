//! Traffic: who asks, when, and for what.

use super::{Balancing, CallBreaker, Duration, Form, Named, Rate, Retry, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where requests come from: a `rate` of arrivals, a `trace` of recorded ones, or `users` who wait for their answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// `balancer`, `balancer/listener` or a service. A service that has a balancer is reached through it.
    pub to: String,
    /// To a service without a balancer: how a task is picked; round robin if absent.
    pub balancing: Option<Balancing>,
    /// Requests a second.
    pub rate: Option<Form<Rate, RateProfile>>,
    /// With `rate`: how arrivals scatter around it; poisson if absent.
    pub arrivals: Option<Arrivals>,
    /// A CSV file beside the scenario with the columns `time_s` (from 0, in order) and perhaps `class`.
    pub trace: Option<String>,
    /// How many users each send a request, wait for the answer, think, and send the next.
    #[schemars(range(min = 1))]
    pub users: Option<u32>,
    /// With `users`: none if absent.
    pub think_time: Option<Time>,
    /// How many clients the requests come from, each with cookies and connections of its own; if absent each request comes
    /// from a new one. Users are such clients anyway.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub clients: Option<u32>,
    /// Kinds of requests; one called after the traffic, `GET /`, if absent.
    #[serde(default)]
    pub requests: Vec<Request>,
    /// Of one attempt; the client waits for ever if absent.
    pub timeout: Option<Duration>,
    /// No retry if absent.
    pub retry: Option<Retry>,
    /// None if absent.
    pub circuit_breaker: Option<CallBreaker>,
}

/// A rate that changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RateProfile {
    /// Times and rates, linear between them; before the first and after the last the rate stays.
    Points(Vec<(Duration, Rate)>),
    /// Times from which a rate holds.
    Steps(Vec<(Duration, Rate)>),
    /// A CSV file beside the scenario with one column of requests in each minute from 0 on.
    PerMinute(String),
}

/// How arrivals scatter around the rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Arrivals {
    /// Independent of each other.
    Poisson,
    /// Evenly spaced.
    Regular,
    /// Turns between a high and a low rate; the mean stays.
    Bursty(Bursty),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bursty {
    /// The high rate over the low one.
    #[schemars(range(min = 1))]
    pub ratio: f64,
    /// Mean length of a high phase.
    pub mean_high: Duration,
    /// Mean length of a low phase.
    pub mean_low: Duration,
}

/// A kind of request: a name and one of `get`, `post`, ….
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub name: String,
    /// Its share is its weight over the sum.
    #[serde(default = "unit")]
    #[schemars(range(min = 0))]
    pub weight: f64,
    pub host: Option<String>,
    /// Headers by name, for a balancer's rules.
    #[serde(default)]
    pub headers: Named<String>,
    /// The clients' address, for a balancer's rules.
    pub source_ip: Option<String>,
    pub get: Option<String>,
    pub head: Option<String>,
    pub post: Option<String>,
    pub put: Option<String>,
    pub patch: Option<String>,
    pub delete: Option<String>,
    pub options: Option<String>,
}

fn unit() -> f64 {
    1.0
}
