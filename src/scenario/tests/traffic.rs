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

#[test]
fn states_of_arrivals_follow_one_another_by_weights() {
    let arrivals = |inside: &str| {
        codes(&web(
            "desired_count: 50",
            &format!("traffic: {{ users: {{ to: web, rate: 10/s, arrivals: {{ {inside} }} }} }}"),
        ))
    };
    let two = |next: &str| format!("mmpp: {{ a: {{ ratio: 1, mean: 1s{next} }}, b: {{ ratio: 3, mean: 1s }} }}");
    assert_eq!(arrivals(&two("")), []);
    assert_eq!(arrivals(&two(", next: { a: 1, b: 2 }")), []);
    assert_eq!(arrivals(&two(", next: { a: 1 }")), [Code::StateOutOfReach]);
    assert_eq!(arrivals(&two(", next: { a: 0, b: 0 }")), [Code::WeightsSumToZero]);
    assert_eq!(arrivals(&two(", next: { c: 1, b: 1 }")), [Code::UnknownName]);
    assert_eq!(arrivals("mmpp: { a: { ratio: 1, mean: 1s } }"), [Code::WrongLength]);
    let silent = "mmpp: { a: { ratio: 0, mean: 1s }, b: { ratio: 0, mean: 1s } }";
    assert_eq!(arrivals(silent), [Code::WeightsSumToZero]);
    let similar = |hurst: &str| format!("self_similar: {{ hurst: {hurst}, sessions: 10, mean_session: 1s }}");
    assert_eq!(arrivals(&similar("0.8")), []);
    assert_eq!(arrivals(&similar("0.5")), [Code::OutOfRange]);
    assert_eq!(arrivals(&similar("1")), [Code::OutOfRange]);
}

#[test]
fn a_trace_is_played_faster_later_and_again() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(
        folder.path().join("a.csv"),
        "time_s,class\n0,users\n6,users\n20,users\n",
    )
    .expect("it is written");
    let seen = |trace: &str, warm_up: &str| {
        let text = web(
            "desired_count: 50",
            &format!("{warm_up}traffic: {{ users: {{ to: web, trace: {trace} }} }}"),
        );
        let scenario = Scenario::parse("test.yaml", text.as_str(), folder.path()).expect("it reads");
        let (blueprint, found) = scenario.resolve();
        let codes: Vec<Code> = found.iter().map(|one| one.code).collect();
        let seconds = blueprint.map(|blueprint| match &blueprint.traffic[0].source {
            Source::Recorded(recorded) => recorded.arrivals.iter().map(|one| one.at.seconds()).collect::<Vec<_>>(),
            other => panic!("{other:?} is not recorded"),
        });
        (seconds.unwrap_or_default(), codes)
    };
    assert_eq!(seen("a.csv", ""), (vec![0.0, 6.0, 20.0], vec![]));
    assert_eq!(
        seen("{ file: a.csv, speed: 2x, offset: 1s }", "warm_up: 1m\n"),
        (vec![61.0, 64.0, 71.0], vec![])
    );
    // Every 25 s, so at 60, 66, 80 and back from there at 35, 41, 55, 10, 16, 30, 5.
    let (again, _) = seen("{ file: a.csv, repeat_every: 25s }", "warm_up: 1m\n");
    assert_eq!(again, [5.0, 10.0, 16.0]);
    assert_eq!(seen("{ file: a.csv, repeat_every: 20s }", "").1, [Code::OutOfRange]);
    assert_eq!(seen("{ file: a.csv, speed: 0x }", "").1, [Code::OutOfRange]);
}

#[test]
fn journeys_lead_from_step_to_step_and_end() {
    let journey = |steps: &str, beside: &str| {
        codes(&web(
            "desired_count: 50",
            &format!(
                "traffic: {{ users: {{ to: web, rate: 1/s, requests: [{{ name: browse, get: / }}, {{ name: pay, post: / }}], \
                 journeys: {{ shopping: {{ steps: {{ {steps} }} }} }}{beside} }} }}"
            ),
        ))
    };
    let both = "browse: { next: { browse: 50%, pay: 20% } }, pay: {}";
    assert_eq!(journey(both, ""), []);
    assert_eq!(
        journey("browse: { next: { buy: 50% } }, pay: {}", ""),
        [Code::UnknownName]
    );
    assert_eq!(journey("buy: {}", ""), [Code::UnknownName]);
    assert_eq!(journey("buy: { request: browse }", ""), []);
    assert_eq!(
        journey("browse: { next: { browse: 60%, pay: 50% } }, pay: {}", ""),
        [Code::ProbabilitiesAboveOne]
    );
    assert_eq!(
        journey("browse: { next: { browse: 100% } }", ""),
        [Code::JourneyWithoutEnd]
    );
    assert_eq!(journey("browse: {}, pay: {}", ""), [Code::StepOutOfReach]);
    assert_eq!(journey("", ""), [Code::WrongLength]);
    assert_eq!(journey(both, ", clients: 10"), [Code::ConflictingKeys]);
    let weightless = "traffic: { users: { to: web, rate: 1/s, requests: [{ name: browse, get: / }], \
                      journeys: { a: { weight: 0, steps: { browse: {} } } } } }";
    assert_eq!(codes(&web("desired_count: 50", weightless)), [Code::WeightsSumToZero]);
}

#[test]
fn the_load_of_journeys_counts_all_their_requests() {
    // 5 journeys a second, 2 requests each on average, 20 ms: 0.2 vCPUs. At 25/s it is 1.
    let at = |rate: u32| {
        let rest = format!(
            "traffic: {{ users: {{ to: web, rate: {rate}/s, journeys: {{ a: {{ steps: {{ users: {{ next: {{ users: 50% }} }} }} }} }} }} }}"
        );
        codes(&web("desired_count: 1", &rest))
    };
    assert_eq!(at(24), []);
    assert_eq!(at(25), [Code::QueueWithoutBound]);
}
