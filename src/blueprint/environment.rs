//! What comes from outside: traffic, deployments, faults, and the alarms that watch.

use super::{Backend, DependencyIx, GroupIx, LoadBalancerIx, RevisionIx, ServiceIx, TrafficIx, Trouble, ZoneIx};
use crate::engine::dist::Dist;
use crate::units::{Instant, Span};

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
    /// The rate is higher (or lower) for a while; the traffic's profile has it already.
    TrafficSpike { traffic: TrafficIx },
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
