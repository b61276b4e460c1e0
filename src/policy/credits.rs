//! How much CPU a burstable instance gives for the credits that it has, and when to look at them again.
//!
//! `unlimited` always gives all. `standard` gives all until the credits run low, and then gradually less, down to the baseline
//! [EC2 User Guide, "Standard mode"]; how gradually is not published. MODEL: an instance that is used as far as it lets
//! itself be comes down in a straight line over `model.ec2.credit_ramp`, and has spent its last credit at the end of it.
//! With b credits left of a ramp of T minutes from full speed F to the baseline B that is a ceiling of
//! B + √(2 b (F − B) / T): the credits under the rest of the line are (F − B) t² / 2T with t minutes to go.

use crate::blueprint::CreditMode;
use crate::units::Span;

/// An instance's credits now. vCPUs and vCPU-minutes.
#[derive(Clone, Copy, Debug)]
pub struct CreditView {
    pub mode: CreditMode,
    pub balance: f64,
    pub baseline: f64,
    pub full: f64,
    pub ramp: Span,
}

/// However little is left, no more often than this.
const LEAST_WAIT: Span = Span::from_secs(1);
/// However much there is: what is earned beyond the most that can be saved is lost to the minute.
const MOST_WAIT: Span = Span::from_secs(60);
/// Looks at the ramp on its way down.
const STEPS: f64 = 60.0;

/// vCPUs that it gives.
pub fn ceiling(view: CreditView) -> f64 {
    let above = view.full - view.baseline;
    match view.mode {
        CreditMode::Unlimited => view.full,
        CreditMode::Standard if view.ramp.is_zero() => {
            // Enough until the next look: who earns as many as he uses does not flicker.
            if view.balance >= above * minutes(LEAST_WAIT) {
                view.full
            } else {
                view.baseline
            }
        }
        CreditMode::Standard => {
            view.baseline
                + (2.0 * view.balance.max(0.0) * above / minutes(view.ramp))
                    .sqrt()
                    .min(above)
        }
    }
}

/// Until the balance may call for another ceiling, however much of the present one is used.
pub fn look_again(view: CreditView) -> Span {
    let above = view.full - view.baseline;
    let low = above * minutes(view.ramp) / 2.0;
    if view.mode == CreditMode::Unlimited || above <= 0.0 {
        return MOST_WAIT;
    }
    let step = view.ramp.scaled(1.0 / STEPS).max(LEAST_WAIT);
    let until_low = Span::from_secs_f64((view.balance - low).max(0.0) / above * 60.0);
    until_low.max(step).min(MOST_WAIT)
}

fn minutes(span: Span) -> f64 {
    span.seconds() / 60.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A t3.medium: two vCPUs, 0.4 for ever.
    fn view(balance: f64, ramp_s: u64) -> CreditView {
        CreditView {
            mode: CreditMode::Standard,
            balance,
            baseline: 0.4,
            full: 2.0,
            ramp: Span::from_secs(ramp_s),
        }
    }

    #[test]
    fn standard_gives_everything_until_credits_run_low_and_comes_down_in_a_straight_line() {
        // Fifteen minutes from 2 to 0.4 vCPUs are 12 credits above the baseline; with half of the time to go a quarter of
        // them is left, and the ceiling is half-way.
        assert_eq!(ceiling(view(100.0, 900)), 2.0);
        assert_eq!(ceiling(view(12.0, 900)), 2.0);
        assert!((ceiling(view(3.0, 900)) - 1.2).abs() < 1e-12);
        assert_eq!(ceiling(view(0.0, 900)), 0.4);
    }

    #[test]
    fn without_a_ramp_the_last_second_of_full_use_makes_the_difference() {
        // 1.6/60 credits.
        assert_eq!((ceiling(view(0.027, 0)), ceiling(view(0.026, 0))), (2.0, 0.4));
    }

    #[test]
    fn unlimited_gives_everything_whatever_is_left() {
        let unlimited = CreditView {
            mode: CreditMode::Unlimited,
            ..view(0.0, 900)
        };
        assert_eq!(ceiling(unlimited), 2.0);
    }

    #[test]
    fn it_looks_again_when_full_use_could_have_spent_what_is_not_low() {
        // 1.6 credits a minute: 0.8 above what the ramp needs are spent in half a minute.
        assert_eq!(look_again(view(12.8, 900)).seconds().round(), 30.0);
        assert_eq!(look_again(view(500.0, 900)), MOST_WAIT);
        assert_eq!(look_again(view(5.0, 900)), Span::from_secs(15));
        assert_eq!(look_again(view(0.0, 0)), LEAST_WAIT);
    }
}
