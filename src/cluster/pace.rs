//! Work that goes on at one common pace, which depends on how many are at it.
//!
//! Every job in hand advances 1/f(n) as fast as it would alone, with n of them in hand. A clock of the work runs at that
//! rate; a job that joins at clock time v with work w leaves at v + w, whatever joins and leaves meanwhile. So a change
//! of the pace moves one pending departure, not all of them.

use super::attempt::Attempt;
use crate::blueprint::Slowdown;
use crate::engine::arena::Id;
use crate::units::{Instant, Span};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Of the work's clock in a nanosecond of work, so that rounding the pace costs nothing that shows.
const TICKS: f64 = 1024.0;
/// Ticks within which a departure is due: what rounding the clock down can have lost.
const SLACK: u64 = 2;

#[derive(Clone, Debug)]
pub struct Pace {
    slowdown: Slowdown,
    /// The work's clock when it was last read.
    clock: u64,
    read: Instant,
    joined: u64,
    jobs: BinaryHeap<Reverse<Job>>,
}

#[derive(Clone, Copy, Debug)]
struct Job {
    finish: u64,
    /// Those that finish together leave in order of joining.
    number: u64,
    id: Id<Attempt>,
}

impl Pace {
    pub fn new(slowdown: Slowdown) -> Self {
        Pace {
            slowdown,
            clock: 0,
            read: Instant::ZERO,
            joined: 0,
            jobs: BinaryHeap::new(),
        }
    }

    pub fn join(&mut self, now: Instant, id: Id<Attempt>, work: Span) {
        self.advance(now);
        self.joined += 1;
        self.jobs.push(Reverse(Job {
            finish: self.clock + (work.nanos() as f64 * TICKS) as u64,
            number: self.joined,
            id,
        }));
    }

    /// Takes out a job that is done; ask again until none is.
    pub fn done(&mut self, now: Instant) -> Option<Id<Attempt>> {
        self.advance(now);
        let Reverse(first) = self.jobs.peek()?;
        if first.finish > self.clock + SLACK {
            return None;
        }
        let Reverse(job) = self.jobs.pop()?;
        self.clock = self.clock.max(job.finish);
        Some(job.id)
    }

    /// When the next job will be done if nobody joins; [`Instant::NEVER`] if there is none.
    pub fn next(&self) -> Instant {
        let Some(Reverse(first)) = self.jobs.peek() else {
            return Instant::NEVER;
        };
        let left = first.finish.saturating_sub(self.clock) as f64 / TICKS;
        self.read + Span::from_nanos((left * self.factor()).ceil() as u64)
    }

    /// A job that will not be done.
    pub fn withdraw(&mut self, now: Instant, id: Id<Attempt>) {
        self.advance(now);
        self.jobs.retain(|Reverse(job)| job.id != id);
    }

    /// All jobs are gone.
    pub fn clear(&mut self) {
        self.jobs.clear();
    }

    fn factor(&self) -> f64 {
        self.slowdown.factor(self.jobs.len() as u32)
    }

    fn advance(&mut self, now: Instant) {
        let passed = now.since(self.read).nanos() as f64;
        self.read = now;
        if self.jobs.is_empty() {
            self.clock = 0;
        } else {
            self.clock += (passed * TICKS / self.factor()) as u64;
        }
    }
}

impl PartialEq for Job {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Job {}

impl PartialOrd for Job {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Job {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.finish, self.number).cmp(&(other.finish, other.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::attempt::sample::attempts;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Span::from_millis(millis)
    }

    #[test]
    fn two_together_take_their_factor_as_long_and_one_alone_goes_on_at_full_speed() {
        // α = 0.5: two at once take 1.5 times as long. The first has 30 ms of work, the second, from 10 ms on, 10 ms:
        // it leaves after 15 ms, at 25 ms; the first has done 10 + 10 ms by then and ends at 35 ms.
        let mut pace = Pace::new(Slowdown {
            contention: 0.5,
            coherency: 0.0,
        });
        let (_arena, ids) = attempts(2);
        pace.join(at(0), ids[0], Span::from_millis(30));
        assert_eq!(pace.next(), at(30));
        pace.join(at(10), ids[1], Span::from_millis(10));
        assert_eq!(pace.next(), at(25));
        assert_eq!(pace.done(at(24)), None);
        assert_eq!(pace.done(at(25)), Some(ids[1]));
        assert_eq!(pace.done(at(25)), None);
        assert_eq!(pace.next(), at(35));
        assert_eq!(pace.done(at(35)), Some(ids[0]));
        assert_eq!(pace.next(), Instant::NEVER);
    }

    #[test]
    fn a_departure_is_done_when_it_is_due_whatever_the_factor() {
        let mut pace = Pace::new(Slowdown {
            contention: 0.0123,
            coherency: 0.000_77,
        });
        let (_arena, ids) = attempts(50);
        for (at, &id) in ids.iter().enumerate() {
            pace.join(
                Instant::from_nanos(at as u64 * 1313),
                id,
                Span::from_nanos(7 + 977_777 * (at as u64 % 7)),
            );
        }
        let mut left = 0;
        while pace.next() != Instant::NEVER {
            let now = pace.next();
            let before = left;
            while pace.done(now).is_some() {
                left += 1;
            }
            assert!(left > before, "the timer goes off once a departure, not twice");
        }
        assert_eq!(left, 50);
    }
}
