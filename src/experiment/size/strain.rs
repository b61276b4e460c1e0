//! How near an objective comes to being missed, on one scale for all kinds of objectives.
//!
//! The strain is the share that is used of what is allowed: of the requests that may be slow (for a percentile), of those
//! that may fail (for availability; the share of the error budget), of the latency or the money (for means and costs).
//! Above 1 the objective is missed. It orders and draws candidates; verdicts are given by intervals, not by it.

use crate::blueprint::{Measure, Objective};
use crate::probe::Pool;
use crate::probe::verdict::WindowJudgement;

/// The highest strain of an objective's windows; 0 if no request came, infinite if none was served.
pub fn of_objective(pool: &Pool, at: usize, objective: &Objective) -> f64 {
    let windows = pool.judge_windows(at, objective);
    windows
        .iter()
        .map(|window| of_window(objective, window))
        .fold(0.0, f64::max)
}

fn of_window(objective: &Objective, window: &WindowJudgement) -> f64 {
    let Some(judged) = window.judged else {
        return f64::INFINITY;
    };
    match objective.measure {
        Measure::Latency { quantile, .. } => used(1.0 - judged.value, 1.0 - quantile),
        Measure::Availability { at_least } => used(1.0 - judged.value, 1.0 - at_least.get()),
        Measure::MeanLatency { at_most } => used(judged.value, at_most.millis()),
        Measure::CostPerHour { at_most_usd } => used(judged.value, at_most_usd),
    }
}

/// Of nothing, nothing may be used.
fn used(seen: f64, allowed: f64) -> f64 {
    if seen <= 0.0 {
        0.0
    } else if allowed <= 0.0 {
        f64::INFINITY
    } else {
        seen / allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strain_is_what_is_used_of_what_is_allowed() {
        assert_eq!(used(0.005, 0.01), 0.5);
        assert_eq!(used(0.0, 0.0), 0.0);
        assert_eq!(used(0.1, 0.0), f64::INFINITY);
    }
}
