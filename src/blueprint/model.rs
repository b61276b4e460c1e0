//! What AWS does not publish: one value for each MODEL or unsourced line of the reference that this version uses.
//!
//! Each is a key under `model:` of the scenario with the default that `Model::default` gives; `docs/model.md` lists
//! them. With constants in place of the distributions a whole timeline can be computed by hand.

use super::{Retransmission, SqsModel, StartUpModel};
use crate::engine::dist::Dist;
use crate::units::{Ratio, Span};

#[derive(Clone, Debug)]
pub struct Model {
    pub alb: AlbModel,
    pub scheduler: SchedulerModel,
    pub cloudwatch: CloudWatchModel,
    pub target_tracking: TargetTrackingModel,
    pub fargate: FargateModel,
    pub ec2: Ec2Model,
    pub task: TaskModel,
    pub start_up: StartUpModel,
    pub cpu: CpuShareModel,
    pub discovery: DiscoveryModel,
    pub network: Retransmission,
    pub sqs: SqsModel,
}

/// One key under `model:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelKey {
    /// `alb.nodes_per_zone`.
    pub key: String,
    pub is_default: bool,
}

#[derive(Clone, Debug)]
pub struct AlbModel {
    pub nodes_per_zone: u32,
    /// When a node first checks a newly registered target, as a share of the interval: uniform in [low, high].
    pub first_health_check: (f64, f64),
    pub least_outstanding_ties: Ties,
    /// From the loss of a zone's nodes until their addresses leave DNS.
    pub node_loss_detection: Span,
    /// How long a client may go on using an address that has left DNS: uniform in [0, TTL] for each request.
    pub dns_ttl: Span,
    /// Share of requests whose client never looks an address up again.
    pub dns_ttl_ignored: Ratio,
    pub anomaly_detection: AnomalyModel,
    /// How a balancer's own capacity follows its load; `None`: it is never short.
    pub scaling: Option<AlbScaling>,
    /// A connection that nobody answers is given up after this (10 s [ALB23:load-balancer-troubleshooting]).
    pub connect_timeout: Span,
    /// Requests that share a connection; connections themselves are not modelled, only billed.
    pub requests_per_connection: f64,
    /// Processed by the balancer for each request, both ways.
    pub bytes_per_request: u64,
}

/// A balancer accepts so many requests a second: the larger of a floor, what its reservation is good for, and a factor
/// times the busiest whole minute of late.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlbScaling {
    pub factor: f64,
    /// How far back a busy minute still counts.
    pub window: Span,
    /// Requests a second.
    pub floor: f64,
}

/// How anomaly mitigation tells that a target fails more than its peers, of which AWS publishes nothing.
#[derive(Clone, Debug)]
pub struct AnomalyModel {
    /// Standard deviations by which a target's share of errors lies above its peers'.
    pub z: f64,
    /// Answered since the last look; with fewer nothing is concluded.
    pub minimum_requests: u32,
    /// Of an anomalous target.
    pub minimum_weight: Ratio,
    /// From the minimum back to the full weight.
    pub recovery: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ties {
    Uniform,
    FirstRegistered,
}

#[derive(Clone, Debug)]
pub struct SchedulerModel {
    /// From a change that concerns a service to the pass that acts on it; changes meanwhile share the pass.
    pub pass: Span,
    pub draining_counts_to_maximum: bool,
    pub restart_backoff: RestartBackoff,
    /// Between attempts to place tasks that no instance could take.
    pub placement_retry: Span,
    /// How long a zone in which a launch has failed is avoided by placement.
    pub failed_zone_avoided: Span,
    pub draining_instance_stop: DrainingInstanceStop,
    /// When whoever calls RunTask tries again, while ECS does not answer.
    pub run_task_retry: Span,
    /// When a scheduled action is tried again, while ECS or Application Auto Scaling does not answer.
    pub scheduled_action_retry: Span,
}

/// In which order a task of a DRAINING instance gets SIGTERM and leaves its target groups [CR#708].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrainingInstanceStop {
    AtOnce,
    /// SIGTERM after the deregistration delay, as elsewhere.
    DeregisterFirst,
}

/// Delay before start k (from 0) after k+1 tasks in a row that never ran: min(max, base·factor^k).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RestartBackoff {
    pub base: Span,
    pub factor: f64,
    pub max: Span,
}

#[derive(Clone, Debug)]
pub struct CloudWatchModel {
    /// From the end of a minute until its datapoint can be read.
    pub publication_delay: Span,
    /// Where in the minute periods begin, as a share of it; `None`: drawn for each replication.
    pub phase: Option<f64>,
}

#[derive(Clone, Debug)]
pub struct TargetTrackingModel {
    pub scale_in: ScaleIn,
    /// Periods above the target before scaling out, below 0.9 × target before scaling in.
    pub high_periods: u32,
    pub low_periods: u32,
    /// The low alarm's threshold as a share of the target.
    pub low_threshold: f64,
}

/// How much is removed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScaleIn {
    /// Down to the count that the metric asks for.
    Proportional,
    /// One task a cooldown.
    OneStep,
}

#[derive(Clone, Debug)]
pub struct FargateModel {
    pub provisioning: Dist,
    /// PENDING besides the pull.
    pub pending: Dist,
    /// MiB a second.
    pub pull_rate: f64,
    pub deprovisioning: Dist,
    /// On-demand and Spot bucket: tasks at once, tasks a second.
    pub launch_burst: u32,
    pub launch_rate: f64,
}

#[derive(Clone, Debug)]
pub struct Ec2Model {
    /// Awsvpc tasks only; 0 for bridge and host.
    pub eni_attach: Dist,
    pub pending: Dist,
    /// MiB a second.
    pub pull_rate: f64,
    pub deprovisioning: Dist,
    /// Over which a burstable instance comes down to its baseline as its credits run out.
    pub credit_ramp: Span,
}

#[derive(Clone, Debug)]
pub struct TaskModel {
    /// Create and start of one container.
    pub container_start: Dist,
    /// From all essential containers running (or, behind a balancer, the serving one started) to the target's `initial`.
    pub target_registration: Dist,
    /// Tasks a service may start a minute.
    pub launches_per_minute: u32,
    /// How long a task without balancer and check must run to count as healthy: 40 s [BC:ecs minimumHealthyPercent].
    pub healthy_after: Span,
    /// From the silence of an instance or Fargate host until it is declared lost and its tasks STOPPED.
    pub loss_detection: Dist,
}

#[derive(Clone, Copy, Debug)]
pub struct DiscoveryModel {
    /// From a task's coming or going until Cloud Map's DNS answers accordingly.
    pub cloud_map_propagation: Span,
    /// Of the targets that one of Service Connect's proxies knows, how many it avoids at once at most.
    pub service_connect_max_ejection: Ratio,
}

#[derive(Clone, Debug)]
pub struct CpuShareModel {
    pub cfs_period: Span,
    /// Hardware threads a Fargate task can run on at once: at least this many, and at least its vCPUs rounded up.
    pub fargate_host_vcpus: u32,
}

fn lognormal(median: f64, p95: f64) -> Dist {
    Dist::lognormal_median_p95(median, p95).expect("the model's defaults are valid")
}

fn uniform(low: f64, high: f64) -> Dist {
    Dist::uniform(low, high).expect("the model's defaults are valid")
}

fn constant(seconds: f64) -> Dist {
    Dist::constant(seconds).expect("the model's defaults are valid")
}

impl Default for Model {
    fn default() -> Self {
        Model {
            alb: AlbModel {
                nodes_per_zone: 1,
                first_health_check: (0.0, 1.0),
                least_outstanding_ties: Ties::Uniform,
                node_loss_detection: Span::from_secs(30),
                dns_ttl: Span::from_secs(60),
                dns_ttl_ignored: Ratio::ZERO,
                anomaly_detection: AnomalyModel {
                    z: 3.0,
                    minimum_requests: 10,
                    minimum_weight: Ratio::new(0.05).expect("a share"),
                    recovery: Span::from_secs(60),
                },
                scaling: None,
                connect_timeout: Span::from_secs(10),
                requests_per_connection: 10.0,
                bytes_per_request: 8 * 1024,
            },
            scheduler: SchedulerModel {
                pass: Span::from_secs(1),
                draining_counts_to_maximum: false,
                restart_backoff: RestartBackoff {
                    base: Span::from_secs(15),
                    factor: 2.0,
                    max: Span::from_secs(27 * 60),
                },
                placement_retry: Span::from_secs(60),
                failed_zone_avoided: Span::from_secs(300),
                draining_instance_stop: DrainingInstanceStop::AtOnce,
                run_task_retry: Span::from_secs(10),
                scheduled_action_retry: Span::from_secs(60),
            },
            cloudwatch: CloudWatchModel {
                publication_delay: Span::from_secs(60),
                phase: None,
            },
            target_tracking: TargetTrackingModel {
                scale_in: ScaleIn::Proportional,
                high_periods: 3,
                low_periods: 15,
                low_threshold: 0.9,
            },
            fargate: FargateModel {
                provisioning: lognormal(8.0, 15.0),
                pending: constant(5.0),
                pull_rate: 80.0,
                deprovisioning: uniform(5.0, 15.0),
                launch_burst: 100,
                launch_rate: 20.0,
            },
            ec2: Ec2Model {
                eni_attach: uniform(3.0, 8.0),
                pending: constant(1.0),
                pull_rate: 80.0,
                deprovisioning: uniform(1.0, 3.0),
                credit_ramp: Span::from_secs(900),
            },
            task: TaskModel {
                container_start: uniform(1.0, 2.0),
                target_registration: uniform(2.0, 5.0),
                launches_per_minute: 500,
                healthy_after: Span::from_secs(40),
                loss_detection: uniform(60.0, 120.0),
            },
            start_up: StartUpModel::default(),
            cpu: CpuShareModel {
                cfs_period: Span::from_millis(100),
                fargate_host_vcpus: 2,
            },
            sqs: SqsModel::default(),
            network: Retransmission {
                first: Span::from_millis(200),
                longest: Span::from_secs(120),
                most: 15,
            },
            discovery: DiscoveryModel {
                cloud_map_propagation: Span::from_secs(5),
                service_connect_max_ejection: Ratio::ONE,
            },
        }
    }
}
