//! What a hand-written loop measures: the product's own histogram, told in a line.

use wavetank::stats::LatencyHistogram;
use wavetank::units::Span;

/// The outcome of a hand-written loop.
#[derive(Clone, Debug)]
pub struct Summary {
    pub served: u64,
    pub events: u64,
    pub mean: Span,
    pub p99: Span,
}

impl Summary {
    pub fn new(latencies: &LatencyHistogram, events: u64) -> Summary {
        Summary {
            served: latencies.len(),
            events,
            mean: Span::from_secs_f64(latencies.mean_seconds().expect("requests were served")),
            p99: latencies.quantile(0.99).expect("requests were served"),
        }
    }
}
