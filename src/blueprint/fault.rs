//! Faults: what goes wrong, when it comes and when it goes.

use super::{
    Backend, CacheFlush, ControlService, DependencyIx, GroupIx, Link, LinkTrouble, Poison, Provider, RevisionIx,
    ServiceIx, TrafficIx, Trouble, ZoneIx,
};
use crate::engine::dist::Dist;
use crate::units::{Instant, Ratio, Span};

#[derive(Clone, Debug)]
pub struct Fault {
    /// As written, for labels: `zone_outage us-east-1b`.
    pub label: String,
    /// What its draws are keyed by, so that other faults do not change them: its own name or, without one, its kind and
    /// which of its kind it is.
    pub identity: String,
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
    /// Tasks exit at once.
    TaskCrash {
        on: Selection,
    },
    /// Tasks are slow, wrong or still while they run.
    GrayFailure {
        on: Selection,
        ills: Ills,
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
    /// Some requests are refused or not answered, and the others take longer.
    DependencyOutage {
        dependencies: Vec<DependencyIx>,
        outage: Outage,
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
    /// Some requests kill or hang whoever serves them.
    Poison(Poison),
    /// Services of AWS neither decide nor answer.
    ControlPlaneOutage {
        of: Vec<ControlService>,
        backends: Vec<Backend>,
    },
    /// Nothing is launched there; `zone: None`: in none of them.
    CapacityShortage {
        provider: Provider,
        zone: Option<ZoneIx>,
    },
    /// Tasks that may be launched a second, in the account.
    ApiThrottling {
        rate: f64,
    },
    /// Fargate Spot takes tasks back.
    SpotReclaim {
        on: Selection,
    },
    /// The serving containers of tasks grow by so many MiB a second.
    MemoryLeak {
        on: Selection,
        growth: f64,
    },
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
                | FaultKind::SpotReclaim { .. }
                | FaultKind::DependencyFailover { .. }
                | FaultKind::CacheFlush(_)
        )
    }
}

/// What is wrong with a dependency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outage {
    /// Of the requests that reach it, those that it does not serve.
    pub share: Ratio,
    pub manner: Unserved,
    /// Service takes so many times as long.
    pub slow: f64,
}

/// What becomes of requests that are not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unserved {
    Refused,
    /// Nothing is heard of them.
    Unanswered,
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

/// RUNNING tasks to which all of this applies, and how many of them.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    pub service: Option<ServiceIx>,
    pub zone: Option<ZoneIx>,
    pub revision: Option<RevisionIx>,
    pub provider: Option<Provider>,
    pub amount: Amount,
}

impl Selection {
    /// So many tasks of a service.
    pub fn some_of(service: ServiceIx, count: u32) -> Self {
        Selection {
            service: Some(service),
            amount: Amount::Count(count),
            ..Selection::default()
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Amount {
    #[default]
    All,
    /// Chosen at random.
    Count(u32),
    /// Chosen at random; rounded up.
    Share(Ratio),
}

impl Amount {
    pub fn of(self, all: usize) -> u32 {
        match self {
            Amount::All => all as u32,
            Amount::Count(count) => count,
            // A share that comes out whole but for the last bit is that.
            Amount::Share(share) => (share.get() * all as f64 - 1e-9).ceil().max(0.0) as u32,
        }
    }
}

/// What is wrong with a task that runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ills {
    /// Work and waits take so many times as long.
    pub slow: f64,
    /// Share of requests that fail.
    pub error_ratio: f64,
    pub motion: Motion,
    pub checks: ChecksOfTheIll,
}

impl Ills {
    pub const NONE: Ills = Ills {
        slow: 1.0,
        error_ratio: 0.0,
        motion: Motion::Moving,
        checks: ChecksOfTheIll::Suffer,
    };

    /// Both at once.
    pub fn and(self, other: Ills) -> Ills {
        Ills {
            slow: self.slow * other.slow,
            error_ratio: 1.0 - (1.0 - self.error_ratio) * (1.0 - other.error_ratio),
            motion: if self.motion == Motion::Still {
                self.motion
            } else {
                other.motion
            },
            checks: if self.checks == ChecksOfTheIll::Pass {
                self.checks
            } else {
                other.checks
            },
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    Moving,
    /// It hangs: connections are taken, and nothing goes on.
    Still,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChecksOfTheIll {
    /// Health checks see what requests see.
    Suffer,
    /// They pass at once.
    Pass,
}
