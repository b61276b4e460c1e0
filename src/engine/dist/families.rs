//! Mean, variance, distribution function and quantile of every family.
//!
//! The five families that are one shape times a scale ask their [`Shape`]; the others are told here.

use super::{Component, Dist, Family, Shape};
use crate::special::Mass;
use libm::exp;

impl Dist {
    /// The exact mean, always finite.
    pub fn mean(&self) -> f64 {
        if let Some((scale, shape)) = self.shape() {
            return scale * shape.mean();
        }
        match &self.0 {
            Family::Constant(value) => *value,
            Family::Uniform { low, high } => low + 0.5 * (high - low),
            Family::Empirical(empirical) => empirical.probabilities().map(|(value, p)| value * p).sum(),
            Family::Mixture(components) => components.iter().map(|part| part.share * part.dist.mean()).sum(),
            _ => unreachable!("the other families have a shape"),
        }
    }

    /// The exact variance; infinite for a Pareto law of alpha up to 2.
    pub fn variance(&self) -> f64 {
        if let Some((scale, shape)) = self.shape() {
            return scale * scale * shape.variance();
        }
        match &self.0 {
            Family::Constant(_) => 0.0,
            Family::Uniform { low, high } => (high - low) * (high - low) / 12.0,
            Family::Empirical(empirical) => {
                let mean = self.mean();
                empirical
                    .probabilities()
                    .map(|(value, p)| p * (value - mean) * (value - mean))
                    .sum()
            }
            Family::Mixture(components) => {
                let mean = self.mean();
                let spread = |part: &Component| {
                    let away = part.dist.mean() - mean;
                    part.share * (part.dist.variance() + away * away)
                };
                components.iter().map(spread).sum()
            }
            _ => unreachable!("the other families have a shape"),
        }
    }

    /// The coefficient of variation: standard deviation over mean.
    pub fn cv(&self) -> f64 {
        let deviation = self.variance().sqrt();
        if deviation == 0.0 { 0.0 } else { deviation / self.mean() }
    }

    /// The probability of a value up to and including `x`.
    pub fn share_up_to(&self, x: f64) -> f64 {
        if let Some((scale, shape)) = self.shape() {
            return shape.share_up_to(x / scale);
        }
        match &self.0 {
            Family::Constant(value) => f64::from(u8::from(*value <= x)),
            Family::Uniform { low, high } => ((x - low) / (high - low)).clamp(0.0, 1.0),
            Family::Empirical(empirical) => {
                let upto = empirical.values.partition_point(|&value| value <= x);
                if upto == 0 { 0.0 } else { empirical.cumulative[upto - 1] }
            }
            Family::Mixture(components) => components
                .iter()
                .map(|part| part.share * part.dist.share_up_to(x))
                .sum(),
            _ => unreachable!("the other families have a shape"),
        }
    }

    /// The least value up to which the probability is at least `p`.
    ///
    /// # Panics
    /// If `p` is not between 0 and 1.
    pub fn quantile(&self, p: f64) -> f64 {
        assert!(
            (0.0..=1.0).contains(&p),
            "a quantile is asked of a probability, not of {p}"
        );
        if let Some((scale, shape)) = self.shape() {
            return scale * shape.quantile(Mass::Below(p).by_smaller_side());
        }
        match &self.0 {
            Family::Constant(value) => *value,
            Family::Uniform { low, high } => low + p * (high - low),
            Family::Empirical(empirical) => empirical.at(p),
            Family::Mixture(components) => self.quantile_of_mixture(components, p),
            _ => unreachable!("the other families have a shape"),
        }
    }

    /// Halves the range between the parts' own quantiles, which embrace that of the mixture.
    fn quantile_of_mixture(&self, components: &[Component], p: f64) -> f64 {
        let quantiles = components.iter().map(|part| part.dist.quantile(p));
        let (mut low, mut high) = quantiles.fold((f64::INFINITY, 0.0f64), |(low, high), x| (low.min(x), high.max(x)));
        if low == high || self.share_up_to(low) >= p {
            return low;
        }
        // From here on the share up to `low` is below p, and that up to `high` is not.
        loop {
            let middle = low + 0.5 * (high - low);
            if middle <= low || middle >= high || high.is_infinite() {
                return high;
            }
            if self.share_up_to(middle) < p {
                low = middle
            } else {
                high = middle
            }
        }
    }

    /// The scale and the shape, for the families that are no more than that.
    pub(super) fn shape(&self) -> Option<(f64, Shape)> {
        match self.0 {
            Family::Exponential { mean } => Some((mean, Shape::Exponential)),
            Family::Lognormal { mu, sigma } => Some((exp(mu), Shape::Lognormal { sigma })),
            Family::Gamma { shape, scale } => Some((scale, Shape::Gamma { shape })),
            Family::Weibull { shape, scale } => Some((scale, Shape::Weibull { shape })),
            Family::Pareto {
                scale,
                alpha,
                truncated_at,
            } => Some((
                scale,
                Shape::Pareto {
                    alpha,
                    bound: truncated_at.map_or(f64::INFINITY, |at| at / scale),
                },
            )),
            Family::Constant(_) | Family::Uniform { .. } | Family::Empirical(_) | Family::Mixture(_) => None,
        }
    }
}
