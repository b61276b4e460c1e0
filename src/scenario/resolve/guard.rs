//! Guards: budgets and circuit breakers, of calls and of traffic.

use super::{Context, server};
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::quantity::print_duration;
use crate::scenario::schema::{self, Form};
use crate::units::{Ratio, Span};

/// What is written beside a call's or traffic's `retry`.
#[derive(Clone, Copy)]
pub(super) struct Said<'a> {
    pub retry: Option<&'a schema::Retry>,
    pub timeout: Option<Span>,
    pub circuit_breaker: Option<&'a schema::CallBreaker>,
    pub hedge: Option<&'a schema::Hedge>,
    pub deadline: schema::Deadline,
    pub bulkhead: Option<&'a schema::Bulkhead>,
    pub rate_limit: Option<&'a schema::CallRateLimit>,
    /// How many steps a call's fallback has, if it has one.
    pub fallback: Option<usize>,
}

impl<'a> Said<'a> {
    pub fn of_call(call: &'a schema::Call) -> Self {
        Said {
            retry: call.retry.as_ref(),
            timeout: call.timeout.map(|timeout| timeout.0),
            circuit_breaker: call.circuit_breaker.as_ref(),
            hedge: call.hedge.as_ref(),
            deadline: call.deadline,
            bulkhead: call.bulkhead.as_ref(),
            rate_limit: call.rate_limit.as_ref(),
            fallback: call.fallback.as_ref().map(Vec::len),
        }
    }

    pub fn of_publish(publish: &'a schema::Publish) -> Self {
        Said {
            retry: publish.retry.as_ref(),
            timeout: publish.timeout.map(|timeout| timeout.0),
            circuit_breaker: publish.circuit_breaker.as_ref(),
            hedge: None,
            deadline: schema::Deadline::default(),
            bulkhead: None,
            rate_limit: None,
            fallback: None,
        }
    }

    pub fn of_traffic(traffic: &'a schema::Traffic) -> Self {
        Said {
            retry: traffic.retry.as_ref(),
            timeout: traffic.timeout.map(|timeout| timeout.0),
            circuit_breaker: traffic.circuit_breaker.as_ref(),
            hedge: traffic.hedge.as_ref(),
            deadline: traffic.deadline,
            bulkhead: traffic.bulkhead.as_ref(),
            rate_limit: traffic.rate_limit.as_ref(),
            fallback: None,
        }
    }
}

/// `path` is that of the call or the traffic.
pub(super) fn guards(cx: &mut Context, said: Said, path: &Path) -> Guards {
    let retry = path.key("retry");
    let budget = said.retry.and_then(|retry| retry.budget.as_ref());
    if let (Some(_), Some(1)) = (budget, said.retry.map(|retry| retry.max_attempts)) {
        let message = "a budget for retries that never happen";
        cx.report_hint(
            Code::GuardWithoutEffect,
            &retry.key("budget"),
            message,
            "`max_attempts` includes the first: raise it, or leave the budget out",
        );
    }
    if said.fallback == Some(0) {
        cx.problems
            .report_with(Code::WrongLength, &path.key("fallback"), "a fallback of nothing", |d| {
                d.expected("one or more steps, like `[{ wait: 0s }]`")
            });
    }
    let honours = said.retry.is_some_and(|retry| retry.honour_retry_after);
    if honours && said.retry.is_some_and(|retry| retry.max_attempts == 1) {
        let message = "what a refusal asks for is listened to before retries, and there are none";
        cx.report_hint(
            Code::GuardWithoutEffect,
            &retry.key("honour_retry_after"),
            message,
            "`max_attempts` includes the first: raise it, or leave the key out",
        );
    }
    if honours
        && !cx
            .said
            .services
            .0
            .iter()
            .any(|(_, service)| service.retry_after.is_some())
    {
        cx.report_hint(
            Code::RetryAfterOfNobody,
            &retry.key("honour_retry_after"),
            "no refusal says after what time to try again",
            "give a service that refuses requests a `retry_after`",
        );
    }
    Guards {
        budget: budget.and_then(|budget| self::budget(cx, budget, &retry.key("budget"))),
        retry_on: said
            .retry
            .and_then(|retry| retry.on.as_deref())
            .map_or(RetryOn::default(), |words| retry_on(cx, words, &retry.key("on"))),
        retry_after: if honours {
            RetryAfter::Honoured
        } else {
            RetryAfter::Ignored
        },
        breaker: said
            .circuit_breaker
            .and_then(|breaker| self::breaker(cx, breaker, &path.key("circuit_breaker"))),
        hedge: said
            .hedge
            .and_then(|hedge| self::hedge(cx, hedge, said.timeout, &path.key("hedge"))),
        deadline: match said.deadline {
            schema::Deadline::Local => DeadlineMode::Local,
            schema::Deadline::Propagate => DeadlineMode::Propagate,
        },
        bulkhead: said
            .bulkhead
            .map(|bulkhead| self::bulkhead(cx, bulkhead, &path.key("bulkhead"))),
        rate_limit: said
            .rate_limit
            .map(|limit| rate_limit(cx, limit, &path.key("rate_limit"))),
        fallback: match said.fallback {
            None => Fallback::None,
            Some(_) => Fallback::Steps,
        },
    }
}

fn hedge(cx: &mut Context, said: &schema::Hedge, timeout: Option<Span>, path: &Path) -> Option<Hedge> {
    let budget = said.budget.as_ref();
    let budget = budget.and_then(|budget| self::budget(cx, budget, &path.key("budget")));
    let after = match (said.after, said.after_percentile) {
        (Some(after), None) => {
            if let Some(timeout) = timeout.filter(|timeout| after.0 >= *timeout) {
                let message = format!(
                    "a hedge after {} never goes out: the attempt has timed out after {}",
                    print_duration(after.0),
                    print_duration(timeout)
                );
                cx.report_hint(
                    Code::HedgeAfterTimeout,
                    &path.key("after"),
                    message,
                    "a hedge is for the slow few: take their 95th percentile or so",
                );
            }
            HedgeAfter::Span(after.0)
        }
        (None, Some(share)) => {
            if share.0.get() == 0.0 || share.0 == Ratio::ONE {
                cx.problems.report_with(
                    Code::OutOfRange,
                    &path.key("after_percentile"),
                    "no percentile to wait for",
                    |d| d.expected("above 0% and below 100%, like `95%`"),
                );
            }
            HedgeAfter::Percentile(share.0)
        }
        _ => {
            cx.problems
                .report_with(Code::NotExactlyOne, path, "when a hedge follows is not clear", |d| {
                    d.expected("one of `after` and `after_percentile`")
                });
            return None;
        }
    };
    Some(Hedge {
        after,
        max: said.max,
        budget,
    })
}

fn bulkhead(cx: &mut Context, said: &schema::Bulkhead, path: &Path) -> Bulkhead {
    if said.timeout.is_some() && said.max_waiting == 0 {
        let message = "a timeout for waiting, and nobody may wait";
        cx.report_hint(
            Code::GuardWithoutEffect,
            &path.key("timeout"),
            message,
            "give `max_waiting`, or leave `timeout` out",
        );
    }
    Bulkhead {
        max_concurrent: server::limit(cx, &said.max_concurrent, &path.key("max_concurrent")),
        max_waiting: said.max_waiting,
        timeout: said.timeout.map(|timeout| timeout.0),
        scope: scope(said.scope),
    }
}

fn rate_limit(cx: &mut Context, said: &schema::CallRateLimit, path: &Path) -> CallRateLimit {
    if said.rate.0 <= 0.0 {
        cx.problems.report_with(
            Code::OutOfRange,
            &path.key("rate"),
            "a limit that lets nothing through",
            |d| d.expected("a rate above 0"),
        );
    }
    CallRateLimit {
        per_second: said.rate.0,
        burst: said.burst,
        scope: scope(said.scope),
    }
}

fn scope(said: schema::SharedBy) -> SharedBy {
    match said {
        schema::SharedBy::Caller => SharedBy::Caller,
        schema::SharedBy::All => SharedBy::All,
    }
}

fn retry_on(cx: &mut Context, words: &[schema::RetryOn], path: &Path) -> RetryOn {
    if words.is_empty() {
        cx.problems
            .report_with(Code::WrongLength, path, "a retry on nothing", |diagnostic| {
                diagnostic
                    .expected("one or more answers")
                    .hint("without `on`, timeouts, refused connections and 5xx are tried again")
            });
    }
    let has = |word| words.contains(&word);
    RetryOn {
        timeout: has(schema::RetryOn::Timeout),
        refused: has(schema::RetryOn::Refused),
        server_error: has(schema::RetryOn::ServerError),
        bad_gateway: has(schema::RetryOn::BadGateway),
        service_unavailable: has(schema::RetryOn::ServiceUnavailable),
        gateway_timeout: has(schema::RetryOn::GatewayTimeout),
    }
}

/// 10 s, as Finagle's budgets and Hystrix's breakers have it.
const WINDOW: Span = Span::from_secs(10);
/// Attempts below which a share says nothing, as Hystrix has it.
const MINIMUM: u32 = 20;

fn budget(cx: &mut Context, said: &schema::Budget, path: &Path) -> Option<RetryBudget> {
    let said = match said {
        Form::Short(ratio) => {
            return Some(RetryBudget {
                rule: BudgetRule::Ratio {
                    ratio: ratio.0,
                    window: WINDOW,
                    minimum: 0.0,
                },
                scope: SharedBy::Caller,
            });
        }
        Form::Long(said) => said,
    };
    let window = said.window.map_or(WINDOW, |window| window.0);
    cx.positive(window, &path.key("window"));
    let (rule, foreign) = match (said.ratio, &said.token_bucket, said.failures_below) {
        (Some(ratio), None, None) => (
            BudgetRule::Ratio {
                ratio: ratio.0,
                window,
                minimum: said.minimum_rate.map_or(0.0, |rate| rate.0),
            },
            vec![("minimum", said.minimum.is_some())],
        ),
        (None, Some(bucket), None) => (
            BudgetRule::Tokens(tokens(cx, bucket, &path.key("token_bucket"))?),
            vec![
                ("minimum", said.minimum.is_some()),
                ("minimum_rate", said.minimum_rate.is_some()),
                ("window", said.window.is_some()),
            ],
        ),
        (None, None, Some(ratio)) => (
            BudgetRule::FailuresBelow {
                ratio: ratio.0,
                window,
                minimum: said.minimum.unwrap_or(MINIMUM),
            },
            vec![("minimum_rate", said.minimum_rate.is_some())],
        ),
        _ => {
            cx.problems
                .report_with(Code::NotExactlyOne, path, "a budget has one rule", |diagnostic| {
                    diagnostic.expected("one of `ratio`, `token_bucket` and `failures_below`")
                });
            return None;
        }
    };
    for (key, _) in foreign.iter().filter(|(_, given)| *given) {
        let message = format!("`{key}` means nothing for this rule");
        cx.report(Code::ConflictingKeys, &path.key(key), message);
    }
    Some(RetryBudget {
        rule,
        scope: scope(said.scope),
    })
}

/// More tokens than this are a slip, and would not be counted exactly.
const MOST_TOKENS: f64 = 1e6;

fn tokens(cx: &mut Context, said: &schema::TokenBucket, path: &Path) -> Option<TokenRule> {
    let refill = said.refill.map_or(0.0, |rate| rate.0);
    if said.per_request + said.per_success + refill == 0.0 {
        cx.problems.report_with(
            Code::GuardWithoutEffect,
            path,
            "nothing ever fills this bucket",
            |diagnostic| diagnostic.hint("give it `per_request`, `per_success` or `refill`"),
        );
        return None;
    }
    if said.cost > said.capacity {
        let message = format!("a retry costs {} and the bucket holds {}", said.cost, said.capacity);
        cx.report_hint(
            Code::GuardWithoutEffect,
            &path.key("cost"),
            message,
            "no retry would ever be allowed; raise `capacity`, or leave `retry` out",
        );
        return None;
    }
    if said.capacity > MOST_TOKENS {
        cx.problems.report_with(
            Code::OutOfRange,
            &path.key("capacity"),
            "more tokens than anybody counts",
            |diagnostic| diagnostic.expected("at most 1000000"),
        );
        return None;
    }
    Some(TokenRule {
        capacity: said.capacity,
        per_request: said.per_request,
        per_success: said.per_success,
        per_second: refill,
        cost: said.cost,
    })
}

fn breaker(cx: &mut Context, said: &schema::CallBreaker, path: &Path) -> Option<BreakerRule> {
    cx.positive(said.open_for.0, &path.key("open_for"));
    let trip = match (said.failures, said.consecutive) {
        (Some(failures), None) => {
            if failures.0.get() == 0.0 {
                cx.problems.report_with(
                    Code::OutOfRange,
                    &path.key("failures"),
                    "a breaker that opens without a failure",
                    |diagnostic| diagnostic.expected("above 0%"),
                );
                return None;
            }
            match (said.window, said.calls) {
                (Some(_), Some(_)) => {
                    let message = "`window` and `calls` exclude each other";
                    cx.report(Code::ConflictingKeys, &path.key("calls"), message);
                    return None;
                }
                (None, Some(calls)) => {
                    let minimum = said.minimum.unwrap_or(MINIMUM.min(calls));
                    if minimum > calls {
                        let message = format!("{minimum} attempts are never among the last {calls}");
                        cx.report_hint(
                            Code::GuardWithoutEffect,
                            &path.key("minimum"),
                            message,
                            "the breaker would never open; lower `minimum` or raise `calls`",
                        );
                        return None;
                    }
                    Trip::Count {
                        failures: failures.0,
                        calls,
                        minimum,
                    }
                }
                (window, None) => {
                    let window = window.map_or(WINDOW, |window| window.0);
                    cx.positive(window, &path.key("window"));
                    Trip::Rate {
                        failures: failures.0,
                        window,
                        minimum: said.minimum.unwrap_or(MINIMUM),
                    }
                }
            }
        }
        (None, Some(failures)) => {
            for (key, given) in [
                ("window", said.window.is_some()),
                ("calls", said.calls.is_some()),
                ("minimum", said.minimum.is_some()),
            ] {
                if given {
                    let message = format!("`{key}` means nothing with `consecutive`");
                    cx.report(Code::ConflictingKeys, &path.key(key), message);
                }
            }
            Trip::Consecutive(failures)
        }
        _ => {
            cx.problems.report_with(
                Code::NotExactlyOne,
                path,
                "when this breaker opens is not clear",
                |diagnostic| diagnostic.expected("one of `failures` and `consecutive`"),
            );
            return None;
        }
    };
    Some(BreakerRule {
        trip,
        open_for: said.open_for.0,
        half_open: said.half_open,
        scope: scope(said.scope),
    })
}
