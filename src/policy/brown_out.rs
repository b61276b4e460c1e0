//! How much of what is optional a server does.
//!
//! The dimmer is that of C. Klein, M. Maggio, K.-E. Årzén and F. Hernández-Rodriguez, "Brownout: building more robust cloud
//! applications" (ICSE 2014): response time is taken to be in proportion to the share of requests that get their optional
//! steps; how many seconds a whole of it makes is estimated by recursive least squares, and the share is moved so that of
//! the error only the pole's part is left.

use super::shedding::ramp;
use crate::blueprint::DimmerRule;
use crate::cluster::server::Dimmer;
use crate::units::Ratio;

/// What an older period counts against the next newer one [the authors' implementation: `rlsForgetting`].
const FORGETTING: f64 = 0.95;
/// Response times are no shorter than this (s), so that the estimate stays above 0.
const SHORTEST: f64 = 1e-6;

/// The dimmer for the next period, after one in which the percentile was `seen` seconds.
pub fn dimmed(state: Dimmer, seen: f64, rule: &DimmerRule) -> Dimmer {
    let spread = state.doubt * state.share;
    let trust = 1.0 / (state.share * spread + FORGETTING);
    let gain = state.gain + trust * spread * (seen - state.share * state.gain);
    let gain = gain.max(SHORTEST);
    // While nothing optional runs nothing is learnt, and doubt grows: but never above that of one who knows nothing.
    let doubt = ((state.doubt - trust * spread * spread) / FORGETTING).min(Dimmer::MOST_DOUBT);
    let error = rule.target.seconds() - seen;
    Dimmer {
        share: (state.share + (1.0 - rule.pole) / gain * error).clamp(0.0, 1.0),
        gain,
        doubt,
    }
}

/// The share that is left out while so much of the CPU is used.
pub fn left_out_by_cpu(used: f64, from: Ratio, to: Ratio) -> f64 {
    ramp(used, from.get(), to.get())
}

/// The share that is left out while so many requests wait.
pub fn left_out_by_queue(waiting: u32, from: u32, to: u32) -> f64 {
    ramp(f64::from(waiting), f64::from(from), f64::from(to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Span;

    const RULE: DimmerRule = DimmerRule {
        target: Span::from_millis(500),
        percentile: Ratio::ONE,
        period: Span::from_secs(1),
        pole: 0.5,
    };

    #[test]
    fn the_dimmer_takes_off_the_part_of_an_error_that_the_pole_does_not_leave() {
        // Fully open and nothing known: 1.25 s are seen. The estimate becomes 1 + 1000/(1000 + 0.95) × 0.25, and of the error
        // of −0.75 s half is taken off at that many seconds a whole.
        let next = dimmed(Dimmer::OPEN, 1.25, &RULE);
        let gain = 1.0 + 1000.0 / 1000.95 * 0.25;
        assert!((next.gain - gain).abs() < 1e-12, "{next:?}");
        assert!((next.share - (1.0 - 0.5 / gain * 0.75)).abs() < 1e-12, "{next:?}");
    }

    #[test]
    fn where_response_time_is_in_proportion_the_dimmer_settles_at_the_target() {
        // A whole makes 2 s: a quarter makes the 0.5 s that are wanted, and each period halves what is missing. Of the first
        // guess, 1 s a whole, what 1000 of doubt leave is 2.5 parts in a hundred thousand at a quarter.
        let state = (0..60).fold(Dimmer::OPEN, |state, _| dimmed(state, 2.0 * state.share, &RULE));
        assert!((state.share - 0.25).abs() < 1e-6, "{state:?}");
        assert!((state.gain - 2.0).abs() < 1e-3, "{state:?}");
    }

    #[test]
    fn the_dimmer_stays_between_nothing_and_everything_and_recovers_from_both() {
        let down = (0..200).fold(Dimmer::OPEN, |state, _| dimmed(state, 30.0, &RULE));
        assert_eq!(down.share, 0.0);
        let long_down = (0..100_000).fold(down, |state, _| dimmed(state, 30.0, &RULE));
        assert!(long_down.doubt.is_finite());
        let up = (0..200).fold(long_down, |state, _| dimmed(state, 0.01, &RULE));
        assert_eq!(up.share, 1.0);
    }

    #[test]
    fn by_load_the_share_that_is_left_out_grows_in_proportion_between_two_marks() {
        let share = |share| Ratio::new(share).expect("a share");
        let by_cpu = [0.5, 0.75, 1.2].map(|used| left_out_by_cpu(used, share(0.5), share(1.0)));
        assert_eq!(by_cpu, [0.0, 0.5, 1.0]);
        assert_eq!(
            [4, 10, 20].map(|waiting| left_out_by_queue(waiting, 5, 15)),
            [0.0, 0.5, 1.0]
        );
    }
}
