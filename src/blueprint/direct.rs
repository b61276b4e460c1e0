//! Ways straight to a service's tasks that are more than an algorithm over all of them.

use crate::units::{Ratio, Span};

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
    /// How long what is known of the targets' load holds; `None`: it is looked at for each request.
    pub load_refresh: Option<Span>,
    pub outliers: Option<OutlierDetection>,
    /// `None`: discovery's news is known at once.
    pub dns: Option<DnsAnswers>,
    pub proxy: Option<Proxy>,
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

/// How a calling task (or the proxy beside it) avoids targets that fail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutlierDetection {
    pub counts: OutlierFailure,
    /// So many failures within `interval` eject a target.
    pub failures: u32,
    pub interval: Span,
    /// For how long, times the number of ejections in a row.
    pub base_ejection: Span,
    pub longest_ejection: Span,
    /// At most this share of the targets is ejected at once, and always at least one may be.
    pub most: Ratio,
}

/// What counts against a target; time that ran out always does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutlierFailure {
    /// Connections refused, reset or not answered.
    Connections,
    /// Those, and answers with HTTP 5xx.
    Any,
}

/// Each calling task keeps an answer of DNS until its time to live is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DnsAnswers {
    pub ttl: Span,
    pub routing: RoutingPolicy,
    /// From a change of the registry until DNS answers with it.
    pub propagation: Span,
}

/// Of a Cloud Map service [BC:servicediscovery DnsConfig].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoutingPolicy {
    /// Up to eight records at random.
    Multivalue,
    /// One record at random.
    Weighted,
}

/// The proxy beside each calling task that Service Connect adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Further tries at other targets when a connection fails.
    pub retries: u32,
    /// The proxy answers 504 then; `None`: never.
    pub per_request_timeout: Option<Span>,
}
