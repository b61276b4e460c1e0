//! Application Load Balancers: listeners, rules, target groups and their health checks.

use super::{Method, PathPattern, ProgramIx, TargetGroupIx, ZoneIx};
use crate::units::Span;

#[derive(Clone, Debug)]
pub struct LoadBalancer {
    pub name: String,
    pub zones: Vec<ZoneIx>,
    pub internet_facing: bool,
    pub listeners: Vec<Listener>,
    pub idle_timeout: Span,
}

#[derive(Clone, Debug)]
pub struct Listener {
    pub name: String,
    pub port: u16,
    /// By ascending priority; the first whose conditions all hold decides.
    pub rules: Vec<Rule>,
    pub default_action: Action,
}

#[derive(Clone, Debug)]
pub struct Rule {
    pub priority: u32,
    /// Each list is ORed, empty means "any"; the three are ANDed.
    pub paths: Vec<PathPattern>,
    /// Compared case-insensitively.
    pub hosts: Vec<PathPattern>,
    pub methods: Vec<Method>,
    pub action: Action,
}

#[derive(Clone, Debug)]
pub enum Action {
    /// A group's share is its weight over the sum; health does not move traffic off a group.
    Forward(Vec<WeightedGroup>),
    FixedResponse(u16),
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
    pub health_check: HealthCheck,
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
