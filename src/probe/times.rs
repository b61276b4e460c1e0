//! Where the time of followed requests went, over all runs: of all that were served, and of the slowest of them.

use super::Pool;
use super::traces::{Owner, Part, RequestTime};
use crate::blueprint::ClassIx;
use crate::sim::observation::Outcome;
use crate::units::Span;
use std::collections::BTreeMap;

/// Which followed requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Served,
    /// The slowest hundredth of the served ones, at least one.
    Slowest,
    Failed,
}

impl Whose {
    pub const ALL: [Whose; 3] = [Whose::Served, Whose::Slowest, Whose::Failed];

    pub const fn name(self) -> &'static str {
        match self {
            Whose::Served => "served",
            Whose::Slowest => "slowest_1_percent",
            Whose::Failed => "failed",
        }
    }
}

/// The time of some requests, added up.
#[derive(Clone, Debug)]
pub struct Times {
    pub requests: usize,
    pub latency: Span,
    /// The largest first; they add up to the latency.
    pub parts: Vec<(Owner, Part, Span)>,
}

impl Pool<'_> {
    /// Where the time went. `None` if no such request was followed.
    pub fn times(&self, class: Option<ClassIx>, whose: Whose) -> Option<Times> {
        let all = self.records.iter().flat_map(|record| &record.traces.times);
        let wanted = |time: &&RequestTime| {
            let fits = match whose {
                Whose::Served | Whose::Slowest => time.outcome == Outcome::Served,
                Whose::Failed => !matches!(time.outcome, Outcome::Served | Outcome::Redirected),
            };
            fits && class.is_none_or(|class| class == time.class)
        };
        let mut requests: Vec<&RequestTime> = all.filter(wanted).collect();
        if whose == Whose::Slowest {
            requests.sort_by_key(|time| std::cmp::Reverse(time.latency));
            requests.truncate(requests.len().div_ceil(100));
        }
        if requests.is_empty() {
            return None;
        }
        let mut sums: BTreeMap<(Owner, Part), Span> = BTreeMap::new();
        let mut latency = Span::ZERO;
        for request in &requests {
            latency += request.latency;
            for &(owner, part, span) in &request.parts {
                *sums.entry((owner, part)).or_insert(Span::ZERO) += span;
            }
        }
        let mut parts: Vec<_> = sums
            .into_iter()
            .map(|((owner, part), span)| (owner, part, span))
            .collect();
        parts.sort_by_key(|&(_, _, span)| std::cmp::Reverse(span));
        Some(Times {
            requests: requests.len(),
            latency,
            parts,
        })
    }
}

impl Times {
    /// Of the requests' latency.
    pub fn share(&self, span: Span) -> f64 {
        span.nanos() as f64 / self.latency.nanos().max(1) as f64
    }

    /// For each request, in ms.
    pub fn mean_ms(&self, span: Span) -> f64 {
        span.millis() / self.requests as f64
    }
}
