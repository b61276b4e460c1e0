//! A percentile of what has been seen lately, in bounded memory and the same on every machine.
//!
//! Spans are counted in buckets of a 32nd of a power of two; the percentile lies linearly within its bucket. When enough
//! have been seen all counts are halved, so that the present outweighs the past. It is looked up again every so many
//! spans, not with each.

use crate::units::{Ratio, Span};

/// Parts of a power of two.
const PARTS: u32 = 32;
/// Below so many it says nothing.
const FEWEST: u32 = 100;
/// At so many all are halved.
const MOST: u32 = 20_000;
/// So many spans apart it is looked up.
const EVERY: u32 = 64;

#[derive(Clone, Debug)]
pub struct Percentile {
    share: Ratio,
    counts: Vec<u32>,
    /// No bucket below this one has anything.
    first: usize,
    total: u32,
    since: u32,
    value: Option<Span>,
}

impl Percentile {
    /// 0.95 is the 95th.
    pub fn new(share: Ratio) -> Self {
        Percentile {
            share,
            counts: Vec::new(),
            first: usize::MAX,
            total: 0,
            since: 0,
            value: None,
        }
    }

    #[inline]
    pub fn record(&mut self, span: Span) {
        let at = bucket(span.nanos());
        match self.counts.get_mut(at) {
            Some(count) => *count += 1,
            None => self.grow(at),
        }
        self.first = self.first.min(at);
        self.total += 1;
        if self.total >= MOST {
            self.halve();
        }
        self.since += 1;
        if self.since >= EVERY && self.total >= FEWEST {
            self.since = 0;
            self.value = Some(self.look_up());
        }
    }

    /// The first in a bucket above all that there are.
    #[cold]
    fn grow(&mut self, at: usize) {
        self.counts.resize(at + 1, 0);
        self.counts[at] = 1;
    }

    #[cold]
    fn halve(&mut self) {
        self.counts.iter_mut().for_each(|count| *count /= 2);
        self.total = self.counts.iter().sum();
    }

    /// `None` until enough has been seen.
    #[inline]
    pub fn value(&self) -> Option<Span> {
        self.value
    }

    #[inline(never)]
    fn look_up(&self) -> Span {
        let rank = self.share.get() * f64::from(self.total);
        // Counts are whole: those that reach the rank reach the next whole number.
        let whole = rank.ceil() as u32;
        let mut below = 0;
        for (at, &count) in self.counts.iter().enumerate().skip(self.first) {
            if below + count >= whole && count > 0 {
                let (low, width) = bounds(at);
                let nanos = low as f64 + width as f64 * (rank - f64::from(below)) / f64::from(count);
                return Span::from_nanos(nanos as u64);
            }
            below += count;
        }
        unreachable!("the counts add up to their total")
    }
}

/// Numbers below 32 have a bucket each; above, each power of two has 32.
fn bucket(nanos: u64) -> usize {
    let power = nanos.max(1).ilog2();
    let shift = power.saturating_sub(PARTS.ilog2());
    (shift * PARTS) as usize + (nanos >> shift) as usize
}

/// The least number of a bucket, and how many it holds.
fn bounds(bucket: usize) -> (u64, u64) {
    let shift = (bucket as u32 / PARTS).saturating_sub(1);
    let part = bucket as u64 - u64::from(shift * PARTS);
    (part << shift, 1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::random::Key;

    #[test]
    fn every_number_lies_in_its_bucket() {
        for nanos in [
            0,
            1,
            31,
            32,
            33,
            63,
            64,
            65,
            127,
            128,
            1_000,
            999_999,
            1_000_000_007,
            u64::MAX / 3,
        ] {
            let (low, width) = bounds(bucket(nanos));
            assert!((low..low + width).contains(&nanos), "{nanos}: {low} + {width}");
        }
    }

    #[test]
    fn it_says_nothing_of_too_few() {
        let mut percentile = Percentile::new(Ratio::new(0.5).expect("a share"));
        for _ in 0..99 {
            percentile.record(Span::from_millis(5));
        }
        assert_eq!(percentile.value(), None);
    }

    #[test]
    fn it_is_the_percentile_of_what_was_seen_and_follows_it() {
        let mut percentile = Percentile::new(Ratio::new(0.95).expect("a share"));
        let uniform = |n: u32, scale: f64| Span::from_secs_f64(scale * Key::root(1, u64::from(n), 0).uniform());
        for n in 0..19_000 {
            percentile.record(uniform(n, 0.1));
        }
        let seen = percentile.value().expect("enough").millis();
        // Of 19,000 the share below has a standard deviation of √(0.05 · 0.95 / 19,000) = 0.0016: five of them, of 100 ms.
        assert!((seen - 95.0).abs() < 0.8, "{seen}");
        // Ten times as slow: after 60,000 of these at most 2⁻⁵ of the counts are of before.
        for n in 0..60_000 {
            percentile.record(uniform(n + 100_000, 1.0));
        }
        let seen = percentile.value().expect("enough").millis();
        assert!((seen - 950.0).abs() < 20.0, "{seen}");
    }
}
