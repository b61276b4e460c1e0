//! Application Load Balancer nodes: take requests in, route them to a target, hand answers back.
//!
//! A node knows what the control plane published to it and what it has itself under way; nodes share nothing. ALB never
//! sends a request to a second target.

use super::call::no_longer_outstanding;
use super::capacity::{Admission, Capacity};
use super::client::browsers;
use super::connections::ClientConnections;
use super::cookies::Cookies;
use super::dns::Dns;
use super::group::Around;
use super::network::{Between, Crossing, Hop, Network};
use super::pick::{Picked, pick};
use super::site::{ActionOf, To};
use super::{DataPlane, Leg, purpose};
use crate::blueprint::{
    self, Action, Blueprint, Destination, LoadBalancerAttributes, LoadBalancerIx, TargetGroupIx, WeightedGroup, ZoneIx,
};
use crate::cluster::attempt::{Answer, Attempt, Browser, Caller, Flags, NodePath, Phase, Site};
use crate::cluster::cause::Reason;
use crate::cluster::deadline::{DeadlineLink, Deadlines};
use crate::engine::arena::Id;
use crate::engine::random::Key;
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};
use crate::sim::signal::LoadBalancerMeter;
use crate::units::{Instant, Span};

/// One load balancer.
pub(super) struct Balancer {
    /// Zone of each node.
    pub nodes: Vec<ZoneIx>,
    /// `None` while the record has never changed.
    pub dns: Option<Box<Dns>>,
    pub idle: u16,
    pub meter: LoadBalancerMeter,
    /// What few balancers have.
    pub extras: Option<Box<BalancerExtras>>,
}

/// Known clients and a limit of its own; a request to a balancer without either pays for one test.
pub(super) struct BalancerExtras {
    pub clients: Option<ClientConnections>,
    capacity: Option<Capacity>,
}

impl BalancerExtras {
    #[cold]
    fn admit(&mut self, browser: Browser, now: Instant) -> Admission {
        if let Some(clients) = &mut self.clients {
            clients.request(browser, now);
        }
        match &mut self.capacity {
            Some(capacity) => capacity.admit(now),
            None => Admission::Accepted,
        }
    }
}

impl Balancer {
    pub fn new(blueprint: &Blueprint, at: usize, deadlines: &mut Deadlines) -> Self {
        let written = &blueprint.load_balancers[at];
        let model = &blueprint.model.alb;
        let per_zone = model.nodes_per_zone as usize;
        let comes_here = |traffic: &blueprint::Traffic| matches!(traffic.to, Destination::LoadBalancer { load_balancer, .. } if load_balancer.at() == at);
        let mut traffic = blueprint.traffic.iter();
        let comes_back = |traffic: &blueprint::Traffic| traffic.clients.is_some() || !traffic.journeys.is_empty();
        let says_clients = traffic.any(|traffic| comes_here(traffic) && comes_back(traffic));
        let says_keep_alive =
            written.attributes.client_keep_alive != LoadBalancerAttributes::default().client_keep_alive;
        let clients = (says_clients || says_keep_alive).then(|| {
            let keep_alive = written.attributes.client_keep_alive;
            ClientConnections::new(written.idle_timeout, keep_alive, browsers(&blueprint.traffic))
        });
        let capacity = model.scaling.map(|scaling| Capacity::new(&scaling, written, model));
        let is_plain = clients.is_none() && capacity.is_none();
        Balancer {
            nodes: written
                .zones
                .iter()
                .flat_map(|&zone| std::iter::repeat_n(zone, per_zone))
                .collect(),
            dns: None,
            idle: deadlines.list(written.idle_timeout),
            meter: LoadBalancerMeter::default(),
            extras: (!is_plain).then(|| Box::new(BalancerExtras { clients, capacity })),
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
            self.trace_goes(cx, id);
            self.attempts.remove(id);
            return;
        }
        let now = cx.now();
        attempt.at_node = now;
        if attempt.flags.has(Flags::TRACED) {
            self.tracer.at_node(id, attempt);
        }
        let path = attempt.path.as_mut().expect("a request at a node has come to one");
        let balancer = &mut self.balancers[path.load_balancer.at()];
        balancer.meter.requests += 1;
        if let Some(extras) = &mut balancer.extras
            && extras.admit(attempt.caller.browser(), now) == Admission::Rejected
        {
            return self.node_answers(cx, id, Answer::ServiceUnavailable(Reason::BalancerFull.here()));
        }
        let action = match (&self.sites[attempt.site.at()].to, attempt.caller) {
            (
                To::Balancer {
                    action: ActionOf::Site(action),
                    ..
                },
                _,
            ) => *action,
            (To::Balancer { .. }, Caller::Client(class, _)) => self.class_actions[class.at()],
            _ => unreachable!("what comes to a node was sent there by a call or a client"),
        };
        balancer.meter.rule_evaluations += u64::from(self.actions.rules[action as usize]);
        let group = match &self.actions.all[action as usize] {
            Action::FixedResponse(status) | Action::Redirect(status) => {
                return self.node_answers(cx, id, Answer::Fixed(*status));
            }
            Action::Forward(groups) => match groups.as_slice() {
                [only] => Some(only.target_group),
                several => {
                    let cookies = self.actions.cookies[action as usize].as_mut();
                    one_of(several, cookies, (attempt.caller.browser(), attempt.key), now)
                }
            },
        };
        let Some(target_group) = group else {
            return self.node_answers(cx, id, Answer::ServiceUnavailable(Reason::NoTarget.here()));
        };
        path.target_group = Some(target_group);
        let node = usize::from(path.node);
        let group = &mut self.groups[target_group.at()];
        let picked = if group.extras.is_none() {
            pick(attempt, &mut group.views[node], group.chooser, &self.servers, now)
        } else {
            let around = Around {
                servers: &self.servers,
                operations: &self.operations,
                network: &self.network,
                node,
                zone: balancer.nodes[node],
                now,
            };
            group.pick_with_extras(attempt, around)
        };
        match picked {
            Picked::Nobody => {
                return self.node_answers(cx, id, Answer::ServiceUnavailable(Reason::NoTarget.here()));
            }
            Picked::Task => group.meter.requests += 1,
            Picked::Dead | Picked::Silent => {
                group.meter.requests += 1;
                attempt.phase = Phase::Answered(Answer::Refused(Reason::TargetGone.here()));
                return cx.follow(DataEvent::AnswerAtNode, id);
            }
            Picked::Closed { round_trip } => {
                group.meter.requests += 1;
                attempt.phase = Phase::Answered(Answer::Refused(Reason::ConnectionClosed.here()));
                return resets(cx, id, round_trip);
            }
        }
        let hop = Hop {
            leg: Leg::ToCallee,
            sender: Site::NONE,
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
        if let Caller::Check(_) = attempt.caller {
            self.attempts.remove(id);
        } else if attempt.flags.has(Flags::OUTSTANDING) && attempt.path.is_some() {
            self.node_answers(cx, id, Answer::GatewayTimeout(Reason::Unreachable.here()));
        } else {
            self.answer_here(cx, id, Answer::Refused(Reason::Unreachable.here()));
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
            self.trace_goes(cx, id);
            self.attempts.remove(id);
            return;
        }
        let group = attempt.path.and_then(|path| path.target_group);
        let group = &mut self.groups[group.expect("a target answers through its group").at()];
        let meter = &mut group.meter;
        match answer {
            Answer::Success => meter.target_2xx += 1,
            Answer::NotFound | Answer::Error(400..=499) => meter.target_4xx += 1,
            Answer::Failure(_) | Answer::Overloaded(_) | Answer::Error(_) => meter.target_5xx += 1,
            _ => return self.node_answers(cx, id, Answer::BadGateway(answer.cause())),
        }
        meter.response_time += cx.now().since(attempt.at_node).nanos();
        if let Some(extras) = &mut group.extras {
            extras.answered(attempt, answer, cx.now());
        }
        self.back_to_caller(cx, id, answer);
    }

    /// The node answers by itself.
    pub(super) fn node_answers(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) {
        let attempt = &self.attempts[id];
        let path = came_to(attempt);
        if let (Some(group), Some(task)) = (path.target_group, attempt.task)
            && let Some(extras) = &mut self.groups[group.at()].extras
        {
            extras.failed(task);
        }
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
            sender: attempt.site,
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
    balancer: &Balancer,
) -> Hop {
    let nodes = balancer.nodes.as_slice();
    let mut node = match nodes.len() as u32 {
        1 => 0,
        count => attempt.key.child(purpose::NODE).below(count) as u16,
    };
    if network.troubled() || balancer.dns.is_some() {
        node = node_that_dns_gives(cx, network, balancer, node, attempt);
    }
    attempt.path = Some(NodePath {
        load_balancer,
        node,
        target_group: None,
    });
    Hop {
        leg: Leg::ToNode,
        sender: attempt.site,
        key: attempt.key,
        from: attempt.from,
        to: Some(nodes[usize::from(node)]),
        between: Between::CallerAndNode,
    }
}

/// The target has closed the connection: its reset reaches the node a round trip after the request was sent.
#[cold]
#[inline(never)]
fn resets(cx: &mut Context<'_>, id: Id<Attempt>, round_trip: Span) {
    cx.calendar
        .schedule_in(round_trip, Event::data(DataEvent::AnswerAtNode, id));
}

#[inline]
fn came_to(attempt: &Attempt) -> NodePath {
    attempt.path.expect("a request at a node has come to one")
}

/// One of several target groups: that of the client's cookie as long as it stands in the action, whatever its weight has
/// become; else by weight.
#[inline(never)]
fn one_of(
    groups: &[WeightedGroup],
    cookies: Option<&mut Cookies<TargetGroupIx>>,
    (browser, attempt): (Browser, Key),
    now: Instant,
) -> Option<TargetGroupIx> {
    let key = attempt.child(purpose::GROUP);
    let Some(cookies) = cookies else {
        return weighted(groups, key);
    };
    let known = |group: &TargetGroupIx| groups.iter().any(|each| each.target_group == *group);
    let chosen = cookies
        .of(browser, now)
        .filter(known)
        .or_else(|| weighted(groups, key))?;
    cookies.give(browser, chosen, now);
    Some(chosen)
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

/// The addresses of a lost zone's nodes leave DNS after a while, those of one that is failed over or shifted away from at
/// once, and clients follow within the TTL.
#[cold]
fn node_that_dns_gives(cx: &Context<'_>, network: &Network, balancer: &Balancer, node: u16, attempt: &Attempt) -> u16 {
    let (model, nodes, now) = (&cx.blueprint.model.alb, balancer.nodes.as_slice(), cx.now());
    let key = attempt.key.child(purpose::DNS);
    let age = model.dns_ttl.scaled(key.uniform());
    let given = |zone: ZoneIx| balancer.dns.as_ref().is_none_or(|dns| dns.gives(zone, now, age));
    let zone = nodes[usize::from(node)];
    let lost = network.down_since(zone);
    let is_lost = lost.is_some_and(|since| now >= since + model.node_loss_detection + age);
    if given(zone) && !is_lost {
        return node;
    }
    let ignored = model.dns_ttl_ignored.get();
    if ignored > 0.0 && key.child(2).happens(ignored) {
        return node;
    }
    let left = |node: &u16| {
        let zone = nodes[usize::from(*node)];
        network.down_since(zone).is_none() && given(zone)
    };
    let count = (0..nodes.len() as u16).filter(left).count();
    if count == 0 {
        return node;
    }
    let chosen = key.child(1).below(count as u32) as usize;
    (0..nodes.len() as u16).filter(left).nth(chosen).unwrap_or(node)
}
