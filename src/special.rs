//! The functions of probability that `libm` lacks: the normal, gamma and beta distributions and their inverses.
//!
//! Built on `libm` alone, because the standard library's `ln`, `exp` and `powf` differ between platforms and a result
//! must not. Each works from the tail that is given, so that a probability near one loses nothing.
//!
//! Deliberately not here: what a scenario means by a distribution (`engine::dist`) and what a result means
//! (`stats`).

mod beta;
mod gamma;
mod normal;

pub use beta::{beta_below, beta_quantile};
pub use gamma::{gamma_above, gamma_below, gamma_quantile};
pub use normal::{normal_below, normal_quantile};

/// A probability, given as the mass below a point or as the mass above it, whichever is small.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mass {
    Below(f64),
    Above(f64),
}

impl Mass {
    pub fn below(self) -> f64 {
        match self {
            Mass::Below(p) => p,
            Mass::Above(q) => 1.0 - q,
        }
    }

    pub fn above(self) -> f64 {
        match self {
            Mass::Below(p) => 1.0 - p,
            Mass::Above(q) => q,
        }
    }

    /// The same point, by its smaller side.
    pub fn by_smaller_side(self) -> Mass {
        match self {
            Mass::Below(p) if p > 0.5 => Mass::Above(1.0 - p),
            Mass::Above(q) if q > 0.5 => Mass::Below(1.0 - q),
            mass => mass,
        }
    }
}

/// The root of an increasing function between two bounds, by Newton's steps that fall back to halving the bracket.
///
/// To within a few units in the last place of 1 or of the root: made for logarithms of what is sought.
/// `error_and_slope` returns how far the function lies above its target, and its derivative.
fn root(mut low: f64, mut high: f64, guess: f64, error_and_slope: impl Fn(f64) -> (f64, f64)) -> f64 {
    let mut x = if guess > low && guess < high {
        guess
    } else {
        0.5 * (low + high)
    };
    for _ in 0..200 {
        let (error, slope) = error_and_slope(x);
        if error == 0.0 {
            return x;
        }
        if error > 0.0 {
            high = x
        } else {
            low = x
        }
        let newton = x - error / slope;
        let next = if newton > low && newton < high {
            newton
        } else {
            0.5 * (low + high)
        };
        if (next - x).abs() <= 2.0 * f64::EPSILON * x.abs().max(1.0) {
            return next;
        }
        x = next;
    }
    x
}
