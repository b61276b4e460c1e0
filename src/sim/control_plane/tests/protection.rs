//! Scale-in protection. Without a balancer; tasks that stand run since 0 s, so that their protection counts from there.

use super::harness::{Stage, constant, fleet, owned, without_balancer};
use crate::blueprint::{Blueprint, ServiceIx, TaskProtection};
use crate::units::{Ratio, Span};

fn protected(desired: u32, share: f64, works_for: f64) -> Blueprint {
    let mut blueprint = without_balancer(fleet(desired));
    blueprint.services[0].scheduling.protection = Some(TaskProtection {
        share: Ratio::new(share).expect("a share"),
        works_for: constant(works_for),
        expires_in: Span::from_secs(7200),
    });
    blueprint
}

#[test]
fn scale_in_waits_for_the_protection_to_end() {
    let blueprint = protected(4, 1.0, 300.0);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 1, "test"));
    stage.run_until(1000.0);
    let stopping: Vec<f64> = stage.entered("STOPPING").iter().map(|(second, _)| *second).collect();
    assert_eq!(stopping, [300.0; 3]);
    assert_eq!(
        stage.said("was unable to scale in due to (reason 3 tasks under protection)"),
        [11.0]
    );
}

#[test]
fn a_protection_expires_although_the_work_goes_on() {
    let blueprint = protected(2, 1.0, 100_000.0);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 1, "test"));
    stage.run_until(8000.0);
    assert_eq!(stage.entered("STOPPING")[0].0, 7200.0);
}

#[test]
fn a_deployment_waits_for_protected_tasks() {
    // Two new ones at 11, RUNNING at 32, healthy at 72; the old ones go when their protection ends, and 12 s later are
    // STOPPED. The new ones protect themselves as well.
    let blueprint = protected(2, 1.0, 500.0);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.deploy(1);
    stage.run_until(2000.0);
    assert_eq!(
        stage.steps(),
        owned(&[(11.0, "start 2"), (500.0, "stop 2"), (513.0, "complete")])
    );
}

#[test]
fn only_protected_tasks_are_kept_and_the_others_go_at_once() {
    let blueprint = protected(20, 0.5, 900.0);
    let mut stage = Stage::new(&blueprint);
    let kept = stage
        .control
        .tasks
        .iter()
        .filter(|(_, task)| task.is_protected(super::harness::at(10.0)))
        .count();
    assert!(
        (2..=18).contains(&kept),
        "20 coins: outside that range once in 20,000 seeds"
    );
    stage.run_until(10.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 0, "test"));
    stage.run_until(100.0);
    assert_eq!(stage.entered("STOPPING").len(), 20 - kept);
    stage.run_until(1000.0);
    assert_eq!(stage.entered("STOPPING").len(), 20);
}

#[test]
fn a_protected_task_that_exits_is_replaced_like_any_other() {
    let blueprint = protected(2, 1.0, 5000.0);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.crash_tasks(cx, &crate::blueprint::Selection::some_of(ServiceIx(0), 1), cx.key));
    stage.run_until(100.0);
    assert_eq!(stage.created(), [11.0]);
}
