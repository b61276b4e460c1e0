//! MSER-5: where the warm-up of a steady simulation ends (White 1997).
//!
//! The series is averaged over the runs, then in batches of five; the cut is where the standard error of the rest's
//! mean would be least. A cut beyond the first third means that the series had not settled, and says so.
//!
//! Deliberately not here: terminating simulations, of which nothing is cut.

/// Where to cut a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truncation {
    /// The number of observations at the front that belong to the warm-up.
    Cut(usize),
    /// The best cut lies beyond a third of the series: a warning, not a cut to be used.
    NotStationary { best: usize },
    /// Fewer than ten batches of five.
    TooShort,
}

const BATCH: usize = 5;
const BATCHES_MIN: usize = 10;
/// A shorter series is not looked at.
pub const OBSERVATIONS_MIN: usize = BATCH * BATCHES_MIN;

/// The cut that MSER-5 chooses for a series, which is best [averaged over the runs](mean_over_runs).
pub fn mser5(series: &[f64]) -> Truncation {
    let batches: Vec<f64> = series
        .chunks_exact(BATCH)
        .map(|batch| batch.iter().sum::<f64>() / BATCH as f64)
        .collect();
    if batches.len() < BATCHES_MIN {
        return Truncation::TooShort;
    }
    // From the back, so that the sums grow as the cut moves to the front; of deviations from the overall mean, so that
    // the squares do not cancel.
    let mean = batches.iter().sum::<f64>() / batches.len() as f64;
    let (mut sum, mut squares) = (0.0, 0.0);
    let mut best = (f64::INFINITY, 0);
    for (cut, batch) in batches.iter().enumerate().rev() {
        let away = batch - mean;
        // What is left between equal numbers is rounding, and where it happens to be least says nothing.
        let away = if away.abs() <= 1e-12 * mean.abs() { 0.0 } else { away };
        sum += away;
        squares += away * away;
        let kept = (batches.len() - cut) as f64;
        // The last few batches agree by chance too often to be believed.
        let statistic = (squares - sum * sum / kept) / (kept * kept);
        if kept >= BATCH as f64 && statistic <= best.0 {
            best = (statistic, cut);
        }
    }
    if best.1 * 3 > batches.len() {
        Truncation::NotStationary { best: best.1 * BATCH }
    } else {
        Truncation::Cut(best.1 * BATCH)
    }
}

/// The mean over runs of each observation, as long as the shortest run.
pub fn mean_over_runs(runs: &[&[f64]]) -> Vec<f64> {
    let length = runs.iter().map(|run| run.len()).min().unwrap_or(0);
    (0..length)
        .map(|index| runs.iter().map(|run| run[index]).sum::<f64>() / runs.len() as f64)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Key;

    /// Noise of width 1 about 10, after a start that decays from 30 above with this time constant.
    fn decaying(seed: u64, constant: f64, n: u64) -> Vec<f64> {
        let noise = |i| Key::root(1, seed, 0).child(i).uniform() - 0.5;
        (0..n)
            .map(|i| 10.0 + noise(i) + 30.0 * libm::exp(-(i as f64) / constant))
            .collect()
    }

    #[test]
    fn cuts_the_decay_and_little_more() {
        for seed in 0..20 {
            // After 5 time constants the decay is below the noise of a batch; after 12 it is nothing.
            let Truncation::Cut(cut) = mser5(&decaying(seed, 50.0, 3000)) else {
                panic!("settled within a third")
            };
            assert!((150..=900).contains(&cut), "seed {seed}: {cut}");
        }
    }

    #[test]
    fn leaves_a_steady_series_nearly_whole() {
        // Noise alone should be cut nowhere; chance cuts little of it, most of the time.
        let cuts: Vec<usize> = (0..40)
            .map(|seed| match mser5(&decaying(seed, 1e-9, 2000)) {
                Truncation::Cut(cut) => cut,
                _ => 2000,
            })
            .collect();
        assert!(cuts.iter().filter(|&&cut| cut < 200).count() > 20, "{cuts:?}");
    }

    #[test]
    fn a_series_that_never_settles_is_not_cut() {
        let ramp: Vec<f64> = (0..1000).map(f64::from).collect();
        assert!(matches!(mser5(&ramp), Truncation::NotStationary { best } if best > 333));
        assert_eq!(mser5(&ramp[..49]), Truncation::TooShort);
    }

    #[test]
    fn a_series_of_equal_numbers_is_left_whole() {
        for value in [0.1, 1.0 / 3.0, 123.456] {
            assert_eq!(mser5(&[value; 237]), Truncation::Cut(0));
        }
    }

    #[test]
    fn averages_over_runs_as_far_as_all_reach() {
        assert_eq!(mean_over_runs(&[&[1.0, 2.0, 9.0], &[3.0, 6.0]]), [2.0, 4.0]);
        assert_eq!(mean_over_runs(&[]), Vec::<f64>::new());
    }
}
