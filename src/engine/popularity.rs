//! Which of many: ranks drawn by Zipf's law.
//!
//! The cumulative weights lie in a table that is searched, so a draw takes one uniform and the bytes do not depend on how
//! often anything was drawn before.

use super::random::Key;

/// The k-th of n, from 0 on, is drawn in proportion to (k + 1)^−exponent.
#[derive(Clone, Debug)]
pub struct Popularity {
    /// Share of each rank and those before.
    shares: Vec<f64>,
}

impl Popularity {
    /// Eight bytes a rank. An exponent of 0 makes all alike.
    pub fn zipf(count: u32, exponent: f64) -> Popularity {
        let mut sum = 0.0;
        let mut shares: Vec<f64> = (1..=count)
            .map(|rank| {
                sum += libm::pow(f64::from(rank), -exponent);
                sum
            })
            .collect();
        shares.iter_mut().for_each(|share| *share /= sum);
        Popularity { shares }
    }

    pub fn draw(&self, key: Key) -> u32 {
        let u = key.uniform();
        let last = self.shares.len().saturating_sub(1);
        self.shares.partition_point(|&share| share <= u).min(last) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_come_as_often_as_the_law_says() {
        // Exponent 1 over three: 6/11, 3/11, 2/11. 110,000 draws: standard deviation below 166, five of them allowed.
        let popularity = Popularity::zipf(3, 1.0);
        let mut seen = [0_i64; 3];
        for ordinal in 0..110_000 {
            seen[popularity.draw(Key::root(1, 2, 3).child(ordinal)) as usize] += 1;
        }
        for (seen, expected) in seen.into_iter().zip([60_000, 30_000, 20_000]) {
            assert!((seen - expected).abs() < 830, "{seen} for {expected}");
        }
    }

    #[test]
    fn an_exponent_of_nothing_makes_all_alike() {
        let popularity = Popularity::zipf(4, 0.0);
        assert_eq!(popularity.shares, [0.25, 0.5, 0.75, 1.0]);
    }
}
