//! Popularity: which of many keys is asked for, drawn in constant time (Walker's alias method).

use super::random::Key;
use libm::pow;

/// The shares of keys: the most popular first, adding up to 1.
pub fn zipf_shares(count: u32, exponent: f64) -> Vec<f64> {
    let weights: Vec<f64> = (1..=count).map(|rank| pow(f64::from(rank), -exponent)).collect();
    // From the smallest, so that small ones are not lost.
    let sum: f64 = weights.iter().rev().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

/// A law of keys `0..count`, ready to be drawn from.
#[derive(Clone, Debug)]
pub struct Popularity {
    columns: Vec<Column>,
}

/// One of as many equally likely columns as there are keys: its own key up to `own`, else another.
#[derive(Clone, Copy, Debug)]
struct Column {
    own: u32,
    other: u32,
}

impl Popularity {
    /// Of shares that add up to 1; at least one.
    pub fn new(shares: &[f64]) -> Self {
        assert!(!shares.is_empty(), "there is a key to be asked for");
        let count = shares.len() as f64;
        let mut left: Vec<f64> = shares.iter().map(|share| share * count).collect();
        let mut columns = vec![
            Column {
                own: u32::MAX,
                other: 0
            };
            shares.len()
        ];
        let (mut poor, mut rich): (Vec<usize>, Vec<usize>) = (0..shares.len()).partition(|at| left[*at] < 1.0);
        while let (Some(one), Some(&giver)) = (poor.pop(), rich.last()) {
            columns[one] = Column {
                own: (left[one] * 4_294_967_296.0) as u32,
                other: giver as u32,
            };
            left[giver] -= 1.0 - left[one];
            if left[giver] < 1.0 {
                rich.pop();
                poor.push(giver);
            }
        }
        // What is left has its column for itself, but for rounding.
        for at in poor.into_iter().chain(rich) {
            columns[at].other = at as u32;
        }
        Popularity { columns }
    }

    pub fn count(&self) -> usize {
        self.columns.len()
    }

    /// The key that belongs to a draw: the upper part of the product is the column, the rest decides within it.
    #[inline]
    pub fn draw(&self, key: Key) -> u32 {
        let product = u128::from(key.bits()) * self.columns.len() as u128;
        let at = (product >> 64) as usize;
        let column = self.columns[at];
        if ((product as u64) >> 32) as u32 <= column.own {
            at as u32
        } else {
            column.other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_as_often_as_their_shares_say() {
        let shares = zipf_shares(50, 1.0);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let law = Popularity::new(&shares);
        let root = Key::root(1, 2, 3);
        let mut seen = vec![0.0; 50];
        const DRAWS: u32 = 200_000;
        for at in 0..DRAWS {
            seen[law.draw(root.child(u64::from(at))) as usize] += 1.0;
        }
        // Chi-square with 49 degrees of freedom lies below 49 + 5·√98 = 98.5 but for one in a million.
        let square =
            |(seen, share): (&f64, &f64)| (seen - share * f64::from(DRAWS)).powi(2) / (share * f64::from(DRAWS));
        let sum: f64 = seen.iter().zip(&shares).map(square).sum();
        assert!(sum < 98.5, "{sum}");
    }

    #[test]
    fn the_columns_give_every_key_its_share_exactly() {
        let shares = zipf_shares(1000, 1.2);
        let law = Popularity::new(&shares);
        let mut given = vec![0.0; 1000];
        for (at, column) in law.columns.iter().enumerate() {
            let own = (f64::from(column.own) + 1.0) / 4_294_967_296.0;
            given[at] += own / 1000.0;
            given[column.other as usize] += (1.0 - own) / 1000.0;
        }
        for (given, share) in given.iter().zip(&shares) {
            assert!((given - share).abs() < 1e-9, "{given}, not {share}");
        }
    }

    #[test]
    fn a_single_key_is_always_asked_for() {
        let law = Popularity::new(&zipf_shares(1, 0.0));
        assert_eq!((law.count(), law.draw(Key::root(1, 2, 3))), (1, 0));
    }
}
