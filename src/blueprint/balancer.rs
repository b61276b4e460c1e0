//! Application Load Balancers: listeners, rules, target groups and their health checks.

use super::{Method, PathPattern, ProgramIx, TargetGroupIx, ZoneIx};
use crate::units::Span;
use std::net::IpAddr;

#[derive(Clone, Debug)]
pub struct LoadBalancer {
    pub name: String,
    pub zones: Vec<ZoneIx>,
    pub internet_facing: bool,
    pub listeners: Vec<Listener>,
    pub idle_timeout: Span,
    pub attributes: LoadBalancerAttributes,
}

/// What a load balancer may have besides; AWS's defaults where nothing is said.
#[derive(Clone, Debug)]
pub struct LoadBalancerAttributes {
    /// A client's connection is closed after this, however busy [BC:elbv2 client_keep_alive.seconds].
    pub client_keep_alive: Span,
    /// Capacity units that it always has, and that are always paid [BC:elbv2 MinimumLoadBalancerCapacity].
    pub reserved_units: u32,
}

impl Default for LoadBalancerAttributes {
    fn default() -> Self {
        LoadBalancerAttributes {
            client_keep_alive: Span::from_secs(3_600),
            reserved_units: 0,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Listener {
    pub name: String,
    pub port: u16,
    /// By ascending priority; the first whose conditions all hold decides.
    pub rules: Vec<Rule>,
    pub default_action: Action,
    /// As a rule's.
    pub group_stickiness: Option<Span>,
}

#[derive(Clone, Debug)]
pub struct Rule {
    pub priority: u32,
    /// Each list is ORed, empty means "any"; all are ANDed.
    pub paths: Vec<PathPattern>,
    /// Compared case-insensitively.
    pub hosts: Vec<PathPattern>,
    pub methods: Vec<Method>,
    pub sources: Vec<Cidr>,
    /// All of these hold.
    pub headers: Vec<HeaderCondition>,
    /// All of these hold.
    pub queries: Vec<QueryCondition>,
    pub action: Action,
    /// How long a client stays with the target group that was chosen for it; `None`: it does not.
    pub group_stickiness: Option<Span>,
}

/// The header has one of these values; names and values are compared case-insensitively [BC:elbv2
/// HttpHeaderConditionConfig].
#[derive(Clone, Debug)]
pub struct HeaderCondition {
    pub name: String,
    pub values: Vec<PathPattern>,
}

/// The query string has one of these pairs, compared case-insensitively [BC:elbv2 QueryStringConditionConfig].
#[derive(Clone, Debug)]
pub struct QueryCondition {
    pub pairs: Vec<QueryPair>,
}

#[derive(Clone, Debug)]
pub struct QueryPair {
    /// `None`: any key.
    pub key: Option<PathPattern>,
    pub value: PathPattern,
}

/// A block of addresses, like `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    pub address: IpAddr,
    /// Leading bits that count.
    pub length: u8,
}

impl Cidr {
    /// Whether an address lies in the block. IPv4 and IPv6 have nothing in common.
    pub fn holds(self, address: IpAddr) -> bool {
        let (block, address, width) = match (self.address, address) {
            (IpAddr::V4(block), IpAddr::V4(address)) => {
                (u128::from(block.to_bits()), u128::from(address.to_bits()), 32)
            }
            (IpAddr::V6(block), IpAddr::V6(address)) => (block.to_bits(), address.to_bits(), 128),
            _ => return false,
        };
        let dropped = width - u32::from(self.length);
        block.checked_shr(dropped).unwrap_or(0) == address.checked_shr(dropped).unwrap_or(0)
    }
}

/// What a balancer's rules and a service's routes see of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    pub method: Method,
    /// Empty if nothing was said.
    pub host: String,
    /// Perhaps with a query string.
    pub path: String,
    pub headers: Vec<(String, String)>,
    /// Of the client; `None` if nothing was said, and for calls between tasks.
    pub source: Option<IpAddr>,
}

impl HttpRequest {
    /// `GET` of a path, without host and headers.
    pub fn get(path: impl Into<String>) -> Self {
        HttpRequest {
            method: Method::Get,
            host: String::new(),
            path: path.into(),
            headers: Vec::new(),
            source: None,
        }
    }
}

#[derive(Clone, Debug)]
pub enum Action {
    /// A group's share is its weight over the sum; health does not move traffic off a group.
    Forward(Vec<WeightedGroup>),
    /// 2xx, 4xx or 5xx.
    FixedResponse(u16),
    /// 301 or 302; where to is the client's affair.
    Redirect(u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeightedGroup {
    pub target_group: TargetGroupIx,
    pub weight: u32,
}

#[derive(Clone, Debug)]
pub struct TargetGroup {
    pub name: String,
    pub algorithm: Algorithm,
    pub deregistration_delay: Span,
    /// Zero is off; never with least outstanding requests or weighted random.
    pub slow_start: Span,
    pub attributes: TargetGroupAttributes,
    pub health_check: HealthCheck,
}

/// What a target group may have besides; AWS's defaults where nothing is said.
#[derive(Clone, Debug, Default)]
pub struct TargetGroupAttributes {
    pub cross_zone: CrossZone,
    /// Below it a zone's addresses leave DNS.
    pub dns_failover: MinimumHealthy,
    /// Below it a node sends to all its targets.
    pub unhealthy_state_routing: MinimumHealthy,
    pub stickiness: Option<Stickiness>,
    pub anomaly_mitigation: Mitigation,
}

/// A client's requests go to the target that its cookie names, for as long as that lasts; each request renews it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stickiness {
    pub cookie: Cookie,
    pub duration: Span,
}

/// Who gives a client its cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// The balancer, with its first choice.
    LoadBalancer,
    /// The application, with its first answer that is no error.
    Application,
}

/// Whether weights follow anomalies; only with weighted random.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mitigation {
    #[default]
    Off,
    On,
}

/// Whose targets a node sends to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CrossZone {
    /// All zones'.
    #[default]
    On,
    /// Its own zone's.
    Off,
}

/// A least number of healthy targets; `None` is off. [BC:elbv2 TargetGroupAttribute, target_group_health]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MinimumHealthy {
    pub count: Option<u32>,
    /// Of the registered targets.
    pub percentage: Option<u32>,
}

impl Default for MinimumHealthy {
    fn default() -> Self {
        MinimumHealthy {
            count: Some(1),
            percentage: None,
        }
    }
}

impl MinimumHealthy {
    /// Either is enough to miss it.
    pub fn is_missed(self, healthy: u32, registered: u32) -> bool {
        self.count.is_some_and(|count| healthy < count)
            || self
                .percentage
                .is_some_and(|percentage| u64::from(healthy) * 100 < u64::from(percentage) * u64::from(registered))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    RoundRobin,
    LeastOutstandingRequests,
    WeightedRandom,
}

#[derive(Clone, Debug)]
pub struct HealthCheck {
    pub path: String,
    pub interval: Span,
    pub timeout: Span,
    pub healthy_threshold: u32,
    pub unhealthy_threshold: u32,
    /// Inclusive ranges of status codes that pass.
    pub matcher: Vec<(u16, u16)>,
    /// What a check does in the target, in its own queue; empty program: it still takes a worker for a moment.
    pub runs: ProgramIx,
}
