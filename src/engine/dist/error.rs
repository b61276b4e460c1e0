//! Why a distribution makes no sense.

/// What is wrong with the parameters of a distribution.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DistError {
    #[error("the {parameter} must be a finite number, not {value}")]
    NotFinite { parameter: &'static str, value: f64 },
    #[error("the {parameter} must not be negative, but is {value}")]
    Negative { parameter: &'static str, value: f64 },
    #[error("the {parameter} must be above zero, but is {value}")]
    NotPositive { parameter: &'static str, value: f64 },
    #[error("the {lower} ({low}) must lie below the {upper} ({high})")]
    Order {
        lower: &'static str,
        low: f64,
        upper: &'static str,
        high: f64,
    },
    #[error("the {parameter} must lie between {low} and {high}, but is {value}")]
    OutOfReach {
        parameter: &'static str,
        value: f64,
        low: f64,
        high: f64,
    },
    #[error("there must be at least one {what}")]
    Empty { what: &'static str },
    #[error("the mean is not finite (a Pareto law needs an alpha above 1 or a truncation)")]
    InfiniteMean,
}

pub(super) fn finite(parameter: &'static str, value: f64) -> Result<f64, DistError> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(DistError::NotFinite { parameter, value })
    }
}

pub(super) fn not_negative(parameter: &'static str, value: f64) -> Result<f64, DistError> {
    finite(parameter, value)?;
    // Adding zero turns -0 into 0.
    if value >= 0.0 {
        Ok(value + 0.0)
    } else {
        Err(DistError::Negative { parameter, value })
    }
}

pub(super) fn positive(parameter: &'static str, value: f64) -> Result<f64, DistError> {
    finite(parameter, value)?;
    if value > 0.0 {
        Ok(value)
    } else {
        Err(DistError::NotPositive { parameter, value })
    }
}

pub(super) fn within(parameter: &'static str, value: f64, low: f64, high: f64) -> Result<f64, DistError> {
    finite(parameter, value)?;
    if (low..=high).contains(&value) {
        Ok(value)
    } else {
        Err(DistError::OutOfReach {
            parameter,
            value,
            low,
            high,
        })
    }
}
