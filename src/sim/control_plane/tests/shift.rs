//! LINEAR and CANARY, and what supersedes a deployment in the middle of its shift. Blue and green are those of
//! `blue_green`: green is healthy 30 s after its deployment began, and a task that leaves is STOPPED after 42 s.

use super::blue_green::{blue_green, meter, revisions, shifts, with_alarm};
use super::harness::{Stage, owned};
use super::hooks::{failing, lambda};
use crate::blueprint::*;
use crate::sim::observation::{EventKind, Observation};
use crate::sim::signal::Order;
use crate::units::Span;

fn portion(tenths: u32, seconds: u64) -> Portion {
    Portion {
        share: TrafficShare::from_tenths(tenths).expect("a share"),
        bake: Span::from_secs(seconds),
    }
}

pub fn linear(desired: u32, tenths: u32, seconds: u64) -> Blueprint {
    let mut blueprint = blue_green(desired);
    blueprint.services[0].deployment.strategy = DeploymentStrategy::Linear(portion(tenths, seconds));
    blueprint
}

pub fn canary(desired: u32, tenths: u32, seconds: u64) -> Blueprint {
    let mut blueprint = blue_green(desired);
    blueprint.services[0].deployment.strategy = DeploymentStrategy::Canary(portion(tenths, seconds));
    blueprint
}

/// Deployed at 100.
fn deployed(blueprint: &Blueprint) -> Stage<'_> {
    let mut stage = Stage::new(blueprint);
    stage.run_until(100.0);
    stage.deploy(1);
    stage
}

#[test]
fn linear_moves_the_weights_step_by_step_and_bakes_between_the_steps_but_not_after_the_last() {
    // Steps at 131, 191, 251 and 311; the bake time of 120 s follows the last at once; 431: blue goes, STOPPED at 473.
    let blueprint = linear(4, 250, 60);
    let mut stage = deployed(&blueprint);
    stage.run_until(600.0);
    let expected = [
        (101.0, "start 4"),
        (131.0, "shift traffic to 25 %"),
        (191.0, "shift traffic to 50 %"),
        (251.0, "shift traffic to 75 %"),
        (311.0, "shift traffic"),
        (431.0, "stop 4"),
        (474.0, "complete"),
    ];
    assert_eq!(stage.steps(), owned(&expected));
    let weights = [(131.0, 750, 250), (191.0, 500, 500), (251.0, 250, 750), (311.0, 0, 100)];
    assert_eq!(shifts(&stage), weights);
    assert_eq!(revisions(&stage), [1; 4]);
}

#[test]
fn a_canary_bakes_and_the_rest_follows_at_once() {
    // 0.1 % at 131, the rest at 431, blue goes at 551.
    let blueprint = canary(2, 1, 300);
    let mut stage = deployed(&blueprint);
    stage.run_until(700.0);
    assert_eq!(shifts(&stage), [(131.0, 999, 1), (431.0, 0, 100)]);
    assert_eq!(stage.outcomes(), [("COMPLETED", 594.0)]);
}

#[test]
fn other_groups_of_the_rule_keep_their_share_while_the_pair_shifts() {
    // Blue 100 and another 50: at 25 % of the pair, blue has 75, green 25, all times 1000.
    let mut blueprint = linear(2, 250, 60);
    blueprint.target_groups.push(super::harness::target_group("other"));
    let Action::Forward(groups) = &mut blueprint.load_balancers[0].listeners[0].default_action else {
        unreachable!("it forwards")
    };
    groups.push(WeightedGroup {
        target_group: TargetGroupIx(2),
        weight: 50,
    });
    let mut stage = deployed(&blueprint);
    stage.run_until(140.0);
    assert_eq!(shifts(&stage), [(131.0, 75_000, 25_000)]);
    let other = stage.orders.iter().find_map(|(_, order)| match order {
        Order::SetWeights { groups, .. } => Some(groups[0]),
        _ => None,
    });
    assert_eq!(other.expect("weights were set").weight, 50_000);
}

#[test]
fn an_alarm_between_two_steps_gives_all_traffic_back_at_once() {
    // The minute that ends at 180 has errors, published at 240; 241: back from 25 %; green is STOPPED at 283.
    let blueprint = with_alarm(linear(4, 250, 180), true);
    let mut stage = deployed(&blueprint);
    stage.run_until(180.0);
    meter(&mut stage, 2, 50);
    stage.run_until(600.0);
    assert_eq!(shifts(&stage), [(131.0, 750, 250), (241.0, 100, 0)]);
    assert_eq!(stage.outcomes(), [("ROLLED_BACK", 284.0)]);
    assert_eq!(revisions(&stage), [0; 4]);
}

#[test]
fn an_alarm_between_two_steps_without_rollback_leaves_the_weights_where_they_are_and_keeps_both_colours() {
    // A blue task that crashes at 300 is made good although the deployment has failed.
    let blueprint = with_alarm(linear(2, 250, 180), false);
    let mut stage = deployed(&blueprint);
    stage.run_until(180.0);
    meter(&mut stage, 2, 50);
    stage.run_until(300.0);
    let blue = stage.control.services[0].tasks[0];
    stage.act(|control, cx| control.container_exited(cx, blue, 0, 1));
    stage.run_until(600.0);
    assert_eq!(stage.outcomes(), [("FAILED", 241.0)]);
    assert_eq!(shifts(&stage), [(131.0, 750, 250)]);
    assert_eq!(revisions(&stage), [0, 1, 1, 0]);
}

#[test]
fn a_deployment_over_one_in_the_middle_of_its_shift_first_gives_blue_all_traffic() {
    // 150: revision 2 while green has 25 %; 151: weights back, green goes, STOPPED at 193; 194: on; 195: start, healthy at
    // 224; 225: first step.
    let blueprint = linear(2, 250, 60);
    let mut stage = deployed(&blueprint);
    stage.run_until(150.0);
    stage.deploy(2);
    stage.run_until(230.0);
    assert_eq!(shifts(&stage), [(131.0, 750, 250), (151.0, 100, 0), (225.0, 750, 250)]);
    assert_eq!(stage.outcomes(), [("STOPPED", 150.0)]);
    assert_eq!(revisions(&stage), [0, 0, 2, 2]);
}

#[test]
fn a_deployment_over_a_shift_whose_green_is_gone_reconciles_first_and_leaves_no_traffic_with_an_empty_group() {
    // 131: 25 %. Nothing is wanted from 150 on: 151: all go, STOPPED at 193. 200: two are wanted again, of revision 2; 201:
    // nobody but blue can answer, so it has all traffic before it is whole, at 230; 202: green starts, healthy at 231; the
    // pass that blue's health has asked for at 230 sees it at 231: 25 %.
    let blueprint = linear(2, 250, 600);
    let mut stage = deployed(&blueprint);
    stage.run_until(150.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 0, "test"));
    stage.run_until(200.0);
    assert!(stage.control.services[0].tasks.is_empty());
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 2, "test"));
    stage.deploy(2);
    stage.run_until(240.0);
    assert_eq!(shifts(&stage), [(131.0, 750, 250), (201.0, 100, 0), (231.0, 750, 250)]);
    let created = stage.created();
    assert_eq!(created[created.len() - 4..], [201.0, 201.0, 202.0, 202.0]);
    let stages = stage.happened(EventKind::Deployment).into_iter();
    let after_reconciling = stages.filter(|(second, _, to)| *second > 200.0 && to == "SCALE_UP");
    assert_eq!(
        after_reconciling.map(|(second, ..)| second).collect::<Vec<_>>(),
        [201.0]
    );
    assert_eq!(revisions(&stage), [0, 0, 2, 2]);
}

#[test]
fn a_rollback_past_the_production_revision_removes_the_failed_green_before_its_blue_is_whole() {
    // Revision 1 has production since 131 but has not COMPLETED when revision 2 is deployed at 150: revision 0 goes, STOPPED
    // at 193; 195: revision 2 starts. 205: no task of revision 1 is left when the deployment is stopped: back to revision
    // 0. 206: it starts beside new ones of revision 1, and revision 2 goes; 235: healthy; 236: weights back.
    let blueprint = blue_green(2);
    let mut stage = deployed(&blueprint);
    stage.run_until(150.0);
    stage.deploy(2);
    stage.run_until(205.0);
    assert_eq!(revisions(&stage), [1, 1, 2, 2]);
    for at in 0..2 {
        let task = stage.control.services[0].tasks[at];
        stage.act(|control, cx| control.container_exited(cx, task, 0, 1));
    }
    stage.act(|control, cx| control.stop_deployment(cx, ServiceIx(0)));
    stage.run_until(400.0);
    let mut decisions = stage.steps();
    decisions.retain(|(second, _)| *second >= 206.0);
    assert_eq!(decisions[..2], owned(&[(206.0, "stop 2"), (206.0, "start 4")]));
    assert_eq!(shifts(&stage), [(131.0, 0, 100), (236.0, 100, 0)]);
    assert_eq!(revisions(&stage), [0, 0]);
}

#[test]
fn a_deployment_over_a_rollback_that_still_waits_for_blue_replaces_blue_and_not_the_failed_green() {
    // 290: a blue task crashes; 301: the alarm; the rollback waits for blue. 305: revision 2. Blue is whole at 320; 321:
    // weights back, green goes, STOPPED at 363; 364: on; 365: start, healthy at 394; 395: shift.
    let mut blueprint = with_alarm(blue_green(2), true);
    blueprint.services[0].deployment.bake_time = Span::from_secs(600);
    let mut stage = deployed(&blueprint);
    stage.run_until(240.0);
    meter(&mut stage, 3, 50);
    stage.run_until(290.0);
    let blue = stage.control.services[0].tasks[0];
    stage.act(|control, cx| control.container_exited(cx, blue, 0, 1));
    stage.run_until(305.0);
    stage.deploy(2);
    stage.run_until(400.0);
    assert_eq!(shifts(&stage), [(131.0, 0, 100), (321.0, 100, 0), (395.0, 0, 100)]);
    let from = stage.seen.iter().filter_map(|seen| match seen {
        Observation::DeploymentStarted(record) => Some(record.from.0),
        _ => None,
    });
    assert_eq!(from.collect::<Vec<_>>(), [0, 0]);
    assert_eq!(revisions(&stage), [0, 0, 2, 2]);
}

#[test]
fn both_colours_follow_the_desired_count_in_the_middle_of_a_shift() {
    // 3 instead of 2 at 150: 151 starts one of each; 1 at 250: 251 stops two of each.
    let blueprint = linear(2, 250, 180);
    let mut stage = deployed(&blueprint);
    stage.run_until(150.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 3, "test"));
    stage.run_until(200.0);
    assert_eq!(revisions(&stage), [0, 0, 1, 1, 0, 1]);
    stage.run_until(250.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 1, "test"));
    stage.run_until(299.0);
    let mut left = revisions(&stage);
    left.sort_unstable();
    assert_eq!(left, [0, 1]);
}

#[test]
fn green_that_does_not_scale_up_within_a_day_is_given_up() {
    // SCALE_UP begins at 100 and may last 86,400 s.
    let mut blueprint = blue_green(2);
    blueprint.duration = Span::from_secs(200_000);
    let mut stage = deployed(&blueprint);
    stage
        .of_revision
        .insert(RevisionIx(1), super::harness::Health::Status(500));
    stage.run_until(86_600.0);
    let reasons = stage
        .rows()
        .into_iter()
        .filter(|(_, decision, _)| decision == "roll back");
    let reasons: Vec<(f64, String)> = reasons.map(|(second, _, reason)| (second, reason)).collect();
    assert_eq!(
        reasons,
        owned(&[(86_500.0, "SCALE_UP has lasted longer than a stage or a deployment may")])
    );
    assert_eq!(stage.outcomes()[0].0, "ROLLED_BACK");
}

/// The balancer's second listener is the test listener.
pub fn with_tests(mut blueprint: Blueprint) -> Blueprint {
    let mut listener = blueprint.load_balancers[0].listeners[0].clone();
    listener.name = "test".into();
    listener.port = 9001;
    blueprint.load_balancers[0].listeners.push(listener);
    let pair = blueprint.services[0].load_balancers[0].alternate.as_mut();
    pair.expect("a pair").test_rule = Some(TEST_RULE);
    blueprint
}

const TEST_RULE: RuleRef = RuleRef {
    load_balancer: LoadBalancerIx(0),
    listener: 1,
    rule: 0,
};

/// (second, weight of blue's group, weight of green's) of the test listener's rule.
fn tests_shifted(stage: &Stage<'_>) -> Vec<(f64, u32, u32)> {
    let shifts = stage.orders.iter().filter_map(|(second, order)| match order {
        Order::SetWeights { rule, groups } if *rule == TEST_RULE => Some((*second, groups[0].weight, groups[1].weight)),
        _ => None,
    });
    shifts.collect()
}

#[test]
fn test_traffic_goes_to_green_before_production_does_and_stays_there() {
    // A hook holds the deployment up for 50 s between the two.
    let mut blueprint = with_tests(blue_green(2));
    blueprint.services[0].deployment.hooks = vec![lambda(LifecycleStage::PostTestTrafficShift, 50.0)];
    let mut stage = deployed(&blueprint);
    stage.run_until(400.0);
    assert_eq!(tests_shifted(&stage), [(131.0, 0, 100)]);
    assert_eq!(shifts(&stage), [(181.0, 0, 100)]);
    // The next deployment turns it back.
    stage.deploy(2);
    stage.run_until(600.0);
    assert_eq!(tests_shifted(&stage), [(131.0, 0, 100), (431.0, 100, 0)]);
}

#[test]
fn a_rollback_turns_the_test_traffic_back_with_productions() {
    // The minute that ends at 180 has errors; 241: rollback, from 25 % of production and all tests.
    let blueprint = with_tests(with_alarm(linear(4, 250, 180), true));
    let mut stage = deployed(&blueprint);
    stage.run_until(180.0);
    meter(&mut stage, 2, 50);
    stage.run_until(600.0);
    assert_eq!(tests_shifted(&stage), [(131.0, 0, 100), (241.0, 100, 0)]);
    assert_eq!(shifts(&stage), [(131.0, 750, 250), (241.0, 100, 0)]);
}

#[test]
fn a_rollback_before_production_shifts_turns_the_test_traffic_back_at_once() {
    // 131: tests; 151: the hook of POST_TEST_TRAFFIC_SHIFT has failed. A blue task that has crashed at 150 does not matter.
    let mut blueprint = with_tests(blue_green(2));
    blueprint.services[0].deployment.hooks = vec![failing(lambda(LifecycleStage::PostTestTrafficShift, 20.0))];
    let mut stage = deployed(&blueprint);
    stage.run_until(150.0);
    let blue = stage.control.services[0].tasks[0];
    stage.act(|control, cx| control.container_exited(cx, blue, 0, 1));
    stage.run_until(300.0);
    assert_eq!(tests_shifted(&stage), [(131.0, 0, 100), (151.0, 100, 0)]);
    assert_eq!(shifts(&stage), []);
    assert_eq!(stage.outcomes()[0].0, "ROLLED_BACK");
}

#[test]
fn a_deployment_over_one_that_is_being_tested_turns_the_test_traffic_back() {
    let mut blueprint = with_tests(blue_green(2));
    blueprint.services[0].deployment.hooks = vec![lambda(LifecycleStage::PostTestTrafficShift, 60.0)];
    let mut stage = deployed(&blueprint);
    stage.run_until(150.0);
    stage.deploy(2);
    stage.run_until(200.0);
    assert_eq!(tests_shifted(&stage), [(131.0, 0, 100), (151.0, 100, 0)]);
}

#[test]
fn a_rollback_with_nothing_to_return_to_stalls_the_service() {
    // The service's creation: its first revision passes no check. The minute that ends at 60 has errors, published at 120.
    let mut blueprint = with_alarm(linear(2, 250, 60), true);
    blueprint.start = Start::Empty;
    let mut stage = Stage::new(&blueprint);
    stage
        .of_revision
        .insert(RevisionIx(0), super::harness::Health::Status(500));
    stage.run_until(60.0);
    meter(&mut stage, 0, 50);
    stage.run_until(122.0);
    assert_eq!(stage.outcomes(), [("FAILED", 121.0)]);
    assert_eq!(stage.control.services[0].halt, crate::cluster::service::Halt::Stalled);
    let created = stage.created().len();
    stage.run_until(1_000.0);
    assert_eq!(stage.created().len(), created, "a stalled service starts nothing");
}
