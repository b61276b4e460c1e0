//! A target group: its targets as each node of the balancer sees them, and as ECS sees them.
//!
//! Every node checks every target by itself, so each target has one view a node. The state that ECS sees is their sum:
//! healthy while at least one node in a reachable zone holds the target healthy, unhealthy once all of them hold it
//! unhealthy. Deliberately not here: when checks are made (`sim::control_plane::health`), and whom a node may send
//! requests to (`policy::routable`).

use super::Task;
use crate::blueprint::{LoadBalancerIx, RevisionIx, ServiceIx, TargetGroupIx, ZoneIx};
use crate::engine::arena::Id;
use crate::engine::random::Key;
use crate::units::{Instant, Span};

#[derive(Clone, Debug)]
pub struct TargetGroup {
    pub group: TargetGroupIx,
    /// `None`: no listener forwards to it, so nothing checks its targets and they count as healthy.
    pub load_balancer: Option<LoadBalancerIx>,
    pub nodes: Vec<Node>,
    /// In order of registration, draining ones included.
    pub targets: Vec<Target>,
}

/// A node of the group's balancer.
#[derive(Clone, Debug)]
pub struct Node {
    pub zone: ZoneIx,
    /// What it was last told to send requests to.
    pub published: Vec<Routable>,
    /// Whether it sees fewer healthy targets than keep its zone in DNS.
    pub fails_over: bool,
}

/// A target that a node may send requests to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Routable {
    pub task: Id<Task>,
    /// Slow start: when the ramp began.
    pub ramping_since: Option<Instant>,
}

#[derive(Clone, Debug)]
pub struct Target {
    pub task: Id<Task>,
    /// The task may be gone before its target is: what output needs of it.
    pub ordinal: u32,
    pub key: Key,
    pub service: ServiceIx,
    pub revision: RevisionIx,
    pub zone: ZoneIx,
    /// Counts up over all registrations of a run; the order of checks that fall on one instant.
    pub number: u32,
    pub state: TargetState,
    /// One for each node.
    pub views: Vec<View>,
}

/// What ECS sees [BC:elbv2 TargetHealthStateEnum].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetState {
    Initial,
    Healthy,
    Unhealthy,
    /// Deregistered; its delay runs.
    Draining,
}

impl TargetState {
    pub const fn name(self) -> &'static str {
        match self {
            TargetState::Initial => "initial",
            TargetState::Healthy => "healthy",
            TargetState::Unhealthy => "unhealthy",
            TargetState::Draining => "draining",
        }
    }
}

/// One node's opinion of one target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    pub opinion: Opinion,
    /// Consecutive checks against the opinion.
    pub against: u32,
    /// Number of the last check that was sent, and when.
    pub check: u32,
    pub sent: Instant,
    /// While it is foregone, checks are not made: they are made good when that changes.
    pub outlook: Outlook,
    /// The check that is not answered yet, and when it times out.
    pub waiting: Option<Instant>,
    pub ramping_since: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opinion {
    Initial,
    Healthy,
    Unhealthy,
}

/// What is known of the checks that are to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    Open,
    /// Each will pass as the last one did, at the latest after `within`, until something about the target changes.
    Foregone {
        within: Span,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckResult {
    Passed,
    Failed,
}

impl View {
    pub fn new(opinion: Opinion) -> Self {
        View {
            opinion,
            against: 0,
            check: 0,
            sent: Instant::ZERO,
            outlook: Outlook::Open,
            waiting: None,
            ramping_since: None,
        }
    }

    /// Counts a check. A new target needs one success; otherwise `healthy` successes or `unhealthy` failures in a row
    /// turn the opinion [ALB:target-group-health-checks]. Returns whether it turned.
    pub fn count(&mut self, result: CheckResult, healthy: u32, unhealthy: u32) -> bool {
        let (turns_to, needed) = match (self.opinion, result) {
            (Opinion::Initial, CheckResult::Passed) => (Opinion::Healthy, 1),
            (Opinion::Unhealthy, CheckResult::Passed) => (Opinion::Healthy, healthy),
            (Opinion::Initial | Opinion::Healthy, CheckResult::Failed) => (Opinion::Unhealthy, unhealthy),
            (Opinion::Healthy, CheckResult::Passed) | (Opinion::Unhealthy, CheckResult::Failed) => {
                self.against = 0;
                return false;
            }
        };
        self.against += 1;
        if self.against < needed {
            return false;
        }
        self.against = 0;
        self.opinion = turns_to;
        self.ramping_since = None;
        true
    }

    /// Whether its slow start still runs.
    pub fn is_ramping(&self, slow_start: Span, now: Instant) -> bool {
        self.ramping_since.is_some_and(|since| now < since + slow_start)
    }
}

impl Target {
    pub fn is_registered(&self) -> bool {
        self.state != TargetState::Draining
    }
}

impl TargetGroup {
    /// By scan: a group has at most a thousand targets, and each is looked up once a check.
    pub fn position(&self, task: Id<Task>) -> Option<usize> {
        self.targets.iter().position(|target| target.task == task)
    }

    /// The position of a target that has not been deregistered.
    pub fn registered(&self, task: Id<Task>) -> Option<usize> {
        let is_it = |target: &Target| target.task == task && target.is_registered();
        self.targets.iter().position(is_it)
    }

    pub fn find(&self, task: Id<Task>) -> Option<&Target> {
        self.targets.iter().find(|target| target.task == task)
    }

    /// What ECS should now see of a target, given the zones whose nodes can be heard. Without any, what it saw last.
    pub fn state_of(&self, target: &Target, reachable: impl Fn(ZoneIx) -> bool) -> TargetState {
        if !target.is_registered() {
            return TargetState::Draining;
        }
        let heard = || {
            self.nodes
                .iter()
                .zip(&target.views)
                .filter(|(node, _)| reachable(node.zone))
                .map(|(_, view)| view)
        };
        if heard().any(|view| view.opinion == Opinion::Healthy) || self.nodes.is_empty() {
            TargetState::Healthy
        } else if heard().next().is_some() && heard().all(|view| view.opinion == Opinion::Unhealthy) {
            TargetState::Unhealthy
        } else {
            // No node holds it healthy and not all have made up their minds: once healthy, that is a loss of health.
            match target.state {
                TargetState::Healthy if heard().next().is_some() => TargetState::Unhealthy,
                before => before,
            }
        }
    }

    /// Registered targets by state, for HealthyHostCount and UnHealthyHostCount.
    pub fn count(&self, state: TargetState) -> u32 {
        self.targets.iter().filter(|target| target.state == state).count() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_target_needs_one_success_and_an_unhealthy_one_the_threshold() {
        let mut view = View::new(Opinion::Initial);
        assert!(view.count(CheckResult::Passed, 5, 2), "one success of a new target");
        assert_eq!(view.opinion, Opinion::Healthy);
        assert!(!view.count(CheckResult::Failed, 5, 2), "one failure is not two");
        assert!(!view.count(CheckResult::Passed, 5, 2), "a success between them");
        assert!(!view.count(CheckResult::Failed, 5, 2));
        assert!(view.count(CheckResult::Failed, 5, 2), "two in a row");
        assert_eq!(view.opinion, Opinion::Unhealthy);
        for success in 1..=5 {
            assert_eq!(view.count(CheckResult::Passed, 5, 2), success == 5);
        }
        assert_eq!(view.opinion, Opinion::Healthy);
    }
}
