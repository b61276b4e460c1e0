//! What comes from outside: traffic, deployments, faults, and the alarms that watch.

use super::{
    Backend, ClassIx, DependencyIx, GroupIx, HttpRequest, LoadBalancerIx, Retry, RevisionIx, ServiceIx, TargetGroupIx,
    TrafficIx, Trouble, ZoneIx,
};
use crate::engine::dist::Dist;
use crate::units::{Instant, Span};
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct Traffic {
    pub name: String,
    pub to: Destination,
    pub source: Source,
    /// How many clients the requests come from, each with cookies and connections of its own; `None`: each request comes
    /// from a client that was never seen before. Closed users are such clients anyway.
    pub clients: Option<u32>,
    /// Positions in [`super::Blueprint::classes`], with weights that sum to more than 0.
    pub classes: Vec<(ClassIx, f64)>,
    /// Of one attempt; `None`: the client waits for ever.
    pub timeout: Option<Span>,
    pub retry: Retry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    LoadBalancer {
        load_balancer: LoadBalancerIx,
        listener: u16,
    },
    Service {
        service: ServiceIx,
        balancing: super::Balancing,
    },
}

#[derive(Clone, Debug)]
pub enum Source {
    /// Arrivals that do not wait for answers.
    Open { profile: RateProfile, arrivals: Arrivals },
    /// Recorded arrivals, in time order, on the simulation's clock.
    Recorded(Arc<[RecordedArrival]>),
    /// `users` who each wait for the answer, think, and ask again.
    Closed { users: u32, think_time: Dist },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordedArrival {
    pub at: Instant,
    /// `None`: drawn by the classes' weights.
    pub class: Option<ClassIx>,
}

/// Requests a second over simulated time (warm-up included), linear within each segment.
#[derive(Clone, Debug, PartialEq)]
pub struct RateProfile {
    /// In order, the first at instant 0, contiguous; the last one's `to` holds for ever.
    pub segments: Vec<RateSegment>,
}

/// A segment of no length says nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateSegment {
    pub start: Instant,
    pub end: Instant,
    /// Requests/s at `start` and at `end`.
    pub from: f64,
    pub to: f64,
}

/// How arrivals scatter around the rate profile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arrivals {
    Poisson,
    /// Evenly spaced in integrated rate.
    Regular,
    /// Two states of exponential length; in `high` the rate is `ratio` times that in `low`, the mean stays the profile's.
    Bursty {
        ratio: f64,
        mean_high: Span,
        mean_low: Span,
    },
}

#[derive(Clone, Debug)]
pub struct RequestClass {
    pub name: String,
    pub traffic: TrafficIx,
    pub http: HttpRequest,
}

#[derive(Clone, Debug)]
pub struct TimedEvent {
    pub at: Instant,
    pub what: Happening,
}

#[derive(Clone, Debug)]
pub enum Happening {
    /// Services that begin a deployment together.
    Deploy(Vec<(ServiceIx, RevisionIx)>),
    Release(Release),
    /// UpdateService with another desired count.
    SetDesiredCount {
        service: ServiceIx,
        count: u32,
    },
    /// StopTask, on so many RUNNING tasks of a service, chosen at random.
    StopTask {
        service: ServiceIx,
        count: u32,
        reason: String,
    },
    /// What a pause holds up goes on.
    ContinueDeployment(ServiceIx),
    /// The deployment in progress is stopped.
    StopDeployment(ServiceIx),
    /// RunTask: standalone tasks of a family.
    RunTask {
        family: ServiceIx,
        count: u32,
    },
    /// `count` instances of a group, chosen at random, are set to DRAINING.
    DrainInstances {
        group: GroupIx,
        count: u32,
    },
    Fault(Fault),
    ZonalShift(ZonalShift),
}

/// Clients are moved away from a zone of some load balancers [ALB23:zonal-shift].
#[derive(Clone, Debug)]
pub struct ZonalShift {
    pub away_from: ZoneIx,
    pub load_balancers: Vec<LoadBalancerIx>,
    pub lasting: Span,
}

/// Deployments in order: a step begins when all of the step before have COMPLETED.
#[derive(Clone, Debug)]
pub struct Release {
    pub steps: Vec<ReleaseStep>,
    pub on_failure: OnReleaseFailure,
}

#[derive(Clone, Debug)]
pub struct ReleaseStep {
    /// After the step before.
    pub wait: Span,
    pub deploy: Vec<(ServiceIx, RevisionIx)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnReleaseFailure {
    Stop,
    /// What has COMPLETED is deployed back, the last step first.
    RollBack,
}

impl Happening {
    /// The services that it deploys, sooner or later.
    pub fn deploys(&self) -> Vec<(ServiceIx, RevisionIx)> {
        match self {
            Happening::Deploy(services) => services.clone(),
            Happening::Release(release) => {
                let steps = release.steps.iter().flat_map(|step| &step.deploy);
                steps.copied().collect()
            }
            _ => Vec::new(),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Fault {
    /// As written, for labels: `zone_outage us-east-1b`.
    pub label: String,
    pub kind: FaultKind,
    /// `None`: it does not end by itself.
    pub lasting: Option<Span>,
}

#[derive(Clone, Debug)]
pub enum FaultKind {
    /// `count` running tasks of a service exit at once, chosen at random.
    TaskCrash { service: ServiceIx, count: u32 },
    /// From now on (for `lasting`), each running task of the service crashes after a life drawn from this.
    RandomTaskCrash {
        service: ServiceIx,
        time_between_failures: Dist,
    },
    /// `count` instances of a group die, chosen at random.
    InstanceLoss { group: GroupIx, count: u32 },
    /// Everything in the zone is unreachable; see `docs/model.md`.
    ZoneOutage { zone: ZoneIx },
    /// `count` instances of a group (chosen at random) give their tasks 1/factor of the CPU speed.
    SlowInstance { group: GroupIx, count: u32, factor: f64 },
    /// Every hop that it covers takes this much longer, each way.
    AddedLatency { between: LatencyScope, delay: Dist },
    /// Service times are `factor` times as long.
    DependencySlow { dependency: DependencyIx, factor: f64 },
    /// The primary fails; the standby answers after the dependency's failover time.
    DependencyFailover { dependency: DependencyIx },
    /// The agents of `count` instances of a group (chosen at random) are cut off from the control plane.
    AgentDisconnect { group: GroupIx, count: u32 },
    /// CloudWatch Logs takes nothing from containers that run.
    LogsStall,
    /// A service of AWS that tasks call at their start is in trouble.
    Backend { of: Vec<Backend>, trouble: Trouble },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LatencyScope {
    Everywhere,
    /// Hops that begin or end in the zone.
    Zone(ZoneIx),
    /// Hops to or from tasks of the service.
    Service(ServiceIx),
    Dependency(DependencyIx),
}

#[derive(Clone, Debug)]
pub struct Alarm {
    pub name: String,
    pub metrics: Vec<AlarmMetric>,
    /// Over positions in `metrics`.
    pub expression: Expression,
    pub comparison: Comparison,
    pub threshold: f64,
    /// A multiple of 60 s.
    pub period: Span,
    pub evaluation_periods: u32,
    pub datapoints_to_alarm: u32,
    pub missing: MissingData,
}

#[derive(Clone, Debug)]
pub struct AlarmMetric {
    pub id: String,
    pub metric: Metric,
    pub stat: Stat,
}

/// CloudWatch's names; published once a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    RequestCount(TargetGroupIx),
    RequestCountPerTarget(TargetGroupIx),
    TargetResponseTime(TargetGroupIx),
    Target2xx(TargetGroupIx),
    Target4xx(TargetGroupIx),
    Target5xx(TargetGroupIx),
    HealthyHostCount(TargetGroupIx),
    UnhealthyHostCount(TargetGroupIx),
    /// Codes the balancer made itself.
    Elb5xx(LoadBalancerIx),
    CpuUtilization(ServiceIx),
    MemoryUtilization(ServiceIx),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stat {
    Sum,
    Average,
    Minimum,
    Maximum,
    SampleCount,
}

/// Metric arithmetic; a datapoint that divides by zero or misses an operand is missing.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    Metric(usize),
    Number(f64),
    Add(Box<Expression>, Box<Expression>),
    Subtract(Box<Expression>, Box<Expression>),
    Multiply(Box<Expression>, Box<Expression>),
    Divide(Box<Expression>, Box<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    GreaterThan,
    GreaterThanOrEqual,
    LessThan,
    LessThanOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingData {
    Missing,
    Ignore,
    Breaching,
    NotBreaching,
}
