//! The rules of what a run answers, from end to end: what is counted, what has an interval, and what is undecided.

use std::num::NonZeroUsize;
use wavetank::blueprint::Blueprint;
use wavetank::cli::run_once;
use wavetank::experiment::replicate::Workers;
use wavetank::experiment::{Cancel, Outcome, Plan, Variant, verdict};
use wavetank::probe::{Pool, Precision, Verdict};
use wavetank::report::provenance::Provenance;
use wavetank::report::summary::{self, markdown, warnings};
use wavetank::report::words::counted;
use wavetank::scenario::{Scenario, Style};
use wavetank::sim::observation::Outcome as Ending;

fn blueprint(text: &str) -> Blueprint {
    let scenario = Scenario::parse("answers.yaml", text.to_owned(), std::path::Path::new("")).expect("it is a map");
    let (blueprint, found) = scenario.resolve();
    blueprint.unwrap_or_else(|| panic!("{}", found.render(Style::Plain)))
}

fn performed(text: &str) -> Outcome {
    let blueprint = blueprint(text);
    let plan = Plan {
        replications: blueprint.replications,
        most: blueprint.replications,
        variants: &[Variant {
            name: blueprint.name.clone(),
            blueprint,
        }],
    };
    let workers = Workers::new(NonZeroUsize::MIN);
    let mut outcomes = plan.perform(&workers, &Cancel::default(), run_once, |_| true, |_, _| {});
    outcomes.remove(0)
}

/// A request a second, each served in five seconds, for ten seconds.
fn slow(run_out: &str) -> Outcome {
    performed(&format!(
        "services: {{ q: {{ load_balancers: [], runtime: unbounded, operations: {{ get: [{{ wait: 5s }}] }} }} }}\n\
         cluster: {{ network: none }}\n\
         traffic: {{ customers: {{ to: q, rate: 1/s, arrivals: regular }} }}\n\
         duration: 10s\nlimits: {{ run_out: {run_out} }}\nexperiment: {{ replications: 2, truncation: none }}\n"
    ))
}

#[test]
fn requests_in_flight_at_the_horizon_are_run_to_their_end_or_end_as_unfinished() {
    let whole = slow("1m");
    for record in &whole.records {
        let totals = record.class_totals(None);
        assert_eq!(totals.outcomes.offered(), totals.outcomes.served());
        let five_seconds = 5_000_000_000 * u128::from(totals.outcomes.served());
        assert_eq!(
            totals.latency_sum, five_seconds,
            "also of those that end behind the horizon"
        );
    }
    // Whoever arrives in the last three seconds is served more than two seconds behind the horizon.
    for record in &slow("2s").records {
        let outcomes = record.class_totals(None).outcomes;
        assert_eq!((outcomes.offered(), outcomes.of(Ending::Unfinished)), (10, 3));
    }
}

/// A queue whose mean latency, 5 s by theory, is asked to be at most what is seen.
const CLOSE: &str = "\
services: { q: { load_balancers: [], runtime: { thread_pool: { workers: 1 } }, operations: { get: [{ wait: { exponential: { mean: 1s } } }] } } }
cluster: { network: none }
traffic: { customers: { to: q, rate: 0.8/s } }
duration: 1000s
warm_up: 200s
objectives:
  - { name: quick, latency: { mean: 4500ms } }
";

#[test]
fn an_undecided_objective_says_everywhere_how_many_runs_would_decide_it() {
    let outcome = performed(CLOSE);
    let pool = Pool::new(&outcome.blueprint, &outcome.records);
    let judgement = &pool.judge()[0];
    assert_eq!(judgement.verdict, Verdict::Undecided, "{judgement:?}");
    let needed = verdict::runs_to_decide(&judgement.worst, judgement.runs).expect("a number");
    assert!(needed > 10);
    let told = format!("about {} would decide", counted(needed as usize, "run"));
    // Lines are broken between words.
    let text = summary::text(&pool, None, "");
    assert!(
        text.split_whitespace().collect::<Vec<_>>().join(" ").contains(&told),
        "{text}"
    );
    let text = markdown::text(&pool, None, "");
    assert!(text.contains(&format!("| **undecided**, {told} |")), "{text}");
    let json = summary::json(&pool, &provenance());
    assert_eq!(json["objectives"][0]["replications_to_decide"], needed);
}

fn provenance() -> Provenance {
    Provenance {
        command: String::new(),
        scenario: String::new(),
        scenario_hash: String::new(),
        settings: Vec::new(),
    }
}

/// Ten runs of about 800 requests: 80 lie beyond p99, 400 beyond p95. Nine runs are too few for any.
#[test]
fn too_few_runs_or_requests_for_a_percentile_are_told_in_those_words() {
    let outcome = performed(CLOSE);
    let pool = Pool::new(&outcome.blueprint, &outcome.records);
    let precision = |pool: &Pool, quantile| {
        let estimate = pool.requests(None).latencies().quantile_ms(quantile);
        estimate.expect("requests are served").precision
    };
    assert!(matches!(precision(&pool, 0.95), Precision::Between { .. }));
    assert_eq!(precision(&pool, 0.99), Precision::TooFewRequests);
    let told = warnings::all(&pool);
    let words = "too few requests for an interval of p99, p99.9 of customers";
    assert!(told.iter().any(|warning| warning.starts_with(words)), "{told:?}");
    let nine = Pool::new(&outcome.blueprint, &outcome.records[..9]);
    assert_eq!(precision(&nine, 0.5), Precision::TooFewRuns);
    let told = warnings::all(&nine);
    assert!(
        told.iter()
            .any(|warning| warning == "9 runs: percentiles have no interval under 10"),
        "{told:?}"
    );
}

/// No request fails: the share served has no spread between runs, which is no proof that none ever fails.
#[test]
fn what_never_happened_has_no_interval_of_no_width() {
    let text = format!("{CLOSE}  - {{ name: served, availability: 99.9% }}\n");
    let outcome = performed(&text);
    let pool = Pool::new(&outcome.blueprint, &outcome.records);
    let served = pool.requests(None).availability().expect("requests came");
    assert_eq!((served.value, served.precision), (1.0, Precision::AllAgree));
    let judgement = &pool.judge()[1];
    let share = verdict::share_of_runs(judgement).expect("there are runs");
    // Of ten runs in which all went well, exactly: 0.025^(1/10).
    assert!((share.low - libm::pow(0.025, 0.1)).abs() < 1e-12 && share.high == 1.0);
    let told = summary::text(&pool, None, "");
    assert!(told.contains("met in 10 of 10 runs (69 to 100 % of them)"), "{told}");
}

/// One request in a million is a purchase.
#[test]
fn an_objective_of_requests_that_did_not_come_is_undecided_and_said_to_say_nothing() {
    let outcome = performed(
        "services: { q: { load_balancers: [], runtime: unbounded, operations: { get: [{ wait: 10ms }] } } }\n\
         traffic: { users: { to: q, rate: 10/s, requests: [{ name: browse, get: / }, { name: buy, get: /, weight: 0.000001 }] } }\n\
         duration: 10s\nexperiment: { replications: 2 }\n\
         objectives: [{ name: quick, requests: buy, latency: { mean: 1s } }]\n",
    );
    let pool = Pool::new(&outcome.blueprint, &outcome.records);
    assert_eq!(pool.judge()[0].verdict, Verdict::Undecided);
    let told = warnings::all(&pool);
    let words = "no request `buy` came for the objective `quick`: it says nothing";
    assert!(told.iter().any(|warning| warning == words), "{told:?}");
}

#[test]
fn an_objective_of_requests_that_cannot_come_is_refused() {
    let refused = |traffic: &str, objective: &str| {
        let text = format!(
            "services: {{ q: {{ operations: {{ get: [{{ wait: 10ms }}] }} }} }}\n\
             traffic: {{ users: {{ to: q, {traffic} }} }}\nduration: 10m\n\
             objectives: [{{ name: quick, latency: {{ mean: 1s }}, {objective} }}]\n"
        );
        let scenario = Scenario::parse("answers.yaml", text, std::path::Path::new("")).expect("it is a map");
        let (blueprint, found) = scenario.resolve();
        let told = found.render(Style::Plain);
        assert_eq!(blueprint.is_none(), told.contains("WT1170"), "{told}");
        blueprint.is_none()
    };
    assert!(!refused("rate: 1/s", ""));
    assert!(refused("rate: 0/s", ""), "no rate");
    let twice = "rate: { steps: [[0s, 0/s], [5m, 10/s]] }";
    assert!(!refused(twice, ""));
    assert!(refused(twice, "during: [1m, 5m]"), "no rate yet");
    assert!(!refused(twice, "during: [1m, 6m]"));
    assert!(!refused(twice, "during: [6m, 8m]"), "the last step lasts");
    let two = "rate: 1/s, requests: [{ name: browse, get: / }, { name: buy, get: /, weight: 0 }]";
    assert!(!refused(two, "") && !refused(two, "requests: browse"));
    assert!(refused(two, "requests: buy"), "no weight");
}
