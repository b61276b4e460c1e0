//! Keeping the desired count: replacement, throttle, launch rates, scale-in, steadiness.

use super::harness::{Health, Stage, fleet, without_balancer};
use crate::blueprint::{ServiceIx, Start, ZoneIx};
use crate::units::{Ratio, Span};

#[test]
fn the_restart_throttle_delays_attempts_by_15_30_60_up_to_27_minutes() {
    // Each attempt of a task that never runs takes 21 s to fail; then the delay.
    let mut blueprint = without_balancer(fleet(1));
    blueprint.start = Start::Empty;
    blueprint.services[0].revisions[0].defects.fails_to_start = Ratio::ONE;
    let mut stage = Stage::new(&blueprint);
    stage.run_until(8000.0);
    let starts: Vec<f64> = stage.created();
    let gaps: Vec<f64> = starts.windows(2).map(|pair| pair[1] - pair[0] - 21.0).collect();
    assert_eq!(
        gaps,
        [15.0, 30.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1620.0, 1620.0, 1620.0]
    );
    assert_eq!(
        stage.said("is unable to consistently start tasks successfully").len(),
        starts.len()
    );
}

#[test]
fn a_new_deployment_resets_the_throttle() {
    let mut blueprint = without_balancer(fleet(1));
    blueprint.start = Start::Empty;
    blueprint.services[0].revisions[0].defects.fails_to_start = Ratio::ONE;
    let mut stage = Stage::new(&blueprint);
    stage.run_until(500.0);
    stage.deploy(1);
    stage.run_until(600.0);
    assert_eq!(stage.created().last(), Some(&501.0));
}

#[test]
fn exits_after_running_are_not_throttled() {
    // RUNNING at 21 s, exit 3 s later, seen at once; the pass a second later starts the next: every 25 s.
    let mut blueprint = without_balancer(fleet(1));
    blueprint.start = Start::Empty;
    blueprint.services[0].revisions[0].defects.exits_after = Some(super::harness::constant(3.0));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(101.0);
    assert_eq!(stage.created(), [0.0, 25.0, 50.0, 75.0, 100.0]);
}

#[test]
fn a_crashed_task_is_replaced_after_a_pass() {
    let blueprint = fleet(4);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(50.0);
    stage.act(|control, cx| control.crash_tasks(cx, &crate::blueprint::Selection::some_of(ServiceIx(0), 1), cx.key));
    stage.run_until(200.0);
    assert_eq!(stage.entered("PROVISIONING"), [(51.0, 4)]);
    assert_eq!(stage.entered("RUNNING"), [(75.0, 4)]);
    // The crashed one's only container is gone: it is not waited for. Steady once the new one is healthy (80).
    let (_, crashed) = stage.entered("STOPPED")[0];
    let way: Vec<(f64, String)> = stage.way(crashed).split_off(1);
    let expected = [(50.0, "STOPPING"), (50.0, "DEPROVISIONING"), (60.0, "STOPPED")];
    assert_eq!(way, super::harness::owned(&expected));
    assert_eq!(stage.said("has reached a steady state"), [81.0]);
}

#[test]
fn an_unhealthy_task_is_replaced_first_and_stopped_once_the_new_one_is_healthy() {
    // Task 2 answers 500 from 12 s on; checks at 15 and 25: unhealthy. 26: a replacement starts, healthy at 55. 56: task
    // 2 is stopped, at once with its deregistration.
    let blueprint = fleet(4);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(12.0);
    stage.of_task.insert(2, Health::Status(500));
    stage.run_until(200.0);
    assert_eq!(stage.entered("PROVISIONING"), [(26.0, 4)]);
    let way = stage.way(2).split_off(1);
    let expected = [(56.0, "STOPPING"), (58.0, "DEPROVISIONING"), (68.0, "STOPPED")];
    assert_eq!(way, super::harness::owned(&expected));
    let target = super::harness::owned(&[
        (0.0, "healthy"),
        (25.0, "unhealthy"),
        (56.0, "draining"),
        (86.0, "unused"),
    ]);
    assert_eq!(stage.target(2), target);
    assert_eq!(stage.levels(), (0, 4, 4));
}

#[test]
fn the_grace_period_keeps_a_failing_task_until_it_is_over() {
    let mut blueprint = fleet(4);
    blueprint.services[0].health_check_grace_period = Span::from_secs(300);
    let mut stage = Stage::new(&blueprint);
    stage.of_task.insert(2, Health::Status(500));
    stage.run_until(400.0);
    // Unhealthy at 15; the steady tasks started at 0, so grace ends at 300.
    assert_eq!(stage.entered("PROVISIONING"), [(300.0, 4)]);
}

#[test]
fn scale_in_keeps_the_zones_balanced() {
    let blueprint = fleet(6);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 2, "test"));
    stage.run_until(100.0);
    let zones: Vec<ZoneIx> = stage.control.tasks.iter().map(|(_, task)| task.zone).collect();
    let mut sorted = zones.clone();
    sorted.sort();
    assert_eq!(sorted, [ZoneIx(0), ZoneIx(1)]);
    assert_eq!(stage.entered("DEACTIVATING").len(), 4);
}

#[test]
fn scale_out_starts_what_is_missing_in_one_pass() {
    let blueprint = fleet(2);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 5, "test"));
    stage.run_until(100.0);
    assert_eq!(stage.created(), [11.0, 11.0, 11.0]);
    assert_eq!(stage.levels(), (0, 5, 5));
}

#[test]
fn fargate_launches_a_burst_and_then_at_its_rate() {
    // Burst 3, 0.5 a second: three at 11 s, then one every 2 s.
    let mut blueprint = without_balancer(fleet(0));
    blueprint.model.fargate.launch_burst = 3;
    blueprint.model.fargate.launch_rate = 0.5;
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 6, "test"));
    stage.run_until(40.0);
    assert_eq!(stage.created(), [11.0, 11.0, 11.0, 13.0, 15.0, 17.0]);
}

#[test]
fn a_service_launches_no_more_than_its_quota_a_minute() {
    let mut blueprint = without_balancer(fleet(0));
    blueprint.model.task.launches_per_minute = 2;
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 4, "test"));
    stage.run_until(100.0);
    // Two at once; then one each 30 s.
    assert_eq!(stage.created(), [11.0, 11.0, 41.0, 71.0]);
}

#[test]
fn random_crashes_end_each_running_task_after_its_life_until_they_are_lifted() {
    use crate::engine::dist::Law;
    // Life 40 s from 10 s on: all four crash at 50, their replacements (RUNNING at 51 + 24 = 75) would at 115; lifted at
    // 100.
    let blueprint = fleet(4);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    let law = Law::constant(Span::from_secs(40));
    stage.act(|control, cx| control.random_crashes(cx, ServiceIx(0), Some(law)));
    stage.run_until(100.0);
    stage.act(|control, cx| control.random_crashes(cx, ServiceIx(0), None));
    stage.run_until(300.0);
    let stopped: Vec<f64> = stage
        .entered("STOPPING")
        .into_iter()
        .map(|(second, _)| second)
        .collect();
    assert_eq!(stopped, [50.0; 4]);
}

#[test]
fn a_draw_of_one_service_does_not_depend_on_another() {
    // Adding a service changes no provisioning time of the first.
    let mut alone = without_balancer(fleet(0));
    alone.model.fargate.provisioning = crate::engine::dist::Dist::uniform(1.0, 20.0).expect("valid");
    let mut beside = alone.clone();
    let mut second = beside.services[0].clone();
    second.name = "other".into();
    beside.services.insert(0, second);
    let pending = |blueprint: &crate::blueprint::Blueprint, at: usize| {
        let mut stage = Stage::new(blueprint);
        for service in 0..blueprint.services.len() {
            let service = ServiceIx::from_usize(service);
            stage.act(|control, cx| control.set_desired_count(cx, service, 3, "test"));
        }
        stage.run_until(100.0);
        let mut times: Vec<f64> = Vec::new();
        for seen in &stage.seen {
            if let crate::sim::observation::Observation::Happened(event) = seen
                && event.to == "PENDING"
                && event.service == Some(ServiceIx::from_usize(at))
            {
                times.push(event.at.seconds());
            }
        }
        times
    };
    assert_eq!(pending(&alone, 0), pending(&beside, 1));
}
