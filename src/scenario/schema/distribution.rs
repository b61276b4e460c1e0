//! Times that may vary: a constant, or a distribution by whatever is known of it.

use super::{Duration, Form};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A time, or the distribution of one.
pub type Time = Form<Duration, Distribution>;

/// A time that never varies.
pub fn constant(seconds: u64) -> Time {
    Form::Short(Duration::secs(seconds))
}

/// How a time is distributed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// Always the same.
    Constant(Duration),
    /// Equally likely between the two.
    Uniform([Duration; 2]),
    Exponential(Exponential),
    /// By mean and cv, median and p95, or mu and sigma (of the logarithm of seconds).
    Lognormal(Lognormal),
    /// By mean and cv, or shape and scale.
    Gamma(Shaped),
    /// By mean and cv, median and p95, or shape and scale.
    Weibull(Shaped),
    /// By mean and cv, median and p95, or alpha and minimum; perhaps cut off.
    Pareto(Pareto),
    /// Values that were measured, each as likely as the next: a list, or a CSV file.
    Empirical(Form<Vec<Duration>, MeasuredFile>),
    /// One of several distributions, chosen by weight.
    Mixture(Vec<Component>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exponential {
    pub mean: Duration,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lognormal {
    pub mean: Option<Duration>,
    /// Standard deviation over mean.
    #[schemars(range(min = 0))]
    pub cv: Option<f64>,
    pub median: Option<Duration>,
    pub p95: Option<Duration>,
    /// Mean of the logarithm of the time in seconds.
    pub mu: Option<f64>,
    /// Standard deviation of the logarithm.
    #[schemars(range(min = 0))]
    pub sigma: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shaped {
    pub mean: Option<Duration>,
    /// Standard deviation over mean.
    #[schemars(range(min = 0))]
    pub cv: Option<f64>,
    pub median: Option<Duration>,
    pub p95: Option<Duration>,
    #[schemars(range(min = 0))]
    pub shape: Option<f64>,
    pub scale: Option<Duration>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pareto {
    pub mean: Option<Duration>,
    /// Standard deviation over mean.
    #[schemars(range(min = 0))]
    pub cv: Option<f64>,
    pub median: Option<Duration>,
    pub p95: Option<Duration>,
    /// The exponent of the tail.
    #[schemars(range(min = 0))]
    pub alpha: Option<f64>,
    /// The shortest time.
    pub minimum: Option<Duration>,
    /// Nothing takes longer: values beyond are drawn again. With `alpha` and `minimum` only.
    pub truncated_at: Option<Duration>,
}

/// Measured values in a CSV file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeasuredFile {
    /// A CSV file, beside the scenario, with a header.
    pub file: String,
    /// The column that holds the times, in seconds; the first if absent.
    pub column: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Component {
    #[schemars(range(min = 0))]
    pub weight: f64,
    pub time: Time,
}
