//! A small histogram of latencies for the windows of a timeline.
//!
//! 32 equal steps in each octave: a quantile read from it is within 1.6 % of the true order statistic (half a step; half
//! a microsecond below 33 µs), which a chart cannot show. A full histogram in each of 240 windows of each class would
//! take hundreds of megabytes; this one takes what its highest bucket needs. Whole-run percentiles do not come from here.

use crate::units::Span;

/// Steps an octave is divided into, as a power of two.
const STEP_BITS: u32 = 5;
const STEPS: u64 = 1 << STEP_BITS;
/// Latencies are counted in units of 1.024 µs, so that a shift makes them.
const UNIT_BITS: u32 = 10;

/// Counts of latencies by bucket, growing to the highest one seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoarseHistogram {
    counts: Vec<u32>,
}

impl CoarseHistogram {
    /// Counts one latency. Allocates only when the highest bucket so far is exceeded.
    #[inline]
    pub fn record(&mut self, latency: Span) {
        let bucket = bucket(latency);
        if bucket >= self.counts.len() {
            self.grow(bucket);
        }
        self.counts[bucket] += 1;
    }

    #[cold]
    fn grow(&mut self, bucket: usize) {
        // To the end of the octave, so that a window grows a handful of times and not with each new maximum; and no
        // further, because there are many windows.
        let length = (bucket / STEPS as usize + 1) * STEPS as usize;
        self.counts.reserve_exact(length - self.counts.len());
        self.counts.resize(length, 0);
    }

    pub fn add(&mut self, other: &CoarseHistogram) {
        if other.counts.len() > self.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
    }

    pub fn count(&self) -> u64 {
        self.counts.iter().map(|&count| u64::from(count)).sum()
    }

    /// The middle of the bucket that holds the `quantile` (order statistic ⌈quantile·n⌉); `None` when empty.
    pub fn quantile(&self, quantile: f64) -> Option<Span> {
        let total = self.count();
        if total == 0 {
            return None;
        }
        let rank = ((quantile * total as f64).ceil() as u64).clamp(1, total);
        let mut below = 0;
        let bucket = self.counts.iter().position(|&count| {
            below += u64::from(count);
            below >= rank
        });
        Some(middle(bucket.expect("the counts add up to the total")))
    }
}

#[inline]
fn bucket(latency: Span) -> usize {
    let units = latency.nanos() >> UNIT_BITS;
    if units < STEPS {
        return units as usize;
    }
    let octave = units.ilog2() - STEP_BITS;
    ((u64::from(octave) << STEP_BITS) + (units >> octave)) as usize
}

fn middle(bucket: usize) -> Span {
    let bucket = bucket as u64;
    let octave = (bucket >> STEP_BITS).saturating_sub(1);
    let lowest = (bucket - (octave << STEP_BITS)) << octave;
    Span::from_nanos(((lowest << UNIT_BITS) as u128 + ((1u128 << octave) << UNIT_BITS) / 2) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_bucket_is_within_half_a_step_of_what_went_in() {
        for nanos in (15..45).flat_map(|bits| (0..100).map(move |k| (1u64 << bits) + k * ((1u64 << bits) / 100))) {
            let back = middle(bucket(Span::from_nanos(nanos))).nanos() as f64;
            // Half of one step of 1/32 octave.
            assert!(
                (back / nanos as f64 - 1.0).abs() <= 1.0 / 64.0,
                "{nanos} came back as {back}"
            );
        }
    }

    #[test]
    fn buckets_rise_with_latency_without_gaps() {
        let mut last = 0;
        for units in 0..100_000u64 {
            let at = bucket(Span::from_nanos(units << UNIT_BITS));
            assert!(at == last || at == last + 1, "bucket {at} after {last} at {units}");
            last = at;
        }
    }

    #[test]
    fn quantiles_are_order_statistics() {
        let mut histogram = CoarseHistogram::default();
        assert_eq!(histogram.quantile(0.5), None);
        for millis in [1, 10, 10, 100] {
            histogram.record(Span::from_millis(millis));
        }
        let near = |quantile: f64, millis: f64| {
            let seen = histogram.quantile(quantile).expect("four were recorded").millis();
            assert!((seen / millis - 1.0).abs() <= 1.0 / 64.0, "{seen} is not {millis}");
        };
        near(0.25, 1.0);
        near(0.5, 10.0);
        near(0.75, 10.0);
        near(0.76, 100.0);
        assert_eq!(histogram.count(), 4);
    }

    #[test]
    fn adding_is_counting_both() {
        let mut one = CoarseHistogram::default();
        one.record(Span::from_millis(1));
        let mut two = CoarseHistogram::default();
        two.record(Span::from_secs(5));
        one.add(&two);
        assert_eq!(one.count(), 2);
        assert!(one.quantile(1.0) > Some(Span::from_secs(4)));
    }
}
