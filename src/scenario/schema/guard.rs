//! Guards: what a caller puts between itself and its callee beside timeout and retries.

use super::{ConcurrencyLimit, Duration, Form, Rate, Share};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who shares the state of a guard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SharedBy {
    /// Each task of the calling service has its own; so has each of a traffic's `clients` or `users`. A traffic whose clients are
    /// not told apart is one caller.
    #[default]
    Caller,
    /// All callers have one together.
    All,
}

/// An answer that is worth another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetryOn {
    /// No answer within the timeout.
    Timeout,
    /// The connection was refused or reset.
    Refused,
    /// 500.
    ServerError,
    /// 502.
    BadGateway,
    /// 503.
    ServiceUnavailable,
    /// 504.
    GatewayTimeout,
}

/// When a retry is allowed at all: one of `ratio`, `token_bucket` and `failures_below`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryBudget {
    /// Retries are allowed up to this share of the requests of the last `window`.
    pub ratio: Option<Share>,
    /// Retries are allowed while the bucket holds their cost.
    pub token_bucket: Option<TokenBucket>,
    /// Retries are allowed while fewer than this share of the attempts of the last `window` have failed.
    pub failures_below: Option<Share>,
    /// With `ratio` and `failures_below`: 10s if absent. It is forgotten a tenth at a time.
    pub window: Option<Duration>,
    /// With `ratio`: retries that are allowed in any case; none if absent.
    pub minimum_rate: Option<Rate>,
    /// With `failures_below`: a window of fewer attempts allows every retry; 20 if absent.
    #[schemars(range(min = 1))]
    pub minimum: Option<u32>,
    #[serde(default)]
    pub scope: SharedBy,
}

/// A bucket of tokens, full at the start, with one or more of `per_request`, `per_success` and `refill`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenBucket {
    /// Most tokens that it holds.
    #[schemars(range(min = 0))]
    pub capacity: f64,
    /// Put in by each request as it is first sent.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub per_request: f64,
    /// Put in by each success.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub per_success: f64,
    /// Put in as time passes; none if absent.
    pub refill: Option<Rate>,
    /// Of a retry.
    #[serde(default = "one")]
    #[schemars(range(min = 0))]
    pub cost: f64,
}

fn one() -> f64 {
    1.0
}

/// Fails calls at once while the callee is held to be ill: one of `failures` and `consecutive`. What is no answer, or a 5xx, is a
/// failure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallBreaker {
    /// Opens at this share of failures among the attempts of the last `window` or the last `calls`.
    pub failures: Option<Share>,
    /// With `failures`: 10s if neither this nor `calls` is given. It is forgotten a tenth at a time.
    pub window: Option<Duration>,
    /// With `failures`, in place of `window`: so many of the last attempts count.
    #[schemars(range(min = 1, max = 10000))]
    pub calls: Option<u32>,
    /// With `failures`: fewer attempts open nothing; 20 (or `calls`, if that is less) if absent.
    #[schemars(range(min = 1))]
    pub minimum: Option<u32>,
    /// Opens after so many failures in a row.
    #[schemars(range(min = 1))]
    pub consecutive: Option<u32>,
    /// How long it stays open before it lets calls through to try.
    #[serde(default = "five_seconds")]
    pub open_for: Duration,
    /// So many calls are let through to try: if all succeed it closes, at the first failure it opens again.
    #[serde(default = "one_call")]
    #[schemars(range(min = 1))]
    pub half_open: u32,
    #[serde(default)]
    pub scope: SharedBy,
}

fn five_seconds() -> Duration {
    Duration::secs(5)
}

fn one_call() -> u32 {
    1
}

/// The short form of a budget is its ratio.
pub type Budget = Form<Share, RetryBudget>;

/// Another attempt beside one that is slow; the first good answer counts, and the other's caller is gone. One of `after` and
/// `after_percentile`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hedge {
    /// So long after the attempt.
    pub after: Option<Duration>,
    /// After this percentile of the good answers that all callers have lately had; no hedge before there are 100.
    pub after_percentile: Option<Share>,
    /// Beside one attempt, each so long after the one before.
    #[serde(default = "one_call")]
    #[schemars(range(min = 1, max = 4))]
    pub max: u32,
    /// When a hedge is allowed at all, as for retries; always if absent.
    pub budget: Option<Budget>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Deadline {
    /// The timeout is the caller's own affair.
    #[default]
    Local,
    /// It goes with the request, and no call lasts longer than what is left of the deadline that its caller has been told.
    Propagate,
}

/// What a service does with a request whose deadline it has been told and which is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnDeadline {
    /// It looks before each step, the first included, and goes no further.
    #[default]
    Abandon,
    /// It works on.
    Continue,
}

/// Bounds the attempts that a caller has under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bulkhead {
    /// A number, or how the caller finds it from what it sees of the callee: a gradient of latency, the queue that latency shows
    /// (Vegas), or timeouts and refusals (AIMD).
    pub max_concurrent: ConcurrencyLimit,
    /// Attempts that may wait for a place; others fail at once.
    #[serde(default)]
    pub max_waiting: u32,
    /// How long one waits for a place; for ever if absent.
    pub timeout: Option<Duration>,
    #[serde(default)]
    pub scope: SharedBy,
}

/// Bounds the attempts that a caller sends: what is beyond it fails at once.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallRateLimit {
    pub rate: Rate,
    /// So many at once after a pause.
    #[serde(default = "one_call")]
    #[schemars(range(min = 1))]
    pub burst: u32,
    #[serde(default)]
    pub scope: SharedBy,
}
