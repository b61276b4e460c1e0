//! Heavy-tailed families by what a measurement tells of them: the median and the 95th percentile, or mean and cv.
//!
//! Each is solved in closed form and so exact to rounding. Families whose parameters have no closed form in these terms
//! are not here.

use super::Dist;
use super::error::{DistError, not_negative, positive};
use libm::{log, pow};

impl Dist {
    /// A Weibull law's quantile at 1 − p is scale · (−ln p)^(1/shape).
    pub fn weibull_median_p95(median: f64, p95: f64) -> Result<Dist, DistError> {
        let spread = log_ratio(median, p95)?;
        let (at_median, at_p95) = (log(2.0), log(20.0));
        let shape = log(at_p95 / at_median) / spread;
        Dist::weibull(shape, median / pow(at_median, 1.0 / shape))
    }

    /// A Pareto law's quantile at 1 − p is scale · p^(−1/alpha).
    pub fn pareto_median_p95(median: f64, p95: f64) -> Result<Dist, DistError> {
        let spread = log_ratio(median, p95)?;
        let alpha = log(10.0) / spread;
        Dist::pareto(median / pow(2.0, 1.0 / alpha), alpha, None)
    }

    /// cv² = 1 / (alpha · (alpha − 2)) and mean = alpha · scale / (alpha − 1); a coefficient of variation of zero gives
    /// a constant.
    pub fn pareto_mean_cv(mean: f64, cv: f64) -> Result<Dist, DistError> {
        positive("mean", mean)?;
        if not_negative("cv", cv)? == 0.0 {
            return Dist::constant(mean);
        }
        let alpha = 1.0 + (1.0 + 1.0 / (cv * cv)).sqrt();
        Dist::pareto(mean * (alpha - 1.0) / alpha, alpha, None)
    }
}

/// ln(p95 / median), which must be above zero.
fn log_ratio(median: f64, p95: f64) -> Result<f64, DistError> {
    positive("median", median)?;
    positive("95th percentile", p95)?;
    if p95 <= median {
        return Err(DistError::Order {
            lower: "median",
            low: median,
            upper: "95th percentile",
            high: p95,
        });
    }
    Ok(log(p95 / median))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_quantiles_and_moments_that_were_asked_for() {
        let near = |seen: f64, wanted: f64| assert!((seen / wanted - 1.0).abs() < 1e-9, "{seen} for {wanted}");
        for dist in [Dist::weibull_median_p95(2.0, 9.0), Dist::pareto_median_p95(2.0, 9.0)] {
            let dist = dist.expect("it is possible");
            near(dist.quantile(0.5), 2.0);
            near(dist.quantile(0.95), 9.0);
        }
        let dist = Dist::pareto_mean_cv(3.0, 1.5).expect("it is possible");
        near(dist.mean(), 3.0);
        near(dist.cv(), 1.5);
    }

    #[test]
    fn refuses_a_percentile_below_the_median() {
        assert!(Dist::weibull_median_p95(2.0, 2.0).is_err());
        assert!(Dist::pareto_median_p95(0.0, 2.0).is_err());
    }
}
