//! Intervals cover the truth as often as they say, from end to end: scenario, runs, estimates. The measured tables, with
//! more experiments on more models, are in `docs/statistics.md`.

#[path = "../benches/coverage"]
#[expect(dead_code, reason = "the bench needs more of it")]
mod coverage {
    pub mod experiment;
    pub mod model;
}

use coverage::experiment::{Coverage, answers};
use coverage::model::{mm1, mmc, servers_without_end};

/// The bounds between which the share that covered lies in all but one in a million tests of so many experiments, if the
/// intervals cover as they should: 4.9 standard deviations on either side of 95 %.
fn as_often_as_they_say(coverage: &Coverage, experiments: u64) {
    assert_eq!(coverage.with_interval, experiments, "all have an interval");
    let share = coverage.covered as f64 / experiments as f64;
    let allowed = 4.9 * (0.95 * 0.05 / experiments as f64).sqrt();
    assert!((share - 0.95).abs() < allowed, "{share} instead of 0.95 ± {allowed}");
}

/// Two runs: an interval of the normal distribution's width (1.96 instead of 12.7 standard errors) covers 70 % of the
/// time, which 300 experiments tell from 95 % by twenty standard deviations.
#[test]
fn the_interval_of_a_mean_is_students() {
    let blueprint = servers_without_end().scenario(100, 3.0, "replications: 2, truncation: none");
    let answers = answers(&blueprint, 300, 0.5);
    as_often_as_they_say(&Coverage::of(1e3, answers.iter().map(|answer| answer.mean_ms)), 300);
}

/// The p90 of the lognormal times of 10 × 120 requests, by theory. Twice or half the width would cover 99.9 or 67 %.
#[test]
fn the_interval_of_a_percentile_is_that_of_the_share_below_it() {
    let model = servers_without_end();
    let sigma = libm::sqrt(libm::log(2.0));
    let p90_ms = 1e3 * libm::exp(1.281_551_565_544_6 * sigma - 0.5 * sigma * sigma);
    let answers = answers(
        &model.scenario(120, 3.0, "replications: 10, truncation: none"),
        120,
        0.9,
    );
    as_often_as_they_say(
        &Coverage::of(p90_ms, answers.iter().map(|answer| answer.quantile_ms)),
        120,
    );
}

/// Half-widths that shrink with chance and not with luck: a queue at half its capacity, where runs are skewed only a
/// little (`docs/statistics.md` says how much worse it is at 80 %).
#[test]
fn requests_that_wait_for_each_other_are_covered_too() {
    let model = mm1("M/M/1", 0.5);
    let answers = answers(
        &model.scenario(150, 10.0, "replications: 10, truncation: none"),
        100,
        0.5,
    );
    let coverage = Coverage::of(1e3 * model.mean_s, answers.iter().map(|answer| answer.mean_ms));
    // Skewness takes three points off; 4.9 standard deviations of 100 experiments are 10.7 more.
    let share = coverage.covered as f64 / 100.0;
    assert!(share > 0.95 - 0.03 - 0.107, "{share}");
    assert!(coverage.half_width < 0.2, "and not by being wide: {coverage:?}");
}

/// What the tables hold the intervals against: with one worker Erlang's formulas are those of M/M/1.
#[test]
fn the_truth_that_intervals_are_held_against_is_true() {
    let one = mmc("M/M/1 as M/M/c", 1, 0.8);
    let same = mm1("M/M/1", 0.8);
    assert!((one.mean_s - same.mean_s).abs() < 1e-12);
    let both = [one.p99_s, same.p99_s].map(|p99| p99.expect("a closed form"));
    assert!((both[0] - both[1]).abs() < 1e-9, "{both:?}");
}
