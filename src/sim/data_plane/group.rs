//! A target group as the balancer's nodes have it: views, the way to choose, and what few groups have.
//!
//! Stickiness, anomaly mitigation and short-lived connections stand together behind one pointer: a request to a group
//! without any of them pays for one test.

use super::anomalies::{Anomalies, PERIOD, Turn};
use super::connections::{Connections, Sent};
use super::cookies::Cookies;
use super::network::{Between, Hop, Network};
use super::pick::{Picked, take};
use super::program::Operations;
use super::{DataPlane, Leg, purpose};
use crate::blueprint::{self, Blueprint, Cookie, LoadBalancerIx, Mitigation, TargetGroupIx, ZoneIx};
use crate::cluster::Task;
use crate::cluster::attempt::{Answer, Attempt, Browser, Site};
use crate::cluster::server::Servers;
use crate::cluster::view::View;
use crate::engine::arena::Id;
use crate::policy::routing::{self, Chooser};
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};
use crate::sim::observation::{self, EventKind, Observation};
use crate::sim::signal::{TargetGroupMeter, balancer_of};
use crate::units::Instant;

pub(super) struct Group {
    /// By node of the balancer that forwards to it.
    pub views: Vec<View>,
    pub chooser: Chooser,
    /// `None`: no listener forwards to it, so that nobody checks it.
    pub load_balancer: Option<LoadBalancerIx>,
    pub check_program: blueprint::ProgramIx,
    pub meter: TargetGroupMeter,
    pub extras: Option<Box<Extras>>,
}

/// What few groups have.
pub(super) struct Extras {
    cookies: Option<(Cookie, Cookies<Id<Task>>)>,
    pub anomalies: Option<Anomalies>,
    connections: Option<Connections>,
}

/// What picking a target needs besides the group.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub servers: &'a Servers,
    pub operations: &'a Operations,
    pub network: &'a Network,
    /// The node, and where it stands.
    pub node: usize,
    pub zone: ZoneIx,
    pub now: Instant,
}

impl Group {
    pub fn new(blueprint: &Blueprint, at: usize, browsers: u32) -> Self {
        let written = &blueprint.target_groups[at];
        let load_balancer = balancer_of(blueprint, TargetGroupIx::from_usize(at));
        let balancer = load_balancer.map(|balancer| &blueprint.load_balancers[balancer.at()]);
        let per_zone = blueprint.model.alb.nodes_per_zone as usize;
        let nodes = balancer.map_or(0, |balancer| balancer.zones.len() * per_zone);
        let attributes = &written.attributes;
        let extras = Extras {
            cookies: attributes
                .stickiness
                .map(|sticky| (sticky.cookie, Cookies::new(sticky.duration, browsers))),
            anomalies: (attributes.anomaly_mitigation == Mitigation::On).then(Anomalies::default),
            connections: balancer
                .filter(|balancer| closes_first(blueprint, at, balancer))
                .map(|balancer| Connections::new(balancer.idle_timeout, nodes)),
        };
        let is_plain = extras.cookies.is_none() && extras.anomalies.is_none() && extras.connections.is_none();
        Group {
            views: vec![View::default(); nodes],
            chooser: Chooser {
                choice: written.algorithm.into(),
                ties: blueprint.model.alb.least_outstanding_ties,
                slow_start: written.slow_start,
            },
            load_balancer,
            check_program: written.health_check.runs,
            meter: TargetGroupMeter::default(),
            extras: (!is_plain).then(|| Box::new(extras)),
        }
    }

    /// The next client of this number brings no cookie.
    pub fn forget(&mut self, browser: Browser) {
        let cookies = self.extras.as_mut().and_then(|extras| extras.cookies.as_mut());
        if let Some((_, cookies)) = cookies {
            cookies.forget(browser);
        }
    }

    /// Picks a target for a request where there is more to it than the algorithm.
    #[cold]
    #[inline(never)]
    pub fn pick_with_extras(&mut self, attempt: &mut Attempt, around: Around<'_>) -> Picked {
        let Around { node, now, .. } = around;
        let extras = self.extras.as_mut().expect("only a group with extras comes here");
        let view = &mut self.views[node];
        let browser = attempt.caller.browser();
        // A cookie overrides the algorithm as long as its target may be sent to.
        let cookies = extras.cookies.as_mut();
        let kept = cookies.as_ref().and_then(|(_, cookies)| cookies.of(browser, now));
        let kept = kept.and_then(|task| view.position_of(task));
        let key = attempt.key.child(purpose::TARGET);
        let Some(at) = kept.or_else(|| routing::choose(view, self.chooser, key, now)) else {
            return Picked::Nobody;
        };
        let picked = take(attempt, view, at, around.servers);
        let task = view.targets()[at].task;
        if let Some((cookie, cookies)) = cookies
            && (kept.is_some() || *cookie == Cookie::LoadBalancer)
        {
            cookies.give(browser, task, now);
        }
        let Some(connections) = extras.connections.as_mut().filter(|_| picked == Picked::Task) else {
            return picked;
        };
        let way = around.network.span(Hop {
            leg: Leg::ToCallee,
            sender: Site::NONE,
            key: attempt.key,
            from: Some(around.zone),
            to: attempt.zone,
            between: Between::AndTask(attempt.served),
        });
        let keep_alive = around.operations.revision(attempt.served).keep_alive;
        match connections.send(node, task, keep_alive, way, now) {
            Sent::Through => picked,
            Sent::ToClosed => Picked::Closed { round_trip: way + way },
        }
    }
}

impl Extras {
    /// The target's answer has reached the node.
    #[cold]
    pub fn answered(&mut self, attempt: &Attempt, answer: Answer, now: Instant) {
        let task = attempt.task.expect("a target has answered");
        let node = usize::from(attempt.path.expect("through a node").node);
        if let Some((Cookie::Application, cookies)) = &mut self.cookies
            && answer == Answer::Success
        {
            cookies.give(attempt.caller.browser(), task, now);
        }
        if let Some(anomalies) = &mut self.anomalies {
            anomalies.ended(
                task,
                u32::from(matches!(
                    answer,
                    Answer::Failure(_) | Answer::Overloaded(_) | Answer::Error(500..)
                )),
            );
        }
        if let Some(connections) = &mut self.connections {
            connections.rest(node, task, now);
        }
    }

    /// The connection to the target has failed, or no answer has come on it.
    #[cold]
    pub fn failed(&mut self, task: Id<Task>) {
        if let Some(anomalies) = &mut self.anomalies {
            anomalies.ended(task, 1);
        }
    }
}

impl DataPlane {
    /// Schedules the first weights of the groups that have them.
    pub(super) fn begin_weighing(&self, cx: &mut Context<'_>) {
        for (at, group) in self.groups.iter().enumerate() {
            if group.extras.as_ref().is_some_and(|extras| extras.anomalies.is_some()) {
                let name = &cx.blueprint.target_groups[at].name;
                let phase = cx.key.entity("anomaly mitigation", name).uniform();
                cx.calendar
                    .schedule_in(PERIOD.scaled(phase), Event::data_extra(DataEvent::Reweigh, at as u32));
            }
        }
    }

    pub(super) fn reweigh(&mut self, cx: &mut Context<'_>, at: usize) {
        let Group { views, extras, .. } = &mut self.groups[at];
        let anomalies = extras.as_mut().and_then(|extras| extras.anomalies.as_mut());
        let anomalies = anomalies.expect("only such groups are weighed");
        let turns = anomalies.reweigh(views, &cx.blueprint.model.alb.anomaly_detection);
        for turn in turns {
            self.tell_anomaly(cx, at, turn);
        }
        if cx.now() < self.stops_at {
            cx.calendar
                .schedule_in(PERIOD, Event::data_extra(DataEvent::Reweigh, at as u32));
        }
    }

    fn tell_anomaly(&self, cx: &mut Context<'_>, at: usize, turn: Turn) {
        let (task, from, to) = match turn {
            Turn::Anomalous(task) => (task, "normal", "anomalous"),
            Turn::Normal(task) => (task, "anomalous", "normal"),
        };
        let Some(server) = self.servers.get(task) else { return };
        let name = &cx.blueprint.target_groups[at].name;
        cx.observations.push(Observation::Happened(observation::Event {
            at: cx.now(),
            kind: EventKind::Target,
            service: Some(server.service),
            deployment: None,
            revision: None,
            task: None,
            instance: None,
            zone: Some(server.zone),
            from: from.to_owned(),
            to: to.to_owned(),
            reason: format!("{name}: anomaly mitigation"),
        }));
    }
}

/// Whether one of the group's targets closes idle connections before the balancer does.
fn closes_first(blueprint: &Blueprint, at: usize, balancer: &blueprint::LoadBalancer) -> bool {
    let is_mine = |group: TargetGroupIx| group.at() == at;
    blueprint.services.iter().any(|service| {
        let bound = service.load_balancers.iter().any(|binding| {
            is_mine(binding.target_group) || binding.alternate.is_some_and(|other| is_mine(other.target_group))
        });
        let mut revisions = service.revisions.iter();
        bound && revisions.any(|revision| revision.keep_alive.is_some_and(|span| span < balancer.idle_timeout))
    })
}
