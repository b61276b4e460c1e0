//! The average over time of a level that jumps: tasks running, requests in flight, workers busy.
//!
//! The area under the level is an exact integer, so windows add up to the whole to the last bit.
//!
//! Deliberately not here: the level's owner. Whoever changes it says so, with the time.

use crate::units::{Instant, Span};

/// A whole-numbered level and the area below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeWeighted {
    level: u64,
    greatest: u64,
    /// Level times nanoseconds from `start` to `changed`.
    area: u128,
    start: Instant,
    changed: Instant,
}

impl TimeWeighted {
    pub fn new(now: Instant, level: u64) -> Self {
        TimeWeighted {
            level,
            greatest: level,
            area: 0,
            start: now,
            changed: now,
        }
    }

    pub fn level(&self) -> u64 {
        self.level
    }

    /// The level from `now` on.
    #[inline]
    pub fn set(&mut self, now: Instant, level: u64) {
        self.area = self.area(now);
        self.changed = now;
        self.level = level;
        self.greatest = self.greatest.max(level);
    }

    #[inline]
    pub fn raise(&mut self, now: Instant, by: u64) {
        self.set(now, self.level + by);
    }

    /// # Panics
    /// If the level would fall below zero.
    #[inline]
    pub fn lower(&mut self, now: Instant, by: u64) {
        let level = self.level.checked_sub(by).expect("a level is never lowered below zero");
        self.set(now, level);
    }

    /// Level times nanoseconds since the start.
    #[inline]
    pub fn area(&self, now: Instant) -> u128 {
        assert!(now >= self.changed, "a level is asked about its past");
        self.area + u128::from(self.level) * u128::from(now.since(self.changed).nanos())
    }

    /// The average since the start; at the start itself, the level.
    pub fn average(&self, now: Instant) -> f64 {
        let elapsed = self.elapsed(now);
        if elapsed.is_zero() {
            self.level as f64
        } else {
            self.area(now) as f64 / elapsed.nanos() as f64
        }
    }

    /// The greatest level since the start.
    pub fn max(&self) -> u64 {
        self.greatest
    }

    pub fn elapsed(&self, now: Instant) -> Span {
        now.since(self.start)
    }

    /// Starts a new window at `now`, with the level as it is, and returns the window that ends.
    pub fn restart(&mut self, now: Instant) -> TimeWeighted {
        let mut ended = *self;
        ended.set(now, self.level);
        *self = TimeWeighted::new(now, self.level);
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Span::from_secs(seconds)
    }

    #[test]
    fn averages_by_time_and_not_by_change() {
        let mut level = TimeWeighted::new(at(10), 2);
        level.raise(at(11), 4);
        level.raise(at(11), 1);
        level.lower(at(13), 6);
        // 2 for 1 s, 7 for 2 s, 1 for 1 s.
        assert_eq!(level.average(at(14)), (2.0 + 14.0 + 1.0) / 4.0);
        assert_eq!((level.level(), level.max()), (1, 7));
    }

    #[test]
    fn windows_add_up_to_the_whole() {
        let mut whole = TimeWeighted::new(at(0), 3);
        let mut window = whole;
        let mut total = 0;
        for second in 1..50 {
            let last = window.level();
            total += window.restart(at(second)).area(at(second));
            let next = second * 7 % 11;
            whole.set(at(second), next);
            window.set(at(second), next);
            assert_eq!(
                window.max(),
                next.max(last),
                "a window's greatest level includes the one it begins with"
            );
        }
        assert_eq!(total + window.area(at(60)), whole.area(at(60)));
    }

    #[test]
    fn at_its_start_the_average_is_the_level() {
        assert_eq!(TimeWeighted::new(at(5), 9).average(at(5)), 9.0);
    }

    #[test]
    #[should_panic(expected = "never lowered below zero")]
    fn a_level_below_zero_is_a_bug() {
        TimeWeighted::new(at(0), 1).lower(at(1), 2);
    }
}
