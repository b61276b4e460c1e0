//! Health checks by the nodes and by the agent, and what is published.

use super::harness::{Health, Stage, constant, fleet, owned, target_group, without_balancer};
use crate::blueprint::*;
use crate::sim::signal::{Order, Signal};
use crate::units::{Ratio, Span};

/// (second, targets) of what a node was told.
fn published(stage: &Stage<'_>, at: u16) -> Vec<(f64, usize)> {
    let told = stage.orders.iter().filter_map(|(second, order)| match order {
        Order::PublishTargets { node, targets, .. } if *node == at => Some((*second, targets.len())),
        _ => None,
    });
    told.collect()
}

#[test]
fn a_standing_fleet_is_published_to_every_node_at_the_start() {
    let mut blueprint = fleet(4);
    blueprint.load_balancers[0].zones = vec![ZoneIx(0), ZoneIx(1)];
    blueprint.model.alb.nodes_per_zone = 2;
    let mut stage = Stage::new(&blueprint);
    stage.run_until(1000.0);
    for node in 0..4 {
        assert_eq!(published(&stage, node), [(0.0, 4)]);
    }
    assert_eq!(stage.entered("STOPPING"), []);
}

#[test]
fn each_node_checks_each_target_every_interval_after_a_share_of_the_first() {
    let mut blueprint = fleet(2);
    blueprint.load_balancers[0].zones = vec![ZoneIx(0), ZoneIx(1)];
    blueprint.model.alb.first_health_check = (0.0, 1.0);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    let mut times = std::collections::BTreeMap::<_, Vec<f64>>::new();
    for (second, order) in &stage.orders {
        if let Order::CheckTarget { node, task, .. } = order {
            times.entry((*node, *task)).or_default().push(*second);
        }
    }
    assert_eq!(times.len(), 4);
    let mut phases: Vec<f64> = Vec::new();
    for sent in times.values() {
        assert_eq!(sent.len(), 10, "ten intervals of 10 s");
        assert!(sent.windows(2).all(|pair| (pair[1] - pair[0] - 10.0).abs() < 1e-6));
        phases.push(sent[0]);
    }
    phases.dedup();
    assert_eq!(phases.len(), 4, "each has a phase of its own");
}

#[test]
fn detection_takes_the_unhealthy_threshold_and_recovery_the_healthy_one() {
    // Checks at 5, 15, 25, ... Ill from 12 s on: failures at 15 and 25. Well again from 27 s: successes at 35 ... 75.
    let mut blueprint = fleet(2);
    blueprint.services[0].health_check_grace_period = Span::from_secs(3600);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(12.0);
    stage.of_task.insert(0, Health::Status(503));
    stage.run_until(27.0);
    stage.of_task.clear();
    stage.run_until(200.0);
    assert_eq!(
        stage.target(0),
        owned(&[(0.0, "healthy"), (25.0, "unhealthy"), (75.0, "healthy")])
    );
    assert_eq!(published(&stage, 0), [(0.0, 2), (25.0, 1), (75.0, 2)]);
}

#[test]
fn a_check_without_an_answer_fails_at_its_timeout() {
    let mut blueprint = fleet(2);
    blueprint.services[0].health_check_grace_period = Span::from_secs(3600);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(12.0);
    stage.of_task.insert(0, Health::Silent);
    stage.run_until(40.0);
    // Sent at 15 and 25, given up 5 s later.
    assert_eq!(stage.target(0), owned(&[(0.0, "healthy"), (30.0, "unhealthy")]));
}

#[test]
fn a_node_whose_targets_are_all_unhealthy_sends_to_all_of_them() {
    let mut blueprint = fleet(2);
    blueprint.services[0].health_check_grace_period = Span::from_secs(3600);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(12.0);
    stage.of_revision.insert(RevisionIx(0), Health::Status(500));
    stage.run_until(100.0);
    // At 25 the first is taken away, then the second turns unhealthy as well: both are back.
    assert_eq!(published(&stage, 0), [(0.0, 2), (25.0, 1), (25.0, 2)]);
}

#[test]
fn a_target_is_healthy_for_ecs_while_one_node_holds_it_healthy() {
    // Two nodes; only the second's checks fail (the harness cannot tell nodes apart, so its answers are given by hand).
    let mut blueprint = fleet(1);
    blueprint.load_balancers[0].zones = vec![ZoneIx(0), ZoneIx(1)];
    let mut stage = Stage::new(&blueprint);
    stage.of_task.insert(0, Health::Silent);
    let id = stage.control.services[0].tasks[0];
    for round in 1..=4u32 {
        stage.run_until(f64::from(round) * 10.0 - 5.0);
        stage.act(|control, cx| {
            let answer = |node, status| crate::sim::signal::Signal::CheckAnswered {
                target_group: TargetGroupIx(0),
                node,
                task: id,
                check: round,
                status,
                outlook: crate::cluster::target_group::Outlook::Open,
            };
            control.receive(cx, answer(0, 200));
            control.receive(cx, answer(1, 500));
        });
    }
    stage.run_until(36.0);
    assert_eq!(stage.target(0), owned(&[(0.0, "healthy")]));
    // The second node fails open: its one target is unhealthy, so it still sends to it.
    assert_eq!(published(&stage, 1), [(0.0, 1)]);
    // Once the first fails it too (checks at 45 and 55 time out at 50 and 60), nobody holds it healthy.
    stage.run_until(61.0);
    assert_eq!(stage.target(0), owned(&[(0.0, "healthy"), (60.0, "unhealthy")]));
}

#[test]
fn a_task_of_several_target_groups_is_in_all_healthy_when_all_say_so_and_drained_from_all_before_its_stop_signal() {
    // RUNNING at 24 and registered with both; first checks at 29 and, every 20 s, at 34: healthy at 34. Nothing is wanted
    // from 100 on: 101: both drain, for 30 and 50 s; 151: SIGTERM, gone in 2 s; STOPPED at 163.
    let mut blueprint = fleet(1);
    blueprint.start = Start::Empty;
    let mut second = target_group("second");
    second.health_check.interval = Span::from_secs(20);
    second.deregistration_delay = Span::from_secs(50);
    blueprint.target_groups.push(second);
    let forward = |at| WeightedGroup {
        target_group: TargetGroupIx(at),
        weight: 1,
    };
    blueprint.load_balancers[0].listeners[0].default_action = Action::Forward(vec![forward(0), forward(1)]);
    blueprint.services[0].load_balancers.push(ServiceLoadBalancer {
        target_group: TargetGroupIx(1),
        alternate: None,
    });
    let mut stage = Stage::new(&blueprint);
    stage.run_until(33.0);
    assert_eq!(stage.levels(), (0, 1, 0));
    stage.run_until(34.0);
    assert_eq!(stage.levels(), (0, 1, 1));
    stage.run_until(100.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 0, "test"));
    stage.run_until(200.0);
    let targets = [
        (24.0, "initial"),
        (24.0, "initial"),
        (29.0, "healthy"),
        (34.0, "healthy"),
        (101.0, "draining"),
        (101.0, "draining"),
        (131.0, "unused"),
        (151.0, "unused"),
    ];
    assert_eq!(stage.target(0), owned(&targets));
    let leaves = [
        (101.0, "DEACTIVATING"),
        (151.0, "STOPPING"),
        (153.0, "DEPROVISIONING"),
        (163.0, "STOPPED"),
    ];
    assert_eq!(stage.way(0)[4..], owned(&leaves));
}

#[test]
fn slow_start_begins_beside_a_healthy_target_outside_it_only() {
    let ramps = |start| {
        let mut blueprint = fleet(2);
        blueprint.start = start;
        blueprint.target_groups[0].slow_start = Span::from_secs(60);
        let mut stage = Stage::new(&blueprint);
        stage.run_until(100.0);
        stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 3, "test"));
        stage.run_until(200.0);
        let ramping = stage.orders.iter().filter_map(|(_, order)| match order {
            Order::PublishTargets { targets, .. } => targets
                .iter()
                .filter_map(|target| target.ramping_since)
                .map(|since| since.seconds())
                .next_back(),
            _ => None,
        });
        ramping.collect::<Vec<f64>>()
    };
    // Created at 101, healthy at 130.
    assert_eq!(ramps(Start::SteadyState), [130.0]);
    // The first two are healthy at 29: the first finds no other, the second finds the first, which is not ramping.
    assert_eq!(ramps(Start::Empty), [29.0, 130.0]);
}

#[test]
fn a_revision_that_fails_its_checks_is_never_healthy() {
    let mut blueprint = fleet(2);
    blueprint.start = Start::Empty;
    blueprint.services[0].revisions[0].defects.fails_health_checks = Ratio::ONE;
    let mut stage = Stage::new(&blueprint);
    stage.run_until(60.0);
    assert_eq!(stage.target(0)[..2], owned(&[(24.0, "initial"), (39.0, "unhealthy")]));
}

#[test]
fn a_start_up_longer_than_the_checks_allow_is_restarted_for_ever_and_never_throttled() {
    // Start-up 60 s, no grace period, no room for a replacement beside it: refused connections at 29 and 39 s after its
    // creation make it unhealthy; 40: stopped; 41: the next one starts.
    let mut blueprint = fleet(1);
    blueprint.services[0].deployment.minimum_healthy_percent = 0;
    blueprint.services[0].deployment.maximum_percent = 100;
    blueprint.start = Start::Empty;
    blueprint.services[0].revisions[0].start_up = constant(60.0);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(411.0);
    assert_eq!(stage.said("is unable to consistently start"), [0.0; 0]);
    let every_41_seconds: Vec<f64> = (0..=10).map(|round| f64::from(round) * 41.0).collect();
    assert_eq!(stage.created(), every_41_seconds);
}

#[test]
fn a_server_with_work_to_do_first_listens_when_it_is_done() {
    // The container starts at 21, its start-up takes 2 s; then it works, for as long as the data plane says.
    let mut blueprint = fleet(1);
    blueprint.start = Start::Empty;
    blueprint.services[0].revisions[0].start_up_cpu = Some(constant(10.0));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(27.0);
    let orders = |stage: &Stage| -> Vec<(f64, &str)> {
        let name = |(second, order): &(f64, Order)| match order {
            Order::StartUp { work, .. } => {
                assert_eq!(*work, Span::from_secs(10));
                Some((*second, "start up"))
            }
            Order::Listen(_) => Some((*second, "listen")),
            _ => None,
        };
        stage.orders.iter().filter_map(name).collect()
    };
    assert_eq!(orders(&stage), [(23.0, "start up")]);
    let task = stage.control.services[0].tasks[0];
    stage.act(|control, cx| control.receive(cx, Signal::StartedUp(task)));
    assert_eq!(orders(&stage), [(23.0, "start up"), (27.0, "listen")]);
}

#[test]
fn a_container_check_fails_a_task_after_its_retries() {
    // No balancer. Checks every 10 s from the start at 21; start-up never ends, no start period: failures at 31, 41, 51.
    let mut blueprint = without_balancer(fleet(1));
    blueprint.start = Start::Empty;
    blueprint.services[0].revisions[0].start_up = constant(9999.0);
    let check = |start_period| ContainerHealthCheck {
        interval: Span::from_secs(10),
        timeout: Span::from_secs(2),
        retries: 3,
        start_period: Span::from_secs(start_period),
    };
    let replaced = |blueprint: &Blueprint| {
        let mut stage = Stage::new(blueprint);
        stage.run_until(200.0);
        stage.created()[1]
    };
    blueprint.task_definitions[0].containers[0].health_check = Some(check(0));
    assert_eq!(replaced(&blueprint), 52.0);
    // In a start period of 35 s (until 56) the failures at 31, 41, 51 do not count; 61, 71, 81 do.
    blueprint.task_definitions[0].containers[0].health_check = Some(check(35));
    assert_eq!(replaced(&blueprint), 82.0);
}
