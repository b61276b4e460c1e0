//! Checks that are not made because they would pass: their rhythm goes on, and they are made good.

use super::harness::{Health, Stage, fleet, owned};
use crate::cluster::target_group::Outlook;
use crate::sim::signal::{Order, Signal, Whose};
use crate::units::{Ratio, Span};

const WITHIN: Outlook = Outlook::Foregone {
    within: Span::from_secs(1),
};

/// (second, number) of the checks that were made.
fn made(stage: &Stage<'_>) -> Vec<(f64, u32)> {
    let made = stage.orders.iter().filter_map(|(second, order)| match order {
        Order::CheckTarget { check, .. } => Some((*second, *check)),
        _ => None,
    });
    made.collect()
}

/// (number, second) of those that were resumed.
fn resumed(stage: &Stage<'_>) -> Vec<(u32, f64)> {
    let resumed = stage.orders.iter().filter_map(|(_, order)| match order {
        Order::ResumeCheck(unmade) => Some((unmade.check, unmade.sent.seconds())),
        _ => None,
    });
    resumed.collect()
}

#[test]
fn a_check_whose_outcome_is_foregone_is_not_made_and_the_next_one_after_a_change_comes_when_it_would_have() {
    // Checks at 5, 15, 25, ...: the first one says that the others will pass. At 47 s that is no longer so: four were not
    // made, and the sixth is due at 55 s.
    let blueprint = fleet(1);
    let mut stage = Stage::new(&blueprint);
    stage.outlook = WITHIN;
    stage.run_until(47.0);
    assert_eq!(made(&stage), [(5.0, 1)]);
    stage.outlook = Outlook::Open;
    stage.act(|control, cx| control.receive(cx, Signal::Stirred(Whose::Everyones)));
    stage.run_until(70.0);
    assert_eq!(made(&stage), [(5.0, 1), (55.0, 6), (65.0, 7)]);
    assert_eq!(resumed(&stage), []);
    assert_eq!(stage.target(0), owned(&[(0.0, "healthy")]));
}

#[test]
fn before_the_next_check_was_due_nothing_is_made_good() {
    let blueprint = fleet(1);
    let mut stage = Stage::new(&blueprint);
    stage.outlook = WITHIN;
    stage.run_until(7.0);
    let task = stage.control.services[0].tasks[0];
    stage.outlook = Outlook::Open;
    stage.act(|control, cx| control.receive(cx, Signal::Stirred(Whose::Of(task))));
    stage.run_until(20.0);
    assert_eq!(made(&stage), [(5.0, 1), (15.0, 2)]);
}

#[test]
fn a_check_that_would_be_under_way_goes_on_and_may_still_fail() {
    // The fifth check would have been sent at 45 s. Nobody answers it from 45.5 s on: it times out at 50 s, the sixth at
    // 60 s, which makes two.
    let mut blueprint = fleet(1);
    blueprint.services[0].health_check_grace_period = Span::from_secs(3_600);
    let mut stage = Stage::new(&blueprint);
    stage.outlook = WITHIN;
    stage.run_until(45.5);
    stage.of_task.insert(0, Health::Silent);
    stage.act(|control, cx| control.receive(cx, Signal::Stirred(Whose::Everyones)));
    stage.run_until(70.0);
    assert_eq!(resumed(&stage), [(5, 45.0)]);
    assert_eq!(stage.target(0), owned(&[(0.0, "healthy"), (60.0, "unhealthy")]));
}

#[test]
fn a_target_is_checked_as_long_as_it_is_not_healthy_or_its_revision_may_fail_a_check() {
    let mut blueprint = fleet(1);
    blueprint.services[0].revisions[0].defects.fails_health_checks = Ratio::new(0.01).expect("a share");
    blueprint.services[0].health_check_grace_period = Span::from_secs(3_600);
    let mut stage = Stage::new(&blueprint);
    stage.outlook = WITHIN;
    stage.run_until(50.0);
    assert_eq!(made(&stage).len(), 5);
    // Ill at 25 s and 35 s, then five successes make it healthy at 85 s; after that one there is no other.
    let mut blueprint = fleet(1);
    blueprint.services[0].health_check_grace_period = Span::from_secs(3_600);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(20.0);
    stage.of_task.insert(0, Health::Status(500));
    stage.run_until(36.0);
    stage.of_task.clear();
    stage.outlook = WITHIN;
    stage.run_until(200.0);
    assert_eq!(made(&stage).last(), Some(&(85.0, 9)));
}
