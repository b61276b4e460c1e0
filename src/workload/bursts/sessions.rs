//! Sessions of Pareto length that begin at random: arrivals that look alike at every scale.
//!
//! Sessions begin as a Poisson process and each lasts a Pareto time of its own, so their number is Poisson, and two
//! instants further apart than the shortest session share a number of them that falls by a power of the distance
//! (Cox 1984, the M/G/∞ construction): τ^(1−α), with α = 3 − 2H for Hurst's H. What is under way at the start is drawn
//! from the stationary law: a Poisson number, each with the remaining length of a session met at random.

use crate::blueprint::SelfSimilar;
use crate::engine::dist::Law;
use crate::engine::random::Key;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

#[derive(Clone, Debug)]
pub struct Sessions {
    /// Of one session.
    factor: f64,
    /// When those under way end, in ns.
    ends: BinaryHeap<Reverse<u64>>,
    /// When the next one begins.
    begins: u64,
    /// Number of that.
    ordinal: u64,
    /// Mean time between two beginnings, in ns.
    gap: f64,
    /// Length in ns and exponent of the tail.
    shortest: f64,
    alpha: f64,
    key: Key,
}

/// Purposes below the sessions' key, and below a session's.
const FIRST: u64 = 0;
const LATER: u64 = 1;
const GAP: u64 = 0;
const LENGTH: u64 = 1;
const WHOLE: u64 = 2;

impl Sessions {
    pub fn new(written: &SelfSimilar, exponential: &Law, key: Key) -> Sessions {
        let alpha = 3.0 - 2.0 * written.hurst;
        assert!(alpha > 1.0 && alpha < 2.0, "Hurst's parameter lies between 1/2 and 1");
        assert!(written.sessions > 0.0, "some sessions are under way");
        let mean = written.mean_session.nanos() as f64;
        assert!(mean > 0.0, "sessions last");
        let mut sessions = Sessions {
            factor: 1.0 / written.sessions,
            ends: BinaryHeap::new(),
            begins: 0,
            ordinal: 0,
            gap: mean / written.sessions,
            shortest: mean * (alpha - 1.0) / alpha,
            alpha,
            key,
        };
        let mut sum = 0.0;
        for ordinal in 0.. {
            let session = key.child(FIRST).child(ordinal);
            sum += exponential.draw(session.child(GAP));
            if sum > written.sessions {
                break;
            }
            let left = sessions.left(session);
            sessions.ends.push(Reverse(left));
        }
        sessions.begin_next(0, exponential);
        sessions
    }

    /// What is left of a session met at random: a session's length counted by its length, from a point on it that is as
    /// likely as any other. Its density is P(length > x)/mean: flat up to the shortest length, a tail of exponent α − 1
    /// beyond.
    fn left(&self, session: Key) -> u64 {
        let u = session.child(LENGTH).uniform();
        let in_tail = session.child(WHOLE).happens(1.0 / self.alpha);
        nanos(if in_tail {
            self.shortest * libm::pow(1.0 - u, -1.0 / (self.alpha - 1.0))
        } else {
            self.shortest * u
        })
    }

    fn begin_next(&mut self, now: u64, exponential: &Law) {
        let next = self.key.child(LATER).child(self.ordinal).child(GAP);
        self.begins = now.saturating_add(nanos(exponential.draw(next) * self.gap));
    }

    pub fn factor(&self) -> f64 {
        self.ends.len() as f64 * self.factor
    }

    pub fn turn(&self) -> u64 {
        self.ends
            .peek()
            .map_or(self.begins, |Reverse(end)| self.begins.min(*end))
    }

    pub fn advance_to(&mut self, at: u64, exponential: &Law) {
        while self.ends.peek().is_some_and(|Reverse(end)| *end <= at) {
            self.ends.pop();
        }
        while self.begins <= at {
            let session = self.key.child(LATER).child(self.ordinal);
            let u = session.child(LENGTH).uniform();
            let length = nanos(self.shortest * libm::pow(1.0 - u, -1.0 / self.alpha));
            self.ends.push(Reverse(self.begins.saturating_add(length)));
            self.ordinal += 1;
            self.begin_next(self.begins, exponential);
        }
    }
}

/// At least one, so that every turn moves on.
fn nanos(length: f64) -> u64 {
    (length.round() as u64).max(1)
}
