//! What comes from outside: traffic, deployments, faults, and the alarms that watch.

use super::{Fault, GroupIx, LoadBalancerIx, RevisionIx, ServiceIx, ZoneIx};
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
    Fault(Box<Fault>),
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
