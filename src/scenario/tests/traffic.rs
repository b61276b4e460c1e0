//! Traffic: what rates resolve to, and what is refused.

use super::rules::{codes, web};
use super::*;
use crate::units::Instant;

fn profile(rest: &str) -> RateProfile {
    let blueprint = blueprint(&web("desired_count: 50", rest));
    match &blueprint.traffic[0].source {
        Source::Open { profile, .. } => profile.clone(),
        other => panic!("{other:?} has no profile"),
    }
}

fn at(seconds: f64) -> Instant {
    Instant::from_nanos((seconds * 1e9) as u64)
}

/// Mean rate in an hour that begins so many hours after 0.
fn hourly(profile: &RateProfile, hours: f64) -> f64 {
    profile.integral(at(hours * 3600.0), at((hours + 1.0) * 3600.0)) / 3600.0
}

/// Friday 2026-11-27, midnight; four days.
fn days(rate: &str) -> String {
    format!("starts_at: 2026-11-27T00:00:00Z\ntraffic: {{ users: {{ to: web, rate: {rate} }} }}")
}

fn four_days(rate: &str) -> RateProfile {
    let text = web("desired_count: 50", &days(rate)).replace("duration: 10m", "duration: 4d");
    match &blueprint(&text).traffic[0].source {
        Source::Open { profile, .. } => profile.clone(),
        other => panic!("{other:?} has no profile"),
    }
}

#[test]
fn a_day_is_a_wave_between_its_low_and_its_high() {
    let profile = four_days("{ diurnal: { low: 20/s, high: 100/s, peak_at: 20.1h } }");
    // The exact mean of an hour from h on: 60 + 40 (sin 2π(h+1−20.1)/24 − sin 2π(h−20.1)/24)·24/2π. A chord falls short
    // of the wave by at most 0.054 % of its height of 40.
    let exact = |hour: f64| {
        let turn = |hour: f64| (std::f64::consts::TAU * (hour - 20.1) / 24.0).sin();
        60.0 + 40.0 * (turn(hour + 1.0) - turn(hour)) * 24.0 / std::f64::consts::TAU
    };
    for hour in 0..48 {
        let (seen, exact) = (hourly(&profile, f64::from(hour)), exact(f64::from(hour)));
        assert!((seen - exact).abs() <= 40.0 * 0.00054, "{hour}: {seen} against {exact}");
    }
    // Chords between the peak and the trough meet both exactly.
    let highest = profile.peak();
    assert!((highest - 100.0).abs() < 1e-9, "{highest}");
    let whole = profile.integral(at(0.0), at(86_400.0)) / 86_400.0;
    assert!((whole - 60.0).abs() < 40.0 * 0.00054, "{whole}");
}

#[test]
fn a_weekend_is_quieter_from_midnight_to_midnight() {
    // The 28th and 29th of November 2026 are a Saturday and a Sunday.
    let profile = four_days("{ diurnal: { mean: 60/s, high: 100/s, peak_at: 20h, weekend: 0.5x } }");
    for hour in 0..24 {
        let friday = hourly(&profile, f64::from(hour));
        for (day, factor) in [(1, 0.5), (2, 0.5), (3, 1.0)] {
            let seen = hourly(&profile, f64::from(day * 24 + hour));
            assert!((seen - friday * factor).abs() < 1e-6, "day {day}, hour {hour}: {seen}");
        }
    }
}

#[test]
fn the_day_of_a_warm_up_is_that_before_the_start() {
    let text = web(
        "desired_count: 50",
        &days("{ diurnal: { low: 0/s, high: 100/s, peak_at: 12h } }"),
    );
    let text = text.replace("duration: 10m", "duration: 12h\nwarm_up: 12h");
    let Source::Open { profile, .. } = &blueprint(&text).traffic[0].source else {
        panic!("it has a profile")
    };
    // The warm-up begins at noon of the day before.
    assert!((hourly(profile, 0.0) - 100.0).abs() < 1.0);
    assert!(hourly(profile, 12.0) < 1.0);
}

#[test]
fn a_day_needs_a_clock_and_a_rate_for_the_night() {
    let day = |inside: &str, clock: &str| {
        codes(&web(
            "desired_count: 50",
            &format!("{clock}traffic: {{ users: {{ to: web, rate: {{ diurnal: {{ {inside} }} }} }} }}"),
        ))
    };
    let clock = "starts_at: 2026-11-27T00:00:00Z\n";
    assert_eq!(day("low: 1/s, high: 2/s, peak_at: 12h", clock), []);
    assert_eq!(
        day("low: 1/s, high: 2/s, peak_at: 12h", ""),
        [Code::ScheduleWithoutClock]
    );
    assert_eq!(day("high: 2/s, peak_at: 12h", clock), [Code::NotExactlyOne]);
    assert_eq!(
        day("low: 1/s, mean: 1/s, high: 2/s, peak_at: 12h", clock),
        [Code::NotExactlyOne]
    );
    assert_eq!(day("low: 3/s, high: 2/s, peak_at: 12h", clock), [Code::OutOfRange]);
    assert_eq!(day("mean: 1/s, high: 3/s, peak_at: 12h", clock), [Code::OutOfRange]);
    assert_eq!(day("low: 1/s, high: 3/s, peak_at: 24h", clock), [Code::OutOfRange]);
}

#[test]
fn a_flash_crowd_rises_holds_and_falls() {
    let rest = "traffic: { users: { to: web, rate: { spike: { base: 10/s, peak: 110/s, at: 1m, rise: 20s, hold: 30s, decay: 50s } } } }";
    let profile = profile(rest);
    // 10/s throughout, and above it a trapezoid of 100/s: (20/2 + 30 + 50/2) s.
    assert_eq!(profile.integral(at(0.0), at(600.0)), 10.0 * 600.0 + 100.0 * 65.0);
    assert_eq!(profile.integral(at(0.0), at(60.0)), 600.0);
    assert_eq!(profile.integral(at(60.0), at(80.0)), 20.0 * 60.0);
    assert_eq!(profile.integral(at(160.0), at(600.0)), 4400.0);
}

#[test]
fn rates_add_up_and_spikes_multiply() {
    let rest = "traffic: { users: { to: web, rate: { sum: [10/s, { steps: [[0s, 0/s], [1m, 20/s]] }] } } }
events: [{ at: 2m, traffic_spike: { traffic: users, factor: 3x }, lasting: 1m }, { at: 150s, traffic_spike: { traffic: users, factor: 2x }, lasting: 1m }]";
    let profile = profile(rest);
    let minute = |from: f64| profile.integral(at(from), at(from + 30.0)) / 30.0;
    assert_eq!(minute(0.0), 10.0);
    assert_eq!(minute(60.0), 30.0);
    assert_eq!(minute(120.0), 90.0);
    assert_eq!(minute(150.0), 180.0);
    assert_eq!(minute(180.0), 60.0);
    assert_eq!(minute(210.0), 30.0);
}

#[test]
fn only_traffic_with_a_rate_can_spike() {
    let spike = |traffic: &str, spiking: &str| {
        codes(&web(
            "desired_count: 50",
            &format!(
                "traffic: {{ users: {{ to: web, {traffic} }} }}
events: [{{ at: 1m, traffic_spike: {{ traffic: {spiking}, factor: 2x }}, lasting: 1m }}]"
            ),
        ))
    };
    assert_eq!(spike("rate: 10/s", "users"), []);
    assert_eq!(spike("users: 10", "users"), [Code::ConflictingKeys]);
    assert_eq!(spike("rate: 10/s", "nobody"), [Code::UnknownName]);
}
