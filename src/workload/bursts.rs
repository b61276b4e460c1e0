//! The two states of bursty arrivals (a Markov-modulated Poisson process): when they turn and what they do to the rate.
//!
//! States last exponential times and are independent of the profile. The state at the start is drawn from the
//! stationary law; what is left of an exponential time is exponential again, so the process is stationary from instant
//! 0 on and the profile stays the mean rate at every instant.

use crate::engine::dist::Law;
use crate::engine::random::Key;
use crate::units::Span;

#[derive(Clone, Copy, Debug)]
pub struct Bursts {
    /// What the profile's rate is multiplied with: now, and after the next turn.
    factors: (f64, f64),
    /// Mean lengths in ns of the present state and of the other.
    means: (f64, f64),
    /// When the present state ends, in ns; the largest number for "never".
    turn: u64,
    /// Turns so far.
    turns: u64,
    key: Key,
}

impl Bursts {
    /// One state for ever, at the profile's rate.
    pub const NONE: Bursts = Bursts {
        factors: (1.0, 1.0),
        means: (0.0, 0.0),
        turn: u64::MAX,
        turns: 0,
        key: Key::root(0, 0, 0),
    };

    /// With `h` and `l` the mean lengths, the factor in the low state is (h+l)/(ratio·h+l): the mean over time is 1.
    pub fn new(ratio: f64, [mean_high, mean_low]: [Span; 2], exponential: &Law, key: Key) -> Bursts {
        let (high, low) = (mean_high.nanos() as f64, mean_low.nanos() as f64);
        assert!(
            ratio.is_finite() && ratio >= 0.0,
            "the ratio of bursts is finite and not negative"
        );
        assert!(high > 0.0 && low > 0.0, "both states of bursty arrivals last");
        let factor_low = (high + low) / (ratio * high + low);
        let factor_high = ratio * factor_low;
        let starts_high = key.child(0).happens(high / (high + low));
        let (factors, means) = if starts_high {
            ((factor_high, factor_low), (high, low))
        } else {
            ((factor_low, factor_high), (low, high))
        };
        let mut bursts = Bursts {
            factors,
            means,
            turn: 0,
            turns: 0,
            key,
        };
        bursts.turn = bursts.next_turn(exponential);
        bursts
    }

    pub fn factor(&self) -> f64 {
        self.factors.0
    }

    pub fn turn(&self) -> u64 {
        self.turn
    }

    /// Changes state if an instant is that of the next turn.
    pub fn advance_to(&mut self, at: u64, exponential: &Law) {
        if at < self.turn {
            return;
        }
        self.factors = (self.factors.1, self.factors.0);
        self.means = (self.means.1, self.means.0);
        self.turn = self.next_turn(exponential);
    }

    /// A state lasts at least a nanosecond, so that every turn moves on.
    fn next_turn(&mut self, exponential: &Law) -> u64 {
        self.turns += 1;
        let length = (exponential.draw(self.key.child(self.turns)) * self.means.0).round() as u64;
        self.turn.saturating_add(length.max(1))
    }
}
