//! CodeDeploy on the life cycle of ECS: green is healthy at 130 and traffic begins to shift at 131 (see `blue_green`).

use super::blue_green::{blue_green, meter, revisions, shifts, with_alarm};
use super::harness::{Health, Stage, owned};
use super::hooks::lambda;
use super::shift::{canary, linear};
use crate::blueprint::*;
use crate::sim::observation::{EventKind, Observation};
use crate::units::Span;

const GROUP: CodeDeploy = CodeDeploy {
    rolls_back_on_failure: true,
    rolls_back_on_stop: false,
    blue: BlueInstances::Terminate,
};

fn by(group: CodeDeploy, mut blueprint: Blueprint) -> Blueprint {
    blueprint.services[0].deployment.code_deploy = Some(group);
    blueprint
}

fn deployed(blueprint: &Blueprint) -> Stage<'_> {
    let mut stage = Stage::new(blueprint);
    stage.run_until(100.0);
    stage.deploy(1);
    stage
}

#[test]
fn before_allow_traffic_is_called_once_and_not_at_every_step() {
    // 131: the hook, 20 s; steps at 151, 211, 271 and 331.
    let mut blueprint = by(GROUP, linear(2, 250, 60));
    blueprint.services[0].deployment.hooks = vec![lambda(LifecycleStage::PreProductionTrafficShift, 20.0)];
    let mut stage = deployed(&blueprint);
    stage.run_until(400.0);
    let seconds: Vec<f64> = shifts(&stage).into_iter().map(|(second, ..)| second).collect();
    assert_eq!(seconds, [151.0, 211.0, 271.0, 331.0]);
}

#[test]
fn green_has_an_hour_to_reach_its_steady_state() {
    // From 100 on. With auto-rollback green goes; without, both stay.
    for (rolls_back, outcome) in [(true, "ROLLED_BACK"), (false, "FAILED")] {
        let group = CodeDeploy {
            rolls_back_on_failure: rolls_back,
            ..GROUP
        };
        let blueprint = by(group, blue_green(2));
        let mut stage = deployed(&blueprint);
        stage.of_revision.insert(RevisionIx(1), Health::Silent);
        stage.run_until(3_699.0);
        assert_eq!(stage.outcomes(), []);
        stage.run_until(3_800.0);
        assert_eq!(stage.outcomes()[0].0, outcome);
        assert_eq!(revisions(&stage).contains(&1), !rolls_back);
    }
}

#[test]
fn a_scaling_event_while_traffic_shifts_holds_it_up_until_the_service_is_steady_again() {
    // 10 % at 131, the rest would follow at 191. Scaled to 3 at 185: both colours are whole at 215; 216: the rest.
    let blueprint = by(GROUP, canary(2, 100, 60));
    let mut stage = deployed(&blueprint);
    stage.run_until(185.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 3, "test"));
    stage.run_until(300.0);
    assert_eq!(shifts(&stage), [(131.0, 900, 100), (216.0, 0, 100)]);
}

#[test]
fn a_service_that_is_not_steady_five_minutes_after_a_scaling_event_fails_its_deployment() {
    // Scaled at 150; no task that starts from then on ever passes a check. 450: back.
    let blueprint = by(GROUP, canary(2, 100, 3_000));
    let mut stage = deployed(&blueprint);
    stage.run_until(150.0);
    stage.of_task.extend((4..200).map(|task| (task, Health::Status(500))));
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 3, "test"));
    stage.run_until(460.0);
    let back = stage
        .rows()
        .into_iter()
        .find(|(_, decision, _)| decision == "roll back");
    assert_eq!(back.expect("it rolls back").0, 450.0);
}

#[test]
fn an_alarm_takes_the_deployment_back_only_if_auto_rollback_says_so() {
    for (rollback, outcome) in [(true, "ROLLED_BACK"), (false, "FAILED")] {
        let blueprint = by(GROUP, with_alarm(canary(2, 100, 600), rollback));
        let mut stage = deployed(&blueprint);
        stage.run_until(180.0);
        meter(&mut stage, 2, 50);
        stage.run_until(400.0);
        assert_eq!(stage.outcomes()[0].0, outcome);
    }
}

#[test]
fn a_deployment_that_is_stopped_on_request_goes_back_as_its_controller_would() {
    // ECS goes back; CodeDeploy with DEPLOYMENT_STOP_ON_REQUEST only.
    let going_back = CodeDeploy {
        rolls_back_on_stop: true,
        ..GROUP
    };
    let cases = [
        (None, "ROLLED_BACK"),
        (Some(going_back), "ROLLED_BACK"),
        (Some(GROUP), "FAILED"),
    ];
    for (group, outcome) in cases {
        let mut blueprint = canary(2, 100, 600);
        blueprint.services[0].deployment.code_deploy = group;
        let mut stage = deployed(&blueprint);
        stage.run_until(200.0);
        stage.act(|control, cx| control.stop_deployment(cx, ServiceIx(0)));
        stage.run_until(400.0);
        assert_eq!(stage.outcomes()[0].0, outcome);
        assert_eq!(shifts(&stage).len(), if outcome == "FAILED" { 1 } else { 2 });
    }
}

#[test]
fn a_rolling_deployment_that_is_stopped_on_request_goes_back_too() {
    let blueprint = super::harness::fleet(2);
    let mut stage = deployed(&blueprint);
    stage.run_until(110.0);
    stage.act(|control, cx| control.stop_deployment(cx, ServiceIx(0)));
    stage.run_until(400.0);
    assert_eq!(stage.outcomes()[0].0, "ROLLED_BACK");
    assert_eq!(revisions(&stage), [0, 0]);
}

#[test]
fn blue_that_is_kept_alive_stands_until_the_next_deployment() {
    // Complete at the shift, 131. A blue task that crashes is made good. 300: revision 2; 301: blue goes.
    let group = CodeDeploy {
        blue: BlueInstances::KeepAlive,
        ..GROUP
    };
    let blueprint = by(group, blue_green(2));
    let mut stage = deployed(&blueprint);
    stage.run_until(150.0);
    assert_eq!(stage.outcomes(), [("COMPLETED", 131.0)]);
    let blue = stage.control.services[0].tasks[0];
    stage.act(|control, cx| control.container_exited(cx, blue, 0, 1));
    stage.run_until(300.0);
    assert_eq!(revisions(&stage), [0, 1, 1, 0]);
    stage.deploy(2);
    stage.run_until(500.0);
    assert_eq!(revisions(&stage), [1, 1, 2, 2]);
}

#[test]
fn codedeploy_tells_its_own_words() {
    let mut blueprint = by(GROUP, blue_green(2));
    blueprint.services[0].deployment.hooks = vec![lambda(LifecycleStage::PostScaleUp, 20.0)];
    let mut stage = deployed(&blueprint);
    stage.run_until(400.0);
    let moves = stage.seen.iter().filter_map(|seen| match seen {
        Observation::Happened(event) if event.kind == EventKind::Deployment => {
            Some((event.at.seconds(), event.to.as_str()))
        }
        _ => None,
    });
    let told: Vec<(f64, String)> = moves.map(|(second, to)| (second, to.to_string())).collect();
    let expected = [
        (100.0, "InProgress"),
        (131.0, "AfterInstall"),
        (131.0, "InProgress"),
        (151.0, "Succeeded"),
        (151.0, "AllowTraffic"),
        (151.0, "Baking"),
        (271.0, "TerminateBlue"),
        (314.0, "Succeeded"),
    ];
    assert_eq!(told, owned(&expected));
    let strategy = stage.seen.iter().find_map(|seen| match seen {
        Observation::DeploymentStarted(record) => Some(record.strategy),
        _ => None,
    });
    assert_eq!(strategy, Some("CODE_DEPLOY"));
    assert_eq!(blueprint.services[0].deployment.bake_time, Span::from_secs(120));
}
