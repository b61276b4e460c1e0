//! The beta distribution: the regularised incomplete beta function and its inverse.

use super::gamma::away_from_zero;
use super::root;
use libm::{exp, lgamma, log, log1p};

/// I_x(a, b): the probability that a beta variable is below `x`.
pub fn beta_below(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front = exp(a * log(x) + b * log1p(-x) - ln_beta(a, b));
    if x < (a + 1.0) / (a + b + 2.0) {
        front * fraction(a, b, x) / a
    } else {
        1.0 - front * fraction(b, a, 1.0 - x) / b
    }
}

fn ln_beta(a: f64, b: f64) -> f64 {
    lgamma(a) + lgamma(b) - lgamma(a + b)
}

/// The continued fraction for I, by Lentz's method; converges in some multiples of √(a + b) terms.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0), TINY);
    let mut value = d;
    for m in 1..100_000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut factor = 1.0;
        for numerator in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + numerator * d, TINY);
            c = away_from_zero(1.0 + numerator / c, TINY);
            factor = d * c;
            value *= factor;
        }
        if (factor - 1.0).abs() < 2.0 * f64::EPSILON {
            break;
        }
    }
    value
}

/// The point below which a beta variable lies with probability `p`.
pub fn beta_quantile(a: f64, b: f64, p: f64) -> f64 {
    if p <= 0.0 {
        return 0.0;
    }
    if p >= 1.0 {
        return 1.0;
    }
    let ln_beta = ln_beta(a, b);
    // Over ln x, so that a quantile near zero keeps its relative precision.
    let y = root(-745.0, 0.0, log(a / (a + b)), |y| {
        let x = exp(y);
        let below = beta_below(a, b, x);
        let density = exp(a * y + (b - 1.0) * log1p(-x) - ln_beta);
        (log(below) - log(p), density / below)
    });
    exp(y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_statrs() {
        for (a, b) in [(0.5, 0.5), (1.0, 3.0), (12.0, 0.5), (50.0, 950.0), (2.0, 2.0)] {
            for x in [1e-6, 0.01, 0.05, 0.3, 0.5, 0.9, 0.999] {
                let expected = statrs::function::beta::beta_reg(a, b, x);
                assert!((beta_below(a, b, x) - expected).abs() < 1e-11, "I({a}, {b}, {x})");
            }
        }
    }

    #[test]
    fn the_quantile_inverts() {
        for (a, b) in [(0.5, 0.5), (1.0, 30.0), (12.0, 0.5), (50.0, 950.0), (3.0, 1e5)] {
            for p in [1e-9, 0.025, 0.5, 0.975] {
                let x = beta_quantile(a, b, p);
                assert!((beta_below(a, b, x) / p - 1.0).abs() < 1e-9, "{a} {b} {p}: {x}");
            }
        }
        // Uniform, and a closed form: P(X < x) = 1 - (1 - x)^b.
        assert!((beta_quantile(1.0, 1.0, 0.3) - 0.3).abs() < 1e-15);
        assert!((beta_quantile(1.0, 10.0, 0.05) - (1.0 - libm::pow(0.95, 0.1))).abs() < 1e-15);
    }
}
