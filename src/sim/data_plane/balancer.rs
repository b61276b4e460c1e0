//! Application Load Balancer nodes: take requests in, route them to a target, hand answers back.
//!
//! A node knows what the control plane published to it and what it has itself under way; nodes share nothing. ALB never
//! sends a request to a second target.

use super::call::{Picked, no_longer_outstanding, pick};
use super::network::{Between, Crossing, Hop, Network};
use super::site::{ActionOf, To};
use super::{DataPlane, Leg, purpose};
use crate::blueprint::{self, Action, Blueprint, LoadBalancerIx, TargetGroupIx, WeightedGroup, ZoneIx};
use crate::cluster::attempt::{Answer, Attempt, Caller, Flags, NodePath, Phase};
use crate::cluster::deadline::{DeadlineLink, Deadlines};
use crate::cluster::view::View;
use crate::engine::arena::Id;
use crate::engine::random::Key;
use crate::policy::routing::Chooser;
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};
use crate::sim::signal::{LoadBalancerMeter, TargetGroupMeter};

/// One load balancer.
pub(super) struct Balancer {
    /// Zone of each node.
    pub nodes: Vec<ZoneIx>,
    pub idle: u16,
    pub meter: LoadBalancerMeter,
    /// Rules that a request runs through before one takes it, by listener action; billed beyond the first ten.
    pub rules: u64,
}

pub(super) struct Group {
    /// By node of the balancer that forwards to it.
    pub views: Vec<View>,
    pub chooser: Chooser,
    /// `None`: no listener forwards to it, so that nobody checks it.
    pub load_balancer: Option<LoadBalancerIx>,
    pub check_program: blueprint::ProgramIx,
    pub meter: TargetGroupMeter,
}

impl Balancer {
    pub fn new(blueprint: &Blueprint, written: &blueprint::LoadBalancer, deadlines: &mut Deadlines) -> Self {
        let per_zone = blueprint.model.alb.nodes_per_zone as usize;
        Balancer {
            nodes: written
                .zones
                .iter()
                .flat_map(|&zone| std::iter::repeat_n(zone, per_zone))
                .collect(),
            idle: deadlines.list(written.idle_timeout),
            meter: LoadBalancerMeter::default(),
            rules: written
                .listeners
                .iter()
                .map(|listener| listener.rules.len() as u64)
                .max()
                .unwrap_or(0),
        }
    }
}

impl Group {
    pub fn new(blueprint: &Blueprint, at: usize) -> Self {
        let written = &blueprint.target_groups[at];
        let balancer = crate::sim::signal::balancer_of(blueprint, TargetGroupIx::from_usize(at));
        let nodes = balancer.map_or(0, |balancer| {
            blueprint.load_balancers[balancer.at()].zones.len() * blueprint.model.alb.nodes_per_zone as usize
        });
        Group {
            views: vec![View::default(); nodes],
            chooser: Chooser {
                algorithm: written.algorithm,
                ties: blueprint.model.alb.least_outstanding_ties,
                slow_start: written.slow_start,
            },
            load_balancer: balancer,
            check_program: written.health_check.runs,
            meter: TargetGroupMeter::default(),
        }
    }
}

impl DataPlane {
    /// A request has reached a node: a rule's action decides what becomes of it.
    #[inline]
    pub(super) fn at_node(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let Some(attempt) = self.attempts.get_mut(id) else {
            return;
        };
        if attempt.flags.has(Flags::CALLER_GONE) {
            self.attempts.remove(id);
            return;
        }
        let now = cx.now();
        attempt.at_node = now;
        let path = attempt.path.as_mut().expect("a request at a node has come to one");
        let balancer = &mut self.balancers[path.load_balancer.at()];
        balancer.meter.requests += 1;
        balancer.meter.rule_evaluations += balancer.rules;
        let action = match (&self.sites[attempt.site.at()].to, attempt.caller) {
            (
                To::Balancer {
                    action: ActionOf::Site(action),
                    ..
                },
                _,
            ) => *action,
            (To::Balancer { .. }, Caller::Client(class)) => self.class_actions[class.at()],
            _ => unreachable!("what comes to a node was sent there by a call or a client"),
        };
        let group = match &self.actions.all[action as usize] {
            Action::FixedResponse(status) | Action::Redirect(status) => {
                return self.node_answers(cx, id, Answer::Fixed(*status));
            }
            Action::Forward(groups) => match groups.as_slice() {
                [only] => Some(only.target_group),
                several => weighted(several, attempt.key.child(purpose::GROUP)),
            },
        };
        let Some(target_group) = group else {
            return self.node_answers(cx, id, Answer::ServiceUnavailable);
        };
        path.target_group = Some(target_group);
        let node = usize::from(path.node);
        let group = &mut self.groups[target_group.at()];
        match pick(attempt, &mut group.views[node], group.chooser, &self.servers, now) {
            Picked::Nobody => return self.node_answers(cx, id, Answer::ServiceUnavailable),
            Picked::Task => group.meter.requests += 1,
            Picked::Dead => {
                group.meter.requests += 1;
                attempt.phase = Phase::Answered(Answer::Refused);
                return cx.follow(DataEvent::AnswerAtNode, id);
            }
        }
        let hop = Hop {
            leg: Leg::ToCallee,
            key: attempt.key,
            from: Some(balancer.nodes[node]),
            to: attempt.zone,
            between: Between::AndTask(attempt.served),
        };
        if now + self.deadlines.patience(balancer.idle) < attempt.due {
            // The node will lose its patience before the caller does.
            attempt.flags.set(Flags::NODE_WAITS);
            let joined = self.deadlines.join(balancer.idle, id, now);
            let before = std::mem::replace(&mut attempt.deadline, joined.link());
            self.deadlines.unlink(&mut self.attempts, before);
            self.listed(cx, joined, id);
        }
        if self.network.carry(cx, id, hop, DataEvent::AtTask) == Crossing::Lost {
            self.nobody_answers(cx, id);
        }
    }

    /// The way is dead: the request hangs until somebody's patience ends, at the latest the connection's.
    pub(super) fn nobody_answers(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        self.attempts[id].phase = Phase::Lost;
        let event = Event::data(DataEvent::ConnectTimeout, id);
        let (lane, span) = (self.network.connect_timeout, self.network.connect_span);
        if span.is_zero() {
            cx.calendar.schedule_in(span, event);
        } else {
            cx.calendar.schedule_in_lane(lane, event);
        }
    }

    pub(super) fn connect_timed_out(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let Some(attempt) = self.attempts.get(id).filter(|attempt| attempt.phase == Phase::Lost) else {
            return;
        };
        if attempt.flags.has(Flags::OUTSTANDING) && attempt.path.is_some() {
            self.node_answers(cx, id, Answer::GatewayTimeout);
        } else {
            self.answer_here(cx, id, Answer::Refused);
        }
    }

    /// The target's answer has reached the node.
    #[inline]
    pub(super) fn answer_at_node(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let Some(attempt) = self.attempts.get_mut(id) else {
            return;
        };
        let Phase::Answered(answer) = attempt.phase else {
            unreachable!("only an answer is carried back")
        };
        if attempt.flags.has(Flags::CALLER_GONE) {
            self.attempts.remove(id);
            return;
        }
        let group = attempt.path.and_then(|path| path.target_group);
        let meter = &mut self.groups[group.expect("a target answers through its group").at()].meter;
        match answer {
            Answer::Success => meter.target_2xx += 1,
            Answer::NotFound => meter.target_4xx += 1,
            Answer::Failure => meter.target_5xx += 1,
            _ => return self.node_answers(cx, id, Answer::BadGateway),
        }
        meter.response_time += cx.now().since(attempt.at_node).nanos();
        self.back_to_caller(cx, id, answer);
    }

    /// The node answers by itself.
    pub(super) fn node_answers(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) {
        let path = came_to(&self.attempts[id]);
        let meter = &mut self.balancers[path.load_balancer.at()].meter;
        match answer.status() {
            400..=499 => meter.elb_4xx += 1,
            500..=599 => meter.elb_5xx += 1,
            _ => {}
        }
        self.back_to_caller(cx, id, answer);
    }

    #[inline(always)]
    fn back_to_caller(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) {
        let attempt = &mut self.attempts[id];
        no_longer_outstanding(attempt, &mut self.groups, &mut self.sites);
        attempt.phase = Phase::Answered(answer);
        let path = came_to(attempt);
        let hop = Hop {
            leg: Leg::BackToCaller,
            key: attempt.key,
            from: attempt.from,
            to: Some(self.balancers[path.load_balancer.at()].nodes[usize::from(path.node)]),
            between: Between::CallerAndNode,
        };
        if self.network.carry(cx, id, hop, DataEvent::AnswerAtCaller) == Crossing::Lost {
            attempt.phase = Phase::Lost;
        }
        if attempt.flags.has(Flags::NODE_WAITS) {
            // The node has its answer: whether the caller still wants it is the caller's affair.
            let deadline = std::mem::replace(&mut attempt.deadline, DeadlineLink::NONE);
            self.deadlines.unlink(&mut self.attempts, deadline);
            self.caller_waits(cx, id);
        }
    }
}

/// The way to one of a balancer's nodes: DNS gives any of them.
#[inline]
pub(super) fn to_node(
    cx: &Context<'_>,
    network: &Network,
    attempt: &mut Attempt,
    load_balancer: LoadBalancerIx,
    nodes: &[ZoneIx],
) -> Hop {
    let mut node = match nodes.len() as u32 {
        1 => 0,
        count => attempt.key.child(purpose::NODE).below(count) as u16,
    };
    if network.troubled() {
        node = node_that_dns_gives(cx, network, nodes, node, attempt.key.child(purpose::DNS));
    }
    attempt.path = Some(NodePath {
        load_balancer,
        node,
        target_group: None,
    });
    Hop {
        leg: Leg::ToNode,
        key: attempt.key,
        from: attempt.from,
        to: Some(nodes[usize::from(node)]),
        between: Between::CallerAndNode,
    }
}

#[inline]
fn came_to(attempt: &Attempt) -> NodePath {
    attempt.path.expect("a request at a node has come to one")
}

/// One of several target groups, by weight; none if all weights are zero.
fn weighted(groups: &[WeightedGroup], key: Key) -> Option<TargetGroupIx> {
    let total: u32 = groups.iter().map(|group| group.weight).sum();
    let mut left = key.below(total);
    for group in groups {
        if left < group.weight {
            return Some(group.target_group);
        }
        left -= group.weight;
    }
    None
}

/// The addresses of a lost zone's nodes leave DNS after a while, and clients follow within the TTL.
fn node_that_dns_gives(cx: &Context<'_>, network: &Network, nodes: &[ZoneIx], node: u16, key: Key) -> u16 {
    let Some(since) = network.down_since(nodes[usize::from(node)]) else {
        return node;
    };
    let model = &cx.blueprint.model.alb;
    let leaves = since + model.node_loss_detection + model.dns_ttl.scaled(key.uniform());
    if cx.now() < leaves {
        return node;
    }
    let up = |node: &u16| network.down_since(nodes[usize::from(*node)]).is_none();
    let count = (0..nodes.len() as u16).filter(up).count();
    if count == 0 {
        return node;
    }
    let chosen = key.child(1).below(count as u32) as usize;
    (0..nodes.len() as u16).filter(up).nth(chosen).unwrap_or(node)
}
