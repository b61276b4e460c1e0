//! Recorded arrivals: a list that is walked by ordinal, once or again and again.

use crate::blueprint::{ClassIx, Recorded, RecordedArrival};
use crate::units::{Instant, Span};
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct Replay {
    arrivals: Arc<[RecordedArrival]>,
    repeat_every: Option<Span>,
    /// Position of the next one.
    next: usize,
    /// When the present round began, on the list's clock.
    round: Span,
    /// How many have come.
    ordinal: u64,
}

impl Replay {
    pub fn new(recorded: &Recorded) -> Replay {
        Replay {
            arrivals: recorded.arrivals.clone(),
            repeat_every: recorded.repeat_every,
            next: 0,
            round: Span::ZERO,
            ordinal: 0,
        }
    }

    /// When the next one comes, if one ever does. A second call says the same.
    pub fn next_at(&mut self) -> Option<Instant> {
        if self.next == self.arrivals.len() {
            self.round += self.repeat_every?;
            self.next = 0;
        }
        Some(self.arrivals.get(self.next)?.at + self.round)
    }

    /// Number (from 1) and class of the one that has come.
    pub fn take(&mut self) -> (u64, Option<ClassIx>) {
        let class = self.arrivals[self.next].class;
        self.next += 1;
        self.ordinal += 1;
        (self.ordinal, class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_repeats_goes_on_for_ever_and_one_that_does_not_ends() {
        let at = |seconds| Instant::ZERO + Span::from_secs(seconds);
        let arrivals: Arc<[_]> = [2, 2, 7]
            .map(|second| RecordedArrival {
                at: at(second),
                class: None,
            })
            .into();
        let seen = |repeat_every: Option<Span>, count: usize| {
            let mut replay = Replay::new(&Recorded {
                arrivals: arrivals.clone(),
                repeat_every,
            });
            let mut next = || {
                let at = replay.next_at()?;
                replay.take();
                Some(at)
            };
            (0..count).map_while(|_| next()).collect::<Vec<_>>()
        };
        assert_eq!(seen(None, 9), [at(2), at(2), at(7)]);
        let tenth = Some(Span::from_secs(10));
        assert_eq!(seen(tenth, 7), [2, 2, 7, 12, 12, 17, 22].map(at));
    }
}
