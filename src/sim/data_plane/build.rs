//! Builds the data plane from the blueprint: everything that can be looked up once is looked up here.

use super::DataPlane;
use super::balancer::Balancer;
use super::cache::Caches;
use super::client::{Client, browsers};
use super::cookies::Cookies;
use super::dependency::DependencyState;
use super::foregone::Foregone;
use super::group::Group;
use super::hosts::Hosts;
use super::join::Races;
use super::journeys::Journeys;
use super::messaging::Messaging;
use super::network::Network;
use super::poison::Poisons;
use super::program::{Operations, Programs};
use super::rules::Rulebook;
use super::site::SiteState;
use super::skew::Skews;
use super::tracer::Tracer;
use super::wires::Wires;
use crate::blueprint::{
    Action, Blueprint, Destination, HttpRequest, LoadBalancerIx, Metric, RequestClass, TargetGroupIx,
};
use crate::cluster::aside::Aside;
use crate::cluster::deadline::Deadlines;
use crate::cluster::server::Servers;
use crate::engine::arena::Arena;
use crate::engine::dist::Tables;
use crate::policy::routing;
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};
use crate::sim::observation::{RevisionCount, Work};

/// All listener actions in one table, so that a class or a call is resolved to a number once.
pub(super) struct Actions {
    /// First action of each listener of each balancer; a listener's default action follows its rules.
    first: Vec<Vec<u32>>,
    pub all: Vec<Action>,
    /// Rules that a request runs through until the action is found: that of the action and all before it. The default action
    /// is found after all of them.
    pub rules: Vec<u32>,
    /// Which group each client stays with, for the actions of [`Actions::all`] that have such stickiness.
    pub cookies: Vec<Option<Cookies<TargetGroupIx>>>,
}

impl Actions {
    fn new(blueprint: &Blueprint) -> Self {
        let mut all = Vec::new();
        let mut first = Vec::new();
        let mut cookies = Vec::new();
        let mut rules = Vec::new();
        let browsers = browsers(&blueprint.traffic);
        for balancer in &blueprint.load_balancers {
            let mut starts = Vec::new();
            for listener in &balancer.listeners {
                starts.push(all.len() as u32);
                all.extend(listener.rules.iter().map(|rule| rule.action.clone()));
                all.push(listener.default_action.clone());
                let count = listener.rules.len() as u32;
                rules.extend((1..=count).chain([count]));
                let stickiness = listener.rules.iter().map(|rule| rule.group_stickiness);
                let stickiness = stickiness.chain([listener.group_stickiness]);
                cookies.extend(stickiness.map(|span| span.map(|span| Cookies::new(span, browsers))));
            }
            first.push(starts);
        }
        Actions {
            first,
            all,
            rules,
            cookies,
        }
    }

    /// Number of a rule's action (`rule` past the last rule is the default action).
    pub fn at(&self, load_balancer: LoadBalancerIx, listener: u16, rule: usize) -> u32 {
        self.first[load_balancer.at()][usize::from(listener)] + rule as u32
    }

    pub fn of(&self, blueprint: &Blueprint, load_balancer: LoadBalancerIx, listener: u16, http: &HttpRequest) -> u32 {
        let written = &blueprint.load_balancers[load_balancer.at()].listeners[usize::from(listener)];
        let rule = routing::matching_rule(written, http).unwrap_or(written.rules.len());
        self.at(load_balancer, listener, rule)
    }
}

impl DataPlane {
    pub fn new(cx: &mut Context<'_>) -> Self {
        let blueprint = cx.blueprint;
        let mut tables = Tables::new();
        let mut deadlines = Deadlines::default();
        let actions = Actions::new(blueprint);
        let mut operations = Operations::new(blueprint);
        let skews = Skews::new(blueprint, &mut operations);
        let network = Network::new(blueprint, &operations, &mut cx.calendar, &mut tables);
        let programs = Programs::new(blueprint, &mut cx.calendar, &mut tables);
        let rulebook = Rulebook::new(blueprint, &mut cx.calendar, &mut tables);
        let sites = SiteState::all(cx, &mut deadlines, &actions);
        let clients = (0..blueprint.traffic.len())
            .map(|at| Client::new(cx, at, &mut tables))
            .collect();
        let journeys = Journeys::new(blueprint, browsers(&blueprint.traffic), &mut tables);
        let balancers = (0..blueprint.load_balancers.len())
            .map(|at| Balancer::new(blueprint, at, &mut deadlines))
            .collect();
        let groups = (0..blueprint.target_groups.len())
            .map(|at| Group::new(blueprint, at, browsers(&blueprint.traffic)))
            .collect();
        let dependencies = blueprint
            .dependencies
            .iter()
            .enumerate()
            .map(|(at, _)| DependencyState::new(blueprint, at, &mut cx.calendar, &mut tables))
            .collect();
        let messaging = Messaging::new(blueprint, &mut cx.calendar, &mut tables);
        let deadline_timers = (0..deadlines.len())
            .map(|list| {
                cx.calendar
                    .timer(Event::data_extra(DataEvent::DeadlineDue, list as u32))
            })
            .collect();
        let foregone = Foregone::new(blueprint, network.longest_hop_to_a_task());
        DataPlane {
            attempts: Arena::with_capacity(1024),
            servers: Servers::default(),
            hosts: Hosts::new(blueprint),
            deadlines,
            deadline_timers,
            network,
            wires: Wires::new(blueprint, &mut tables),
            balancers,
            groups,
            clients,
            journeys,
            sites,
            guarded: Aside::default(),
            dependencies,
            backed: Aside::default(),
            caches: Caches::new(blueprint),
            races: Races::new(blueprint),
            messaging,
            courses: programs.steer_by_request().then(Box::default),
            programs,
            counts: vec![RevisionCount::default(); operations.revisions.len()],
            work: vec![Work::default(); operations.revisions.len()],
            cpu_meters: vec![Default::default(); blueprint.services.len()],
            cpu_is_read: cpu_is_read(blueprint),
            operations,
            skews,
            rulebook,
            branch_failures: Aside::default(),
            ways_rows: Aside::default(),
            cpus_changed: Vec::new(),
            open_requests: 0,
            foregone,
            tracer: Tracer::new(blueprint.traces.sampled),
            stops_at: blueprint.horizon(),
            overflowed: false,
            afflictions: Aside::default(),
            poisons: Poisons::default(),
            class_actions: class_actions(blueprint, &actions),
            class_traffic: blueprint.classes.iter().map(|class| class.traffic.0).collect(),
            actions,
        }
    }
}

fn cpu_is_read(blueprint: &Blueprint) -> Vec<bool> {
    let mut read = vec![false; blueprint.services.len()];
    for metric in blueprint.metrics_read() {
        if let Metric::CpuUtilization(service) = metric {
            read[service.at()] = true;
        }
    }
    read
}

/// The listener's action that takes each class at a node; what goes straight to tasks has none and gets 0.
fn class_actions(blueprint: &Blueprint, actions: &Actions) -> Vec<u32> {
    let of = |class: &RequestClass| match blueprint.traffic[class.traffic.at()].to {
        Destination::LoadBalancer {
            load_balancer,
            listener,
        } => actions.of(blueprint, load_balancer, listener, &class.http),
        Destination::Service { .. } | Destination::Queue(_) => 0,
    };
    blueprint.classes.iter().map(of).collect()
}
