//! Thresholds of the deployment circuit breaker and delays of the restart throttle.

use crate::blueprint::{BreakerThreshold, RestartBackoff};
use crate::units::Span;

/// Failures at which a deployment has FAILED, for the desired count as it is now [DG:deployment-circuit-breaker].
pub fn threshold(threshold: BreakerThreshold, desired: u32) -> u32 {
    let share = |percent: f64| ((percent * f64::from(desired) / 100.0).ceil() as u32).max(1);
    match threshold {
        BreakerThreshold::BoundedPercent(percent) => share(percent).clamp(3, 200),
        BreakerThreshold::UnboundedPercent(percent) => share(percent),
        BreakerThreshold::Count(count) => count,
    }
}

/// The delay after the attempt that failed as number `failed` (from 0) in a row.
pub fn restart_delay(backoff: &RestartBackoff, failed: u32) -> Span {
    let mut delay = backoff.base;
    for _ in 0..failed {
        if delay >= backoff.max || backoff.factor <= 1.0 {
            break;
        }
        delay = delay.scaled(backoff.factor);
    }
    delay.min(backoff.max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_breakers_bounded_threshold_is_the_table_of_aws() {
        let half = |desired| threshold(BreakerThreshold::BoundedPercent(50.0), desired);
        assert_eq!([half(1), half(25), half(400), half(800)], [3, 13, 200, 200]);
    }

    #[test]
    fn a_breaker_without_bounds_rounds_up_and_a_count_is_taken_as_it_is() {
        assert_eq!(threshold(BreakerThreshold::UnboundedPercent(50.0), 1), 1);
        assert_eq!(threshold(BreakerThreshold::UnboundedPercent(50.0), 801), 401);
        assert_eq!(threshold(BreakerThreshold::Count(7), 800), 7);
    }

    #[test]
    fn the_restart_delay_doubles_up_to_27_minutes() {
        let backoff = RestartBackoff {
            base: Span::from_secs(15),
            factor: 2.0,
            max: Span::from_secs(27 * 60),
        };
        let delays: Vec<u64> = (0..9)
            .map(|k| restart_delay(&backoff, k).nanos() / 1_000_000_000)
            .collect();
        assert_eq!(delays, [15, 30, 60, 120, 240, 480, 960, 1620, 1620]);
    }
}
