//! Who gets the traffic: the weights of the listener rules between the two target groups of a service.
//!
//! One side of every pair of target groups holds production. A deployment moves a share of the production rule to the
//! other side, and at 100 % the sides change roles; the rollback moves everything back at once. The rule of the test
//! listener turns as a whole. ECS writes weights between
//! 0 and 999 [BC:elbv2 TargetGroupTuple.Weight]: tenths of a percent, or all of the pair's weight on one side.

use super::ControlPlane;
use crate::blueprint::{
    Action, Alternate, RevisionIx, RuleRef, ServiceIx, ServiceLoadBalancer, TrafficShare, WeightedGroup,
};
use crate::cluster::service::Side;
use crate::sim::context::Context;
use crate::sim::signal::Order;

impl ControlPlane {
    /// Green, of revision `to`, gets this share of the production traffic from now on.
    pub(super) fn shift(&mut self, cx: &mut Context<'_>, at: ServiceIx, to: RevisionIx, share: TrafficShare) {
        let service = &mut self.services[at.at()];
        if share == TrafficShare::ALL {
            service.production = to;
            service.side = service.side.other();
            service.shifted = TrafficShare::NOTHING;
        } else {
            service.shifted = share;
        }
        self.set_production_weights(cx, at);
        if share == TrafficShare::ALL {
            self.publish_discovery(cx, at);
            self.end_tests(cx, at);
        }
    }

    /// Whether anything turns at TEST_TRAFFIC_SHIFT.
    pub(super) fn has_test_rule(&self, cx: &Context<'_>, at: ServiceIx) -> bool {
        let load_balancers = &cx.blueprint.services[at.at()].load_balancers;
        let mut pairs = load_balancers
            .iter()
            .filter_map(|load_balancer| load_balancer.alternate);
        pairs.any(|alternate| alternate.test_rule.is_some())
    }

    /// Green gets the test traffic.
    pub(super) fn begin_tests(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        self.give_tests_to(cx, at, self.services[at.at()].side.other());
    }

    /// The test traffic goes where production is.
    pub(super) fn end_tests(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        self.give_tests_to(cx, at, self.services[at.at()].side);
    }

    fn give_tests_to(&mut self, cx: &mut Context<'_>, at: ServiceIx, side: Side) {
        if self.services[at.at()].test_side == side {
            return;
        }
        self.services[at.at()].test_side = side;
        for load_balancer in &cx.blueprint.services[at.at()].load_balancers {
            if let Some(alternate) = &load_balancer.alternate
                && let Some(rule) = alternate.test_rule
            {
                let weights = Weights {
                    rule,
                    load_balancer,
                    alternate,
                    side,
                    shifted: TrafficShare::NOTHING,
                };
                let groups = weights.groups(cx);
                cx.orders.push(Order::SetWeights { rule, groups });
            }
        }
    }

    /// Whether this revision has all traffic, that of tests apart.
    pub(super) fn has_all_traffic(&self, at: ServiceIx, revision: RevisionIx) -> bool {
        let service = &self.services[at.at()];
        service.production == revision && service.shifted == TrafficShare::NOTHING
    }

    /// All traffic goes (back) to this revision at once.
    pub(super) fn give_all_traffic(&mut self, cx: &mut Context<'_>, at: ServiceIx, to: RevisionIx) {
        let service = &self.services[at.at()];
        if service.production != to {
            self.shift(cx, at, to, TrafficShare::ALL);
        } else if service.shifted != TrafficShare::NOTHING {
            self.shift(cx, at, to, TrafficShare::NOTHING);
        }
    }

    fn set_production_weights(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        let service = &self.services[at.at()];
        for load_balancer in &cx.blueprint.services[at.at()].load_balancers {
            if let Some(alternate) = &load_balancer.alternate {
                let weights = Weights {
                    rule: alternate.rule,
                    load_balancer,
                    alternate,
                    side: service.side,
                    shifted: service.shifted,
                };
                cx.orders.push(Order::SetWeights {
                    rule: alternate.rule,
                    groups: weights.groups(cx),
                });
            }
        }
    }
}

/// How a rule's weights are to lie.
struct Weights<'a> {
    rule: RuleRef,
    load_balancer: &'a ServiceLoadBalancer,
    alternate: &'a Alternate,
    /// That has everything but what is shifted.
    side: Side,
    shifted: TrafficShare,
}

impl Weights<'_> {
    /// Other groups of the rule keep their share.
    fn groups(&self, cx: &Context<'_>) -> Vec<WeightedGroup> {
        let listeners = &cx.blueprint.load_balancers[self.rule.load_balancer.at()].listeners;
        let listener = &listeners[usize::from(self.rule.listener)];
        let rule = listener.rules.get(usize::from(self.rule.rule));
        let Action::Forward(groups) = rule.map_or(&listener.default_action, |rule| &rule.action) else {
            unreachable!("a listener rule of a deployment forwards; the scenario's check refuses others")
        };
        let pair = [self.load_balancer.target_group, self.alternate.target_group];
        let (of_pair, others): (Vec<WeightedGroup>, Vec<WeightedGroup>) =
            groups.iter().partition(|group| pair.contains(&group.target_group));
        let total: u32 = of_pair.iter().map(|group| group.weight).sum();
        let total = total.max(1);
        let chosen = self.side.group(self.load_balancer);
        // Without others the tenths of a percent are the weights themselves.
        let scale = match (self.shifted == TrafficShare::NOTHING, others.is_empty()) {
            (true, _) => Scale {
                all: total,
                tenth: 0,
                others: 1,
            },
            (false, true) => Scale {
                all: 1000,
                tenth: 1,
                others: 0,
            },
            (false, false) => Scale {
                all: total * 1000,
                tenth: total,
                others: 1000,
            },
        };
        let green = scale.tenth * self.shifted.tenths();
        let mut weighted: Vec<WeightedGroup> = others;
        for group in &mut weighted {
            group.weight *= scale.others;
        }
        weighted.extend(pair.map(|target_group| WeightedGroup {
            target_group,
            weight: if target_group == chosen {
                scale.all - green
            } else {
                green
            },
        }));
        weighted
    }
}

/// What a rule's weights are counted in.
struct Scale {
    /// The whole of the pair.
    all: u32,
    /// A tenth of a percent of it.
    tenth: u32,
    /// What the weights of other groups are multiplied by.
    others: u32,
}
