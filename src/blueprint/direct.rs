//! Ways straight to a service's tasks that are more than an algorithm over all of them.

/// What a sender without balancer does besides choosing among all tasks that discovery lists.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Direct {
    pub view: ViewScope,
    pub zones: ZonePreference,
    /// Each calling task sends to so many targets only, spread over callers as evenly as can be.
    pub subset: Option<u32>,
    /// Each client sends to so many targets only, drawn for each client.
    pub shuffle_shard: Option<u32>,
    /// Targets are taken in proportion to their CPU.
    pub weights: Weights,
}

impl Direct {
    /// Whether there is nothing but the algorithm.
    pub fn is_plain(&self) -> bool {
        *self == Direct::default()
    }
}

/// Who shares counts and positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ViewScope {
    /// All tasks of the calling service.
    #[default]
    Shared,
    /// Each calling task has its own.
    PerTask,
}

/// Which zones a calling task sends to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ZonePreference {
    #[default]
    Any,
    /// Its own as long as a target is there.
    SameZone,
    /// Its own as far as the zone's share of targets bears its share of callers; the rest where there is room.
    Proportional,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weights {
    #[default]
    Equal,
    /// By the task's CPU units.
    Cpu,
}
