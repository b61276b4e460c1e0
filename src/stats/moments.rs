//! Count, mean and variance of numbers that pass by once (Welford).
//!
//! Merging follows Chan: exact in arithmetic but not in the last bit, so runs are merged in the order of the runs.

/// The count, mean and variance of numbers seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    count: u64,
    mean: f64,
    /// The sum of squared deviations from the mean.
    squares: f64,
}

impl Moments {
    pub fn new() -> Self {
        Moments::default()
    }

    #[inline]
    pub fn push(&mut self, number: f64) {
        self.count += 1;
        let away = number - self.mean;
        self.mean += away / self.count as f64;
        self.squares += away * (number - self.mean);
    }

    /// Adds the numbers that another has seen.
    pub fn merge(&mut self, other: &Moments) {
        if other.count == 0 {
            return;
        }
        let count = self.count + other.count;
        let away = other.mean - self.mean;
        let weight = other.count as f64 / count as f64;
        self.squares += other.squares + away * away * self.count as f64 * weight;
        self.mean += away * weight;
        self.count = count;
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean; `None` before the first number.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// The unbiased variance, over n − 1; `None` before the second number.
    pub fn variance(&self) -> Option<f64> {
        (self.count > 1).then(|| self.squares / (self.count - 1) as f64)
    }

    pub fn deviation(&self) -> Option<f64> {
        self.variance().map(f64::sqrt)
    }
}

impl FromIterator<f64> for Moments {
    fn from_iter<I: IntoIterator<Item = f64>>(numbers: I) -> Self {
        let mut moments = Moments::new();
        numbers.into_iter().for_each(|number| moments.push(number));
        moments
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use statrs::statistics::Statistics;

    proptest! {
        #[test]
        fn agree_with_statrs_however_they_are_merged(
            numbers in prop::collection::vec(-1e6f64..1e6, 2..100),
            cut in any::<prop::sample::Index>(),
        ) {
            let (left, right) = numbers.split_at(cut.index(numbers.len()));
            let mut moments: Moments = left.iter().copied().collect();
            moments.merge(&right.iter().copied().collect());
            let (mean, variance) = ((&numbers).mean(), (&numbers).variance());
            prop_assert_eq!(moments.count(), numbers.len() as u64);
            prop_assert!((moments.mean().expect("numbers") - mean).abs() < 1e-7);
            prop_assert!((moments.variance().expect("numbers") - variance).abs() <= 1e-9 * variance.max(1.0));
        }
    }

    #[test]
    fn too_few_numbers_have_no_moments() {
        let mut moments = Moments::new();
        assert_eq!((moments.mean(), moments.variance()), (None, None));
        moments.push(3.0);
        assert_eq!((moments.mean(), moments.deviation()), (Some(3.0), None));
    }
}
