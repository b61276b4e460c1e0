//! Pulls that share one machine's network: each gets its fair share of the link, and no more than one pull can take.
//!
//! All that pull get the same rate, so one number says how much each has had since the line was last idle, and a layer
//! is done when that number has grown by its size: nothing is recomputed for those that go on when one comes or goes.
//! A pull has its layers one after the other. Deliberately not here: which layers a task needs (`image_store`).

use crate::blueprint::LayerIx;
use crate::units::{Instant, MiB, Span};
use std::collections::VecDeque;

#[derive(Clone, Debug)]
pub struct Downloads {
    /// MiB a second of the whole machine.
    link: f64,
    /// MiB a second of one pull.
    each: f64,
    /// MiB that each pull has had since the line was last idle.
    served: f64,
    updated: Instant,
    /// In the order in which they began.
    going: Vec<Download>,
}

#[derive(Clone, Debug)]
struct Download {
    layers: VecDeque<(LayerIx, MiB)>,
    /// When `served` has come so far, the first of `layers` is there.
    done_at: f64,
}

impl Downloads {
    pub fn new(link: f64, each: f64) -> Self {
        Downloads {
            link,
            each,
            served: 0.0,
            updated: Instant::ZERO,
            going: Vec::new(),
        }
    }

    /// MiB a second that each pull gets.
    fn rate(&self) -> f64 {
        self.each.min(self.link / self.going.len().max(1) as f64)
    }

    fn advance(&mut self, now: Instant) {
        if !self.going.is_empty() {
            self.served += self.rate() * now.since(self.updated).seconds();
        }
        self.updated = now;
    }

    /// A pull of these layers begins, at least one.
    pub fn begin(&mut self, now: Instant, layers: VecDeque<(LayerIx, MiB)>) {
        self.advance(now);
        if self.going.is_empty() {
            self.served = 0.0;
        }
        let (_, size) = layers.front().expect("who pulls nothing does not begin");
        let done_at = self.served + size.0 as f64;
        self.going.push(Download { layers, done_at });
    }

    /// How long it takes until the next layer is there, as things are; `None` if nothing is pulled.
    pub fn next(&self) -> Option<Span> {
        let next = self
            .going
            .iter()
            .map(|download| download.done_at)
            .fold(f64::INFINITY, f64::min);
        (!self.going.is_empty()).then(|| Span::from_secs_f64(((next - self.served) / self.rate()).max(0.0)))
    }

    /// At the instant that [`Downloads::next`] told: the layers that are there now.
    pub fn turn(&mut self, now: Instant) -> Vec<LayerIx> {
        self.advance(now);
        let next = self
            .going
            .iter()
            .map(|download| download.done_at)
            .fold(f64::INFINITY, f64::min);
        // Rounding to nanoseconds may leave a hair's breadth; the clock is right.
        self.served = next;
        let mut there = Vec::new();
        for download in &mut self.going {
            while download.done_at <= self.served
                && let Some((layer, _)) = download.layers.pop_front()
            {
                download.done_at += download.layers.front().map_or(0.0, |(_, size)| size.0 as f64);
                there.push(layer);
            }
        }
        self.going.retain(|download| !download.layers.is_empty());
        there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(at: u32, size: u64) -> (LayerIx, MiB) {
        (LayerIx(at), MiB(size))
    }

    fn at(seconds: f64) -> Instant {
        Instant::ZERO + Span::from_secs_f64(seconds)
    }

    fn seconds(span: Option<Span>) -> f64 {
        span.expect("something is pulled").seconds()
    }

    #[test]
    fn two_pulls_halve_the_link_and_who_is_left_goes_on_alone() {
        // Link 100, each at most 80. 160 MiB alone from 0: 80/s. At 1 s another of 50 comes: 50/s each. It is there at
        // 2 s; the first has 160 - 80 - 50 = 30 left, at 80/s: 2.375 s.
        let mut downloads = Downloads::new(100.0, 80.0);
        downloads.begin(at(0.0), [layer(0, 160)].into());
        assert_eq!(seconds(downloads.next()), 2.0);
        downloads.begin(at(1.0), [layer(1, 50)].into());
        assert_eq!(seconds(downloads.next()), 1.0);
        assert_eq!(downloads.turn(at(2.0)), [LayerIx(1)]);
        assert_eq!(seconds(downloads.next()), 0.375);
        assert_eq!(downloads.turn(at(2.375)), [LayerIx(0)]);
        assert_eq!(downloads.next(), None);
    }

    #[test]
    fn layers_of_one_pull_come_one_after_the_other() {
        let mut downloads = Downloads::new(1000.0, 10.0);
        downloads.begin(at(0.0), [layer(0, 20), layer(1, 0), layer(2, 30)].into());
        assert_eq!(seconds(downloads.next()), 2.0);
        assert_eq!(downloads.turn(at(2.0)), [LayerIx(0), LayerIx(1)]);
        assert_eq!(seconds(downloads.next()), 3.0);
        assert_eq!(downloads.turn(at(5.0)), [LayerIx(2)]);
    }
}
