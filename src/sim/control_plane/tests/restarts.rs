//! Containers that are started again in their task, and the codes and reasons of tasks that are not.

use super::harness::{Health, Stage, constant, container, fleet, without_balancer};
use super::life_cycle::record;
use crate::blueprint::*;
use crate::sim::observation::EventKind;
use crate::sim::signal::Order;
use crate::units::{Ratio, Span};

/// One task whose server crashes `life` after RUNNING, and after each restart; it is started again if it has run 60 s.
fn restarted(life: f64, ignored: &[u8]) -> Blueprint {
    let mut blueprint = without_balancer(fleet(1));
    blueprint.services[0].revisions[0].defects.exits_after = Some(constant(life));
    blueprint.task_definitions[0].containers[0].restart_policy = Some(RestartPolicy {
        ignored_exit_codes: ignored.to_vec(),
        attempt_period: Span::from_secs(60),
    });
    blueprint
}

fn order_times(stage: &Stage<'_>, which: impl Fn(&Order) -> bool) -> Vec<f64> {
    let orders = stage.orders.iter().filter(|(at, order)| *at > 0.0 && which(order));
    orders.map(|(at, _)| *at).collect()
}

#[test]
fn a_restarted_container_comes_back_with_its_start_up_and_its_task_stays_running() {
    // Exits at 100; 1 s to start, 2 s of start-up; exits again 100 s after it has started.
    let blueprint = restarted(100.0, &[]);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(203.5);
    assert_eq!(
        order_times(&stage, |order| matches!(order, Order::KillServer(_))),
        [100.0, 201.0]
    );
    assert_eq!(
        order_times(&stage, |order| matches!(order, Order::StartServer(_))),
        [101.0, 202.0]
    );
    assert_eq!(order_times(&stage, |order| matches!(order, Order::Listen(_))), [103.0]);
    assert_eq!(stage.levels(), (0, 1, 1));
    assert_eq!(stage.happened(EventKind::Task).len(), 1, "the task itself goes nowhere");
}

#[test]
fn a_container_that_exits_within_the_period_is_not_restarted() {
    let blueprint = restarted(59.0, &[]);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(90.0);
    let stopped = record(&stage, 0);
    assert_eq!(stopped.stop_code, "EssentialContainerExited");
    assert_eq!(stopped.stop_reason, "Essential container in task exited");
    assert_eq!(stopped.exit_codes, "app=1");
}

#[test]
fn an_ignored_exit_code_is_not_restarted() {
    let blueprint = restarted(100.0, &[1]);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(130.0);
    assert_eq!(record(&stage, 0).stop_code, "EssentialContainerExited");
}

#[test]
fn a_task_that_is_stopped_restarts_nothing() {
    let mut blueprint = restarted(100.0, &[]);
    blueprint.task_definitions[0].containers[0].shut_down = constant(20.0);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(89.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 0, "test"));
    stage.run_until(200.0);
    assert_eq!(
        order_times(&stage, |order| matches!(order, Order::StartServer(_))),
        [0.0; 0]
    );
    assert_eq!(stage.control.tasks.len(), 0);
}

#[test]
fn health_checks_begin_anew_after_a_restart() {
    // Crash at 100: UNKNOWN, so not healthy; runs from 101, listens at 103, checked at 111.
    let mut blueprint = restarted(100.0, &[]);
    blueprint.task_definitions[0].containers[0].health_check = Some(ContainerHealthCheck {
        interval: Span::from_secs(10),
        timeout: Span::from_secs(5),
        retries: 3,
        start_period: Span::ZERO,
    });
    let mut stage = Stage::new(&blueprint);
    stage.run_until(110.5);
    assert_eq!(stage.levels(), (0, 1, 0));
    stage.run_until(111.5);
    assert_eq!(stage.levels(), (0, 1, 1));
}

#[test]
fn stop_task_overlaps_deregistration_and_is_told_as_the_users_doing() {
    // At 10: SIGTERM at once although the target drains for 30 s; gone after 2 + 10 s; replaced.
    let blueprint = fleet(1);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    let key = stage.cx.key;
    stage.act(|control, cx| control.stop_tasks(cx, ServiceIx(0), 1, "Task stopped by user", key));
    stage.run_until(60.0);
    assert_eq!(
        order_times(&stage, |order| matches!(order, Order::CloseServer(_))),
        [10.0]
    );
    let stopped = record(&stage, 0);
    assert_eq!(stopped.stop_code, "UserInitiated");
    assert_eq!(stopped.stop_reason, "Task stopped by user");
    assert_eq!(stopped.stopped.map(|at| at.seconds()), Some(22.0));
    assert_eq!(stage.created(), [11.0]);
}

#[test]
fn failed_checks_are_told_apart_in_ecs_words() {
    let blueprint = fleet(1);
    let mut stage = Stage::new(&blueprint);
    stage.of_task.insert(0, Health::Status(500));
    stage.run_until(200.0);
    assert_eq!(
        record(&stage, 0).stop_reason,
        "Task failed ELB health checks in (target-group web)"
    );

    let mut blueprint = without_balancer(fleet(1));
    blueprint.services[0].revisions[0].defects.fails_health_checks = Ratio::ONE;
    blueprint.task_definitions[0].containers[0].health_check = Some(ContainerHealthCheck {
        interval: Span::from_secs(10),
        timeout: Span::from_secs(5),
        retries: 3,
        start_period: Span::ZERO,
    });
    let mut stage = Stage::new(&blueprint);
    stage.run_until(400.0);
    let reasons = stage.seen.iter().filter_map(|seen| match seen {
        crate::sim::observation::Observation::TaskEnded(task) => Some(task.stop_reason.clone()),
        _ => None,
    });
    assert_eq!(reasons.collect::<Vec<_>>()[0], "Task failed container health checks");
}

#[test]
fn a_container_that_had_to_be_killed_exits_with_137() {
    let mut blueprint = without_balancer(fleet(1));
    let mut slow = container("slow");
    slow.shut_down = constant(600.0);
    blueprint.task_definitions[0].containers.push(slow);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 0, "test"));
    stage.run_until(100.0);
    let stopped = record(&stage, 0);
    assert_eq!(stopped.exit_codes, "app=0 slow=137");
    assert_eq!(stopped.stop_reason, "Scaling activity initiated by service scheduler");
}
