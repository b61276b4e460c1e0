//! Zones, network, Auto Scaling groups.

use super::{Distribution, Duration, Form, Lognormal, Named, Time, constant, zero};
use crate::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Zones, network and capacity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cluster {
    pub region: String,
    /// Two zones of the region if absent.
    pub availability_zones: Option<Vec<String>>,
    /// One-way latencies, or `none`.
    pub network: Form<NoNetwork, Network>,
    /// Auto Scaling groups by the name of their capacity provider. FARGATE and FARGATE_SPOT always exist.
    pub capacity_providers: Named<CapacityProvider>,
}

impl Default for Cluster {
    fn default() -> Self {
        Cluster {
            region: "us-east-1".to_owned(),
            availability_zones: None,
            network: Form::Long(Network::default()),
            capacity_providers: Named::default(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoNetwork {
    /// Every hop takes no time.
    None,
}

/// One-way latencies; every hop draws anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    pub same_zone: Time,
    pub cross_zone: Time,
    /// From a client outside to a balancer's node or, without a balancer, to a task.
    pub client: Time,
    /// From a calling task to a balancer's node, in place of the two above.
    pub to_balancer: Option<Time>,
    /// Between two zones, in place of `cross_zone`.
    pub zone_delays: Vec<super::ZoneDelay>,
    /// Of each message, always and everywhere: it is lost, and sent again by TCP.
    pub loss: super::Share,
    /// Of each client's own line, either way, for requests with a `payload`; no bound if absent.
    pub client_bandwidth: Option<super::Throughput>,
}

impl Default for Network {
    fn default() -> Self {
        Network {
            same_zone: Form::Short(Duration(Span::from_nanos(250_000))),
            cross_zone: Form::Short(Duration(Span::from_nanos(800_000))),
            client: Form::Short(zero()),
            to_balancer: None,
            zone_delays: Vec::new(),
            loss: super::Share(crate::units::Ratio::ZERO),
            client_bandwidth: None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CapacityProvider {
    pub auto_scaling_group: AutoScalingGroup,
}

/// EC2 instances of one type over the zones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AutoScalingGroup {
    /// One type, such as m6i.large.
    pub instance_types: Vec<String>,
    pub min_size: u32,
    /// `min_size` if absent.
    pub desired_capacity: Option<u32>,
    pub max_size: u32,
    /// All zones of the cluster if absent.
    pub availability_zones: Option<Vec<String>>,
    /// Whether instances take more awsvpc tasks than they have network interfaces.
    #[serde(default)]
    pub awsvpc_trunking: bool,
    /// On-Demand if absent.
    pub instance_market_options: Option<InstanceMarketOptions>,
    /// From the launch call until the instance has joined the cluster and takes tasks.
    #[serde(default = "launch_time")]
    pub launch_time: Time,
    /// What the pulls of images on an instance share; the type's baseline bandwidth if absent.
    pub pull_bandwidth: Option<super::Throughput>,
    #[serde(default)]
    pub agent: super::Agent,
    /// T families only, of the launch template.
    pub credit_specification: Option<CreditSpecification>,
    /// CPU credits of an instance that stands at the beginning; the most that it can hold if absent. One that is launched
    /// later begins with none.
    pub cpu_credit_balance: Option<f64>,
}

/// What happens to an instance of a T family that has no CPU credits left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CreditSpecification {
    pub cpu_credits: CpuCredits,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CpuCredits {
    /// It is slowed down to its baseline.
    Standard,
    /// It goes on, and what it uses beyond its credits is paid for.
    #[default]
    Unlimited,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InstanceMarketOptions {
    pub market_type: MarketType,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MarketType {
    /// Cheaper, and taken back by `spot_reclaim` with a warning of two minutes.
    Spot,
}

fn launch_time() -> Time {
    // AWS publishes no figure; users report one to three minutes.
    Form::Long(Distribution::Lognormal(Lognormal {
        mean: None,
        cv: None,
        median: Some(Duration::secs(90)),
        p95: Some(Duration::secs(150)),
        mu: None,
        sigma: None,
    }))
}

/// A start-up of no length.
pub(super) fn no_time() -> Time {
    constant(0)
}
