//! A server that can do without its optional steps, and what it goes by.

use super::LoadAverage;
use crate::blueprint::{BrownOut, DimmerRule};
use crate::units::{Instant, Span};

/// What a server knows by which it leaves optional steps out.
#[derive(Clone, Debug)]
pub struct BrownedOut {
    pub rule: BrownOut,
    pub dimmer: Dimmer,
    /// Response times of the present period, in seconds.
    seen: Vec<f64>,
    period_began: Instant,
    /// Of the task's CPU, if the rule goes by that.
    pub load: Option<LoadAverage>,
}

/// A dimmer and what it has learnt. It starts fully open.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dimmer {
    /// The share of requests that get their optional steps.
    pub share: f64,
    /// Seconds of response time for each whole of `share`, as estimated.
    pub gain: f64,
    /// How little that estimate is worth.
    pub doubt: f64,
}

impl Dimmer {
    /// An estimate that is worth nothing.
    pub const MOST_DOUBT: f64 = 1000.0;
    pub const OPEN: Dimmer = Dimmer {
        share: 1.0,
        gain: 1.0,
        doubt: Dimmer::MOST_DOUBT,
    };
}

impl BrownedOut {
    pub fn new(rule: BrownOut, now: Instant) -> BrownedOut {
        BrownedOut {
            rule,
            dimmer: Dimmer::OPEN,
            seen: Vec::new(),
            period_began: now,
            load: match rule {
                BrownOut::Cpu { window, .. } => Some(LoadAverage::new(window, now, 0)),
                BrownOut::ResponseTime(_) | BrownOut::Queue { .. } => None,
            },
        }
    }

    /// A request has been answered after so many seconds.
    pub fn saw(&mut self, response_time: f64) {
        self.seen.push(response_time);
    }

    /// Ends the period if its time is up: gives the percentile of what was seen in it (nearest rank, in seconds), if
    /// anything was.
    pub fn period_over(&mut self, rule: &DimmerRule, now: Instant) -> Option<f64> {
        let passed = now.since(self.period_began).nanos() / rule.period.nanos().max(1);
        if passed == 0 {
            return None;
        }
        self.period_began = self.period_began + Span::from_nanos(rule.period.nanos() * passed);
        let rank = (rule.percentile.get() * self.seen.len() as f64).ceil() as usize;
        let at = rank.clamp(1, self.seen.len().max(1)) - 1;
        let percentile = (!self.seen.is_empty()).then(|| *self.seen.select_nth_unstable_by(at, f64::total_cmp).1);
        self.seen.clear();
        percentile
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Ratio;

    #[test]
    fn a_period_gives_the_nearest_rank_of_what_was_seen_in_it_and_forgets_it() {
        let rule = DimmerRule {
            target: Span::from_millis(100),
            percentile: Ratio::new(0.75).expect("a share"),
            period: Span::from_secs(1),
            pole: 0.9,
        };
        let mut state = BrownedOut::new(BrownOut::ResponseTime(rule), Instant::ZERO);
        for seconds in [0.4, 0.1, 0.3, 0.2] {
            state.saw(seconds);
        }
        let at = |millis| Instant::ZERO + Span::from_millis(millis);
        assert_eq!(state.period_over(&rule, at(999)), None);
        assert_eq!(state.period_over(&rule, at(1300)), Some(0.3));
        state.saw(0.7);
        assert_eq!(state.period_over(&rule, at(1999)), None, "periods do not drift");
        assert_eq!(state.period_over(&rule, at(2000)), Some(0.7));
        assert_eq!(state.period_over(&rule, at(9000)), None, "nothing was seen");
    }
}
