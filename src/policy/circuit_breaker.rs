//! Circuit breakers: closed, open, half-open.
//!
//! Closed, everything passes and failures are counted; open, nothing passes; after a while half-open, when a few calls
//! are let through to try: all of them succeed and it closes, one fails and it opens again [M. Nygard, "Release It!";
//! M. Fowler, "CircuitBreaker"]. Answers to calls that were let through in an earlier phase say nothing about this one.

use super::window::{Latest, Window};
use crate::blueprint::{BreakerRule, Trip};
use crate::units::Instant;
use std::mem::discriminant;

#[derive(Clone, Debug)]
pub struct Breaker {
    phase: Phase,
    /// Counts up with each change of phase.
    epoch: u32,
    recent: Recent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Closed,
    Open {
        until: Instant,
    },
    HalfOpen {
        /// Let through and not yet answered.
        trying: u32,
        /// Answered, well.
        good: u32,
    },
}

impl Phase {
    pub const fn name(self) -> &'static str {
        match self {
            Phase::Closed => "closed",
            Phase::Open { .. } => "open",
            Phase::HalfOpen { .. } => "half-open",
        }
    }

    /// The names of an earlier phase and of this one, unless they are the same.
    #[inline]
    pub fn changed_from(self, before: Phase) -> Option<(&'static str, &'static str)> {
        (discriminant(&before) != discriminant(&self)).then(|| (before.name(), self.name()))
    }
}

#[derive(Clone, Debug)]
enum Recent {
    Window(Window),
    Latest(Latest),
    InARow(u32),
}

const GOOD: usize = 0;
const BAD: usize = 1;

/// Leave to call, to be given back with the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit(u32);

impl Breaker {
    /// Closed.
    pub fn new(rule: &BreakerRule) -> Self {
        Breaker {
            phase: Phase::Closed,
            epoch: 0,
            recent: match rule.trip {
                Trip::Rate { window, .. } => Recent::Window(Window::new(window)),
                Trip::Count { calls, .. } => Recent::Latest(Latest::new(calls)),
                Trip::Consecutive(_) => Recent::InARow(0),
            },
        }
    }

    #[inline]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Asks for leave to call.
    #[inline]
    pub fn ask(&mut self, rule: &BreakerRule, now: Instant) -> Option<Permit> {
        if let Phase::Open { until } = self.phase
            && now >= until
        {
            self.change(Phase::HalfOpen { trying: 0, good: 0 });
        }
        match &mut self.phase {
            Phase::Closed => {}
            Phase::Open { .. } => return None,
            Phase::HalfOpen { trying, good } => {
                if *trying + *good >= rule.half_open {
                    return None;
                }
                *trying += 1;
            }
        }
        Some(Permit(self.epoch))
    }

    /// A call that had leave has succeeded or failed.
    pub fn settled(&mut self, rule: &BreakerRule, now: Instant, permit: Permit, success: bool) {
        if permit.0 != self.epoch {
            return;
        }
        match &mut self.phase {
            Phase::Closed => {
                if self.counts_and_trips(rule, now, success) {
                    self.open(rule, now);
                }
            }
            Phase::Open { .. } => unreachable!("an open breaker gives no leave"),
            Phase::HalfOpen { trying, good } => {
                *trying -= 1;
                *good += 1;
                if !success {
                    self.open(rule, now);
                } else if *good >= rule.half_open {
                    self.change(Phase::Closed);
                }
            }
        }
    }

    /// A call that had leave has been given up without an answer that would say anything about the callee.
    pub fn abandoned(&mut self, permit: Permit) {
        if let Phase::HalfOpen { trying, .. } = &mut self.phase
            && permit.0 == self.epoch
        {
            *trying -= 1;
        }
    }

    fn counts_and_trips(&mut self, rule: &BreakerRule, now: Instant, success: bool) -> bool {
        let kind = if success { GOOD } else { BAD };
        let sums = match &mut self.recent {
            Recent::Window(window) => {
                window.count(now, kind);
                window.sums(now)
            }
            Recent::Latest(latest) => {
                latest.count(kind);
                latest.sums()
            }
            Recent::InARow(failures) => {
                *failures = if success { 0 } else { *failures + 1 };
                return matches!(rule.trip, Trip::Consecutive(most) if *failures >= most);
            }
        };
        let (Trip::Rate { failures, minimum, .. } | Trip::Count { failures, minimum, .. }) = rule.trip else {
            unreachable!("a breaker counts what its own rule asks for")
        };
        let all = sums[GOOD] + sums[BAD];
        !success && all >= minimum && f64::from(sums[BAD]) >= failures.get() * f64::from(all)
    }

    fn open(&mut self, rule: &BreakerRule, now: Instant) {
        self.change(Phase::Open {
            until: now + rule.open_for,
        });
    }

    fn change(&mut self, phase: Phase) {
        self.phase = phase;
        self.epoch += 1;
        match &mut self.recent {
            Recent::Window(window) => window.clear(),
            Recent::Latest(latest) => latest.clear(),
            Recent::InARow(failures) => *failures = 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blueprint::SharedBy;
    use crate::engine::random::Key;
    use crate::units::{Ratio, Span};

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Span::from_millis(millis)
    }

    fn rule(trip: Trip) -> BreakerRule {
        BreakerRule {
            trip,
            open_for: Span::from_secs(5),
            half_open: 2,
            scope: SharedBy::Caller,
        }
    }

    fn half() -> Ratio {
        Ratio::new(0.5).expect("a share")
    }

    fn call(breaker: &mut Breaker, rule: &BreakerRule, millis: u64, success: bool) -> bool {
        match breaker.ask(rule, at(millis)) {
            Some(permit) => {
                breaker.settled(rule, at(millis), permit, success);
                true
            }
            None => false,
        }
    }

    #[test]
    fn it_opens_at_its_share_of_failures_but_not_below_its_minimum() {
        let rule = rule(Trip::Rate {
            failures: half(),
            window: Span::from_secs(10),
            minimum: 4,
        });
        let mut breaker = Breaker::new(&rule);
        for success in [false, false, true] {
            assert!(call(&mut breaker, &rule, 0, success));
        }
        assert_eq!(breaker.phase(), Phase::Closed, "two of three, but three are too few");
        assert!(call(&mut breaker, &rule, 0, true));
        assert_eq!(breaker.phase(), Phase::Closed, "a success opens nothing");
        assert!(call(&mut breaker, &rule, 0, false));
        assert_eq!(breaker.phase(), Phase::Open { until: at(5000) }, "three of five");
        assert!(!call(&mut breaker, &rule, 4999, true));
    }

    #[test]
    fn it_opens_after_so_many_failures_in_a_row() {
        let rule = rule(Trip::Consecutive(3));
        let mut breaker = Breaker::new(&rule);
        for success in [false, false, true, false, false] {
            call(&mut breaker, &rule, 0, success);
        }
        assert_eq!(breaker.phase(), Phase::Closed);
        call(&mut breaker, &rule, 0, false);
        assert_eq!(breaker.phase().name(), "open");
    }

    #[test]
    fn it_counts_the_last_so_many_calls() {
        let rule = rule(Trip::Count {
            failures: half(),
            calls: 4,
            minimum: 4,
        });
        let mut breaker = Breaker::new(&rule);
        for success in [true, true, true, true, false] {
            call(&mut breaker, &rule, 0, success);
        }
        assert_eq!(breaker.phase(), Phase::Closed, "one of the last four");
        call(&mut breaker, &rule, 0, false);
        assert_eq!(breaker.phase().name(), "open", "two of the last four");
    }

    #[test]
    fn half_open_it_lets_a_few_try_and_closes_if_all_succeed() {
        let rule = rule(Trip::Consecutive(1));
        let mut breaker = Breaker::new(&rule);
        call(&mut breaker, &rule, 0, false);
        let first = breaker.ask(&rule, at(5000)).expect("the first try");
        let second = breaker.ask(&rule, at(5000)).expect("the second try");
        assert_eq!(breaker.ask(&rule, at(5000)), None, "two are enough");
        breaker.settled(&rule, at(5001), first, true);
        assert_eq!(breaker.phase().name(), "half-open");
        breaker.settled(&rule, at(5002), second, true);
        assert_eq!(breaker.phase(), Phase::Closed);
    }

    #[test]
    fn half_open_it_opens_again_at_the_first_failure() {
        let rule = rule(Trip::Consecutive(1));
        let mut breaker = Breaker::new(&rule);
        call(&mut breaker, &rule, 0, false);
        let first = breaker.ask(&rule, at(5000)).expect("the first try");
        let second = breaker.ask(&rule, at(5000)).expect("the second try");
        breaker.settled(&rule, at(5001), first, false);
        assert_eq!(breaker.phase(), Phase::Open { until: at(10_001) });
        breaker.settled(&rule, at(5002), second, true);
        assert_eq!(breaker.phase(), Phase::Open { until: at(10_001) }, "it comes too late");
    }

    #[test]
    fn a_try_that_is_given_up_makes_room_for_another() {
        let mut rule = rule(Trip::Consecutive(1));
        rule.half_open = 1;
        let mut breaker = Breaker::new(&rule);
        call(&mut breaker, &rule, 0, false);
        let permit = breaker.ask(&rule, at(5000)).expect("the try");
        assert_eq!(breaker.ask(&rule, at(5000)), None);
        breaker.abandoned(permit);
        assert!(breaker.ask(&rule, at(5000)).is_some());
    }

    /// Whatever is asked and answered in whatever order: while it is open nobody gets leave, half-open at most so many
    /// are trying at once, and every phase ends: open by time, half-open by answers.
    #[test]
    fn any_sequence_of_calls_keeps_the_rules_of_the_phases() {
        for case in 0..200 {
            let key = Key::root(1, case, 0);
            let trip = match key.child(1).below(3) {
                0 => Trip::Consecutive(1 + key.child(2).below(4)),
                1 => Trip::Count {
                    failures: half(),
                    calls: 5,
                    minimum: 1 + key.child(2).below(5),
                },
                _ => Trip::Rate {
                    failures: half(),
                    window: Span::from_millis(500),
                    minimum: 1 + key.child(2).below(5),
                },
            };
            let mut rule = rule(trip);
            rule.open_for = Span::from_millis(100);
            rule.half_open = 1 + key.child(3).below(3);
            let mut breaker = Breaker::new(&rule);
            let mut out: Vec<(Permit, bool)> = Vec::new();
            let mut now = 0;
            for step in 0..300 {
                let key = key.child(100 + step);
                now += u64::from(key.child(0).below(40));
                let before = breaker.phase();
                if key.child(1).happens(0.6) {
                    let permit = breaker.ask(&rule, at(now));
                    match before {
                        Phase::Closed => assert!(permit.is_some()),
                        Phase::Open { until } => assert_eq!(permit.is_some(), at(now) >= until),
                        Phase::HalfOpen { trying, good } => {
                            assert_eq!(permit.is_some(), trying + good < rule.half_open);
                        }
                    }
                    out.extend(permit.map(|permit| (permit, breaker.phase() == Phase::Closed)));
                } else if !out.is_empty() {
                    let (permit, _) = out.swap_remove(key.child(2).below(out.len() as u32) as usize);
                    if key.child(3).happens(0.1) {
                        breaker.abandoned(permit);
                    } else {
                        breaker.settled(&rule, at(now), permit, key.child(4).happens(0.4));
                    }
                }
                if let Phase::HalfOpen { trying, good } = breaker.phase() {
                    let mine = out.iter().filter(|(permit, _)| permit.0 == breaker.epoch).count();
                    assert_eq!(trying as usize, mine, "who tries has leave that still counts");
                    assert!(trying + good <= rule.half_open && good < rule.half_open);
                }
            }
        }
    }
}
