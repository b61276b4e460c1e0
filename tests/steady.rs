//! The transient of a steady scenario is cut: what is left is the same luck in the same world, and nearer to the truth.

use std::num::NonZeroUsize;
use wavetank::blueprint::{Blueprint, ClassIx, ServiceIx};
use wavetank::cli::run_once;
use wavetank::experiment::replicate::Workers;
use wavetank::experiment::{Cancel, Outcome, Plan, Variant};
use wavetank::probe::Pool;
use wavetank::report::summary::{self, warnings};
use wavetank::report::tables;
use wavetank::report::words::duration;
use wavetank::scenario::Scenario;
use wavetank::units::Span;

fn blueprint(text: String) -> Blueprint {
    let scenario = Scenario::parse("steady.yaml", text, std::path::Path::new("")).expect("it is a map");
    scenario.resolve().0.expect("the scenario is right")
}

/// M/M/1 with a mean service time of a second.
fn queue(rate: &str, duration: &str, more: &str) -> Blueprint {
    blueprint(format!(
        "services: {{ q: {{ load_balancers: [], runtime: {{ thread_pool: {{ workers: 1 }} }}, \
         operations: {{ get: [{{ wait: {{ exponential: {{ mean: 1s }} }} }}] }} }} }}\n\
         cluster: {{ network: none }}\n\
         traffic: {{ customers: {{ to: q, rate: {rate} }} }}\n\
         duration: {duration}\n{more}\n"
    ))
}

fn performed(blueprint: Blueprint, threads: usize) -> Outcome {
    let plan = Plan {
        replications: blueprint.replications,
        most: blueprint.replications,
        variants: &[Variant {
            name: blueprint.name.clone(),
            blueprint,
        }],
    };
    let workers = Workers::new(NonZeroUsize::new(threads).expect("at least one"));
    let mut outcomes = plan.perform(&workers, &Cancel::default(), run_once, |_| true, |_, _| {});
    outcomes.remove(0)
}

/// What a run with a cut holds is what the same run without it holds from there on: window by window, to the last count.
#[test]
fn a_cut_run_is_the_rest_of_the_whole_run() {
    let whole = blueprint(
        "services:\n\
         \x20 web: { cpu: 1 vCPU, memory: 2 GiB, desired_count: 2, \n\
         \x20   operations: { GET *: [{ cpu: { exponential: { mean: 20ms } } }, { call: { to: store/put, timeout: 200ms } }] } }\n\
         \x20 store: { cpu: 1 vCPU, memory: 2 GiB, desired_count: 1, load_balancers: [],\n\
         \x20   operations: { put: [{ cpu: { exponential: { mean: 15ms } } }] } }\n\
         traffic: { users: { to: web, rate: 50/s, timeout: 1s, requests: [{ name: a, weight: 3, get: /a }, { name: b, get: /b }] } }\n\
         duration: 60s\nwarm_up: 7s\n"
            .to_owned(),
    );
    let mut cut = whole.clone();
    let windows = 35;
    cut.transient.cut = Span::from_nanos(windows as u64 * whole.timeline_window().nanos());
    assert_eq!(
        (cut.horizon(), cut.timeline_window()),
        (whole.horizon(), whole.timeline_window())
    );
    let (whole, cut) = (run_once(&whole, 3), run_once(&cut, 3));
    assert!(
        whole.failures.iter().any(|failure| failure.requests > 0),
        "some fail, so that the test sees them"
    );
    for class in (0..whole.classes.len()).map(ClassIx::from_usize) {
        let rest = &whole.timeline.class(class)[windows..];
        assert_eq!(cut.timeline.class(class), rest, "the windows of {class:?}");
        let totals = cut.class_totals(Some(class));
        let (outcomes, latency) = (totals.outcomes, totals.latency_sum);
        assert_eq!(
            outcomes.offered(),
            rest.iter().map(|window| window.offered()).sum::<u64>()
        );
        assert_eq!(
            outcomes.served(),
            rest.iter().map(|window| window.served()).sum::<u64>()
        );
        assert_eq!(
            latency,
            rest.iter().map(|window| u128::from(window.latency_sum)).sum::<u128>()
        );
    }
    for service in (0..2).map(ServiceIx) {
        assert_eq!(
            cut.timeline.service(service),
            &whole.timeline.service(service)[windows..]
        );
    }
    assert_eq!(cut.timeline.sent(), &whole.timeline.sent()[windows..]);
    assert_eq!(cut.timeline.refusals(), &whole.timeline.refusals()[windows..]);
    let bounds = |record: &wavetank::probe::RunRecord, window| record.timeline.windows().bounds(window);
    assert_eq!(
        bounds(&cut, 0),
        bounds(&whole, windows),
        "the windows keep their borders"
    );
}

/// M/M/1 at 90 % from empty: the relaxation time 1/(1 − √ρ)² is 380 s, so in 1,000 s the filling shows in four of ten
/// experiments of ten runs (`docs/statistics.md`), and twelve without it are one in 460.
#[test]
fn a_queue_that_fills_up_is_measured_once_it_has() {
    let experiment = |seed: u64| performed(queue("0.9/s", "1000s", &format!("seed: {seed}")), 2);
    let outcome = (1..=12)
        .map(experiment)
        .find(|outcome| !outcome.blueprint.transient.cut.is_zero())
        .expect("one of twelve shows it");
    let cut = outcome.blueprint.transient.cut;
    assert!(cut.seconds() <= 1000.0 / 3.0, "{cut}");
    let pool = Pool::new(&outcome.blueprint, &outcome.records);
    let text = summary::text(&pool, None, "wavetank run steady.yaml");
    let told = format!("Measured     from {} on: MSER-5 cut the first", duration(cut.seconds()));
    assert!(text.contains(&told), "{text}");
    assert!(summary::markdown::text(&pool, None, "").contains("MSER-5 cut the first"));
    let first = tables::one(&pool, "timeline").expect("a timeline").to_json()[0]["time_s"].as_f64();
    assert_eq!(first, Some(cut.seconds()), "times stay those of the scenario");
    assert!(
        outcome
            .records
            .iter()
            .all(|record| record.measured + cut == Span::from_secs(1000))
    );
}

/// At 130 % the queue grows for ever.
#[test]
fn a_queue_that_never_settles_is_not_stationary_and_not_cut() {
    let outcome = performed(queue("1.3/s", "1000s", ""), 2);
    assert!(outcome.blueprint.transient.cut.is_zero());
    let told = warnings::all(&Pool::new(&outcome.blueprint, &outcome.records));
    assert!(
        told.iter().any(|warning| warning.starts_with("not stationary: ")),
        "{told:?}"
    );
    let quiet = performed(queue("1.3/s", "1000s", "experiment: { truncation: none }"), 2);
    let told = warnings::all(&Pool::new(&quiet.blueprint, &quiet.records));
    assert!(
        !told.iter().any(|warning| warning.contains("stationary")),
        "nobody was to look: {told:?}"
    );
}

/// The decision is folded in the order of the runs.
#[test]
fn the_cut_does_not_depend_on_the_number_of_threads() {
    let of = |threads| {
        let outcome = performed(queue("0.9/s", "3000s", "experiment: { replications: 6 }"), threads);
        let sums: Vec<u128> = outcome
            .records
            .iter()
            .map(|record| record.class_totals(None).latency_sum)
            .collect();
        (outcome.blueprint.transient, sums)
    };
    assert_eq!(of(1), of(3));
}
