//! Faults: what goes wrong, when it comes and when it goes.

use super::{Backend, CacheFlush, DependencyIx, GroupIx, Link, LinkTrouble, ServiceIx, TrafficIx, Trouble, ZoneIx};
use crate::engine::dist::Dist;
use crate::units::{Instant, Ratio, Span};

#[derive(Clone, Debug)]
pub struct Fault {
    /// As written, for labels: `zone_outage us-east-1b`.
    pub label: String,
    pub kind: FaultKind,
    /// `None`: it does not end by itself.
    pub lasting: Option<Span>,
    pub course: Course,
}

/// When a fault comes, besides at its event's time.
#[derive(Clone, Debug)]
pub struct Course {
    pub recurrence: Recurrence,
    /// No occurrence begins after this.
    pub until: Instant,
    /// That it comes, each time.
    pub probability: Ratio,
    /// Position among the blueprint's events of the fault that it comes together with; its own time does not count then.
    pub leader: Option<usize>,
}

#[derive(Clone, Debug)]
pub enum Recurrence {
    Once,
    /// Again so long after each beginning.
    Every(Span),
    /// In order and in trouble by turns. `down` is `None` for what happens at once.
    ByTurns {
        first: Turn,
        up: Dist,
        down: Option<Dist>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    Up,
    Down,
}

impl Default for Course {
    fn default() -> Self {
        Course {
            recurrence: Recurrence::Once,
            until: Instant::NEVER,
            probability: Ratio::ONE,
            leader: None,
        }
    }
}

impl Course {
    /// Whether the event's time is all that there is to say: one beginning, in every run the same.
    pub fn is_plain(&self) -> bool {
        matches!(self.recurrence, Recurrence::Once) && self.probability == Ratio::ONE && self.leader.is_none()
    }
}

#[derive(Clone, Debug)]
pub enum FaultKind {
    /// `count` running tasks of a service exit at once, chosen at random.
    TaskCrash {
        service: ServiceIx,
        count: u32,
    },
    /// From now on (for `lasting`), each running task of the service crashes after a life drawn from this.
    RandomTaskCrash {
        service: ServiceIx,
        time_between_failures: Dist,
    },
    /// `count` instances of a group die, chosen at random.
    InstanceLoss {
        group: GroupIx,
        count: u32,
    },
    /// Everything in the zone is unreachable; see `docs/model.md`.
    ZoneOutage {
        zone: ZoneIx,
    },
    /// `count` instances of a group (chosen at random) give their tasks 1/factor of the CPU speed.
    SlowInstance {
        group: GroupIx,
        count: u32,
        factor: f64,
    },
    /// Something is wrong with what passes over a link.
    Link {
        link: Link,
        trouble: Box<LinkTrouble>,
    },
    /// Every hop that it covers takes this much longer, each way.
    AddedLatency {
        between: LatencyScope,
        delay: Dist,
    },
    /// Service times are `factor` times as long.
    DependencySlow {
        dependency: DependencyIx,
        factor: f64,
    },
    /// The rate is higher (or lower) for a while; the traffic's profile has it already.
    TrafficSpike {
        traffic: TrafficIx,
    },
    /// The primary fails; the standby answers after the dependency's failover time.
    DependencyFailover {
        dependency: DependencyIx,
    },
    CacheFlush(CacheFlush),
    /// The agents of `count` instances of a group (chosen at random) are cut off from the control plane.
    AgentDisconnect {
        group: GroupIx,
        count: u32,
    },
    /// CloudWatch Logs takes nothing from containers that run.
    LogsStall,
    /// A service of AWS that tasks call at their start is in trouble.
    Backend {
        of: Vec<Backend>,
        trouble: Trouble,
    },
}

impl FaultKind {
    /// It happens at once and does not last.
    pub fn is_momentary(&self) -> bool {
        matches!(
            self,
            FaultKind::TaskCrash { .. }
                | FaultKind::InstanceLoss { .. }
                | FaultKind::DependencyFailover { .. }
                | FaultKind::CacheFlush(_)
        )
    }
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
