//! When all traffic together is highest, and what each source brings then.

use crate::blueprint::{RateProfile, Source, Traffic};
use crate::units::{Instant, Span};

impl RateProfile {
    /// Requests a second at an instant; where the rate jumps, what it jumps to.
    pub fn rate(&self, at: Instant) -> f64 {
        let here = |segment: &&crate::blueprint::RateSegment| segment.start <= at && at < segment.end;
        match self.segments.iter().find(here) {
            Some(segment) => segment.rate(at),
            None => self.segments.last().map_or(0.0, |last| last.to),
        }
    }
}

/// Arrivals a second of each traffic that has a rate, at the instant in `[from, to)` when the requests of all of them
/// together are most; 0 for traffic that has none. Of several such instants the first.
pub fn rates_at_peak(traffic: &[Traffic], from: Instant, to: Instant) -> Vec<f64> {
    let profile = |traffic: &Traffic| match &traffic.source {
        Source::Open { profile, .. } => Some(profile.clone()),
        Source::Recorded(_) | Source::Closed { .. } => None,
    };
    let profiles: Vec<Option<RateProfile>> = traffic.iter().map(profile).collect();
    let rates = |at: Instant| -> Vec<f64> {
        let rate = |profile: &Option<RateProfile>| profile.as_ref().map_or(0.0, |profile| profile.rate(at));
        profiles.iter().map(rate).collect()
    };
    let total = |rates: &[f64]| -> f64 {
        let each = rates.iter().zip(traffic);
        each.map(|(rate, traffic)| rate * traffic.requests_per_arrival()).sum()
    };
    // Sums of straight lines are highest at the ends of their pieces.
    let ends = profiles.iter().flatten().flat_map(|profile| &profile.segments);
    let ends = ends.flat_map(|segment| [segment.start, segment.end]);
    let mut instants: Vec<Instant> = ends
        .filter(|&end| from < end && end < to)
        .flat_map(|end| [end - Span::from_nanos(1), end])
        .chain([from, to - Span::from_nanos(1)])
        .collect();
    instants.sort_unstable();
    let mut best = rates(from);
    for at in instants {
        let here = rates(at);
        if total(&here) > total(&best) {
            best = here;
        }
    }
    best
}
