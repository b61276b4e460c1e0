//! Candidates from words, by hand.

use super::*;
use crate::scenario::tests::parse;

const WEB: &str = "
cluster: { availability_zones: [us-east-1a, us-east-1b] }
services: { web: { cpu: 1 vCPU, memory: 2 GiB, desired_count: 3, operations: { get: [{ cpu: 20ms }] } } }
traffic: { users: { to: web, rate: 10/s } }
duration: 10m
objectives: [{ name: quick, latency: { p99: 500ms } }]
";

fn size(words: &str) -> Candidates {
    let scenario = parse(&format!("{WEB}experiment: {{ size: {{ {words} }} }}\n"));
    let (_, found) = scenario.resolve();
    assert!(!found.has_errors(), "{}", found.render(crate::scenario::Style::Plain));
    match scenario.candidates() {
        Ok(candidates) => candidates.expect("a size is there"),
        Err(found) => panic!("{}", found.render(crate::scenario::Style::Plain)),
    }
}

fn names(candidates: &Candidates) -> Vec<&str> {
    candidates
        .list
        .iter()
        .map(|candidate| candidate.name.as_str())
        .collect()
}

#[test]
fn every_combination_is_a_candidate_and_what_fargate_does_not_have_is_left_out() {
    let all = size(
        "over: { services.web.cpu: [0.25 vCPU, 1 vCPU], services.web.memory: { from: 2 GiB, to: 4 GiB, step: 2 GiB } }",
    );
    assert_eq!(
        names(&all),
        [
            "cpu=0.25 vCPU, memory=2 GiB",
            "cpu=1 vCPU, memory=2 GiB",
            "cpu=1 vCPU, memory=4 GiB"
        ]
    );
    assert_eq!(all.left_out.len(), 1);
    assert_eq!(all.left_out[0].name, "cpu=0.25 vCPU, memory=4 GiB");
    assert!(all.left_out[0].reason.contains("WT0407"), "{}", all.left_out[0].reason);
    let last = &all.list[2].blueprints[0];
    assert_eq!(last.task_definitions[0].memory.0, 4096);
}

#[test]
fn alternatives_change_together_and_are_called_by_their_names() {
    let all = size(
        "over: { services.web.desired_count: [2, 4] }, alternatives: { \
         services.web.cpu: { small: 0.5 vCPU, large: 2 vCPU }, services.web.memory: { large: 4 GiB, small: 1 GiB } }",
    );
    assert_eq!(
        names(&all),
        [
            "desired_count=2, small",
            "desired_count=2, large",
            "desired_count=4, small",
            "desired_count=4, large"
        ]
    );
    assert_eq!(
        all.list[1].settings,
        [
            ("services.web.desired_count", "2"),
            ("services.web.cpu", "2 vCPU"),
            ("services.web.memory", "4 GiB")
        ]
        .map(|(path, value)| (path.to_owned(), value.to_owned()))
    );
}

#[test]
fn every_zone_is_lost_in_turn_in_a_situation_of_its_own() {
    let all = size("over: { services.web.desired_count: [2] }, through: zone_loss");
    assert_eq!(
        all.situations,
        ["as written", "loss of us-east-1a", "loss of us-east-1b"]
    );
    let events: Vec<usize> = all.list[0]
        .blueprints
        .iter()
        .map(|blueprint| blueprint.events.len())
        .collect();
    assert!(events[0] == 0 && events[1] > 0 && events[1] == events[2], "{events:?}");
}

#[test]
fn what_ifs_replace_values_and_add_events() {
    let all = size(
        "over: { services.web.desired_count: [2] }, through: { \
         crowd: { set: { traffic.users.rate: 40/s } }, \
         worst: { zone_loss: { zones: [us-east-1b], at: 1m }, events: [{ at: 2m, set_desired_count: { web: 5 } }] } }",
    );
    assert_eq!(all.situations, ["as written", "crowd", "worst: loss of us-east-1b"]);
    let blueprints = &all.list[0].blueprints;
    assert!(blueprints[1].events.is_empty() && blueprints[2].events.len() >= 2);
}

#[test]
fn a_path_that_leads_nowhere_and_a_wrong_what_if_are_mistakes() {
    for (words, code) in [
        (
            "over: { services.web.desired_cuont: [2, 3], services.wbe.cpu: [1 vCPU] }",
            Code::UnknownPath,
        ),
        (
            "over: { services.web.desired_count: [2] }, through: { x: { set: { traffic.usres.rate: 4/s } } }",
            Code::UnknownPath,
        ),
    ] {
        let found = parse(&format!("{WEB}experiment: {{ size: {{ {words} }} }}\n")).check();
        let codes: Vec<Code> = found.iter().map(|found| found.code).collect();
        assert!(
            !codes.is_empty() && codes.iter().all(|found| *found == code),
            "{codes:?}"
        );
    }
}

#[test]
fn the_command_line_adds_to_what_is_chosen_from() {
    let scenario = parse(WEB).over("services.web.desired_count", "2,3").expect("values");
    let all = scenario.candidates().expect("right").expect("a size");
    assert_eq!(names(&all), ["desired_count=2", "desired_count=3"]);
}
