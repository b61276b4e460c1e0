//! Retry budgets: whether a retry (or a hedge) is allowed at all.
//!
//! A budget sees every request of its caller and bounds what may be added to them, so that a callee that fails does not
//! get a multiple of its load [Site Reliability Engineering, chapter 21 "Handling Overload"; Finagle's `RetryBudget`;
//! the AWS SDKs' retry quota].

use super::window::Window;
use crate::blueprint::{BudgetRule, TokenRule};
use crate::units::Instant;

/// Tokens are counted in billionths, so that a tenth is a tenth.
const TOKEN: f64 = 1e9;

const REQUEST: usize = 0;
const RETRY: usize = 1;
const GOOD: usize = 0;
const BAD: usize = 1;

/// What one caller has done lately, as far as its budget's rule asks.
#[derive(Clone, Debug)]
pub enum Budget {
    Ratio(Window),
    Tokens {
        /// Billionths.
        tokens: u64,
        refilled: Instant,
    },
    FailuresBelow(Window),
}

impl Budget {
    pub fn new(rule: &BudgetRule) -> Self {
        match rule {
            BudgetRule::Ratio { window, .. } => Budget::Ratio(Window::new(*window)),
            BudgetRule::Tokens(rule) => Budget::Tokens {
                tokens: billionths(rule.capacity),
                refilled: Instant::ZERO,
            },
            BudgetRule::FailuresBelow { window, .. } => Budget::FailuresBelow(Window::new(*window)),
        }
    }

    /// A request is sent for the first time.
    #[inline]
    pub fn requested(&mut self, rule: &BudgetRule, now: Instant) {
        match (self, rule) {
            (Budget::Ratio(window), _) => window.count(now, REQUEST),
            (Budget::Tokens { tokens, .. }, BudgetRule::Tokens(rule)) => put(tokens, rule, rule.per_request),
            _ => {}
        }
    }

    /// An attempt has been answered.
    pub fn answered(&mut self, rule: &BudgetRule, now: Instant, success: bool) {
        match (self, rule) {
            (Budget::Tokens { tokens, .. }, BudgetRule::Tokens(rule)) if success => put(tokens, rule, rule.per_success),
            (Budget::FailuresBelow(window), _) => window.count(now, if success { GOOD } else { BAD }),
            _ => {}
        }
    }

    /// Whether one more attempt is allowed; if so, it is paid for.
    pub fn spend(&mut self, rule: &BudgetRule, now: Instant) -> bool {
        match (self, rule) {
            (
                Budget::Ratio(window),
                BudgetRule::Ratio {
                    ratio,
                    window: span,
                    minimum,
                },
            ) => {
                let sums = window.sums(now);
                let allowed = (ratio.get() * f64::from(sums[REQUEST])).max(minimum * span.seconds());
                // A hair above, so that a tenth of ten requests is one retry.
                let fits = f64::from(sums[RETRY] + 1) <= allowed * (1.0 + 1e-12);
                if fits {
                    window.count(now, RETRY);
                }
                fits
            }
            (Budget::Tokens { tokens, refilled }, BudgetRule::Tokens(rule)) => {
                put(tokens, rule, rule.per_second * now.since(*refilled).seconds());
                *refilled = now;
                let left = tokens.checked_sub(billionths(rule.cost));
                *tokens = left.unwrap_or(*tokens);
                left.is_some()
            }
            (Budget::FailuresBelow(window), BudgetRule::FailuresBelow { ratio, minimum, .. }) => {
                let [good, bad] = window.sums(now);
                good + bad < *minimum || f64::from(bad) < ratio.get() * f64::from(good + bad)
            }
            _ => unreachable!("a budget keeps what its own rule asks for"),
        }
    }
}

fn billionths(tokens: f64) -> u64 {
    (tokens * TOKEN).round() as u64
}

fn put(tokens: &mut u64, rule: &TokenRule, more: f64) {
    *tokens = (*tokens + billionths(more)).min(billionths(rule.capacity));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Ratio, Span};

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Span::from_millis(millis)
    }

    fn tenth() -> Ratio {
        Ratio::new(0.1).expect("a share")
    }

    #[test]
    fn a_ratio_allows_one_retry_in_ten_requests_of_its_window() {
        let rule = BudgetRule::Ratio {
            ratio: tenth(),
            window: Span::from_secs(10),
            minimum: 0.0,
        };
        let mut budget = Budget::new(&rule);
        for n in 0..9 {
            budget.requested(&rule, at(n));
            assert!(!budget.spend(&rule, at(n)));
        }
        budget.requested(&rule, at(9));
        assert!(budget.spend(&rule, at(9)));
        assert!(!budget.spend(&rule, at(9)));
        // The window is over: the requests no longer count, nor does the retry.
        assert!(!budget.spend(&rule, at(11_000)));
    }

    #[test]
    fn a_minimum_of_retries_is_allowed_in_any_case() {
        let rule = BudgetRule::Ratio {
            ratio: tenth(),
            window: Span::from_secs(10),
            minimum: 0.2,
        };
        let mut budget = Budget::new(&rule);
        let allowed = (0..5).filter(|_| budget.spend(&rule, at(0))).count();
        assert_eq!(allowed, 2, "0.2/s over 10 s");
    }

    #[test]
    fn ten_requests_of_a_tenth_pay_for_one_retry() {
        let rule = BudgetRule::Tokens(TokenRule {
            capacity: 2.0,
            per_request: 0.1,
            per_success: 0.0,
            per_second: 0.0,
            cost: 1.0,
        });
        let mut budget = Budget::new(&rule);
        assert!(budget.spend(&rule, at(0)) && budget.spend(&rule, at(0)));
        for _ in 0..10 {
            assert!(!budget.spend(&rule, at(0)));
            budget.requested(&rule, at(0));
        }
        assert!(budget.spend(&rule, at(0)));
        assert!(!budget.spend(&rule, at(0)));
    }

    #[test]
    fn a_bucket_refills_with_time_and_success_up_to_its_capacity() {
        let rule = BudgetRule::Tokens(TokenRule {
            capacity: 3.0,
            per_request: 0.0,
            per_success: 1.0,
            per_second: 2.0,
            cost: 2.0,
        });
        let mut budget = Budget::new(&rule);
        assert!(budget.spend(&rule, at(0)), "3 - 2 = 1");
        assert!(!budget.spend(&rule, at(499)), "1.998");
        assert!(budget.spend(&rule, at(500)), "2 - 2 = 0");
        budget.answered(&rule, at(500), true);
        budget.answered(&rule, at(500), false);
        assert!(!budget.spend(&rule, at(500)), "1");
        assert!(budget.spend(&rule, at(60_000)), "3 at most, so 1 is left");
        assert!(!budget.spend(&rule, at(60_000)));
    }

    #[test]
    fn failures_above_the_share_allow_no_retry() {
        let rule = BudgetRule::FailuresBelow {
            ratio: tenth(),
            window: Span::from_secs(10),
            minimum: 10,
        };
        let mut budget = Budget::new(&rule);
        for _ in 0..9 {
            budget.answered(&rule, at(0), false);
        }
        assert!(budget.spend(&rule, at(0)), "nine attempts say nothing yet");
        budget.answered(&rule, at(0), true);
        assert!(!budget.spend(&rule, at(0)), "nine of ten have failed");
        for _ in 0..81 {
            budget.answered(&rule, at(0), true);
        }
        assert!(budget.spend(&rule, at(0)), "9 of 91 have failed");
    }
}
