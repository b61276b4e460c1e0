//! What goes over the wire: how large messages are, and on which connections they travel.

use super::{Duration, Form, Size};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bytes of a request and of its answer, headers included. They take time where the sender's or receiver's bandwidth is
/// bounded: a task's network interface, or a client's line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Payload {
    /// Nothing to speak of if absent.
    pub request: Option<Bytes>,
    /// Of an answer that serves the request; others are small. Nothing to speak of if absent.
    pub response: Option<Bytes>,
}

/// A size, or the distribution of one. A retry is as large as the attempt before.
pub type Bytes = Form<Size, SizeDistribution>;

/// How a size is distributed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SizeDistribution {
    /// Equally likely between the two.
    Uniform([Size; 2]),
    Exponential(ExponentialSize),
    /// By mean and cv, or median and p95.
    Lognormal(LognormalSize),
    /// By alpha and minimum.
    Pareto(ParetoSize),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExponentialSize {
    pub mean: Size,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LognormalSize {
    pub mean: Option<Size>,
    /// Standard deviation over mean.
    #[schemars(range(min = 0))]
    pub cv: Option<f64>,
    pub median: Option<Size>,
    pub p95: Option<Size>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParetoSize {
    /// The exponent of the tail.
    #[schemars(range(min = 0))]
    pub alpha: f64,
    /// The smallest size.
    pub minimum: Size,
    /// Nothing is larger: values beyond are drawn again.
    pub truncated_at: Option<Size>,
}

/// Connections that the sender opens and keeps: one request at a time on each, the one used last first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Connections {
    /// How long an idle one is kept. With `0s` each attempt opens its own.
    pub keep_alive: Duration,
    /// What is said before the first request, beside TCP's round trip.
    pub tls: Tls,
    /// Who loses a connection because the other side is gone waits so long at most before it opens the next, drawn evenly.
    pub reconnect_jitter: Duration,
}

impl Default for Connections {
    fn default() -> Self {
        // A minute is what load balancers and many HTTP clients keep.
        Connections {
            keep_alive: Duration::secs(60),
            tls: Tls::None,
            reconnect_jitter: Duration::ZERO,
        }
    }
}

/// The version of TLS, which says how many round trips a hand-shake takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Tls {
    #[default]
    #[serde(rename = "none")]
    None,
    /// Two round trips.
    #[serde(rename = "TLSv1.2")]
    Tls12,
    /// One round trip.
    #[serde(rename = "TLSv1.3")]
    Tls13,
}
