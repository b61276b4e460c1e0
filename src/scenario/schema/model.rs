//! What AWS does not publish: the `model:` keys with their defaults.
//!
//! The defaults are those of [`crate::blueprint::Model`]; a test holds the two together.

use super::{Distribution, Duration, Form, Intervals, Lognormal, Throughput, Time, constant};
use crate::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What AWS does not publish.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Model {
    pub alb: AlbModel,
    pub scheduler: SchedulerModel,
    pub cloudwatch: CloudWatchModel,
    pub target_tracking: TargetTrackingModel,
    pub fargate: FargateModel,
    pub ec2: Ec2Model,
    pub task: TaskModel,
    pub start_up: super::StartUpModel,
    pub cpu: CpuShareModel,
    pub discovery: DiscoveryModel,
    pub network: super::NetworkModel,
    pub sqs: super::SqsModel,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AlbModel {
    #[schemars(range(min = 1, max = 100))]
    pub nodes_per_zone: u32,
    /// When a node first checks a new target, as a share of the interval.
    pub first_health_check: Form<Intervals, FirstCheck>,
    pub least_outstanding_ties: Ties,
    /// From the loss of a zone's nodes until their addresses leave DNS.
    pub node_loss_detection: Duration,
    /// How long a client may go on using an address that has left DNS: anything up to this.
    pub dns_ttl: Duration,
    /// Requests whose client goes on using an address that has left DNS for good.
    pub dns_ttl_ignored: super::Share,
    pub anomaly_detection: AnomalyDetection,
    /// How a load balancer's own capacity follows its load; it is never short of it if absent.
    pub scaling: Option<AlbScaling>,
    /// A connection that nobody answers is given up after this.
    pub connect_timeout: Duration,
    /// Requests that share a connection, for the bill; connections themselves are not modelled.
    #[schemars(range(min = 1))]
    pub requests_per_connection: f64,
    /// Bytes that the balancer processes for each request, both ways, for the bill.
    pub bytes_per_request: u64,
}

/// A load balancer accepts so many requests a second: the largest of `floor`, what its reservation is good for, and
/// `factor` times the busiest whole minute of the last `window`. The rest is answered 503.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AlbScaling {
    pub factor: super::Factor,
    pub window: Duration,
    pub floor: super::Rate,
}

impl Default for AlbScaling {
    fn default() -> Self {
        AlbScaling {
            factor: super::Factor(2.0),
            window: Duration::secs(300),
            floor: super::Rate(1_000.0),
        }
    }
}

/// How anomaly mitigation tells that a target fails more than its peers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AnomalyDetection {
    /// Standard deviations by which the target's share of errors lies above that of all its peers together.
    #[schemars(range(min = 0))]
    pub z: f64,
    /// Of the target since the last look, 5 s ago; with fewer nothing is concluded.
    #[schemars(range(min = 1))]
    pub minimum_requests: u32,
    /// Of an anomalous target.
    pub minimum_weight: super::Share,
    /// From the minimum back to the full weight, in equal steps.
    pub recovery: Duration,
}

impl Default for AnomalyDetection {
    fn default() -> Self {
        AnomalyDetection {
            z: 3.0,
            minimum_requests: 10,
            minimum_weight: super::Share(crate::units::Ratio::new(0.05).expect("it is a share")),
            recovery: Duration::secs(60),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FirstCheck {
    Uniform([Intervals; 2]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ties {
    Uniform,
    FirstRegistered,
}

impl Default for AlbModel {
    fn default() -> Self {
        AlbModel {
            nodes_per_zone: 1,
            first_health_check: Form::Long(FirstCheck::Uniform([Intervals(0.0), Intervals(1.0)])),
            least_outstanding_ties: Ties::Uniform,
            node_loss_detection: Duration::secs(30),
            dns_ttl: Duration::secs(60),
            dns_ttl_ignored: super::Share(crate::units::Ratio::ZERO),
            anomaly_detection: AnomalyDetection::default(),
            scaling: None,
            connect_timeout: Duration::secs(10),
            requests_per_connection: 10.0,
            bytes_per_request: 8192,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SchedulerModel {
    /// From a change that concerns a service to the pass that acts on it.
    pub pass: Duration,
    /// Whether tasks that are stopping still count to the maximum percent.
    pub draining_counts_to_maximum: bool,
    /// Pauses between starts of a service whose tasks never run.
    pub restart_backoff: RestartBackoff,
    /// Between attempts to place tasks that no instance could take.
    pub placement_retry: Duration,
    /// How long placement avoids a zone in which a launch has failed.
    pub failed_zone_avoided: Duration,
    /// Whether a task of a DRAINING instance gets SIGTERM when it is taken from its target groups, or after their
    /// deregistration delay.
    pub draining_instance_stop: DrainingInstanceStop,
    /// When whoever calls RunTask tries again, while ECS does not answer.
    pub run_task_retry: Duration,
    /// When a scheduled action is tried again, while ECS or Application Auto Scaling does not answer.
    pub scheduled_action_retry: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DrainingInstanceStop {
    AtOnce,
    DeregisterFirst,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RestartBackoff {
    pub base: Duration,
    #[schemars(range(min = 1))]
    pub factor: f64,
    pub max: Duration,
}

impl Default for RestartBackoff {
    fn default() -> Self {
        RestartBackoff {
            base: Duration::secs(15),
            factor: 2.0,
            max: Duration::secs(27 * 60),
        }
    }
}

impl Default for SchedulerModel {
    fn default() -> Self {
        SchedulerModel {
            pass: Duration::secs(1),
            draining_counts_to_maximum: false,
            restart_backoff: RestartBackoff::default(),
            placement_retry: Duration::secs(60),
            failed_zone_avoided: Duration::secs(300),
            draining_instance_stop: DrainingInstanceStop::AtOnce,
            run_task_retry: Duration::secs(10),
            scheduled_action_retry: Duration::secs(60),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CloudWatchModel {
    /// From the end of a minute until its datapoint can be read.
    pub publication_delay: Duration,
    /// Where in the wall clock's minute periods begin, as a time below a minute; drawn for each replication if absent.
    pub phase: Option<Duration>,
}

impl Default for CloudWatchModel {
    fn default() -> Self {
        CloudWatchModel {
            publication_delay: Duration::secs(60),
            phase: None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TargetTrackingModel {
    pub scale_in: ScaleIn,
    /// Minutes above the target before scaling out.
    #[schemars(range(min = 1))]
    pub high_periods: u32,
    /// Minutes below the low threshold before scaling in.
    #[schemars(range(min = 1))]
    pub low_periods: u32,
    /// The low threshold as a share of the target.
    pub low_threshold: super::Share,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScaleIn {
    /// To what the target needs.
    Proportional,
    /// By one task a cooldown.
    OneStep,
}

impl Default for TargetTrackingModel {
    fn default() -> Self {
        TargetTrackingModel {
            scale_in: ScaleIn::Proportional,
            high_periods: 3,
            low_periods: 15,
            low_threshold: super::Share(crate::units::Ratio::new(0.9).expect("it is a share")),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FargateModel {
    pub provisioning: Time,
    /// PENDING besides the pull.
    pub pending: Time,
    pub pull: Throughput,
    pub deprovisioning: Time,
    /// Tasks that the account may launch at once.
    #[schemars(range(min = 1))]
    pub launch_burst: u32,
    /// Tasks that it may launch in the long run.
    pub launch_rate: super::Rate,
}

impl Default for FargateModel {
    fn default() -> Self {
        FargateModel {
            provisioning: lognormal(8, 15),
            pending: constant(5),
            pull: Throughput(80.0),
            deprovisioning: uniform(5, 15),
            launch_burst: 100,
            launch_rate: super::Rate(20.0),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ec2Model {
    /// Awsvpc tasks only.
    pub eni_attach: Time,
    /// PENDING besides the pull.
    pub pending: Time,
    pub pull: Throughput,
    pub deprovisioning: Time,
    /// Over which a burstable instance in `standard` mode comes down to its baseline as its credits run out, if all it gives is
    /// used.
    pub credit_ramp: Duration,
}

impl Default for Ec2Model {
    fn default() -> Self {
        Ec2Model {
            eni_attach: uniform(3, 8),
            pending: constant(1),
            pull: Throughput(80.0),
            deprovisioning: uniform(1, 3),
            credit_ramp: Duration::secs(900),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TaskModel {
    /// Create and start of one container.
    pub container_start: Time,
    /// From a running task to the target's `initial`.
    pub target_registration: Time,
    /// Tasks that a service may start a minute.
    #[schemars(range(min = 1))]
    pub launches_per_minute: u32,
    /// How long a task without balancer and check runs before it counts as healthy.
    pub healthy_after: Duration,
    /// From the silence of a host until its tasks are declared stopped.
    pub loss_detection: Time,
}

impl Default for TaskModel {
    fn default() -> Self {
        TaskModel {
            container_start: uniform(1, 2),
            target_registration: uniform(2, 5),
            launches_per_minute: 500,
            healthy_after: Duration::secs(40),
            loss_detection: uniform(60, 120),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CpuShareModel {
    pub cfs_period: Duration,
    /// Hardware threads that a Fargate task can use at once, at least.
    #[schemars(range(min = 1, max = 1024))]
    pub fargate_host_vcpus: u32,
}

impl Default for CpuShareModel {
    fn default() -> Self {
        CpuShareModel {
            cfs_period: Duration(Span::from_millis(100)),
            fargate_host_vcpus: 2,
        }
    }
}

fn uniform(low: u64, high: u64) -> Time {
    Form::Long(Distribution::Uniform([Duration::secs(low), Duration::secs(high)]))
}

fn lognormal(median: u64, p95: u64) -> Time {
    Form::Long(Distribution::Lognormal(Lognormal {
        mean: None,
        cv: None,
        median: Some(Duration::secs(median)),
        p95: Some(Duration::secs(p95)),
        mu: None,
        sigma: None,
    }))
}

/// How tasks that are called without a balancer are found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DiscoveryModel {
    /// From a task's coming or going until Cloud Map's DNS answers accordingly.
    pub cloud_map_propagation: Duration,
    /// Of the tasks that one of Service Connect's proxies knows, how many it avoids at once at most.
    pub service_connect_max_ejection: super::Share,
}

impl Default for DiscoveryModel {
    fn default() -> Self {
        DiscoveryModel {
            cloud_map_propagation: Duration::secs(5),
            service_connect_max_ejection: super::Share(crate::units::Ratio::ONE),
        }
    }
}
