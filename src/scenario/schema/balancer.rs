//! Application Load Balancers.

use super::{Duration, Method, Named, OrOff, StatusCodes, Step, one};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An Application Load Balancer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadBalancer {
    #[serde(rename = "type", default)]
    pub kind: LoadBalancerType,
    #[serde(default)]
    pub scheme: Scheme,
    /// All zones of the cluster if absent.
    pub availability_zones: Option<Vec<String>>,
    pub listeners: Named<Listener>,
    pub target_groups: Named<TargetGroup>,
    /// A request that is not answered within it ends with 504.
    #[serde(default = "idle_timeout")]
    pub idle_timeout: Duration,
    /// A client's connection is closed after this, however busy; with `clients` or `users`.
    pub client_keep_alive: Option<Duration>,
    /// A reservation: capacity that is always there, and always paid.
    pub minimum_load_balancer_capacity: Option<MinimumLoadBalancerCapacity>,
    /// Whether a `zonal_shift` can move it away from a zone.
    #[serde(default)]
    pub zonal_shift: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MinimumLoadBalancerCapacity {
    #[schemars(range(min = 100))]
    pub capacity_units: u32,
}

fn idle_timeout() -> Duration {
    Duration::secs(60)
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LoadBalancerType {
    #[default]
    Application,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    #[default]
    InternetFacing,
    Internal,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    #[serde(default = "port")]
    #[schemars(range(min = 1))]
    pub port: u16,
    /// What happens to requests that no rule takes.
    pub default_action: Action,
    /// With a `forward` to several groups: clients stay with the group that was chosen for them.
    pub target_group_stickiness: Option<GroupStickiness>,
    #[serde(default)]
    pub rules: Vec<Rule>,
}

fn port() -> u16 {
    80
}

/// What a listener does with a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// To target groups, by weight.
    Forward(Vec<WeightedTargetGroup>),
    /// Answers with this status code: 2xx, 4xx or 5xx.
    FixedResponse(#[schemars(range(min = 200, max = 599))] u16),
    /// Sends the client elsewhere; the request ends there.
    Redirect(Redirect),
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Redirect {
    pub status_code: RedirectCode,
}

/// For good (`HTTP_301`) or for now (`HTTP_302`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RedirectCode {
    #[serde(rename = "HTTP_301")]
    Http301,
    #[serde(rename = "HTTP_302")]
    Http302,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeightedTargetGroup {
    pub target_group: String,
    #[serde(default = "one")]
    #[schemars(range(max = 999))]
    pub weight: u32,
}

/// Conditions, all of which must hold, and what then happens: `forward`, `fixed_response` or `redirect`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The lowest priority whose conditions hold decides.
    #[schemars(range(min = 1, max = 50_000))]
    pub priority: u32,
    /// Any of these; `*` stands for any characters, `?` for one. Case-sensitive.
    #[serde(default)]
    pub path_pattern: Vec<String>,
    /// Any of these; not case-sensitive.
    #[serde(default)]
    pub host_header: Vec<String>,
    /// Any of these.
    #[serde(default)]
    pub http_request_method: Vec<Method>,
    /// Any of these blocks of client addresses, like `10.0.0.0/8`.
    #[serde(default)]
    pub source_ip: Vec<String>,
    /// All of these.
    #[serde(default)]
    pub http_header: Vec<HttpHeader>,
    /// All of these.
    #[serde(default)]
    pub query_string: Vec<QueryString>,
    pub forward: Option<Vec<WeightedTargetGroup>>,
    #[schemars(range(min = 200, max = 599))]
    pub fixed_response: Option<u16>,
    pub redirect: Option<Redirect>,
    /// With a `forward` to several groups: clients stay with the group that was chosen for them.
    pub target_group_stickiness: Option<GroupStickiness>,
}

/// Clients stay with a target group, whatever the weights become.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupStickiness {
    pub duration: Duration,
}

/// Clients stay with a target while it is healthy and registered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stickiness {
    #[serde(rename = "type")]
    pub kind: StickinessType,
    /// Renewed by each request.
    #[serde(default = "day")]
    pub duration: Duration,
}

fn day() -> Duration {
    Duration::secs(86_400)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StickinessType {
    /// The load balancer gives the cookie, with its first choice.
    LbCookie,
    /// The application gives the cookie, with its first answer that is no error.
    AppCookie,
}

/// Whether targets that fail more than their peers get less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnomalyMitigation {
    #[default]
    Off,
    /// With `weighted_random` only.
    On,
}

/// A header has one of some values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpHeader {
    /// Not case-sensitive, no wildcards.
    pub http_header_name: String,
    /// Any of these; `*` and `?` as in paths; not case-sensitive.
    pub values: Vec<String>,
}

/// The query string has one of some pairs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryString {
    /// Any of these.
    pub values: Vec<KeyValue>,
}

/// `*` and `?` as in paths; not case-sensitive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyValue {
    /// Any key if absent.
    pub key: Option<String>,
    pub value: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TargetGroup {
    pub load_balancing_algorithm: Algorithm,
    /// A target that leaves gets no new requests and is unused after this.
    pub deregistration_delay: Duration,
    /// A new target's share grows to the full one over this; `0s` is off.
    pub slow_start: Duration,
    /// Every request is routed afresh if absent.
    pub stickiness: Option<Stickiness>,
    pub anomaly_mitigation: AnomalyMitigation,
    /// Whether nodes send to targets in other zones; load balancers do.
    pub cross_zone: CrossZone,
    /// What follows from too few healthy targets; of all zones together, or with `cross_zone: false` of each zone.
    pub target_group_health: TargetGroupHealth,
    pub health_check: HealthCheck,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CrossZone {
    /// Which is on for every Application Load Balancer.
    UseLoadBalancerConfiguration,
    True,
    /// A node sends to its own zone's targets only.
    False,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TargetGroupHealth {
    /// Below it the zone's addresses leave DNS; if all zones are below, all stay.
    pub dns_failover: DnsFailover,
    /// Below it a node sends to all its targets, unhealthy ones included.
    pub unhealthy_state_routing: UnhealthyStateRouting,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DnsFailover {
    pub minimum_healthy_targets: MinimumHealthyTargets,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UnhealthyStateRouting {
    pub minimum_healthy_targets: MinimumHealthyTargets,
}

/// Too few is less than either.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MinimumHealthyTargets {
    pub count: OrOff,
    /// Of the registered targets.
    pub percentage: OrOff,
}

impl Default for MinimumHealthyTargets {
    fn default() -> Self {
        MinimumHealthyTargets {
            count: OrOff(Some(1)),
            percentage: OrOff(None),
        }
    }
}

impl Default for TargetGroup {
    fn default() -> Self {
        TargetGroup {
            load_balancing_algorithm: Algorithm::RoundRobin,
            deregistration_delay: Duration::secs(300),
            slow_start: Duration::ZERO,
            stickiness: None,
            anomaly_mitigation: AnomalyMitigation::Off,
            cross_zone: CrossZone::UseLoadBalancerConfiguration,
            target_group_health: TargetGroupHealth::default(),
            health_check: HealthCheck::default(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    RoundRobin,
    LeastOutstandingRequests,
    WeightedRandom,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HealthCheck {
    pub path: String,
    pub interval: Duration,
    pub timeout: Duration,
    /// Successes in a row after which an unhealthy target is healthy; a new one needs one.
    #[schemars(range(min = 2, max = 10))]
    pub healthy_threshold: u32,
    #[schemars(range(min = 2, max = 10))]
    pub unhealthy_threshold: u32,
    pub matcher: StatusCodes,
    /// What a check makes the target do.
    pub runs: Vec<Step>,
}

impl Default for HealthCheck {
    fn default() -> Self {
        HealthCheck {
            path: "/".to_owned(),
            interval: Duration::secs(30),
            timeout: Duration::secs(5),
            healthy_threshold: 5,
            unhealthy_threshold: 2,
            matcher: StatusCodes(vec![(200, 200)]),
            runs: Vec::new(),
        }
    }
}
