//! When faults come and go, worked out by hand.

use crate::scenario::{Scenario, Style};
use crate::sim::observation::{EventKind, Observation, Observer, RequestFinished};
use crate::sim::run::run;
use std::path::Path;

/// Faults as they are told: second, what, `begins` or `ends`.
#[derive(Default)]
struct Told(Vec<(f64, String, String)>);

impl Observer for Told {
    fn request_finished(&mut self, _: &RequestFinished) {}

    fn observed(&mut self, observation: Observation) {
        if let Observation::Happened(event) = observation
            && event.kind == EventKind::Fault
        {
            self.0.push((event.at.seconds(), event.reason, event.to));
        }
    }
}

/// What is told of these events in ten minutes, in a run.
fn told(events: &str, replication: u32) -> Vec<(f64, String, String)> {
    let text = format!(
        "services: {{ web: {{ load_balancers: [], operations: {{ get: [{{ wait: 20ms }}] }} }} }}\n\
         traffic: {{ users: {{ to: web, rate: 1/s }} }}\n\
         duration: 10m\n\
         events:\n{events}"
    );
    let scenario = Scenario::parse("small.yaml", text.clone(), Path::new(""));
    let scenario = scenario.unwrap_or_else(|wrong| panic!("{}\n{text}", wrong.render(Style::Plain)));
    let (blueprint, found) = scenario.resolve();
    let blueprint = blueprint.unwrap_or_else(|| panic!("{}\n{text}", found.render(Style::Plain)));
    let mut told = Told::default();
    run(&blueprint, replication, &mut told);
    told.0
}

fn seconds(events: &str) -> Vec<f64> {
    told(events, 0).into_iter().map(|(second, ..)| second).collect()
}

#[test]
fn a_fault_comes_again_so_long_after_each_beginning_until_its_last() {
    let seen = seconds("- { at: 1m, every: 2m, lasting: 30s, until: 5m, registry_outage: all }");
    assert_eq!(seen, [60.0, 90.0, 180.0, 210.0, 300.0, 330.0]);
}

#[test]
fn what_happens_at_once_comes_again_too() {
    let seen = told("- { at: 1m, every: 4m, task_crash: { service: web, count: 1 } }", 0);
    let seen: Vec<(f64, &str)> = seen.iter().map(|(at, _, to)| (*at, to.as_str())).collect();
    assert_eq!(seen, [(60.0, "begins"), (300.0, "begins"), (540.0, "begins")]);
}

#[test]
fn flapping_begins_in_trouble_and_a_random_fault_in_order() {
    let flapping = seconds("- { at: 1m, flapping: { down: 20s, up: 100s }, until: 4m, registry_outage: all }");
    assert_eq!(flapping, [60.0, 80.0, 180.0, 200.0]);
    // From the beginning on: 100 s in order, 20 s in trouble.
    let constant = "time_between_failures: { constant: 100s }, time_to_repair: { constant: 20s }";
    let random = seconds(&format!(
        "- {{ random: {{ {constant} }}, until: 5m, registry_outage: all }}"
    ));
    assert_eq!(random, [100.0, 120.0, 220.0, 240.0]);
}

#[test]
fn a_plain_time_between_failures_is_the_mean_of_an_exponential_one() {
    let random = "- { random: { time_between_failures: 10s, time_to_repair: 2s }, registry_outage: all }";
    let (first, again) = (told(random, 0), told(random, 0));
    assert_eq!(first, again, "the same run has the same luck");
    assert_ne!(first, told(random, 1), "another has another");
    // 600 s in cycles of 12 s: 50; the standard deviation of a renewal count is √(600 × (100 + 4) / 12³) = 6.
    let cycles = first.iter().filter(|(.., to)| to == "begins").count();
    assert!(
        (26..=74).contains(&cycles),
        "{cycles} failures are 4 standard deviations off 50"
    );
}

#[test]
fn faults_of_one_cause_begin_and_end_together() {
    let rack = "- { name: rack, at: 1m, lasting: 60s, registry_outage: all }\n\
                - { together_with: rack, zone_outage: us-east-1a }\n\
                - { together_with: rack, lasting: 10s, logs_outage: all }";
    let seen = told(rack, 0);
    let seen: Vec<(f64, &str, &str)> = seen
        .iter()
        .map(|(at, what, to)| (*at, what.as_str(), to.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            (60.0, "registry_outage", "begins"),
            (60.0, "zone_outage us-east-1a", "begins"),
            (60.0, "logs_outage", "begins"),
            (70.0, "logs_outage", "ends"),
            (120.0, "registry_outage", "ends"),
            (120.0, "zone_outage us-east-1a", "ends"),
        ]
    );
}

#[test]
fn a_fault_of_a_probability_comes_as_often_as_it_says() {
    let rack = "- { name: rack, at: 0s, every: 1s, lasting: 500ms, registry_outage: all }\n\
                - { together_with: rack, probability: 25%, logs_outage: all }";
    let seen = told(rack, 0);
    let begun = |label| {
        let of_it = |row: &&(f64, String, String)| row.1 == label && row.2 == "begins";
        seen.iter().filter(of_it).count()
    };
    // 600 chances; the run may go on a little to answer its last requests.
    let (leader, follower) = (begun("registry_outage") as f64, begun("logs_outage") as f64);
    assert!((600.0..=602.0).contains(&leader), "{leader}");
    // A binomial's standard deviation is √(600 × 1/4 × 3/4) = 10.6.
    assert!((follower - leader / 4.0).abs() < 4.0 * 10.6, "{follower} of {leader}");
}

#[test]
fn another_fault_before_it_changes_nothing_of_a_faults_luck() {
    let random = "random: { time_between_failures: 60s, time_to_repair: 10s }";
    let of_logs = |events: &str| {
        let mut told = told(events, 0);
        told.retain(|(_, what, _)| what == "logs_outage");
        told
    };
    let alone = of_logs(&format!("- {{ {random}, logs_outage: all }}"));
    assert!(!alone.is_empty());
    let other = format!("- {{ {random}, registry_outage: all }}\n");
    assert_eq!(of_logs(&format!("{other}- {{ {random}, logs_outage: all }}")), alone);
    // Two of a kind have their own luck each, and so has one with a name.
    let twice = of_logs(&format!(
        "- {{ {random}, logs_outage: all }}\n- {{ {random}, logs_outage: all }}"
    ));
    assert!(alone.iter().all(|row| twice.contains(row)) && twice.len() > alone.len());
    let named = of_logs(&format!("- {{ name: dark, {random}, logs_outage: all }}"));
    assert_ne!(named, alone);
}
