//! How many of two kinds came lately: over a time, or over a number.
//!
//! A time is kept in ten parts and forgotten a tenth at a time, so that a window has one size whatever passes through it.

use crate::units::{Instant, Span};
use std::collections::VecDeque;

const PARTS: usize = 10;

/// Counts of two kinds over the last span: between nine and ten tenths of it.
#[derive(Clone, Debug)]
pub struct Window {
    /// Nanoseconds of a part.
    part: u64,
    /// Number of the present part since the beginning of time.
    present: u64,
    /// When the present part ends, in nanoseconds, so that within it nothing is divided.
    ends: u64,
    /// Place of the present part in `parts`.
    at: usize,
    parts: [[u32; 2]; PARTS],
    sums: [u32; 2],
}

impl Window {
    pub fn new(span: Span) -> Self {
        let part = (span.nanos() / PARTS as u64).max(1);
        Window {
            part,
            present: 0,
            ends: part,
            at: 0,
            parts: [[0; 2]; PARTS],
            sums: [0; 2],
        }
    }

    /// One more of a kind (0 or 1).
    #[inline]
    pub fn count(&mut self, now: Instant, kind: usize) {
        self.forget(now);
        self.parts[self.at][kind] += 1;
        self.sums[kind] += 1;
    }

    /// How many of each kind there have been lately.
    #[inline]
    pub fn sums(&mut self, now: Instant) -> [u32; 2] {
        self.forget(now);
        self.sums
    }

    pub fn clear(&mut self) {
        self.parts = [[0; 2]; PARTS];
        self.sums = [0; 2];
    }

    #[inline]
    fn forget(&mut self, now: Instant) {
        if now.nanos() >= self.ends {
            self.forgets(now);
        }
    }

    /// The present part is over.
    #[inline(never)]
    fn forgets(&mut self, now: Instant) {
        let present = now.nanos() / self.part;
        let over = (present - self.present).min(PARTS as u64);
        for step in 1..=over {
            let part = &mut self.parts[((self.present + step) % PARTS as u64) as usize];
            self.sums[0] -= part[0];
            self.sums[1] -= part[1];
            *part = [0; 2];
        }
        self.present = present;
        self.ends = (present + 1).saturating_mul(self.part);
        self.at = (present % PARTS as u64) as usize;
    }
}

/// How many of the last so many were of the second kind.
#[derive(Clone, Debug)]
pub struct Latest {
    size: usize,
    seen: VecDeque<bool>,
    seconds: u32,
}

impl Latest {
    pub fn new(size: u32) -> Self {
        Latest {
            size: size as usize,
            seen: VecDeque::new(),
            seconds: 0,
        }
    }

    /// One more of a kind (0 or 1).
    pub fn count(&mut self, kind: usize) {
        if self.seen.len() == self.size && self.seen.pop_front() == Some(true) {
            self.seconds -= 1;
        }
        self.seen.push_back(kind == 1);
        self.seconds += kind as u32;
    }

    /// How many of each kind there are among the latest.
    pub fn sums(&self) -> [u32; 2] {
        [self.seen.len() as u32 - self.seconds, self.seconds]
    }

    pub fn clear(&mut self) {
        self.seen.clear();
        self.seconds = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Span::from_millis(millis)
    }

    #[test]
    fn a_window_forgets_a_tenth_at_a_time() {
        let mut window = Window::new(Span::from_secs(1));
        window.count(at(0), 0);
        window.count(at(99), 1);
        window.count(at(100), 1);
        assert_eq!(window.sums(at(999)), [1, 2]);
        // At 1,000 ms the part from 0 to 100 ms goes.
        assert_eq!(window.sums(at(1000)), [0, 1]);
        assert_eq!(window.sums(at(1100)), [0, 0]);
        window.count(at(50_000), 0);
        assert_eq!(window.sums(at(50_000)), [1, 0]);
    }

    #[test]
    fn the_latest_forget_the_oldest() {
        let mut latest = Latest::new(3);
        for kind in [1, 0, 0] {
            latest.count(kind);
        }
        assert_eq!(latest.sums(), [2, 1]);
        latest.count(0);
        assert_eq!(latest.sums(), [3, 0]);
    }
}
