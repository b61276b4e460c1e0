//! A token bucket in integer time: so many at once, so many a second.
//!
//! Kept as the instant at which the bucket would be full again (the "theoretical arrival time" of GCRA), so that there
//! is nothing to refill and no fraction of a token to add up.

use crate::units::{Instant, NANOS_PER_SECOND, Span};

#[derive(Clone, Debug)]
pub struct TokenBucket {
    burst: u64,
    /// Nanoseconds until one more token.
    interval: u64,
    full_at: Instant,
}

impl TokenBucket {
    /// Full at the start. A rate of zero never refills within a simulation's time.
    pub fn new(burst: u32, per_second: f64) -> Self {
        let interval = Span::from_secs_f64((1.0 / per_second).min(1e9)).nanos().max(1);
        TokenBucket {
            burst: u64::from(burst),
            interval,
            full_at: Instant::ZERO,
        }
    }

    /// `per_minute` tokens at once and a minute.
    pub fn per_minute(per_minute: u32) -> Self {
        TokenBucket::new(per_minute, f64::from(per_minute) / 60.0)
    }

    /// Tokens there are now.
    pub fn available(&self, now: Instant) -> u32 {
        let missing = self.full_at.since(now).nanos().div_ceil(self.interval);
        u32::try_from(self.burst.saturating_sub(missing)).expect("a burst is a u32")
    }

    /// # Panics
    /// If there is none: callers ask [`TokenBucket::available`] first.
    pub fn take_one(&mut self, now: Instant) {
        assert!(self.available(now) > 0, "a token was taken from an empty bucket");
        self.full_at = self.full_at.max(now) + Span::from_nanos(self.interval);
    }

    /// Queues for a token; answers when it comes.
    pub fn reserve(&mut self, now: Instant) -> Instant {
        let at = self.next(now);
        self.full_at = self.full_at.max(now) + Span::from_nanos(self.interval);
        at
    }

    /// When there will be a token, if there is none now.
    pub fn next(&self, now: Instant) -> Instant {
        let lead = Span::from_nanos(self.interval.saturating_mul(self.burst.saturating_sub(1)));
        now.max(self.full_at - lead)
    }
}

/// Nanoseconds that something of `amount` takes at `per_second`.
pub fn transfer_time(amount: u64, per_second: f64) -> Span {
    Span::from_nanos((amount as f64 / per_second * NANOS_PER_SECOND as f64).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_burst_at_once_and_then_the_rate() {
        // Burst 3, 2 a second: three at 0 s, then one each half second; idle time fills it up to three again.
        let at = |ms| Instant::ZERO + Span::from_millis(ms);
        let mut bucket = TokenBucket::new(3, 2.0);
        for _ in 0..3 {
            bucket.take_one(at(0));
        }
        assert_eq!((bucket.available(at(0)), bucket.next(at(0))), (0, at(500)));
        assert_eq!(bucket.available(at(499)), 0);
        bucket.take_one(at(500));
        assert_eq!(bucket.next(at(500)), at(1000));
        assert_eq!(bucket.available(at(10_000)), 3);
    }
}
