//! The `model:` keys.

use super::Context;
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema::{self, FirstCheck, Form};
use crate::units::Span;

pub(super) fn model(cx: &mut Context) -> Model {
    let root = Path::Root;
    let path = root.key("model");
    let said = &cx.said.model;
    Model {
        alb: alb(cx, &said.alb, &path.key("alb")),
        scheduler: scheduler(cx, &said.scheduler, &path.key("scheduler")),
        cloudwatch: cloudwatch(cx, &said.cloudwatch, &path.key("cloudwatch")),
        target_tracking: TargetTrackingModel {
            scale_in: match said.target_tracking.scale_in {
                schema::ScaleIn::Proportional => ScaleIn::Proportional,
                schema::ScaleIn::OneStep => ScaleIn::OneStep,
            },
            high_periods: said.target_tracking.high_periods,
            low_periods: said.target_tracking.low_periods,
            low_threshold: said.target_tracking.low_threshold.0.get(),
        },
        fargate: fargate(cx, &said.fargate, &path.key("fargate")),
        ec2: ec2(cx, &said.ec2, &path.key("ec2")),
        task: task(cx, &said.task, &path.key("task")),
        start_up: super::start_up::model(cx, &said.start_up, &path.key("start_up")),
        network: Retransmission {
            first: said.network.retransmission_timeout.0,
            longest: said.network.longest_retransmission_timeout.0,
            most: said.network.retransmissions,
        },
        sqs: super::queue::model(cx, &said.sqs, &path.key("sqs")),
        discovery: DiscoveryModel {
            cloud_map_propagation: said.discovery.cloud_map_propagation.0,
            service_connect_max_ejection: said.discovery.service_connect_max_ejection.0,
        },
        cpu: {
            let here = path.key("cpu");
            cx.positive(said.cpu.cfs_period.0, &here.key("cfs_period"));
            CpuShareModel {
                cfs_period: said.cpu.cfs_period.0,
                fargate_host_vcpus: said.cpu.fargate_host_vcpus,
            }
        },
    }
}

fn alb(cx: &mut Context, said: &schema::AlbModel, path: &Path) -> AlbModel {
    let here = path.key("first_health_check");
    let first_health_check = match &said.first_health_check {
        Form::Short(share) => (share.0, share.0),
        Form::Long(FirstCheck::Uniform([low, high])) => (low.0, high.0),
    };
    if first_health_check.0 > first_health_check.1 {
        cx.report(
            Code::ContradictorySizes,
            &here,
            "the lower bound lies above the upper one",
        );
    }
    let detection = path.key("anomaly_detection");
    cx.positive(said.anomaly_detection.recovery.0, &detection.key("recovery"));
    if let Some(scaling) = &said.scaling {
        let here = path.key("scaling");
        if scaling.window.0 < Span::from_secs(60) {
            cx.problems
                .report_with(Code::OutOfRange, &here.key("window"), "less than a whole minute", |d| {
                    d.expected("a time from 1m on")
                });
        }
        above_zero(cx, scaling.floor.0, &here.key("floor"));
        if scaling.factor.0 <= 1.0 {
            cx.problems
                .report_with(Code::OutOfRange, &here.key("factor"), "it would never grow", |d| {
                    d.expected("a factor above 1")
                });
        }
    }
    AlbModel {
        nodes_per_zone: said.nodes_per_zone,
        first_health_check,
        least_outstanding_ties: match said.least_outstanding_ties {
            schema::Ties::Uniform => Ties::Uniform,
            schema::Ties::FirstRegistered => Ties::FirstRegistered,
        },
        node_loss_detection: said.node_loss_detection.0,
        dns_ttl: said.dns_ttl.0,
        dns_ttl_ignored: said.dns_ttl_ignored.0,
        anomaly_detection: AnomalyModel {
            z: said.anomaly_detection.z,
            minimum_requests: said.anomaly_detection.minimum_requests,
            minimum_weight: said.anomaly_detection.minimum_weight.0,
            recovery: said.anomaly_detection.recovery.0,
        },
        scaling: said.scaling.map(|scaling| AlbScaling {
            factor: scaling.factor.0,
            window: scaling.window.0,
            floor: scaling.floor.0,
        }),
        connect_timeout: said.connect_timeout.0,
        requests_per_connection: said.requests_per_connection,
        bytes_per_request: said.bytes_per_request,
    }
}

fn scheduler(cx: &mut Context, said: &schema::SchedulerModel, path: &Path) -> SchedulerModel {
    let backoff = &said.restart_backoff;
    if backoff.max.0 < backoff.base.0 {
        let here = path.key("restart_backoff");
        cx.report(
            Code::ContradictorySizes,
            &here.key("max"),
            "the longest pause is shorter than the first",
        );
    }
    for (key, pause) in [
        ("placement_retry", said.placement_retry),
        ("run_task_retry", said.run_task_retry),
        ("scheduled_action_retry", said.scheduled_action_retry),
    ] {
        cx.positive(pause.0, &path.key(key));
    }
    SchedulerModel {
        pass: said.pass.0,
        draining_counts_to_maximum: said.draining_counts_to_maximum,
        restart_backoff: RestartBackoff {
            base: backoff.base.0,
            factor: backoff.factor,
            max: backoff.max.0,
        },
        placement_retry: said.placement_retry.0,
        failed_zone_avoided: said.failed_zone_avoided.0,
        run_task_retry: said.run_task_retry.0,
        scheduled_action_retry: said.scheduled_action_retry.0,
        draining_instance_stop: match said.draining_instance_stop {
            schema::DrainingInstanceStop::AtOnce => DrainingInstanceStop::AtOnce,
            schema::DrainingInstanceStop::DeregisterFirst => DrainingInstanceStop::DeregisterFirst,
        },
    }
}

fn cloudwatch(cx: &mut Context, said: &schema::CloudWatchModel, path: &Path) -> CloudWatchModel {
    let phase = said.phase.map(|phase| phase.0.seconds() / 60.0);
    if phase.is_some_and(|phase| phase >= 1.0) {
        let message = "a phase lies within a minute";
        cx.problems
            .report_with(Code::OutOfRange, &path.key("phase"), message, |d| {
                d.expected("a time below 60s")
            });
    }
    CloudWatchModel {
        publication_delay: said.publication_delay.0,
        phase,
    }
}

fn fargate(cx: &mut Context, said: &schema::FargateModel, path: &Path) -> FargateModel {
    above_zero(cx, said.pull.0, &path.key("pull"));
    above_zero(cx, said.launch_rate.0, &path.key("launch_rate"));
    FargateModel {
        provisioning: cx.dist(&said.provisioning, &path.key("provisioning")),
        pending: cx.dist(&said.pending, &path.key("pending")),
        pull_rate: said.pull.0,
        deprovisioning: cx.dist(&said.deprovisioning, &path.key("deprovisioning")),
        launch_burst: said.launch_burst,
        launch_rate: said.launch_rate.0,
    }
}

fn ec2(cx: &mut Context, said: &schema::Ec2Model, path: &Path) -> Ec2Model {
    above_zero(cx, said.pull.0, &path.key("pull"));
    Ec2Model {
        eni_attach: cx.dist(&said.eni_attach, &path.key("eni_attach")),
        pending: cx.dist(&said.pending, &path.key("pending")),
        pull_rate: said.pull.0,
        deprovisioning: cx.dist(&said.deprovisioning, &path.key("deprovisioning")),
        credit_ramp: said.credit_ramp.0,
    }
}

fn task(cx: &mut Context, said: &schema::TaskModel, path: &Path) -> TaskModel {
    TaskModel {
        container_start: cx.dist(&said.container_start, &path.key("container_start")),
        target_registration: cx.dist(&said.target_registration, &path.key("target_registration")),
        launches_per_minute: said.launches_per_minute,
        healthy_after: said.healthy_after.0,
        loss_detection: cx.dist(&said.loss_detection, &path.key("loss_detection")),
    }
}

pub(super) fn above_zero(cx: &mut Context, value: f64, path: &Path) {
    if value <= 0.0 {
        cx.problems
            .report_with(Code::OutOfRange, path, "nothing would ever come", |d| {
                d.expected("a value above 0")
            });
    }
}

/// Every key, and whether the scenario leaves it at its default.
pub(super) fn keys(said: &schema::Model) -> Vec<ModelKey> {
    let groups = |model: &schema::Model| match serde_json::to_value(model) {
        Ok(serde_json::Value::Object(groups)) => groups,
        _ => unreachable!("the model is a map of maps"),
    };
    let (said, default) = (groups(said), groups(&schema::Model::default()));
    let mut keys = Vec::new();
    for (group, values) in &said {
        for (key, value) in values.as_object().into_iter().flatten() {
            keys.push(ModelKey {
                key: format!("{group}.{key}"),
                is_default: *value == default[group][key],
            });
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_the_scenario_sets_is_no_assumption_any_more() {
        let mut said = schema::Model::default();
        assert!(keys(&said).iter().all(|key| key.is_default));
        said.alb.nodes_per_zone = 3;
        let all = keys(&said);
        let set: Vec<&str> = all
            .iter()
            .filter(|key| !key.is_default)
            .map(|key| key.key.as_str())
            .collect();
        assert_eq!(set, ["alb.nodes_per_zone"]);
        for group in ["network.", "discovery.", "sqs.", "fargate.", "start_up."] {
            assert!(all.iter().any(|key| key.key.starts_with(group)), "{group} is missing");
        }
    }
}
