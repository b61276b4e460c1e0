//! Batch means: an interval from one long run, cut into pieces long enough to be nearly independent.
//!
//! Deliberately not here: the warm-up, which `mser` cuts before.

use super::interval::{Interval, mean_interval};

/// What batches of one series say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchMeans {
    pub interval: Interval,
    /// The correlation of neighbouring batches. Well above zero, the batches are too short and the interval too narrow.
    pub autocorrelation: f64,
}

/// Cuts a series into equal batches (what is left over is left out at the front) and takes the interval of their
/// means. `None` with fewer than two batches, or fewer numbers than batches.
pub fn batch_means(series: &[f64], batches: usize, level: f64) -> Option<BatchMeans> {
    let size = series.len().checked_div(batches)?;
    if size == 0 {
        return None;
    }
    let used = &series[series.len() - size * batches..];
    let means: Vec<f64> = used
        .chunks(size)
        .map(|batch| batch.iter().sum::<f64>() / size as f64)
        .collect();
    let interval = mean_interval(&means, level)?;
    let away: Vec<f64> = means.iter().map(|mean| mean - interval.estimate).collect();
    let total: f64 = away.iter().map(|x| x * x).sum();
    let neighbours: f64 = away.windows(2).map(|pair| pair[0] * pair[1]).sum();
    let autocorrelation = if total == 0.0 { 0.0 } else { neighbours / total };
    Some(BatchMeans {
        interval,
        autocorrelation,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Key;

    /// An autoregressive series about 5: each number keeps `memory` of the last one's deviation.
    fn autoregressive(seed: u64, memory: f64, n: u64) -> Vec<f64> {
        let mut x = 0.0;
        let step = |i| {
            x = memory * x + Key::root(1, seed, 0).child(i).uniform() - 0.5;
            5.0 + x
        };
        (0..n).map(step).collect()
    }

    #[test]
    fn long_batches_of_a_correlated_series_cover_its_mean() {
        // Memory 0.9 dies out within some tens of numbers; batches of 1,000 are independent for all purposes.
        // 400 experiments at 95 %: 4.9 standard deviations are 21.4.
        let covers = |seed| batch_means(&autoregressive(seed, 0.9, 10_000), 10, 0.95).expect("ten batches");
        let covered = (0..400).filter(|&seed| covers(seed).interval.contains(5.0)).count() as f64;
        assert!((covered - 380.0).abs() < 21.4, "{covered}");
    }

    #[test]
    fn short_batches_are_seen_to_be_correlated() {
        let series = autoregressive(1, 0.99, 10_000);
        assert!(batch_means(&series, 2000, 0.95).expect("batches").autocorrelation > 0.8);
        assert!(batch_means(&series, 10, 0.95).expect("batches").autocorrelation < 0.5);
    }

    #[test]
    fn the_rest_is_left_out_at_the_front() {
        let means = batch_means(&[100.0, 1.0, 3.0, 5.0, 7.0], 2, 0.95).expect("two batches");
        assert_eq!((means.interval.estimate, means.interval.n), (4.0, 2));
        assert_eq!(batch_means(&[1.0, 2.0], 1, 0.95), None);
        assert_eq!(batch_means(&[1.0], 2, 0.95), None);
        assert_eq!(batch_means(&[1.0], 0, 0.95), None);
    }
}
