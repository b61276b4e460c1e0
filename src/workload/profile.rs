//! What a rate profile says: its rate at an instant, its integral, its segments for the rest of time.

use crate::blueprint::{RateProfile, RateSegment};
use crate::units::{Instant, NANOS_PER_SECOND};

impl RateProfile {
    /// The same rate for ever.
    pub fn constant(rate: f64) -> RateProfile {
        RateProfile {
            segments: vec![RateSegment {
                start: Instant::ZERO,
                end: Instant::NEVER,
                from: rate,
                to: rate,
            }],
        }
    }

    /// Both together.
    pub fn plus(&self, other: &RateProfile) -> RateProfile {
        let cuts = |profile: &RateProfile| {
            profile
                .segments_for_ever()
                .iter()
                .map(|each| each.start)
                .collect::<Vec<_>>()
        };
        let (mine, others) = (self.cut(&cuts(other)), other.cut(&cuts(self)));
        let both = mine.into_iter().zip(others);
        RateProfile {
            segments: both
                .map(|(mine, other)| RateSegment {
                    from: mine.from + other.from,
                    to: mine.to + other.to,
                    ..mine
                })
                .collect(),
        }
    }

    /// The same, but `factor` times as much from one instant to another.
    pub fn times(&self, factor: f64, from: Instant, until: Instant) -> RateProfile {
        let mut segments = self.cut(&[from, until]);
        for segment in &mut segments {
            if from <= segment.start && segment.end <= until {
                segment.from *= factor;
                segment.to *= factor;
            }
        }
        RateProfile { segments }
    }

    /// The same rates in segments for the rest of time, of which none goes on across these instants (in order).
    fn cut(&self, at: &[Instant]) -> Vec<RateSegment> {
        let mut segments = Vec::new();
        for whole in &self.segments_for_ever() {
            let mut start = whole.start;
            let next = at.partition_point(|&cut| cut <= whole.start);
            let inside = at[next..].iter().take_while(|&&cut| cut < whole.end);
            for end in inside.copied().chain([whole.end]) {
                segments.push(RateSegment {
                    start,
                    end,
                    from: whole.rate(start),
                    to: whole.rate(end),
                });
                start = end;
            }
        }
        segments
    }

    /// The expected number of arrivals between two instants.
    pub fn integral(&self, from: Instant, to: Instant) -> f64 {
        self.segments_for_ever()
            .iter()
            .map(|segment| segment.integral(from, to))
            .sum()
    }

    /// The highest rate that occurs, in requests a second.
    pub fn peak(&self) -> f64 {
        self.segments
            .iter()
            .flat_map(|segment| [segment.from, segment.to])
            .fold(0.0, f64::max)
    }

    pub(super) fn check(&self) {
        let mut end = Instant::ZERO;
        assert!(!self.segments.is_empty(), "a rate profile has at least one segment");
        for segment in &self.segments {
            assert!(
                segment.start == end && segment.end >= end,
                "segments of a rate profile are contiguous from 0 on"
            );
            let valid = |rate: f64| rate.is_finite() && rate >= 0.0;
            assert!(
                valid(segment.from) && valid(segment.to),
                "rates are finite and not negative"
            );
            let endless = segment.end == Instant::NEVER;
            assert!(
                !endless || segment.from == segment.to,
                "a rate that changes for ever has no value at its end"
            );
            end = segment.end;
        }
    }

    /// The segments that have a length, and what the last one leaves for the rest of time.
    pub(super) fn segments_for_ever(&self) -> Box<[RateSegment]> {
        let rest = self.segments.last().map(|last| RateSegment {
            start: last.end,
            end: Instant::NEVER,
            from: last.to,
            to: last.to,
        });
        self.segments
            .iter()
            .copied()
            .chain(rest)
            .filter(|segment| segment.start < segment.end)
            .collect()
    }
}

impl RateSegment {
    /// Requests a second at an instant within the segment.
    pub fn rate(&self, at: Instant) -> f64 {
        if self.from == self.to {
            return self.from;
        }
        let share = at.since(self.start).nanos() as f64 / self.end.since(self.start).nanos() as f64;
        self.from + (self.to - self.from) * share
    }

    pub(super) fn is_silent(&self) -> bool {
        self.from == 0.0 && self.to == 0.0
    }

    fn integral(&self, from: Instant, to: Instant) -> f64 {
        let (from, to) = (from.max(self.start), to.min(self.end));
        if to <= from {
            return 0.0;
        }
        let seconds = to.since(from).nanos() as f64 / NANOS_PER_SECOND as f64;
        (self.rate(from) + self.rate(to)) / 2.0 * seconds
    }
}
