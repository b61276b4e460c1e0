//! Outlier detection: which targets a caller avoids because they fail.
//!
//! Each caller has its own opinion. After so many failures within a while a target is avoided; the n-th time in a row n
//! times as long, up to a bound. A target that behaves for as long as an ejection lasts at first has one ejection less
//! behind it, as Envoy has it.

use crate::blueprint::OutlierDetection;
use crate::units::{Instant, Span};

/// What a caller knows of one target.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The latest failures, the oldest first; as many as eject.
    failures: Vec<Instant>,
    /// Avoided until then.
    until: Option<Instant>,
    ejections: u64,
}

impl Record {
    pub fn is_ejected(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// The target has failed; gives whether that is too often, so that it is to be [`Record::eject`]ed.
    pub fn failed(&mut self, now: Instant, plan: &OutlierDetection) -> bool {
        if self.is_ejected(now) {
            // Sent before, or for want of others.
            return false;
        }
        if self.failures.len() == plan.failures as usize {
            self.failures.remove(0);
        }
        self.failures.push(now);
        self.failures.len() == plan.failures as usize && now.since(self.failures[0]) <= plan.interval
    }

    pub fn eject(&mut self, now: Instant, plan: &OutlierDetection) {
        if let Some(until) = self.until {
            let good_for = now.since(until).nanos() / plan.base_ejection.nanos().max(1);
            self.ejections = self.ejections.saturating_sub(good_for);
        }
        self.ejections += 1;
        let span = Span::from_nanos(plan.base_ejection.nanos().saturating_mul(self.ejections));
        self.until = Some(now + span.min(plan.longest_ejection));
        self.failures.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blueprint::OutlierFailure;
    use crate::units::Ratio;

    const PLAN: OutlierDetection = OutlierDetection {
        counts: OutlierFailure::Connections,
        failures: 5,
        interval: Span::from_secs(30),
        base_ejection: Span::from_secs(30),
        longest_ejection: Span::from_secs(300),
        most: Ratio::ONE,
    };

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Span::from_secs(seconds)
    }

    #[test]
    fn five_failures_within_thirty_seconds_eject() {
        let mut record = Record::default();
        let verdicts: Vec<bool> = [0, 10, 20, 29, 31, 39]
            .map(|second| record.failed(at(second), &PLAN))
            .into();
        // From 0 to 31 s is too long; from 10 to 39 s is not.
        assert_eq!(verdicts, [false, false, false, false, false, true]);
        record.eject(at(39), &PLAN);
        assert!(record.is_ejected(at(68)) && !record.is_ejected(at(69)));
    }

    #[test]
    fn each_ejection_in_a_row_is_longer_up_to_five_minutes() {
        let mut record = Record::default();
        let mut now = 0;
        let mut lengths = Vec::new();
        for _ in 0..12 {
            record.eject(at(now), &PLAN);
            let until = (now..).find(|second| !record.is_ejected(at(*second))).expect("it ends");
            lengths.push(until - now);
            // It fails again before it has been good for 30 s.
            now = until + 29;
        }
        assert_eq!(lengths, [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300]);
        // Good for five minutes and a half it has one or two behind it, not twelve.
        record.eject(at(now + 301), &PLAN);
        assert!(record.is_ejected(at(now + 301 + 59)) && !record.is_ejected(at(now + 301 + 300)));
    }
}
