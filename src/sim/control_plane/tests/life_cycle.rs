//! The states of a task and of its containers, second by second.

use super::harness::{Stage, constant, container, fleet, image, on_ec2, owned, without_balancer};
use crate::blueprint::*;
use crate::sim::observation::{Observation, TaskRecord};
use crate::sim::signal::Order;
use crate::units::{Ratio, Span};

/// One task that starts at 0.
fn empty(mut blueprint: Blueprint) -> Blueprint {
    blueprint.start = Start::Empty;
    blueprint
}

fn order_times(stage: &Stage<'_>, which: impl Fn(&Order) -> bool) -> Vec<f64> {
    stage
        .orders
        .iter()
        .filter(|(_, order)| which(order))
        .map(|(second, _)| *second)
        .collect()
}

pub fn record(stage: &Stage<'_>, task: u32) -> TaskRecord {
    let ended = stage.seen.iter().find_map(|seen| match seen {
        Observation::TaskEnded(record) if record.task == task => Some(record.clone()),
        _ => None,
    });
    ended.expect("the task ended")
}

#[test]
fn a_fargate_task_goes_through_all_states_in_the_models_times() {
    // 10 s PROVISIONING; PENDING 5 s and a pull of 5 s; its container starts in 1 s and listens 2 s later; registration
    // 3 s after the start; the first check half an interval later.
    let blueprint = empty(fleet(1));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 0, "test"));
    stage.run_until(200.0);
    let expected = [
        (0.0, "PROVISIONING"),
        (10.0, "PENDING"),
        (20.0, "ACTIVATING"),
        (24.0, "RUNNING"),
        (101.0, "DEACTIVATING"),
        (131.0, "STOPPING"),
        (133.0, "DEPROVISIONING"),
        (143.0, "STOPPED"),
    ];
    assert_eq!(stage.way(0), owned(&expected));
    let target = [
        (24.0, "initial"),
        (29.0, "healthy"),
        (101.0, "draining"),
        (131.0, "unused"),
    ];
    assert_eq!(stage.target(0), owned(&target));
    assert_eq!(
        order_times(&stage, |order| matches!(order, Order::StartServer(_))),
        [21.0]
    );
    assert_eq!(order_times(&stage, |order| matches!(order, Order::Listen(_))), [23.0]);
    assert_eq!(
        order_times(&stage, |order| matches!(order, Order::CutOff { .. })),
        [131.0]
    );
    assert_eq!(
        order_times(&stage, |order| matches!(order, Order::CloseServer(_))),
        [131.0]
    );
    assert_eq!(
        order_times(&stage, |order| matches!(order, Order::KillServer(_))),
        [133.0]
    );
    let record = record(&stage, 0);
    assert_eq!(record.pull_started.map(|pull| pull.seconds()), Some(15.0));
    assert_eq!(record.healthy.map(|healthy| healthy.seconds()), Some(29.0));
    assert_eq!(record.stop_code, "ServiceSchedulerInitiated");
}

#[test]
fn a_container_that_does_not_end_is_killed_after_its_stop_timeout() {
    let mut blueprint = fleet(1);
    blueprint.task_definitions[0].containers[0].shut_down = constant(600.0);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 0, "test"));
    stage.run_until(300.0);
    // SIGTERM at 131, SIGKILL 30 s later.
    assert_eq!(
        order_times(&stage, |order| matches!(order, Order::CloseServer(_))),
        [131.0]
    );
    assert_eq!(
        order_times(&stage, |order| matches!(order, Order::KillServer(_))),
        [161.0]
    );
}

#[test]
fn the_pull_takes_the_sum_of_distinct_images() {
    // 400 MiB for two containers that share an image, 160 MiB for a third: 560 MiB at 80 MiB/s are 7 s.
    let mut blueprint = empty(without_balancer(fleet(1)));
    let mut third = container("envoy");
    third.image = image(&mut blueprint, "envoy", &[("envoy", 160)]);
    blueprint.task_definitions[0]
        .containers
        .extend([container("twin"), third]);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    assert_eq!(stage.entered("ACTIVATING"), [(22.0, 0)]);
}

#[test]
fn an_instance_pulls_an_image_once() {
    // One task each on two instances, which take 50 s to launch, at 51 s (a pass after): 4 s interface, 1 s PENDING, 5 s
    // pull. Later ones find the image: no pull.
    let blueprint = empty(without_balancer(on_ec2(fleet(2), 2)));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    assert_eq!(stage.entered("PENDING"), [(55.0, 0), (55.0, 1)]);
    assert_eq!(stage.entered("ACTIVATING"), [(61.0, 0), (61.0, 1)]);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 4, "test"));
    stage.run_until(200.0);
    // 101 + 4 + 1.
    assert_eq!(stage.entered("ACTIVATING")[2..], [(106.0, 2), (106.0, 3)]);
}

#[test]
fn a_task_waits_for_an_image_that_another_already_pulls() {
    // Both on one instance: the second waits for the first one's pull and pulls nothing itself.
    let blueprint = empty(without_balancer(on_ec2(fleet(2), 1)));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    assert_eq!(stage.entered("ACTIVATING"), [(61.0, 0), (61.0, 1)]);
}

#[test]
fn bridge_tasks_attach_no_interface() {
    let mut blueprint = without_balancer(on_ec2(fleet(0), 1));
    blueprint.task_definitions[0].network_mode = NetworkMode::Bridge;
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 1, "test"));
    stage.run_until(100.0);
    // 11: created; PENDING at once; 1 s later the containers start, 1 s later it runs.
    let expected = [
        (11.0, "PROVISIONING"),
        (11.0, "PENDING"),
        (12.0, "ACTIVATING"),
        (13.0, "RUNNING"),
    ];
    assert_eq!(stage.way(0), owned(&expected));
}

/// An init container that runs for 7 s and exits with `code`, and the app behind it.
fn with_init(condition: ContainerCondition, code: u8) -> Blueprint {
    let mut blueprint = empty(without_balancer(fleet(1)));
    let mut init = container("init");
    init.essential = false;
    init.exits = Some(ContainerExit {
        after: constant(7.0),
        code,
    });
    let definition = &mut blueprint.task_definitions[0];
    definition.containers[0].depends_on = vec![ContainerDependency {
        container: 1,
        condition,
    }];
    definition.containers.push(init);
    blueprint
}

#[test]
fn an_init_container_must_have_exited_before_its_dependent_starts() {
    // ACTIVATING at 20; init runs from 21 to 28; the app starts in 1 s more.
    let blueprint = with_init(ContainerCondition::Success, 0);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    assert_eq!(stage.entered("RUNNING"), [(29.0, 0)]);
}

#[test]
fn complete_takes_any_exit_code_and_success_only_zero() {
    let complete = with_init(ContainerCondition::Complete, 3);
    let mut stage = Stage::new(&complete);
    stage.run_until(35.0);
    assert_eq!(stage.entered("RUNNING"), [(29.0, 0)]);
    let success = with_init(ContainerCondition::Success, 3);
    let mut stage = Stage::new(&success);
    stage.run_until(100.0);
    assert_eq!(stage.entered("RUNNING"), []);
    assert_eq!(record(&stage, 0).stop_code, "TaskFailedToStart");
    assert_eq!(record(&stage, 0).stop_reason, "dependency init exited with code 3");
}

#[test]
fn a_dependency_on_start_orders_the_starts() {
    let blueprint = with_init(ContainerCondition::Start, 0);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    // Init has started at 21, the app at 22.
    assert_eq!(stage.entered("RUNNING"), [(22.0, 0)]);
}

#[test]
fn a_dependency_on_health_waits_for_the_check() {
    // The sidecar runs from 21; its first check is an interval of 6 s later; the app has started at 28.
    let mut blueprint = empty(without_balancer(fleet(1)));
    let mut sidecar = container("sidecar");
    sidecar.health_check = Some(check(6));
    let definition = &mut blueprint.task_definitions[0];
    definition.containers[0].depends_on = vec![ContainerDependency {
        container: 1,
        condition: ContainerCondition::Healthy,
    }];
    definition.containers.push(sidecar);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    assert_eq!(stage.entered("RUNNING"), [(28.0, 0)]);
    // Both of its conditions for health are met then: RUNNING and the sidecar's check.
    assert_eq!(stage.levels(), (0, 1, 1));
}

fn check(interval: u64) -> ContainerHealthCheck {
    ContainerHealthCheck {
        interval: Span::from_secs(interval),
        timeout: Span::from_secs(2),
        retries: 3,
        start_period: Span::ZERO,
    }
}

#[test]
fn a_start_timeout_ends_a_task_whose_dependency_is_too_slow() {
    // Init begins at 20 and would exit at 28; its start timeout of 5 s runs out at 25.
    let mut blueprint = with_init(ContainerCondition::Success, 0);
    blueprint.task_definitions[0].containers[1].start_timeout = Some(Span::from_secs(5));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(60.0);
    assert_eq!(stage.way(0)[3], (25.0, "STOPPING".to_string()));
    assert_eq!(
        record(&stage, 0).stop_reason,
        "dependency init did not reach its condition in time"
    );
}

#[test]
fn an_essential_containers_exit_ends_the_task_and_a_non_essential_ones_does_not() {
    let run = |essential| {
        let mut blueprint = empty(without_balancer(fleet(1)));
        let mut other = container("other");
        other.essential = essential;
        other.exits = Some(ContainerExit {
            after: constant(10.0),
            code: 0,
        });
        blueprint.task_definitions[0].containers.push(other);
        let mut stage = Stage::new(&blueprint);
        stage.run_until(40.0);
        stage.entered("STOPPING")
    };
    assert_eq!(run(true), [(31.0, 0)]);
    assert_eq!(run(false), []);
}

#[test]
fn containers_stop_in_the_reverse_order_of_their_dependencies() {
    // The app depends on the sidecar, so at 101 (no target to deregister) the app gets SIGTERM and ends at 103, then the
    // sidecar takes its 4 s: 107.
    let mut blueprint = without_balancer(fleet(1));
    let mut sidecar = container("sidecar");
    sidecar.shut_down = constant(4.0);
    let definition = &mut blueprint.task_definitions[0];
    definition.containers[0].depends_on = vec![ContainerDependency {
        container: 1,
        condition: ContainerCondition::Start,
    }];
    definition.containers.push(sidecar);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 0, "test"));
    stage.run_until(200.0);
    assert_eq!(
        order_times(&stage, |order| matches!(order, Order::KillServer(_))),
        [103.0]
    );
    assert_eq!(stage.entered("DEPROVISIONING"), [(107.0, 0)]);
}

#[test]
fn a_task_stopped_before_it_runs_pulls_and_serves_nothing() {
    let blueprint = empty(fleet(1));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(11.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 0, "test"));
    stage.run_until(100.0);
    let expected = [
        (0.0, "PROVISIONING"),
        (10.0, "PENDING"),
        (12.0, "DEPROVISIONING"),
        (22.0, "STOPPED"),
    ];
    assert_eq!(stage.way(0), owned(&expected));
    assert_eq!(record(&stage, 0).pull_started, None);
    assert_eq!(
        order_times(&stage, |order| matches!(order, Order::StartServer(_))),
        [0.0; 0]
    );
}

#[test]
fn a_revision_that_fails_to_start_does_so_for_its_share_of_tasks() {
    let mut blueprint = empty(without_balancer(fleet(400)));
    blueprint.model.fargate.launch_burst = 1000;
    blueprint.services[0].revisions[0].defects.fails_to_start = Ratio::new(0.25).expect("a share");
    let mut stage = Stage::new(&blueprint);
    stage.run_until(22.0);
    let failed = stage.entered("STOPPING").len();
    // Binomial (400, 1/4): mean 100, standard deviation 8.7; five of them are one in two million.
    assert!((57..=143).contains(&failed), "{failed}");
}

#[test]
fn discovery_finds_running_tasks_and_those_with_checks_only_when_healthy() {
    let found = |blueprint: &Blueprint| {
        let mut stage = Stage::new(blueprint);
        stage.run_until(100.0);
        let counts = stage.orders.iter().filter_map(|(second, order)| match order {
            Order::PublishDiscovery { tasks, .. } => Some((*second, tasks.len())),
            _ => None,
        });
        counts.collect::<Vec<_>>()
    };
    let mut blueprint = empty(without_balancer(fleet(1)));
    assert_eq!(found(&blueprint), [(21.0, 1)]);
    // Started at 21, start-up over at 23, first check at 26.
    blueprint.task_definitions[0].containers[0].health_check = Some(check(5));
    assert_eq!(found(&blueprint), [(26.0, 1)]);
}
