//! Guards: what a caller puts between itself and its callee beside timeout and retries.

use super::ConcurrencyLimit;
use crate::units::{Ratio, Span};

/// Of one call or traffic source. Without any, its requests pay nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Guards {
    pub budget: Option<RetryBudget>,
    pub retry_on: RetryOn,
    pub retry_after: RetryAfter,
    pub breaker: Option<BreakerRule>,
    pub hedge: Option<Hedge>,
    pub deadline: DeadlineMode,
    pub bulkhead: Option<Bulkhead>,
    pub rate_limit: Option<CallRateLimit>,
    /// Of calls: whether a [`super::Step::Fallback`] follows.
    pub fallback: Fallback,
}

impl Guards {
    pub fn is_none(&self) -> bool {
        *self == Guards::default()
    }
}

/// Who shares the state of a guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SharedBy {
    /// Each task of the calling service, or each client of a traffic source, has its own.
    Caller,
    /// All callers have one together.
    All,
}

/// Which answers are tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryOn {
    pub timeout: bool,
    pub refused: bool,
    pub server_error: bool,
    pub bad_gateway: bool,
    pub service_unavailable: bool,
    pub gateway_timeout: bool,
}

impl Default for RetryOn {
    fn default() -> Self {
        RetryOn {
            timeout: true,
            refused: true,
            server_error: true,
            bad_gateway: true,
            service_unavailable: true,
            gateway_timeout: true,
        }
    }
}

/// What a caller makes of the time that a refusal asks it to wait [`Retry-After`, RFC 9110, 10.2.3].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RetryAfter {
    #[default]
    Ignored,
    /// The pause before the next attempt begins when it is over.
    Honoured,
}

/// When a retry is allowed at all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryBudget {
    pub rule: BudgetRule,
    pub scope: SharedBy,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BudgetRule {
    /// While the retries of the last `window` are at most this share of its requests, and up to `minimum` retries
    /// a second in any case.
    Ratio { ratio: Ratio, window: Span, minimum: f64 },
    /// While the bucket holds the `cost` of a retry.
    Tokens(TokenRule),
    /// While fewer than this share of the attempts of the last `window` have failed; a window of fewer than `minimum`
    /// attempts allows every retry.
    FailuresBelow { ratio: Ratio, window: Span, minimum: u32 },
}

impl BudgetRule {
    /// Whether it makes a difference to it how attempts are answered.
    pub fn hears_answers(&self) -> bool {
        match self {
            BudgetRule::Ratio { .. } => false,
            BudgetRule::Tokens(rule) => rule.per_success > 0.0,
            BudgetRule::FailuresBelow { .. } => true,
        }
    }
}

/// A bucket that is full at the start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenRule {
    pub capacity: f64,
    /// Put in by each request as it is first sent.
    pub per_request: f64,
    /// Put in by each success.
    pub per_success: f64,
    /// Put in each second.
    pub per_second: f64,
    /// Of a retry.
    pub cost: f64,
}

/// Fails calls at once while the callee is held to be ill.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerRule {
    pub trip: Trip,
    /// How long it stays open before it lets calls through to try.
    pub open_for: Span,
    /// So many are let through, and close it if all of them succeed.
    pub half_open: u32,
    pub scope: SharedBy,
}

/// When a closed breaker opens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trip {
    /// At this share of failures among the attempts of the last `window`, if those are at least `minimum`.
    Rate {
        failures: Ratio,
        window: Span,
        minimum: u32,
    },
    /// At this share of failures among the last `calls` attempts, if there have been `minimum`.
    Count { failures: Ratio, calls: u32, minimum: u32 },
    /// After so many failures in a row.
    Consecutive(u32),
}

/// Another attempt beside one that is slow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hedge {
    pub after: HedgeAfter,
    /// Beside one attempt, each `after` the one before.
    pub max: u32,
    pub budget: Option<RetryBudget>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HedgeAfter {
    Span(Span),
    /// This percentile of the good answers that all callers of the site have seen; none until there are enough.
    Percentile(Ratio),
}

/// Whether whoever is called learns how long its caller waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeadlineMode {
    #[default]
    Local,
    /// It is told; and what the caller has been told itself bounds this call.
    Propagate,
}

/// What a service does with work whose deadline it knows and which is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDeadline {
    /// Stops it before its next step; does not begin it.
    #[default]
    Abandon,
    /// Does it all the same.
    Continue,
}

/// What becomes of a call that has failed for good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fallback {
    /// Its caller fails.
    #[default]
    None,
    /// Steps of its caller run in its place.
    Steps,
}

/// Bounds the attempts that a caller has under way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bulkhead {
    pub max_concurrent: ConcurrencyLimit,
    pub max_waiting: u32,
    /// How long one waits for a place; `None`: until it has one.
    pub timeout: Option<Span>,
    pub scope: SharedBy,
}

/// Bounds the attempts that a caller sends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CallRateLimit {
    pub per_second: f64,
    /// At once, after a pause.
    pub burst: u32,
    pub scope: SharedBy,
}
