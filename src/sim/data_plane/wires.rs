//! What goes over the wire takes time: bytes through network interfaces, and connections that have to be opened first.
//!
//! Where any sender says a payload or connections, every crossing comes here before the network carries it. A message
//! joins the interfaces at both of its ends at once and leaves when the slower one has let it through: each interface is
//! shared evenly by what passes in one direction, which is what TCP comes to, and an end without an interface of its own
//! (a balancer's node, a dependency) bounds nothing. Latency, losses and partitions come after, as for any message.
//! Where nobody says anything of this, there are no wires and nobody comes here.

mod connecting;
mod interfaces;
mod kept;

use super::network::{Between, Crossing, Hop};
use super::site::{SiteState, To};
use super::{DataPlane, Leg, purpose};
use crate::blueprint::{self, Blueprint};
use crate::cluster::Task;
use crate::cluster::aside::Aside;
use crate::cluster::attempt::{Answer, Attempt, Browser, Caller, Flags, Phase, Site};
use crate::engine::arena::Id;
use crate::engine::dist::{Law, Tables};
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};
use crate::sim::signal::Interface;
use crate::units::Span;
use interfaces::{Interfaces, Way};
use kept::{Kept, Who};

pub(super) struct Wires {
    /// By call.
    calls: Vec<Payload>,
    /// By class.
    classes: Vec<Payload>,
    /// By site.
    kept: Vec<Option<Box<Kept>>>,
    /// Of a new connection, by service.
    connection_cpu: Vec<Option<Law>>,
    /// Bytes a second of a client's line.
    client_bandwidth: Option<f64>,
    interfaces: Interfaces,
    /// Of messages that interfaces or lines still let through.
    transfers: Aside<Attempt, Transfer>,
    /// By balancer: what passes it of requests whose size is known.
    processed: Vec<Processed>,
    /// Bytes from zone to zone in measured time, those to and from a balancer's nodes aside.
    crossed_zones: f64,
}

/// In bytes.
#[derive(Clone, Debug, Default)]
struct Payload {
    request: Option<Law>,
    response: Option<Law>,
}

#[derive(Clone, Copy, Debug)]
struct Transfer {
    leg: Leg,
    /// Interfaces and lines that have not let it through yet.
    pending: u8,
    ways: [Option<Way>; 2],
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Processed {
    pub requests: u64,
    pub bytes: u64,
}

impl Wires {
    /// `None`: all messages are small, on connections that are always there.
    pub fn new(blueprint: &Blueprint, tables: &mut Tables) -> Option<Box<Wires>> {
        let written = &blueprint.wires;
        if !written.matter() {
            return None;
        }
        let mut compile = |payload: &blueprint::Payload| {
            let mut law = |dist: &Option<_>| dist.as_ref().map(|dist| Law::compile(dist, tables));
            Payload {
                request: law(&payload.request),
                response: law(&payload.response),
            }
        };
        let mut calls = vec![Payload::default(); blueprint.calls.len()];
        let mut classes = vec![Payload::default(); blueprint.classes.len()];
        let mut kept: Vec<Option<Box<Kept>>> = Vec::new();
        kept.resize_with(blueprint.calls.len() + blueprint.traffic.len(), || None);
        for (call, wire) in &written.calls {
            calls[call.at()] = compile(&wire.payload);
            kept[call.at()] = wire.connections.map(|rule| Box::new(Kept::new(rule)));
        }
        for (class, payload) in &written.classes {
            classes[class.at()] = compile(payload);
        }
        for (traffic, rule) in &written.traffic {
            let site = SiteState::of_traffic(blueprint, traffic.at());
            kept[site.at()] = Some(Box::new(Kept::new(*rule)));
        }
        let mut connection_cpu = vec![None; blueprint.services.len()];
        for (service, dist) in &written.connection_cpu {
            connection_cpu[service.at()] = Some(Law::compile(dist, tables));
        }
        Some(Box::new(Wires {
            calls,
            classes,
            kept,
            connection_cpu,
            client_bandwidth: written.client_bandwidth,
            interfaces: Interfaces::default(),
            transfers: Aside::default(),
            processed: vec![Processed::default(); blueprint.load_balancers.len()],
            crossed_zones: 0.0,
        }))
    }

    /// A task begins to serve, through this interface.
    pub fn begin(&mut self, cx: &mut Context<'_>, task: Id<Task>, interface: Interface) {
        self.interfaces.begin(task, interface, cx);
    }

    /// Bytes of an attempt's message on a leg. They belong to the request: a retry is as large.
    fn bytes(&self, attempt: &Attempt, leg: Leg) -> f64 {
        let payload = match attempt.caller {
            Caller::Client(class, _) => &self.classes[class.at()],
            Caller::Strand(_) => &self.calls[attempt.site.at()],
            _ => return 0.0,
        };
        let (law, which) = match leg {
            Leg::ToNode | Leg::ToCallee => (&payload.request, 0),
            Leg::BackToNode | Leg::BackToCaller if attempt.phase == Phase::Answered(Answer::Success) => {
                (&payload.response, 1)
            }
            Leg::BackToNode | Leg::BackToCaller => return 0.0,
        };
        let key = attempt.request_key.child(purpose::PAYLOAD).child(which);
        law.as_ref().map_or(0.0, |law| law.draw(key))
    }

    /// Requests of known size that have passed a balancer since this was last asked.
    pub fn take_processed(&mut self, balancer: usize) -> Processed {
        std::mem::take(&mut self.processed[balancer])
    }

    /// The browser is given to somebody else; its connections close.
    pub fn forget(&mut self, browser: Browser) {
        let Some(at) = browser.at() else { return };
        for kept in self.kept.iter_mut().flatten() {
            kept.forget(Who::Client(at));
        }
    }

    pub fn crossed_zones(&self) -> u64 {
        self.crossed_zones as u64
    }

    /// A message of known size is sent: who has to pay for it.
    fn count(&mut self, attempt: &Attempt, leg: Leg, bytes: f64, cx: &Context<'_>) {
        let Some(path) = attempt.path else {
            let crosses = matches!((attempt.from, attempt.zone), (Some(from), Some(to)) if from != to);
            if crosses && cx.is_measured() {
                self.crossed_zones += bytes;
            }
            return;
        };
        let processed = &mut self.processed[path.load_balancer.at()];
        match leg {
            Leg::ToNode => {
                processed.requests += 1;
                processed.bytes += bytes as u64;
            }
            Leg::BackToCaller => processed.bytes += bytes as u64,
            Leg::ToCallee | Leg::BackToNode => {}
        }
    }

    fn has_payload(&self, attempt: &Attempt) -> bool {
        let payload = match attempt.caller {
            Caller::Client(class, _) => &self.classes[class.at()],
            Caller::Strand(_) => &self.calls[attempt.site.at()],
            _ => return false,
        };
        payload.request.is_some() || payload.response.is_some()
    }
}

/// The step by which a message of a leg comes here.
pub(super) fn step_of(leg: Leg) -> DataEvent {
    match leg {
        Leg::ToNode => DataEvent::RequestToNode,
        Leg::ToCallee => DataEvent::RequestToCallee,
        Leg::BackToNode => DataEvent::AnswerToNode,
        Leg::BackToCaller => DataEvent::AnswerToCaller,
    }
}

impl DataPlane {
    /// To be asked only where somebody has come here.
    fn wires(&mut self) -> &mut Wires {
        self.wires.as_mut().expect("who comes here has wires")
    }

    /// A message is about to cross: first it needs a connection, if it is the first of its attempt.
    pub(super) fn over_the_wire(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, leg: Leg) {
        let Some(attempt) = self.attempts.get(id) else { return };
        let is_first = match leg {
            Leg::ToNode => true,
            Leg::ToCallee => attempt.path.is_none(),
            Leg::BackToNode | Leg::BackToCaller => false,
        };
        if is_first && self.keeps_connections(id) {
            return self.connects(cx, id, leg);
        }
        self.transfers(cx, id, leg);
    }

    /// The message goes through the interfaces and lines at its ends.
    fn transfers(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, leg: Leg) {
        let attempt = &self.attempts[id];
        let wires = self.wires.as_mut().expect("who comes here has wires");
        if !wires.has_payload(attempt) {
            return self.crosses(cx, id, leg);
        }
        let bytes = wires.bytes(attempt, leg);
        wires.count(attempt, leg, bytes, cx);
        if bytes <= 0.0 {
            return self.crosses(cx, id, leg);
        }
        let own = match attempt.caller {
            Caller::Strand(parent) => self.attempts.get(parent).and_then(|parent| parent.task),
            _ => None,
        };
        let touches_caller = leg == Leg::ToNode || leg == Leg::BackToCaller || attempt.path.is_none();
        let near = own.filter(|_| touches_caller);
        let far = match leg {
            Leg::ToNode => None,
            Leg::BackToCaller if attempt.path.is_some() => None,
            _ => attempt.task,
        };
        let (from, to) = match leg {
            Leg::ToNode | Leg::ToCallee => (near, far),
            Leg::BackToNode | Leg::BackToCaller => (far, near),
        };
        let ways = wires.interfaces.pass((from, to), (id, bytes), cx);
        let line = wires
            .client_bandwidth
            .filter(|_| touches_caller && attempt.from.is_none());
        let pending = ways.iter().flatten().count() as u8 + u8::from(line.is_some());
        if pending == 0 {
            return self.crosses(cx, id, leg);
        }
        wires.transfers.put(id, Transfer { leg, pending, ways });
        if let Some(bandwidth) = line {
            let span = Span::from_secs_f64(bytes / bandwidth);
            cx.calendar.schedule_in(span, Event::data(DataEvent::LineDone, id));
        }
    }

    /// An interface may have let something through.
    pub(super) fn interface_turn(&mut self, cx: &mut Context<'_>, way: u32) {
        for id in self.wires().interfaces.done(Way(way), cx) {
            self.part_is_through(cx, id);
        }
    }

    /// An interface or a line has let a message through.
    pub(super) fn part_is_through(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let wires = self.wires();
        let Some(transfer) = wires.transfers.get_mut(id) else {
            return;
        };
        transfer.pending -= 1;
        let (leg, pending) = (transfer.leg, transfer.pending);
        if pending == 0 {
            wires.transfers.take(id);
            self.crosses(cx, id, leg);
        }
    }

    /// The caller waits no more for a message that is still being sent: its connection is closed, and what is left of it
    /// is never sent. Gives whether that was so.
    pub(super) fn stops_sending(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) -> bool {
        let Some(wires) = &mut self.wires else { return false };
        let Some(transfer) = wires.transfers.take(id) else {
            return false;
        };
        for way in transfer.ways.into_iter().flatten() {
            wires.interfaces.withdraw(way, id, cx);
        }
        true
    }

    /// The network carries the message.
    fn crosses(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, leg: Leg) {
        let Some(attempt) = self.attempts.get(id) else { return };
        let hop = self.hop(attempt, leg);
        let event = match leg {
            Leg::ToNode => DataEvent::AtNode,
            Leg::ToCallee => match hop.between {
                Between::AndDependency(_) => DataEvent::AtDependency,
                _ => DataEvent::AtTask,
            },
            Leg::BackToNode => DataEvent::AnswerAtNode,
            Leg::BackToCaller if self.keeps_connections(id) => DataEvent::AnswerOnConnection,
            Leg::BackToCaller => DataEvent::AnswerAtCaller,
        };
        if self.network.carry_now(cx, id, hop, event) == Crossing::UnderWay {
            return;
        }
        let attempt = &mut self.attempts[id];
        let is_check = matches!(attempt.caller, Caller::Check(_));
        match leg {
            Leg::ToCallee if is_check => {
                self.attempts.remove(id);
            }
            Leg::ToNode | Leg::ToCallee => self.nobody_answers(cx, id),
            Leg::BackToNode | Leg::BackToCaller => {
                attempt.phase = Phase::Lost;
                if is_check {
                    let span = self.network.connect_span;
                    cx.calendar
                        .schedule_in(span, Event::data(DataEvent::ConnectTimeout, id));
                }
            }
        }
    }

    /// The crossing of an attempt's message on a leg.
    fn hop(&self, attempt: &Attempt, leg: Leg) -> Hop {
        let node = attempt
            .path
            .map(|path| self.balancers[path.load_balancer.at()].nodes[usize::from(path.node)]);
        let callee = match attempt.task {
            Some(_) => Between::AndTask(attempt.served),
            None => match self.sites.get(attempt.site.at()).map(|site| &site.to) {
                Some(To::Dependency(at)) => Between::AndDependency(*at),
                _ => Between::CallerAndNode,
            },
        };
        let caller_and_node = (attempt.site, attempt.from, node, Between::CallerAndNode);
        let (sender, from, to, between) = match (leg, node) {
            (Leg::ToNode, _) | (Leg::BackToCaller, Some(_)) => caller_and_node,
            (Leg::ToCallee, Some(_)) => (Site::NONE, node, attempt.zone, callee),
            (Leg::BackToNode, _) => (attempt.site, node, attempt.zone, callee),
            (Leg::ToCallee | Leg::BackToCaller, None) => (attempt.site, attempt.from, attempt.zone, callee),
        };
        Hop {
            leg,
            sender,
            key: attempt.key,
            from,
            to,
            between,
        }
    }
}
