//! Shapes: the five families at scale 1, by exact formulas through `libm`.
//!
//! A shape knows its quantile and how steep it is there, which is what a table is built from, and how much of its mean
//! lies above a quantile, by which a table is checked.
//!
//! Deliberately not here: the scale, which multiplies, and anything fast.

use super::DistError;
use crate::special::{Mass, gamma_above, gamma_below, gamma_quantile, normal_below, normal_quantile};
use libm::{exp, expm1, lgamma, log, log1p, pow, tgamma};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shape {
    Exponential,
    Lognormal {
        sigma: f64,
    },
    Gamma {
        shape: f64,
    },
    Weibull {
        shape: f64,
    },
    /// From 1 on; given that it is at most `bound`, which may be infinite.
    Pareto {
        alpha: f64,
        bound: f64,
    },
}

impl Shape {
    pub(super) fn mean(self) -> f64 {
        match self {
            Shape::Exponential => 1.0,
            Shape::Lognormal { sigma } => exp(0.5 * sigma * sigma),
            Shape::Gamma { shape } => shape,
            Shape::Weibull { shape } => tgamma(1.0 + 1.0 / shape),
            Shape::Pareto { alpha, bound } => pareto_moment(alpha, bound, 1.0),
        }
    }

    pub(super) fn variance(self) -> f64 {
        match self {
            Shape::Exponential => 1.0,
            Shape::Lognormal { sigma } => expm1(sigma * sigma) * exp(sigma * sigma),
            Shape::Gamma { shape } => shape,
            Shape::Weibull { shape } => {
                let mean = self.mean();
                tgamma(1.0 + 2.0 / shape) - mean * mean
            }
            Shape::Pareto { alpha, bound } => {
                let mean = self.mean();
                pareto_moment(alpha, bound, 2.0) - mean * mean
            }
        }
    }

    pub(super) fn share_up_to(self, x: f64) -> f64 {
        if x <= 0.0 {
            return 0.0;
        }
        match self {
            Shape::Exponential => -expm1(-x),
            Shape::Lognormal { sigma } => normal_below(log(x) / sigma),
            Shape::Gamma { shape } => gamma_below(shape, x),
            Shape::Weibull { shape } => -expm1(-pow(x, shape)),
            Shape::Pareto { alpha, bound } => {
                if x <= 1.0 {
                    0.0
                } else if x >= bound {
                    1.0
                } else {
                    -expm1(-alpha * log(x)) / pareto_kept(alpha, bound)
                }
            }
        }
    }

    /// The value that has this mass on that side.
    pub(super) fn quantile(self, mass: Mass) -> f64 {
        match self {
            Shape::Exponential => -log_above(mass),
            Shape::Lognormal { sigma } => exp(sigma * normal_quantile(mass)),
            Shape::Gamma { shape } => gamma_quantile(shape, mass),
            Shape::Weibull { shape } => pow(-log_above(mass), 1.0 / shape),
            Shape::Pareto { alpha, bound } => {
                let kept = pareto_kept(alpha, bound);
                let above = match mass {
                    Mass::Below(p) => log1p(-p * kept),
                    Mass::Above(q) => log(pow(bound, -alpha) + q * kept),
                };
                exp(-above / alpha)
            }
        }
    }

    /// How steeply the quantile rises with the mass below it, at the quantile `x` of `mass`.
    pub(super) fn slope(self, mass: Mass, x: f64) -> f64 {
        match self {
            Shape::Exponential => 1.0 / mass.above(),
            Shape::Lognormal { sigma } => {
                let z = normal_quantile(mass);
                sigma * x * exp(0.5 * z * z) * (2.0 * std::f64::consts::PI).sqrt()
            }
            Shape::Gamma { shape } => exp(lgamma(shape) + x + (1.0 - shape) * log(x)),
            Shape::Weibull { shape } => x / (shape * -log_above(mass) * mass.above()),
            Shape::Pareto { alpha, bound } => {
                let kept = pareto_kept(alpha, bound);
                x * kept / (alpha * (pow(bound, -alpha) + mass.above() * kept))
            }
        }
    }

    /// The part of the mean that the values above the quantile of `q` contribute: ∫₀^q Q(1 − t) dt.
    pub(super) fn mean_above(self, q: f64) -> f64 {
        match self {
            Shape::Exponential => q * (1.0 - log(q)),
            Shape::Lognormal { sigma } => self.mean() * normal_below(sigma - normal_quantile(Mass::Above(q))),
            Shape::Gamma { shape } => shape * gamma_above(shape + 1.0, gamma_quantile(shape, Mass::Above(q))),
            Shape::Weibull { shape } => self.mean() * gamma_above(1.0 + 1.0 / shape, -log(q)),
            Shape::Pareto { alpha, bound } => {
                let (kept, beyond) = (pareto_kept(alpha, bound), pow(bound, -alpha));
                let at = beyond + q * kept;
                let exponent = 1.0 - 1.0 / alpha;
                pow(at, exponent) * falling_power(exponent, log1p(q * kept / beyond)) / kept
            }
        }
    }
}

/// The logarithm of the mass above.
fn log_above(mass: Mass) -> f64 {
    match mass {
        Mass::Below(p) => log1p(-p),
        Mass::Above(q) => log(q),
    }
}

/// The moment of a Pareto variable from 1 on, truncated at `bound`.
fn pareto_moment(alpha: f64, bound: f64, order: f64) -> f64 {
    if bound.is_infinite() {
        return if alpha > order {
            alpha / (alpha - order)
        } else {
            f64::INFINITY
        };
    }
    alpha * falling_power(alpha - order, log(bound)) / pareto_kept(alpha, bound)
}

/// The share of a Pareto law that its truncation keeps.
fn pareto_kept(alpha: f64, bound: f64) -> f64 {
    -expm1(-alpha * log(bound))
}

/// ∫₀^length e^(−rate·t) dt, for any sign of the rate.
fn falling_power(rate: f64, length: f64) -> f64 {
    if rate == 0.0 {
        length
    } else {
        -expm1(-rate * length) / rate
    }
}

/// The Weibull shape whose coefficient of variation is `cv`: halves the range of 1/shape, over which cv increases.
pub(super) fn weibull_shape_of_cv(cv: f64) -> Result<f64, DistError> {
    // cv² + 1 = Γ(1 + 2/k) / Γ(1 + 1/k)².
    let target = log1p(cv * cv);
    let excess = |inverse: f64| lgamma(1.0 + 2.0 * inverse) - 2.0 * lgamma(1.0 + inverse) - target;
    let (mut low, mut high) = (1e-4, 12.0);
    if excess(low) > 0.0 || excess(high) < 0.0 {
        return Err(DistError::OutOfReach {
            parameter: "cv",
            value: cv,
            low: 1.3e-4,
            high: 1640.0,
        });
    }
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if excess(middle) < 0.0 {
            low = middle
        } else {
            high = middle
        }
    }
    Ok(1.0 / (0.5 * (low + high)))
}
