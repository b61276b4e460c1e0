//! What is only doubted, and that nothing is said twice or missed: one test for each.

use super::rules::{codes, web};
use super::*;

#[test]
fn doubts_queues_that_grow_and_only_those() {
    let load = |service: &str, rest: &str| codes(&web(service, rest));
    // 10/s × 20 ms on 1 vCPU.
    assert_eq!(load("cpu: 256\nmemory: 512 MiB", ""), []);
    assert_eq!(
        load("operations: { get: [{ cpu: 100ms }] }", ""),
        [Code::QueueWithoutBound]
    );
    assert_eq!(load("operations: { get: [{ cpu: 100ms }] }\ndesired_count: 2", ""), []);
    assert_eq!(
        load(
            "operations: { get: [{ cpu: 100ms }] }\nauto_scaling: { min_capacity: 1, max_capacity: 2 }",
            ""
        ),
        []
    );
    assert_eq!(
        load(
            "operations: { get: [{ wait: 1s }] }\nruntime: { thread_pool: { workers: 9 } }",
            ""
        ),
        [Code::QueueWithoutBound]
    );
    assert_eq!(
        load(
            "operations: { get: [{ wait: 1s }] }\nruntime: { thread_pool: { workers: 11 } }",
            ""
        ),
        []
    );
    assert_eq!(
        load(
            "operations: { get: [{ cpu: 60ms }] }\ncpu: 4 vCPU\nruntime: { event_loop: { loops: 1 } }",
            "traffic: { users: { to: web, rate: 20/s } }"
        ),
        [Code::QueueWithoutBound]
    );
    let calls = "operations: { get: [{ parallel: [[{ call: { to: db } }], [{ call: { to: db } }]] }] }";
    assert_eq!(
        load(calls, "dependencies: { db: { slots: 1, service_time: 60ms } }"),
        [Code::QueueWithoutBound]
    );
    assert_eq!(
        load(calls, "dependencies: { db: { slots: 2, service_time: 60ms } }"),
        []
    );
    // Only the peak of a profile is too much; it says from when on.
    let peak = parse(&web(
        "operations: { get: [{ cpu: 50ms }] }",
        "traffic: { users: { to: web, rate: { steps: [[0s, 1/s], [3m, 30/s], [4m, 1/s]] } } }",
    ));
    assert!(peak.check().render(Style::Plain).contains("from 3m on"));
}

#[test]
fn doubts_start_ups_that_checks_cut_short() {
    let start = |said: &str| codes(&web(said, ""));
    assert_eq!(start("start_up: 29s"), []);
    assert_eq!(start("start_up: 90s"), [Code::StartUpOutlastsChecks]);
    // 90 s to start and then five checks of 30 s to recover.
    assert_eq!(
        start("start_up: 90s\nhealth_check_grace_period: 2m"),
        [Code::StartUpOutlastsChecks]
    );
    assert_eq!(start("start_up: 90s\nhealth_check_grace_period: 5m"), []);
    // 20 s of work take 20 s on a vCPU and 80 s on a quarter of one.
    assert_eq!(start("start_up_cpu: 20s"), []);
    assert_eq!(
        start("start_up_cpu: 20s\ncpu: 0.25 vCPU"),
        [Code::StartUpOutlastsChecks]
    );
    let own = "load_balancers: []\nstart_up: 100s\ncontainers: { app: { health_check: { interval: 10s, retries: 3, start_period: PERIOD } } }";
    assert_eq!(start(&own.replace("PERIOD", "30s")), [Code::StartUpOutlastsChecks]);
    assert_eq!(start(&own.replace("PERIOD", "90s")), []);
}

#[test]
fn a_wrong_form_casts_no_doubt_on_what_hangs_on_it() {
    for (text, expected) in [
        (
            "duration: 1x\nservices: 5\ntraffic: { users: { to: web, rate: 1/s } }\n",
            vec![Code::MalformedQuantity, Code::WrongKind],
        ),
        (
            "duration: 1h\nservices: { web: { operations: 3 } }\ntraffic: { users: { to: web, rate: 1/s } }\n",
            vec![Code::WrongKind],
        ),
        (
            "duration: ten\nservices: { web: { operations: { get: [{ cpu: 1ms }] } } }\nevents: [{ at: 5m, task_crash: { service: web, count: 1 } }]\n",
            vec![Code::MalformedQuantity],
        ),
    ] {
        assert_eq!(codes(text), expected, "{text}");
    }
}

#[test]
fn what_is_wrong_is_told_in_one_go_and_without_its_consequences() {
    let calls = "operations: { get: [{ call: { to: nowhere } }] }\ntask_definition: missing";
    assert_eq!(codes(&web(calls, "")), [Code::UnknownName, Code::UnknownName]);
    let spread = "operations: { get: [{ cpu: { lognormal: { mean: 20ms, cv: wide } } }] }";
    let found = codes(&web(spread, ""));
    assert_eq!(found.len(), 1, "the mean alone is only a consequence: {found:?}");
    assert_ne!(found, [Code::DistributionParameters]);
    for misspelt in ["operatons", "operation", "Operations"] {
        let text = format!(
            "duration: 1h\nservices: {{ web: {{ {misspelt}: {{ get: [{{ cpu: 1ms }}] }} }} }}\ntraffic: {{ users: {{ to: web, rate: 1/s }} }}\n"
        );
        assert_eq!(codes(&text), [Code::UnknownKey], "{misspelt}");
    }
    assert_eq!(codes(&web("operations: {}", "")), [Code::NoOperations]);
}

#[test]
fn a_lone_quantity_is_shown_its_key() {
    let hints = |text: &str| -> Vec<_> {
        let found = super::parse(&web(text, "")).check();
        found.iter().filter_map(|problem| problem.hint.clone()).collect()
    };
    assert_eq!(
        hints("operations: { get: [{ cpu: { exponential: 1s } }] }"),
        ["write `{ mean: 1s }`"]
    );
    // It could be a mean or a median: nothing is guessed.
    assert!(hints("operations: { get: [{ cpu: { lognormal: 1s } }] }").is_empty());
}

#[test]
fn a_service_is_never_set_to_more_tasks_than_it_may_have() {
    let later = |count: u32| {
        codes(&web(
            "",
            &format!("events: [{{ at: 1m, set_desired_count: {{ web: {count} }} }}]"),
        ))
    };
    assert!(!later(5000).contains(&Code::OutOfRange));
    assert!(later(5001).contains(&Code::OutOfRange));
}

#[test]
fn a_queue_that_is_kept_short_by_refusals_or_a_brown_out_is_not_doubted() {
    let load = |service: &str| codes(&web(service, ""));
    let overloaded = "operations: { get: [{ cpu: 200ms }] }";
    assert_eq!(load(overloaded), [Code::QueueWithoutBound]);
    for bounded in [
        "concurrency_limit: 200",
        "load_shedding: { rules: [{ from: 80% }] }",
        "runtime: { thread_pool: { workers: 9 } }\nqueue: { timeout: 1s }",
    ] {
        assert_eq!(load(&format!("{overloaded}\n{bounded}")), [], "{bounded}");
    }
    assert_eq!(
        load(&format!("{overloaded}\nrate_limit: {{ rate: 1000/s }}")),
        [Code::QueueWithoutBound],
        "a limit above what it can do bounds nothing"
    );
    // 10/s × 40 ms must be done; with what is optional it is more than there is.
    let brown_out = |must: u32| {
        load(&format!(
            "operations: {{ get: [{{ cpu: {must}ms }}, {{ optional: [{{ cpu: 200ms }}] }}] }}\nbrown_out: {{ target_response_time: 1s }}"
        ))
    };
    assert_eq!(brown_out(40), []);
    assert_eq!(brown_out(200), [Code::QueueWithoutBound]);
}
