//! Traffic: who asks, when, and for what.

use super::{
    Balance, Bulkhead, CallBreaker, CallRateLimit, Deadline, Duration, Factor, Form, Hedge, Named, Rate, Retry, Share,
    Time,
};
use crate::units::Ratio;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where requests come from: a `rate` of arrivals, a `trace` of recorded ones, or `users` who wait for their answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// `balancer`, `balancer/listener` or a service. A service that has a balancer is reached through it.
    pub to: String,
    /// To a service without a balancer: how a task is picked; round robin if absent.
    pub balancing: Option<Balance>,
    /// Requests a second.
    pub rate: Option<Form<Rate, RateProfile>>,
    /// With `rate`: how arrivals scatter around it; poisson if absent.
    pub arrivals: Option<Arrivals>,
    /// Recorded arrivals.
    pub trace: Option<Form<String, Trace>>,
    /// How many users each send a request, wait for the answer, think, and send the next.
    #[schemars(range(min = 1))]
    pub users: Option<u32>,
    /// With `users`: before each request or, with `journeys`, before each journey; none if absent.
    pub think_time: Option<Time>,
    /// How many clients the requests come from, each with cookies and connections of its own; if absent each request comes
    /// from a new one. Users are such clients anyway.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub clients: Option<u32>,
    /// What each arrival or user does, by name: chains of requests. If absent each makes one request at a time.
    #[serde(default)]
    pub journeys: Named<Journey>,
    /// Kinds of requests; one called after the traffic, `GET /`, if absent.
    #[serde(default)]
    pub requests: Vec<Request>,
    /// Bytes of its requests and answers, for those kinds that say nothing else; none to speak of if absent.
    pub payload: Option<super::Payload>,
    /// The clients' connections: each client (`clients`, `users`) keeps its own, one that comes once opens one. They are
    /// open beforehand and for ever if absent.
    pub connections: Option<super::Connections>,
    /// Of one attempt; the client waits for ever if absent.
    pub timeout: Option<Duration>,
    /// No retry if absent.
    pub retry: Option<Retry>,
    /// None if absent.
    pub circuit_breaker: Option<CallBreaker>,
    /// Another attempt beside one that is slow; none if absent.
    pub hedge: Option<Hedge>,
    /// Whether whoever is called learns when patience ends.
    #[serde(default)]
    pub deadline: Deadline,
    /// Bounds the attempts that a caller has under way; no bound if absent.
    pub bulkhead: Option<Bulkhead>,
    /// Bounds the attempts that a caller sends; no bound if absent.
    pub rate_limit: Option<CallRateLimit>,
}

/// A visitor's way from request to request. Each visitor is a client with cookies and connections of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Journey {
    /// Its share of the visitors is its weight over the sum.
    #[serde(default = "unit")]
    #[schemars(range(min = 0))]
    pub weight: f64,
    /// By name; the first one begins.
    pub steps: Named<JourneyStep>,
    /// How long a visitor waits for an answer before it leaves, drawn for each request; for ever if absent.
    pub patience: Option<Time>,
    /// How likely a visitor leaves whose request was not served, retries and all; who stays asks again.
    #[serde(default = "surely")]
    pub abandon_after_failure: Share,
}

/// One request, and what may follow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JourneyStep {
    /// The kind of request, one of `requests`; the one with the step's name if absent.
    pub request: Option<String>,
    /// From the answer to the next request; none if absent.
    pub think_time: Option<Time>,
    /// Steps that may follow with their probabilities; what they leave to 100 % ends the journey.
    #[serde(default)]
    pub next: Named<Share>,
}

fn surely() -> Share {
    Share(Ratio::ONE)
}

/// Recorded arrivals: a CSV file beside the scenario with the columns `time_s` (from 0, in order) and perhaps `class`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    pub file: String,
    /// So many times as fast as it was recorded.
    #[serde(default = "same")]
    pub speed: Factor,
    /// When the file's time 0 comes.
    #[serde(default = "super::zero")]
    pub offset: Duration,
    /// The file begins anew after each such time (that of the run), for ever, and has done so before the run began; it
    /// is played once if absent.
    pub repeat_every: Option<Duration>,
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
    /// Up and down once a day, by the clock of `starts_at`.
    Diurnal(Diurnal),
    /// A flash crowd: up, for a while, and down again, in straight lines.
    Spike(Spike),
    /// All of these together: their rates add up.
    Sum(Vec<Form<Rate, RateProfile>>),
}

/// A wave with one peak a day: half-way between `low` and `high` six hours before and after the peak.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Diurnal {
    /// The rate at the peak.
    pub high: Rate,
    /// The rate twelve hours from the peak.
    pub low: Option<Rate>,
    /// In the place of `low`: the mean of a whole day, half-way between `low` and `high`.
    pub mean: Option<Rate>,
    /// When the peak comes: time since midnight (UTC), like `20.5h`.
    pub peak_at: Duration,
    /// On Saturdays and Sundays (UTC) the rate is so many times what it would be.
    #[serde(default = "same")]
    pub weekend: Factor,
}

/// A flash crowd.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spike {
    /// The rate before and after.
    #[serde(default = "no_rate")]
    pub base: Rate,
    pub peak: Rate,
    /// When it begins.
    pub at: Duration,
    /// How long the rate takes to rise; at once if absent.
    #[serde(default = "super::zero")]
    pub rise: Duration,
    /// How long the peak holds.
    #[serde(default = "super::zero")]
    pub hold: Duration,
    /// How long the rate takes to fall; at once if absent.
    #[serde(default = "super::zero")]
    pub decay: Duration,
}

fn no_rate() -> Rate {
    Rate(0.0)
}

fn same() -> Factor {
    Factor(1.0)
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
    /// Turns between any number of states by name (a Markov-modulated Poisson process); the mean stays.
    Mmpp(Named<MmppState>),
    /// Bursts within bursts at every scale; the mean stays.
    SelfSimilar(SelfSimilar),
}

/// A state of arrivals, which lasts an exponential time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MmppState {
    /// Its rate beside those of the other states.
    #[schemars(range(min = 0))]
    pub ratio: f64,
    /// Mean length.
    pub mean: Duration,
    /// Weights of the states that may follow; the next one in the order written (after the last the first) if absent.
    pub next: Option<Named<f64>>,
}

/// As if sessions of Pareto length, which begin at random, each sent requests at the same rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SelfSimilar {
    /// Hurst's parameter, above 0.5 (no memory) and below 1; 0.8 to 0.9 was measured in networks.
    pub hurst: f64,
    /// How many sessions are under way on average: the fewer, the stronger the bursts.
    #[schemars(range(min = 0.1, max = 100_000))]
    pub sessions: f64,
    /// Mean length of a session.
    pub mean_session: Duration,
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
    /// Its share is its weight over the sum; means nothing with `journeys`.
    #[serde(default = "unit")]
    #[schemars(range(min = 0))]
    pub weight: f64,
    pub host: Option<String>,
    /// Headers by name, for a balancer's rules.
    #[serde(default)]
    pub headers: Named<String>,
    /// The clients' address, for a balancer's rules.
    pub source_ip: Option<String>,
    /// How urgent it is, for servers that ask: 0 first, 7 last; 3 if absent, as RFC 9218 has it. Calls that are made for its
    /// sake inherit it.
    #[schemars(range(max = 7))]
    pub priority: Option<u8>,
    /// Bytes of this kind of request and its answers; those of the traffic if absent.
    pub payload: Option<super::Payload>,
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
