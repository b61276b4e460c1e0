//! Whole numbers that are drawn: how often a loop goes round.

use super::dist::DistError;
use super::random::Key;
use libm::{exp, floor, log};

/// The law of a number of times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Count(Law);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Law {
    Always(u32),
    /// Each number of the range with the same probability, both ends included.
    Uniform {
        low: u32,
        high: u32,
    },
    /// 1, 2, 3, …: one, and after each one more with the same probability.
    Geometric {
        mean: f64,
    },
    Poisson {
        mean: f64,
    },
}

/// More is not a number of times but an accident.
const BOUND: u32 = 10_000;

/// A mean above this is no number of times any more: [`Count::draw`] adds up terms of the law.
const MOST: f64 = 500.0;

impl Count {
    pub const NEVER: Count = Count(Law::Always(0));

    /// At most 10,000.
    pub fn always(times: u32) -> Result<Count, DistError> {
        Ok(Count(Law::Always(bounded(times)?)))
    }

    /// Up to 10,000.
    pub fn uniform(low: u32, high: u32) -> Result<Count, DistError> {
        if low > high {
            return Err(DistError::Order {
                lower: "lower bound",
                low: f64::from(low),
                upper: "upper bound",
                high: f64::from(high),
            });
        }
        Ok(Count(Law::Uniform {
            low,
            high: bounded(high)?,
        }))
    }

    /// 1, 2, 3, …, with a mean from 1 to 500.
    pub fn geometric(mean: f64) -> Result<Count, DistError> {
        Ok(Count(Law::Geometric {
            mean: in_reach(mean, 1.0)?,
        }))
    }

    /// 0, 1, 2, …, with a mean from 0 to 500.
    pub fn poisson(mean: f64) -> Result<Count, DistError> {
        Ok(Count(Law::Poisson {
            mean: in_reach(mean, 0.0)?,
        }))
    }

    pub fn mean(self) -> f64 {
        match self.0 {
            Law::Always(times) => f64::from(times),
            Law::Uniform { low, high } => 0.5 * (f64::from(low) + f64::from(high)),
            Law::Geometric { mean } | Law::Poisson { mean } => mean,
        }
    }

    /// The number that belongs to a key.
    pub fn draw(self, key: Key) -> u32 {
        match self.0 {
            Law::Always(times) => times,
            Law::Uniform { low, high } => low + key.below(high - low + 1),
            Law::Geometric { mean: 1.0 } => 1,
            // The number of failures before the first success of probability 1/mean is ⌊ln U / ln(1 − 1/mean)⌋.
            Law::Geometric { mean } => 1 + floor(log(key.uniform()) / libm::log1p(-1.0 / mean)) as u32,
            Law::Poisson { mean } => {
                let uniform = key.uniform();
                let (mut number, mut probability) = (0, exp(-mean));
                let mut below = probability;
                // The last terms are too small to be added where the uniform number is next to 1.
                while below < uniform && probability > 0.0 {
                    number += 1;
                    probability *= mean / f64::from(number);
                    below += probability;
                }
                number
            }
        }
    }
}

fn bounded(times: u32) -> Result<u32, DistError> {
    if times <= BOUND {
        return Ok(times);
    }
    Err(DistError::OutOfReach {
        parameter: "number of times",
        value: f64::from(times),
        low: 0.0,
        high: f64::from(BOUND),
    })
}

fn in_reach(mean: f64, low: f64) -> Result<f64, DistError> {
    if (low..=MOST).contains(&mean) {
        return Ok(mean);
    }
    Err(DistError::OutOfReach {
        parameter: "mean",
        value: mean,
        low,
        high: MOST,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean and the share of zeros of 100,000 draws.
    fn drawn(count: Count) -> (f64, f64) {
        let root = Key::root(1, 2, 3);
        let draws = (0..100_000).map(|at| count.draw(root.child(at)));
        let (sum, zeros) = draws.fold((0.0, 0.0), |(sum, zeros), number| {
            (sum + f64::from(number), zeros + f64::from(u32::from(number == 0)))
        });
        (sum / 1e5, zeros / 1e5)
    }

    #[test]
    fn draws_have_the_mean_that_was_asked_for() {
        // Five standard errors: σ/√100,000, with σ² = 2 (uniform on 1 to 5), mean·(mean − 1) = 6 and mean = 3.
        for (count, mean, variance) in [
            (Count::uniform(1, 5), 3.0, 2.0),
            (Count::geometric(3.0), 3.0, 6.0),
            (Count::poisson(3.0), 3.0, 3.0),
        ] {
            let count = count.expect("valid");
            let (seen, _) = drawn(count);
            assert!(
                (seen - mean).abs() < 5.0 * f64::sqrt(variance / 1e5),
                "{count:?}: {seen}"
            );
            assert_eq!(count.mean(), mean);
        }
    }

    #[test]
    fn a_poisson_number_is_zero_as_often_as_it_should_be() {
        // e⁻³ = 0.0498; five standard errors are 5·√(0.05/100,000) = 0.0035.
        let (_, zeros) = drawn(Count::poisson(3.0).expect("valid"));
        assert!((zeros - 0.0498).abs() < 0.0035, "{zeros}");
        assert_eq!(drawn(Count::poisson(0.0).expect("valid")), (0.0, 1.0));
        assert_eq!(drawn(Count::geometric(1.0).expect("valid")).0, 1.0);
    }

    #[test]
    fn impossible_numbers_are_refused() {
        assert!(Count::uniform(3, 2).is_err());
        assert!(Count::always(10_001).is_err());
        assert!(Count::geometric(0.5).is_err());
        assert!(Count::poisson(f64::NAN).is_err());
        assert!(Count::poisson(1e9).is_err());
    }
}
