//! Distributions as a scenario means them: validated, with exact means, in whatever unit the numbers are given.
//!
//! A [`Dist`] exists only if it makes sense: finite, not negative, with a finite mean. It answers questions (mean,
//! variance, quantile); to draw from it on the request path, compile it into a [`Law`].
//!
//! Deliberately not here: units (a time is in seconds by the time it gets here), and how it was written
//! (`scenario`).

mod error;
mod families;
mod fitted;
mod law;
mod shape;
mod table;

pub use error::DistError;
pub use law::{Law, Tables};

use crate::special::{Mass, normal_quantile};
use error::{finite, not_negative, positive, within};
use libm::{log, log1p};
use shape::Shape;

/// A distribution of numbers that are not negative.
#[derive(Clone, Debug, PartialEq)]
pub struct Dist(Family);

/// What a [`Dist`] is, for whoever prints it. All numbers are valid.
#[derive(Clone, Debug, PartialEq)]
pub enum Family {
    Constant(f64),
    Uniform {
        low: f64,
        high: f64,
    },
    Exponential {
        mean: f64,
    },
    /// The logarithm is normal with mean `mu` and standard deviation `sigma`.
    Lognormal {
        mu: f64,
        sigma: f64,
    },
    Gamma {
        shape: f64,
        scale: f64,
    },
    Weibull {
        shape: f64,
        scale: f64,
    },
    /// P(X > x) = (scale / x)^alpha from `scale` on; given X ≤ `truncated_at`, where there is one.
    Pareto {
        scale: f64,
        alpha: f64,
        truncated_at: Option<f64>,
    },
    Empirical(Empirical),
    Mixture(Vec<Component>),
}

/// Listed values, each drawn with its weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Empirical {
    /// In ascending order, equal ones joined.
    values: Vec<f64>,
    /// The probability of drawing a value up to and including this one; the last is 1.
    cumulative: Vec<f64>,
}

/// A part of a mixture.
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    /// The share of draws that this part serves; the shares add up to 1.
    pub share: f64,
    pub dist: Dist,
}

impl Dist {
    pub fn family(&self) -> &Family {
        &self.0
    }

    /// Always the same value, which may be zero.
    pub fn constant(value: f64) -> Result<Dist, DistError> {
        Ok(Dist(Family::Constant(not_negative("value", value)?)))
    }

    pub fn uniform(low: f64, high: f64) -> Result<Dist, DistError> {
        let (low, high) = (not_negative("lower bound", low)?, not_negative("upper bound", high)?);
        if low > high {
            return Err(DistError::Order {
                lower: "lower bound",
                low,
                upper: "upper bound",
                high,
            });
        }
        Ok(Dist(if low == high {
            Family::Constant(low)
        } else {
            Family::Uniform { low, high }
        }))
    }

    pub fn exponential(mean: f64) -> Result<Dist, DistError> {
        Ok(Dist(Family::Exponential {
            mean: positive("mean", mean)?,
        }))
    }

    /// The native parameters: mean and standard deviation of the logarithm.
    pub fn lognormal(mu: f64, sigma: f64) -> Result<Dist, DistError> {
        finite("mu", mu)?;
        within("sigma", positive("sigma", sigma)?, 0.0, 6.0)?;
        Dist(Family::Lognormal { mu, sigma }).with_finite_mean()
    }

    /// A coefficient of variation of zero gives a constant.
    pub fn lognormal_mean_cv(mean: f64, cv: f64) -> Result<Dist, DistError> {
        positive("mean", mean)?;
        if not_negative("cv", cv)? == 0.0 {
            return Dist::constant(mean);
        }
        let variance = log1p(cv * cv);
        Dist::lognormal(log(mean) - 0.5 * variance, variance.sqrt())
    }

    pub fn lognormal_median_p95(median: f64, p95: f64) -> Result<Dist, DistError> {
        positive("median", median)?;
        positive("p95", p95)?;
        if p95 < median {
            return Err(DistError::Order {
                lower: "median",
                low: median,
                upper: "p95",
                high: p95,
            });
        }
        if p95 == median {
            return Dist::constant(median);
        }
        Dist::lognormal(log(median), log(p95 / median) / normal_quantile(Mass::Above(0.05)))
    }

    pub fn gamma(shape: f64, scale: f64) -> Result<Dist, DistError> {
        let (shape, scale) = (positive("shape", shape)?, positive("scale", scale)?);
        // The quantile's series has some multiples of √shape terms; a cv below 0.001 is as good as a constant.
        if !(1e-3..=1e6).contains(&shape) {
            return Err(DistError::OutOfReach {
                parameter: "shape",
                value: shape,
                low: 1e-3,
                high: 1e6,
            });
        }
        Dist(Family::Gamma { shape, scale }).with_finite_mean()
    }

    /// A coefficient of variation of zero gives a constant.
    pub fn gamma_mean_cv(mean: f64, cv: f64) -> Result<Dist, DistError> {
        positive("mean", mean)?;
        if not_negative("cv", cv)? == 0.0 {
            return Dist::constant(mean);
        }
        if !(1e-3..=30.0).contains(&cv) {
            return Err(DistError::OutOfReach {
                parameter: "cv",
                value: cv,
                low: 1e-3,
                high: 30.0,
            });
        }
        Dist::gamma(1.0 / (cv * cv), mean * cv * cv)
    }

    pub fn weibull(shape: f64, scale: f64) -> Result<Dist, DistError> {
        let (shape, scale) = (within("shape", shape, 0.08, 1e4)?, positive("scale", scale)?);
        Dist(Family::Weibull { shape, scale }).with_finite_mean()
    }

    /// Solves for the shape; a coefficient of variation of zero gives a constant.
    pub fn weibull_mean_cv(mean: f64, cv: f64) -> Result<Dist, DistError> {
        positive("mean", mean)?;
        if not_negative("cv", cv)? == 0.0 {
            return Dist::constant(mean);
        }
        let shape = shape::weibull_shape_of_cv(cv)?;
        Dist::weibull(shape, mean / Shape::Weibull { shape }.mean())
    }

    /// A Pareto law from `scale` on. Without truncation its mean is finite only for `alpha` above 1.
    pub fn pareto(scale: f64, alpha: f64, truncated_at: Option<f64>) -> Result<Dist, DistError> {
        let (scale, alpha) = (positive("scale", scale)?, within("alpha", alpha, 0.01, 1e3)?);
        if let Some(high) = truncated_at {
            positive("truncation", high)?;
            if high <= scale {
                return Err(DistError::Order {
                    lower: "scale",
                    low: scale,
                    upper: "truncation",
                    high,
                });
            }
        }
        Dist(Family::Pareto {
            scale,
            alpha,
            truncated_at,
        })
        .with_finite_mean()
    }

    /// Draws one of the listed values, each as often as it is listed.
    pub fn empirical(values: Vec<f64>) -> Result<Dist, DistError> {
        Dist::empirical_weighted(values.into_iter().map(|value| (value, 1.0)).collect())
    }

    /// Draws one of the listed values by its weight: pairs of value and weight.
    pub fn empirical_weighted(mut pairs: Vec<(f64, f64)>) -> Result<Dist, DistError> {
        for &(value, weight) in &pairs {
            not_negative("value", value)?;
            not_negative("weight", weight)?;
        }
        pairs.retain(|&(_, weight)| weight > 0.0);
        if pairs.is_empty() {
            return Err(DistError::Empty {
                what: "value of positive weight",
            });
        }
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        pairs.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            kept.1 += if same { later.1 } else { 0.0 };
            same
        });
        if let [(value, _)] = pairs[..] {
            return Dist::constant(value);
        }
        let total: f64 = finite("total weight", pairs.iter().map(|pair| pair.1).sum())?;
        let mut sum = 0.0;
        let mut cumulative: Vec<f64> = pairs
            .iter()
            .map(|pair| {
                sum += pair.1;
                sum / total
            })
            .collect();
        *cumulative.last_mut().expect("there is a value") = 1.0;
        let values = pairs.iter().map(|pair| pair.0).collect();
        Dist(Family::Empirical(Empirical { values, cumulative })).with_finite_mean()
    }

    /// Draws from one of several distributions, chosen by weight: pairs of weight and distribution.
    pub fn mixture(parts: Vec<(f64, Dist)>) -> Result<Dist, DistError> {
        for &(weight, _) in &parts {
            not_negative("weight", weight)?;
        }
        let total: f64 = finite("total weight", parts.iter().map(|part| part.0).sum())?;
        let parts: Vec<_> = parts.into_iter().filter(|part| part.0 > 0.0).collect();
        if parts.is_empty() {
            return Err(DistError::Empty {
                what: "component of positive weight",
            });
        }
        if parts.len() == 1 {
            return Ok(parts.into_iter().next().expect("there is one").1);
        }
        let components = parts.into_iter().map(|(weight, dist)| Component {
            share: weight / total,
            dist,
        });
        Ok(Dist(Family::Mixture(components.collect())))
    }

    /// The distribution of `factor` times the variable. A factor of zero gives the constant zero.
    pub fn scaled(&self, factor: f64) -> Result<Dist, DistError> {
        if not_negative("factor", factor)? == 0.0 {
            return Dist::constant(0.0);
        }
        let scaled = match &self.0 {
            Family::Constant(value) => Family::Constant(value * factor),
            Family::Uniform { low, high } => Family::Uniform {
                low: low * factor,
                high: high * factor,
            },
            Family::Exponential { mean } => Family::Exponential { mean: mean * factor },
            Family::Lognormal { mu, sigma } => Family::Lognormal {
                mu: mu + log(factor),
                sigma: *sigma,
            },
            Family::Gamma { shape, scale } => Family::Gamma {
                shape: *shape,
                scale: scale * factor,
            },
            Family::Weibull { shape, scale } => Family::Weibull {
                shape: *shape,
                scale: scale * factor,
            },
            Family::Pareto {
                scale,
                alpha,
                truncated_at,
            } => Family::Pareto {
                scale: scale * factor,
                alpha: *alpha,
                truncated_at: truncated_at.map(|at| at * factor),
            },
            Family::Empirical(empirical) => Family::Empirical(Empirical {
                values: empirical.values.iter().map(|value| value * factor).collect(),
                cumulative: empirical.cumulative.clone(),
            }),
            Family::Mixture(components) => {
                let scale = |part: &Component| {
                    part.dist.scaled(factor).map(|dist| Component {
                        share: part.share,
                        dist,
                    })
                };
                Family::Mixture(components.iter().map(scale).collect::<Result<_, _>>()?)
            }
        };
        Dist(scaled).with_finite_mean()
    }

    fn with_finite_mean(self) -> Result<Dist, DistError> {
        if self.mean().is_finite() {
            Ok(self)
        } else {
            Err(DistError::InfiniteMean)
        }
    }
}

impl Empirical {
    /// The values with the probability of each.
    pub fn probabilities(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let before = std::iter::once(0.0).chain(self.cumulative.iter().copied());
        self.values
            .iter()
            .zip(&self.cumulative)
            .zip(before)
            .map(|((&value, up_to), before)| (value, up_to - before))
    }

    /// The least value up to which the listed ones have at least the probability `p`.
    fn at(&self, p: f64) -> f64 {
        let index = self.cumulative.partition_point(|&up_to| up_to < p);
        self.values[index.min(self.values.len() - 1)]
    }
}

#[cfg(test)]
mod tests;
