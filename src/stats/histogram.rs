//! Latency histograms: any number of spans in bounded memory, to a stated relative error.
//!
//! The buckets are powers of two cut into equal parts (HdrHistogram). Counts are integers, so merging is exact and its
//! order does not matter. The sum, the least and the greatest span are kept exactly beside the buckets.
//!
//! Deliberately not here: intervals (see `percentile`), and thresholds that a verdict hangs on, which are counted
//! exactly as requests finish.

use hdrhistogram::Histogram;

use crate::units::Span;

/// How finely a histogram tells spans apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Three digits: a relative error of at most 0.1 %. 8 KB for each doubling of the range that occurs.
    Fine,
    /// Two digits: a relative error of at most 1 %. 1 KB for each doubling of the range that occurs.
    Coarse,
}

/// A histogram of spans. It grows with the range of what it has seen, not with the number.
#[derive(Clone, Debug)]
pub struct LatencyHistogram {
    buckets: Histogram<u64>,
    sum: u128,
    least: Span,
    greatest: Span,
}

impl LatencyHistogram {
    pub fn new(precision: Precision) -> Self {
        let digits = match precision {
            Precision::Fine => 3,
            Precision::Coarse => 2,
        };
        let buckets = Histogram::new(digits).expect("two and three digits are supported");
        LatencyHistogram {
            buckets,
            sum: 0,
            least: Span::FOREVER,
            greatest: Span::ZERO,
        }
    }

    /// For whole runs: see [`Precision::Fine`].
    pub fn fine() -> Self {
        LatencyHistogram::new(Precision::Fine)
    }

    /// For the windows of a timeline: see [`Precision::Coarse`].
    pub fn coarse() -> Self {
        LatencyHistogram::new(Precision::Coarse)
    }

    #[inline]
    pub fn record(&mut self, span: Span) {
        // Growing by itself, the histogram takes every u64.
        self.buckets
            .record(span.nanos())
            .expect("a histogram that resizes takes every span");
        self.sum += u128::from(span.nanos());
        self.least = self.least.min(span);
        self.greatest = self.greatest.max(span);
    }

    /// Records one span many times.
    pub fn record_many(&mut self, span: Span, count: u64) {
        if count == 0 {
            return;
        }
        self.buckets
            .record_n(span.nanos(), count)
            .expect("a histogram that resizes takes every span");
        self.sum += u128::from(span.nanos()) * u128::from(count);
        self.least = self.least.min(span);
        self.greatest = self.greatest.max(span);
    }

    /// Adds what another histogram has seen. Exact if both have the same precision.
    pub fn merge(&mut self, other: &LatencyHistogram) {
        self.buckets
            .add(&other.buckets)
            .expect("a histogram that resizes takes every other");
        self.sum += other.sum;
        self.least = self.least.min(other.least);
        self.greatest = self.greatest.max(other.greatest);
    }

    /// All of some histograms in one.
    pub fn pooled<'a>(precision: Precision, parts: impl IntoIterator<Item = &'a LatencyHistogram>) -> Self {
        let mut pool = LatencyHistogram::new(precision);
        for part in parts {
            pool.merge(part);
        }
        pool
    }

    /// Forgets everything, keeping the memory.
    pub fn clear(&mut self) {
        self.buckets.reset();
        (self.sum, self.least, self.greatest) = (0, Span::FOREVER, Span::ZERO);
    }

    /// How many spans were recorded.
    pub fn len(&self) -> u64 {
        self.buckets.len()
    }

    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// The exact sum in nanoseconds.
    pub fn sum_nanos(&self) -> u128 {
        self.sum
    }

    /// The exact mean in seconds.
    pub fn mean_seconds(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.sum as f64 / self.len() as f64 / crate::units::NANOS_PER_SECOND as f64)
    }

    /// The exact least span.
    pub fn min(&self) -> Option<Span> {
        (!self.is_empty()).then_some(self.least)
    }

    /// The exact greatest span.
    pub fn max(&self) -> Option<Span> {
        (!self.is_empty()).then_some(self.greatest)
    }

    /// The largest relative error of [`LatencyHistogram::quantile`].
    pub fn relative_error(&self) -> f64 {
        if self.buckets.sigfig() == 3 { 1e-3 } else { 1e-2 }
    }

    /// The quantile by linear rank: at rank p(n − 1) of the ordered spans, between two of them in proportion. Spans of
    /// one bucket count as spread evenly over it. For many quantiles see [`ranked`](Self::ranked).
    pub fn quantile(&self, p: f64) -> Option<Span> {
        self.ranked().quantile(p)
    }

    /// The same histogram, made ready to be asked for many quantiles.
    pub fn ranked(&self) -> Ranked<'_> {
        let mut before = 0;
        let with_before = |bucket: Bucket| {
            before += bucket.count;
            (before - bucket.count, bucket)
        };
        Ranked {
            histogram: self,
            buckets: self.buckets().map(with_before).collect(),
        }
    }

    /// How many spans were at most this long, a bucket that the bound cuts counting in proportion: right to the
    /// relative error in the span.
    pub fn count_up_to(&self, span: Span) -> f64 {
        if span >= self.greatest {
            return self.len() as f64;
        }
        // A span covers its whole nanosecond.
        let bound = span.nanos() as f64 + 1.0;
        let counts = self.buckets().take_while(|bucket| bucket.from < bound);
        counts
            .map(|bucket| bucket.count as f64 * ((bound - bucket.from) / bucket.width).min(1.0))
            .sum()
    }

    /// The share of spans that were at most this long; see [`LatencyHistogram::count_up_to`].
    pub fn share_up_to(&self, span: Span) -> Option<f64> {
        (!self.is_empty()).then(|| self.count_up_to(span) / self.len() as f64)
    }

    /// The buckets that hold anything, in ascending order.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket> + '_ {
        self.buckets.iter_recorded().map(|step| {
            let value = step.value_iterated_to();
            let from = self.buckets.lowest_equivalent(value) as f64;
            let width = self.buckets.equivalent_range(value) as f64;
            Bucket {
                from,
                width,
                count: step.count_at_value(),
            }
        })
    }
}

/// A bucket that holds something: spans from `from` to below `from + width`, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    pub from: f64,
    pub width: f64,
    pub count: u64,
}

/// A histogram whose spans are found by their rank.
pub struct Ranked<'a> {
    histogram: &'a LatencyHistogram,
    /// Each with the number of spans before it.
    buckets: Vec<(u64, Bucket)>,
}

impl Ranked<'_> {
    /// How many spans it holds.
    pub fn len(&self) -> u64 {
        self.histogram.len()
    }

    pub fn is_empty(&self) -> bool {
        self.histogram.is_empty()
    }

    /// See [`LatencyHistogram::quantile`]; `None` if it is empty.
    pub fn quantile(&self, p: f64) -> Option<Span> {
        assert!(
            (0.0..=1.0).contains(&p),
            "a quantile is asked of a probability, not of {p}"
        );
        if self.is_empty() {
            return None;
        }
        let rank = p * (self.len() - 1) as f64;
        let below = rank.floor() as u64;
        let first = self.at_rank(below);
        let second = self.at_rank((below + 1).min(self.len() - 1));
        let value = first + (rank - rank.floor()) * (second - first);
        let (least, greatest) = (self.histogram.least, self.histogram.greatest);
        Some(Span::from_nanos(value.round() as u64).clamp(least, greatest))
    }

    /// The span of a rank (from 0), in nanoseconds, as its bucket tells it: the middle of its part of the bucket, so that
    /// a lone span lies in the middle.
    fn at_rank(&self, rank: u64) -> f64 {
        let behind = self.buckets.partition_point(|(before, _)| *before <= rank);
        let (before, bucket) = self.buckets[behind - 1];
        bucket.from + bucket.width * ((rank - before) as f64 + 0.5) / bucket.count as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(spans: &[u64]) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::fine();
        spans
            .iter()
            .for_each(|&nanos| histogram.record(Span::from_nanos(nanos)));
        histogram
    }

    /// The linear-rank quantile of the values themselves.
    fn exact_quantile(spans: &[u64], p: f64) -> f64 {
        let mut sorted = spans.to_vec();
        sorted.sort();
        let rank = p * (sorted.len() - 1) as f64;
        let (low, high) = (
            sorted[rank.floor() as usize] as f64,
            sorted[rank.ceil() as usize] as f64,
        );
        low + rank.fract() * (high - low)
    }

    proptest! {
        #[test]
        fn quantiles_are_within_the_stated_error(
            spans in prop::collection::vec(0u64..100_000_000_000, 1..200),
            p in 0.0f64..=1.0,
        ) {
            for precision in [Precision::Fine, Precision::Coarse] {
                let mut histogram = LatencyHistogram::new(precision);
                spans.iter().for_each(|&nanos| histogram.record(Span::from_nanos(nanos)));
                let exact = exact_quantile(&spans, p);
                let found = histogram.quantile(p).expect("not empty").nanos() as f64;
                // Rounding to the nanosecond, and half a nanosecond of the width of the finest bucket.
                prop_assert!((found - exact).abs() <= histogram.relative_error() * exact + 1.0, "{found} {exact}");
            }
        }

        #[test]
        fn merging_is_recording_everything_in_one(
            spans in prop::collection::vec(any::<u64>(), 0..200),
            cut in any::<prop::sample::Index>(),
        ) {
            let (left, right) = spans.split_at(cut.index(spans.len() + 1));
            let mut merged = of(left);
            merged.merge(&of(right));
            let whole = of(&spans);
            prop_assert_eq!(merged.buckets().collect::<Vec<_>>(), whole.buckets().collect::<Vec<_>>());
            prop_assert_eq!((merged.len(), merged.sum_nanos()), (whole.len(), whole.sum_nanos()));
            prop_assert_eq!((merged.min(), merged.max()), (whole.min(), whole.max()));
            prop_assert_eq!(whole.sum_nanos(), spans.iter().map(|&nanos| u128::from(nanos)).sum::<u128>());
        }

        #[test]
        fn counts_below_are_within_the_stated_error(
            spans in prop::collection::vec(0u64..1_000_000_000, 1..200),
            bound in 0u64..1_000_000_000,
        ) {
            let histogram = of(&spans);
            let found = histogram.count_up_to(Span::from_nanos(bound));
            let count = |bound: f64| spans.iter().filter(|&&nanos| nanos as f64 <= bound).count() as f64;
            let error = 1.0 + 1e-3 * bound as f64;
            prop_assert!(found >= count(bound as f64 - error) - 1e-9 && found <= count(bound as f64 + error) + 1e-9);
        }
    }

    #[test]
    fn an_empty_histogram_knows_nothing() {
        let mut histogram = LatencyHistogram::coarse();
        assert_eq!(
            (histogram.quantile(0.5), histogram.min(), histogram.mean_seconds()),
            (None, None, None)
        );
        histogram.record_many(Span::from_millis(3), 5);
        assert_eq!((histogram.len(), histogram.mean_seconds()), (5, Some(0.003)));
        assert_eq!(
            histogram.quantile(0.5),
            Some(Span::from_millis(3)),
            "never beyond what was seen"
        );
        histogram.clear();
        assert!(histogram.is_empty() && histogram.max().is_none());
    }
}
