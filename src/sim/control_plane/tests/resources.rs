//! What a task needs of AWS before its pull: secrets, parameters, log streams, credentials.
//!
//! On Fargate a task asks 15 s after its creation; a call for a secret or a log stream takes 0.1 s, the pull 5 s.

use super::harness::{Stage, fleet, on_ec2, without_balancer};
use super::life_cycle::record;
use crate::blueprint::*;
use crate::units::Span;

fn with_secrets(desired: u32, secrets: Secrets) -> Blueprint {
    let mut blueprint = without_balancer(fleet(desired));
    blueprint.start = Start::Empty;
    blueprint.task_definitions[0].containers[0].secrets = secrets;
    blueprint
}

/// The reason of the one task that cannot start while this is out.
fn reason_while_out(mut blueprint: Blueprint, of: Backend) -> (String, f64) {
    blueprint.start = Start::Empty;
    let mut stage = Stage::new(&blueprint);
    stage.act(|control, _| control.backend_trouble_begins(0, &[of], Trouble::Out));
    stage.run_until(100.0);
    let record = record(&stage, 0);
    assert_eq!(record.stop_code, "TaskFailedToStart");
    assert_eq!(record.running, None);
    (record.stop_reason, record.stopping.expect("it stops").seconds())
}

#[test]
fn secrets_take_a_call_each_and_parameters_one_for_ten() {
    // 3 + 2 calls of 0.1 s.
    let secrets = Secrets {
        secrets_manager: 3,
        parameter_store: 11,
    };
    let blueprint = with_secrets(1, secrets);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    assert_eq!(stage.entered("ACTIVATING"), [(20.5, 0)]);
    assert_eq!(record_of_pull(&stage), 15.5);
}

fn record_of_pull(stage: &Stage<'_>) -> f64 {
    let (_, task) = stage.control.tasks.iter().next().expect("there is one");
    task.pull_started.expect("it pulls").seconds()
}

#[test]
fn a_fleet_that_starts_at_once_stands_in_line_for_its_parameters() {
    // 100 tasks at once, one call each, 40 at once and 40 a second: the last call is let through 60/40 = 1.5 s later.
    let secrets = Secrets {
        secrets_manager: 0,
        parameter_store: 1,
    };
    let blueprint = with_secrets(100, secrets);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    let activating = stage.entered("ACTIVATING");
    assert_eq!(activating.iter().filter(|(at, _)| *at == 20.1).count(), 40);
    assert_eq!(activating.last(), Some(&(21.6, 99)));
}

#[test]
fn who_stands_in_line_longer_than_it_is_patient_fails() {
    let secrets = Secrets {
        secrets_manager: 0,
        parameter_store: 1,
    };
    let mut blueprint = with_secrets(2, secrets);
    blueprint.model.start_up.get_parameters_rate = 0.1;
    blueprint.model.start_up.throttling_patience = Span::from_secs(4);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(60.0);
    let failed = record(&stage, 1);
    assert_eq!(failed.stopping.map(|at| at.seconds()), Some(19.0));
    let reason = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval \
                  failed: unable to retrieve secrets from ssm: ThrottlingException: Rate exceeded";
    assert_eq!(failed.stop_reason, reason);
}

#[test]
fn a_task_whose_secret_cannot_be_read_does_not_start() {
    // Five attempts, 12.7 s to 15.24 s in all.
    let secrets = Secrets {
        secrets_manager: 1,
        parameter_store: 0,
    };
    let (reason, at) = reason_while_out(with_secrets(1, secrets), Backend::SecretsManager);
    let expected = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval \
                    failed: unable to retrieve secret from asm: service call has been retried 5 time(s)";
    assert_eq!(reason, expected);
    assert!((27.7..=30.24).contains(&at), "{at}");
}

#[test]
fn without_log_streams_no_container_is_created() {
    let mut blueprint = without_balancer(fleet(1));
    blueprint.task_definitions[0].containers[0].logs = Some(Logs::NonBlocking);
    let (reason, _) = reason_while_out(blueprint, Backend::CloudWatchLogs);
    assert!(reason.starts_with("ResourceInitializationError: failed to validate logger args: "));
}

#[test]
fn fargate_needs_credentials_for_every_task_and_instances_only_for_secrets() {
    let (reason, _) = reason_while_out(without_balancer(fleet(1)), Backend::Iam);
    assert!(reason.contains("unable to get credentials"), "{reason}");
    let blueprint = without_balancer(on_ec2(fleet(1), 1));
    let mut stage = Stage::new(&blueprint);
    stage.act(|control, _| control.backend_trouble_begins(0, &[Backend::Iam], Trouble::Out));
    stage.run_until(10.0);
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 2, "test"));
    stage.run_until(100.0);
    assert_eq!(stage.entered("ACTIVATING"), [(16.0, 1)]);
}

#[test]
fn an_outage_that_ends_is_not_seen_by_who_asks_afterwards() {
    let secrets = Secrets {
        secrets_manager: 1,
        parameter_store: 0,
    };
    let blueprint = with_secrets(1, secrets);
    let mut stage = Stage::new(&blueprint);
    stage.act(|control, _| control.backend_trouble_begins(0, &[Backend::SecretsManager], Trouble::Out));
    stage.run_until(14.0);
    stage.act(|control, _| control.backend_trouble_ends(0));
    stage.run_until(100.0);
    assert_eq!(stage.entered("ACTIVATING"), [(20.1, 0)]);
}
