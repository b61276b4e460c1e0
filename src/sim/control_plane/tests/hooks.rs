//! Life-cycle hooks. Without them green is healthy at 130 and the traffic shifts at 131 (see `blue_green`).

use super::blue_green::{blue_green, revisions, shifts};
use super::harness::{Stage, constant};
use super::shift::linear;
use crate::blueprint::*;
use crate::sim::observation::{EventKind, Observation};
use crate::units::{Ratio, Span};

pub fn lambda(stage: LifecycleStage, seconds: f64) -> LifecycleHook {
    LifecycleHook {
        stages: vec![stage],
        target: HookTarget::Lambda(LambdaHook {
            duration: constant(seconds),
            longest_call: Span::from_secs(900),
            failure_ratio: Ratio::ZERO,
            in_progress: 0,
            call_back_delay: Span::from_secs(30),
        }),
        timeout: Span::from_secs(86_400),
        on_timeout: TimeoutAction::Rollback,
    }
}

pub fn pause(stage: LifecycleStage, timeout: u64, on_timeout: TimeoutAction) -> LifecycleHook {
    LifecycleHook {
        target: HookTarget::Pause,
        timeout: Span::from_secs(timeout),
        on_timeout,
        ..lambda(stage, 0.0)
    }
}

pub fn failing(mut hook: LifecycleHook) -> LifecycleHook {
    if let HookTarget::Lambda(lambda) = &mut hook.target {
        lambda.failure_ratio = Ratio::new(1.0).expect("a share");
    }
    hook
}

/// Deployed at 100, with the hooks given.
fn deployed(blueprint: &mut Blueprint, hooks: Vec<LifecycleHook>) -> Stage<'_> {
    blueprint.services[0].deployment.hooks = hooks;
    let mut stage = Stage::new(blueprint);
    stage.run_until(100.0);
    stage.deploy(1);
    stage
}

/// (second, stage or status before, stage or status after) of the deployment's rows.
fn moves(stage: &Stage<'_>) -> Vec<(f64, String, String)> {
    let rows = stage.seen.iter().filter_map(|seen| match seen {
        Observation::Happened(event) if event.kind == EventKind::Deployment => {
            Some((event.at.seconds(), event.from.clone(), event.to.clone()))
        }
        _ => None,
    });
    rows.collect()
}

#[test]
fn each_stage_waits_for_its_hook() {
    // One hook of 20 s on every stage that takes hooks. 100: PRE_SCALE_UP; 120: SCALE_UP; 121: green starts, healthy at
    // 150; 151: POST_SCALE_UP; 171 (TEST_TRAFFIC_SHIFT has nothing but its hook); 191; 211: PRE_PRODUCTION; 231: shift;
    // 251: POST_PRODUCTION; 271: bake time until 391.
    let mut blueprint = blue_green(2);
    let mut hook = lambda(LifecycleStage::PreScaleUp, 20.0);
    let stages = LifecycleStage::ALL.into_iter();
    hook.stages = stages.filter(|stage| stage.takes_hooks()).collect();
    let mut stage = deployed(&mut blueprint, vec![hook]);
    stage.run_until(400.0);
    let entered: Vec<(f64, String)> = moves(&stage)
        .into_iter()
        .filter(|(_, from, to)| from.contains('_') && to.contains('_') && from != "IN_PROGRESS" && to != "IN_PROGRESS")
        .map(|(second, _, to)| (second, to))
        .collect();
    let expected = [
        (120.0, "SCALE_UP"),
        (151.0, "POST_SCALE_UP"),
        (171.0, "TEST_TRAFFIC_SHIFT"),
        (191.0, "POST_TEST_TRAFFIC_SHIFT"),
        (211.0, "PRE_PRODUCTION_TRAFFIC_SHIFT"),
        (231.0, "PRODUCTION_TRAFFIC_SHIFT"),
        (251.0, "POST_PRODUCTION_TRAFFIC_SHIFT"),
        (271.0, "BAKE_TIME"),
        (391.0, "CLEAN_UP"),
    ];
    assert_eq!(entered, super::harness::owned(&expected));
    assert_eq!(shifts(&stage), [(231.0, 0, 100)]);
}

#[test]
fn the_stages_of_the_shift_call_their_hooks_at_every_step() {
    // 50 % and 100 %; each step is preceded by 20 s and followed by 20 s, then it bakes 60 s: 131, 151: 50 %, 171: bake
    // until 231; 231, 251: 100 %; 271: bake time.
    let mut blueprint = linear(2, 500, 60);
    let mut hook = lambda(LifecycleStage::PreProductionTrafficShift, 20.0);
    hook.stages.push(LifecycleStage::ProductionTrafficShift);
    let mut stage = deployed(&mut blueprint, vec![hook]);
    stage.run_until(300.0);
    assert_eq!(shifts(&stage), [(151.0, 500, 500), (251.0, 0, 100)]);
    let bake = moves(&stage).into_iter().find(|(_, _, to)| to == "BAKE_TIME");
    assert_eq!(bake.expect("it bakes").0, 271.0);
}

#[test]
fn a_hook_that_fails_before_the_shift_costs_no_customer_anything() {
    // 131: called; 151: FAILED; green drains and is STOPPED 42 s later.
    let mut blueprint = blue_green(2);
    let hook = failing(lambda(LifecycleStage::PostScaleUp, 20.0));
    let mut stage = deployed(&mut blueprint, vec![hook]);
    stage.run_until(300.0);
    assert_eq!(shifts(&stage), []);
    assert_eq!(stage.outcomes(), [("ROLLED_BACK", 194.0)]);
    assert_eq!(revisions(&stage), [0, 0]);
    let reason = stage
        .rows()
        .into_iter()
        .find(|(_, decision, _)| decision == "roll back");
    let reason = reason.expect("it rolls back");
    assert_eq!(
        (reason.0, reason.2.as_str()),
        (151.0, "lifecycle hook 1 of POST_SCALE_UP answered FAILED")
    );
}

#[test]
fn a_hook_that_fails_after_the_shift_gives_all_traffic_back_at_once() {
    let mut blueprint = blue_green(2);
    let hook = failing(lambda(LifecycleStage::PostProductionTrafficShift, 20.0));
    let mut stage = deployed(&mut blueprint, vec![hook]);
    stage.run_until(300.0);
    assert_eq!(shifts(&stage), [(131.0, 0, 100), (151.0, 100, 0)]);
    assert_eq!(stage.outcomes(), [("ROLLED_BACK", 194.0)]);
}

#[test]
fn a_stage_goes_on_when_all_its_hooks_have_answered() {
    let mut blueprint = blue_green(2);
    let hooks = [20.0, 45.0, 5.0].map(|seconds| lambda(LifecycleStage::PostScaleUp, seconds));
    let mut stage = deployed(&mut blueprint, hooks.to_vec());
    stage.run_until(300.0);
    assert_eq!(shifts(&stage), [(176.0, 0, 100)]);
}

#[test]
fn a_pause_lasts_until_somebody_continues_the_deployment() {
    // Continued at 200, when the stage has waited since 131; the pass comes a second later. Before that, nothing.
    let mut blueprint = blue_green(2);
    let hook = pause(LifecycleStage::PostTestTrafficShift, 86_400, TimeoutAction::Rollback);
    let mut stage = deployed(&mut blueprint, vec![hook]);
    stage.run_until(120.0);
    stage.act(|control, cx| control.continue_deployment(cx, ServiceIx(0)));
    stage.run_until(200.0);
    assert_eq!(shifts(&stage), []);
    stage.act(|control, cx| control.continue_deployment(cx, ServiceIx(0)));
    stage.run_until(300.0);
    assert_eq!(shifts(&stage), [(201.0, 0, 100)]);
}

#[test]
fn a_pause_that_nobody_ends_rolls_back_or_goes_on_as_it_is_told() {
    for (action, shifted) in [
        (TimeoutAction::Continue, vec![(431.0, 0, 100)]),
        (TimeoutAction::Rollback, vec![]),
    ] {
        let mut blueprint = blue_green(2);
        let hook = pause(LifecycleStage::PostScaleUp, 300, action);
        let mut stage = deployed(&mut blueprint, vec![hook]);
        stage.run_until(500.0);
        assert_eq!(shifts(&stage), shifted);
        let outcomes = stage.outcomes();
        assert_eq!(
            outcomes.first().map(|(outcome, _)| *outcome),
            shifted.is_empty().then_some("ROLLED_BACK")
        );
    }
}

#[test]
fn a_stage_ends_after_a_day_whatever_its_hook_would_wait() {
    // POST_SCALE_UP begins at 131.
    let mut blueprint = blue_green(2);
    let hook = pause(LifecycleStage::PostScaleUp, 200_000, TimeoutAction::Continue);
    let mut stage = deployed(&mut blueprint, vec![hook]);
    stage.run_until(86_600.0);
    let back = stage
        .rows()
        .into_iter()
        .find(|(_, decision, _)| decision == "roll back");
    assert_eq!(back.expect("it rolls back").0, 86_531.0);
}

#[test]
fn a_deployment_ends_after_thirty_days_whatever_its_stages_would_take() {
    // 34 steps of 3 % with a day between them would take 33 days. The last step before the end is that of day 29.
    let mut blueprint = linear(1, 30, 86_400);
    blueprint.duration = Span::from_secs(40 * 86_400);
    let mut stage = deployed(&mut blueprint, vec![]);
    stage.run_until(32.0 * 86_400.0);
    let back = stage
        .rows()
        .into_iter()
        .find(|(_, decision, _)| decision == "roll back");
    assert_eq!(back.expect("it rolls back").0, 30.0 * 86_400.0 + 100.0);
    let (_, blue, green) = shifts(&stage)[29];
    assert_eq!((blue, green), (100, 900));
    assert_eq!(shifts(&stage)[30].1, 100, "blue has everything again");
}

#[test]
fn a_deployment_over_one_that_waits_for_a_hook_calls_its_own() {
    // 131: the hook of revision 1 is called. 140: revision 2; green goes, STOPPED at 183; 184: on; 185: start, healthy at
    // 214; 215: its hook, 30 s; 245: shift.
    let mut blueprint = blue_green(2);
    let mut stage = deployed(&mut blueprint, vec![lambda(LifecycleStage::PostScaleUp, 30.0)]);
    stage.run_until(140.0);
    stage.deploy(2);
    stage.run_until(300.0);
    assert_eq!(shifts(&stage), [(245.0, 0, 100)]);
    assert_eq!(revisions(&stage), [0, 0, 2, 2]);
}

#[test]
fn a_failure_takes_its_share_of_the_hooks_and_is_the_same_on_every_run() {
    // Half of them, by keyed draws: neither all nor none of 40 services' worth of seeds (2⁻³⁹).
    let outcome = |seed: u64| {
        let mut blueprint = blue_green(1);
        blueprint.seed = seed;
        let mut hook = failing(lambda(LifecycleStage::PostScaleUp, 1.0));
        if let HookTarget::Lambda(lambda) = &mut hook.target {
            lambda.failure_ratio = Ratio::new(0.5).expect("a share");
        }
        let mut stage = deployed(&mut blueprint, vec![hook]);
        stage.run_until(140.0);
        shifts(&stage).len()
    };
    let shifted: usize = (0..40).map(outcome).sum();
    assert!((1..40).contains(&shifted), "{shifted} of 40 were shifted");
    assert_eq!(outcome(3), outcome(3));
}
