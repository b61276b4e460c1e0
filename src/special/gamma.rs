//! The gamma distribution of unit scale: the regularised incomplete gamma functions and their inverse.

use super::{Mass, normal_quantile, root};
use libm::{cbrt, exp, lgamma, log};

/// P(a, x): the probability that a gamma variable of shape `a` is below `x`.
pub fn gamma_below(a: f64, x: f64) -> f64 {
    both(a, x).0
}

/// Q(a, x): the probability that a gamma variable of shape `a` is above `x`.
pub fn gamma_above(a: f64, x: f64) -> f64 {
    both(a, x).1
}

/// Both sides, the smaller one to full relative precision.
fn both(a: f64, x: f64) -> (f64, f64) {
    if x <= 0.0 {
        return (0.0, 1.0);
    }
    if x.is_infinite() {
        return (1.0, 0.0);
    }
    let front = exp(a * log(x) - x - lgamma(a));
    if x < a + 1.0 {
        let below = front * series(a, x);
        (below, 1.0 - below)
    } else {
        let above = front * fraction(a, x);
        (1.0 - above, above)
    }
}

/// Terms that suffice for shapes up to a million: the series needs some multiples of √a.
const TERMS: u32 = 100_000;

fn series(a: f64, x: f64) -> f64 {
    let mut term = 1.0 / a;
    let mut sum = term;
    let mut n = a;
    for _ in 0..TERMS {
        n += 1.0;
        term *= x / n;
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    sum
}

/// The continued fraction for Q, by Lentz's method.
fn fraction(a: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut value = d;
    for n in 1..TERMS {
        let n = f64::from(n);
        let numerator = -n * (n - a);
        b += 2.0;
        d = away_from_zero(numerator * d + b, TINY);
        c = away_from_zero(b + numerator / c, TINY);
        d = 1.0 / d;
        let factor = d * c;
        value *= factor;
        if (factor - 1.0).abs() < 2.0 * f64::EPSILON {
            break;
        }
    }
    value
}

pub(super) fn away_from_zero(x: f64, tiny: f64) -> f64 {
    if x.abs() < tiny { tiny } else { x }
}

/// The quantile of the gamma distribution of shape `a` and scale 1.
///
/// Solves ln P (or ln Q, by the smaller side) over ln x, in which both are nearly straight in the tails.
pub fn gamma_quantile(a: f64, mass: Mass) -> f64 {
    let mass = mass.by_smaller_side();
    match mass {
        Mass::Below(p) if p <= 0.0 => return 0.0,
        Mass::Above(q) if q <= 0.0 => return f64::INFINITY,
        _ => {}
    }
    let target = match mass {
        Mass::Below(p) => log(p),
        Mass::Above(q) => log(q),
    };
    let ln_gamma = lgamma(a);
    // The smallest x that is a normal number: below it a quantile is zero for all purposes.
    const LOW: f64 = -700.0;
    let high = log(a + 60.0 * a.sqrt() + 800.0);
    let y = root(LOW, high, log(guess(a, mass, ln_gamma)), |y| {
        let x = exp(y);
        let (below, above) = both(a, x);
        let density = exp(a * y - x - ln_gamma);
        match mass {
            Mass::Below(_) => (log(below) - target, density / below),
            Mass::Above(_) => (target - log(above), density / above),
        }
    });
    if y <= LOW + 1e-6 { 0.0 } else { exp(y) }
}

/// Wilson and Hilferty's cube for the body, the leading term of P for what lies near zero.
fn guess(a: f64, mass: Mass, ln_gamma: f64) -> f64 {
    let z = normal_quantile(mass);
    let root_of_cube = 1.0 - 1.0 / (9.0 * a) + z / (3.0 * a.sqrt());
    if root_of_cube > 0.3 || matches!(mass, Mass::Above(q) if q < 0.1 && root_of_cube > cbrt(0.01)) {
        return a * root_of_cube * root_of_cube * root_of_cube;
    }
    exp((log(mass.below()) + ln_gamma + log(a)) / a)
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::function::gamma::{gamma_lr, gamma_ur};

    #[test]
    fn agrees_with_statrs() {
        for a in [0.05, 0.5, 1.0, 3.7, 40.0, 900.0] {
            for ratio in [0.01, 0.3, 0.9, 1.0, 1.1, 2.0, 5.0] {
                let x = a * ratio;
                assert!((gamma_below(a, x) - gamma_lr(a, x)).abs() < 1e-11, "P({a}, {x})");
                assert!((gamma_above(a, x) - gamma_ur(a, x)).abs() < 1e-11, "Q({a}, {x})");
            }
        }
    }

    #[test]
    fn the_quantile_inverts_both_sides_far_into_the_tails() {
        for a in [0.02, 0.3, 1.0, 2.5, 30.0, 1e4] {
            for tail in [1e-15, 1e-9, 1e-4, 0.03, 0.3, 0.5] {
                let low = gamma_quantile(a, Mass::Below(tail));
                if low > 0.0 {
                    assert!(
                        (gamma_below(a, low) / tail - 1.0).abs() < 1e-9,
                        "shape {a}, below {tail}: {low}"
                    );
                }
                let high = gamma_quantile(a, Mass::Above(tail));
                assert!(
                    (gamma_above(a, high) / tail - 1.0).abs() < 1e-9,
                    "shape {a}, above {tail}: {high}"
                );
                // At one half the two are the same point, found from its two sides.
                assert!(low <= high * (1.0 + 1e-12));
            }
        }
        // Shape 1 is exponential.
        assert!((gamma_quantile(1.0, Mass::Above(1e-12)) - 12.0 * std::f64::consts::LN_10).abs() < 1e-12 * 28.0);
    }
}
