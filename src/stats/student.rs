//! Student's t distribution: how far the mean of few runs may stray.

use crate::special::{beta_below, beta_quantile};

/// The probability that a t variable with these degrees of freedom is below `t`.
pub fn t_below(t: f64, degrees: f64) -> f64 {
    let tail = 0.5 * beta_below(0.5 * degrees, 0.5, degrees / (degrees + t * t));
    if t > 0.0 { 1.0 - tail } else { tail }
}

/// The quantile of the t distribution.
///
/// # Panics
/// If `p` is not between 0 and 1, or there is no degree of freedom.
pub fn t_quantile(p: f64, degrees: f64) -> f64 {
    assert!(
        p > 0.0 && p < 1.0 && degrees > 0.0,
        "no t quantile for p = {p} and {degrees} degrees of freedom"
    );
    let tail = p.min(1.0 - p);
    // The square of t over its sum with the degrees is a beta variable; each side of 1/4 by the end that is small, so
    // that nothing cancels.
    let magnitude = if tail < 0.25 {
        let x = beta_quantile(0.5 * degrees, 0.5, 2.0 * tail);
        (degrees * (1.0 - x) / x).sqrt()
    } else {
        let x = beta_quantile(0.5, 0.5 * degrees, 1.0 - 2.0 * tail);
        (degrees * x / (1.0 - x)).sqrt()
    };
    if p < 0.5 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::{ContinuousCDF, StudentsT};

    #[test]
    fn agrees_with_statrs() {
        for degrees in [1.0, 2.0, 4.5, 9.0, 30.0, 1e3, 1e6] {
            let oracle = StudentsT::new(0.0, 1.0, degrees).expect("valid");
            for p in [1e-6, 0.005, 0.025, 0.2, 0.4, 0.5, 0.6, 0.9, 0.975, 0.9995] {
                let t = t_quantile(p, degrees);
                assert!((oracle.cdf(t) - p).abs() < 1e-9, "{p} at {degrees}: {t}");
                // At a million degrees the logarithm of the gamma function leaves nine digits.
                assert!((t_below(t, degrees) - p).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn agrees_with_the_printed_table() {
        for (p, degrees, t) in [
            (0.975, 9.0, 2.262_157),
            (0.975, 19.0, 2.093_024),
            (0.9995, 19.0, 3.883_406),
        ] {
            assert!((t_quantile(p, degrees) - t).abs() < 5e-7);
        }
        // One degree of freedom is Cauchy's law.
        assert!((t_quantile(0.75, 1.0) - 1.0).abs() < 1e-14);
    }
}
