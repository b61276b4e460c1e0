//! Application Load Balancer nodes: take requests in, route them to a target, hand answers back.
//!
//! A node knows what the control plane published to it and what it has itself under way; nodes share nothing. ALB never
//! sends a request to a second target.

use super::network::{Between, Crossing, Hop, Network};
use super::{DataPlane, Leg, purpose};
use crate::blueprint::{self, Action, Blueprint, LoadBalancerIx, TargetGroupIx, WeightedGroup, ZoneIx};
use crate::cluster::attempt::{Answer, Attempt, Flags, NodePath, Phase};
use crate::cluster::deadline::Deadlines;
use crate::cluster::view::View;
use crate::engine::arena::Id;
use crate::engine::random::Key;
use crate::policy::routing::{self, Chooser};
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};
use crate::sim::signal::{LoadBalancerMeter, TargetGroupMeter};

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
            check_program: written.health_check.runs,
            meter: TargetGroupMeter::default(),
        }
    }
}

impl DataPlane {
    /// Sends an attempt to one of the balancer's nodes: DNS gives any of them.
    #[inline]
    pub(super) fn send_to_balancer(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, load_balancer: LoadBalancerIx) {
        let attempt = &mut self.attempts[id];
        let nodes = &self.balancers[load_balancer.at()].nodes;
        let mut node = match nodes.len() as u32 {
            1 => 0,
            count => attempt.key.child(purpose::NODE).below(count) as u16,
        };
        if self.network.troubled() {
            node = node_that_dns_gives(cx, &self.network, nodes, node, attempt.key.child(purpose::DNS));
        }
        attempt.path = Some(NodePath {
            load_balancer,
            node,
            target_group: None,
        });
        let hop = Hop {
            leg: Leg::ToNode,
            from: attempt.from,
            to: Some(nodes[usize::from(node)]),
            between: Between::CallerAndNode,
        };
        if self.network.carry(cx, id, attempt.key, hop, DataEvent::AtNode) == Crossing::Lost {
            self.nobody_answers(cx, id);
        }
    }

    /// A request has reached a node: a rule's action decides what becomes of it.
    #[inline]
    pub(super) fn at_node(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let attempt = &mut self.attempts[id];
        if attempt.flags.has(Flags::CALLER_GONE) {
            self.attempts.remove(id);
            return;
        }
        attempt.at_node = cx.now();
        let (key, path) = (attempt.key, came_to(attempt));
        let action = self.action_of(&self.attempts[id]);
        let balancer = &mut self.balancers[path.load_balancer.at()];
        balancer.meter.requests += 1;
        balancer.meter.rule_evaluations += balancer.rules;
        match &self.actions.all[action as usize] {
            Action::FixedResponse(status) => self.node_answers(cx, id, Answer::Fixed(*status)),
            Action::Forward(groups) => {
                let chosen = match groups.as_slice() {
                    [only] => Some(only.target_group),
                    several => weighted(several, key.child(purpose::GROUP)),
                };
                match chosen {
                    Some(group) => self.forward(cx, id, group),
                    None => self.node_answers(cx, id, Answer::ServiceUnavailable),
                }
            }
        }
    }

    #[inline]
    fn forward(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, target_group: TargetGroupIx) {
        let now = cx.now();
        let attempt = &mut self.attempts[id];
        let path = attempt.path.as_mut().expect("a request at a node has come to one");
        path.target_group = Some(target_group);
        let node = usize::from(path.node);
        let balancer = &self.balancers[path.load_balancer.at()];
        let group = &mut self.groups[target_group.at()];
        let view = &mut group.views[node];
        let Some(target) = routing::choose(view, group.chooser, attempt.key.child(purpose::TARGET), now) else {
            return self.node_answers(cx, id, Answer::ServiceUnavailable);
        };
        let task = view.began(target);
        group.meter.requests += 1;
        attempt.flags.set(Flags::OUTSTANDING);
        attempt.task = Some(task);
        let Some(server) = self.servers.get(task) else {
            // The control plane has not yet noticed that the process is gone: the connection is refused.
            attempt.phase = Phase::Answered(Answer::Refused);
            return cx.follow(DataEvent::AnswerAtNode, id);
        };
        attempt.served = server.unrouted;
        attempt.zone = Some(server.zone);
        let hop = Hop {
            leg: Leg::ToCallee,
            from: Some(balancer.nodes[node]),
            to: attempt.zone,
            between: Between::AndTask(server.unrouted),
        };
        let (key, idle) = (attempt.key, balancer.idle);
        if now + self.deadlines.patience(idle) < attempt.due {
            attempt.flags.set(Flags::NODE_WAITS);
            self.deadlines.remove(&mut self.attempts, id);
            self.await_answer(cx, idle, id);
        }
        if self.network.carry(cx, id, key, hop, DataEvent::AtTask) == Crossing::Lost {
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
        let attempt = &self.attempts[id];
        if attempt.phase != Phase::Lost {
            return;
        }
        if attempt.flags.has(Flags::OUTSTANDING) && attempt.path.is_some() {
            self.node_answers(cx, id, Answer::GatewayTimeout);
        } else {
            self.answer_here(cx, id, Answer::Refused);
        }
    }

    /// The target's answer has reached the node.
    #[inline]
    pub(super) fn answer_at_node(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let attempt = &self.attempts[id];
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

    #[inline]
    fn back_to_caller(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) {
        if self.attempts[id].flags.has(Flags::NODE_WAITS) {
            // The node has its answer: whether the caller still wants it is the caller's affair.
            self.deadlines.remove(&mut self.attempts, id);
            self.caller_waits(cx, id);
        }
        self.no_longer_outstanding(id);
        let attempt = &mut self.attempts[id];
        attempt.phase = Phase::Answered(answer);
        let path = came_to(attempt);
        let hop = Hop {
            leg: Leg::BackToCaller,
            from: attempt.from,
            to: Some(self.balancers[path.load_balancer.at()].nodes[usize::from(path.node)]),
            between: Between::CallerAndNode,
        };
        if self.network.carry(cx, id, attempt.key, hop, DataEvent::AnswerAtCaller) == Crossing::Lost {
            attempt.phase = Phase::Lost;
        }
    }

    /// The view from which the attempt was sent counts it no more.
    #[inline]
    pub(super) fn no_longer_outstanding(&mut self, id: Id<Attempt>) {
        let attempt = &mut self.attempts[id];
        if !attempt.flags.has(Flags::OUTSTANDING) {
            return;
        }
        attempt.flags.clear(Flags::OUTSTANDING);
        let task = attempt.task.expect("what is outstanding is so at a task");
        match attempt.path {
            Some(NodePath {
                node,
                target_group: Some(group),
                ..
            }) => self.groups[group.at()].views[usize::from(node)].ended(task),
            _ => {
                let site = attempt.site;
                self.direct_view(site).ended(task);
            }
        }
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
