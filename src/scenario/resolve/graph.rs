//! Who calls whom: every operation of every service, and the requests that one sends to another.
//!
//! Calls through a balancer follow its rules and the routes behind it, as the simulation does
//! ([`crate::policy::routing`]). What the graph is looked at for is in [`super::load`].

use crate::blueprint::*;
use crate::policy::routing::{matching_route, matching_rule};
use std::collections::BTreeSet;

/// One operation of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub service: usize,
    pub operation: usize,
}

pub(super) struct Graph<'b> {
    blueprint: &'b Blueprint,
    pub nodes: Vec<Node>,
    /// Of each service's first operation.
    pub first: Vec<usize>,
    /// For each operation (of the first revision) whom it calls, and how often.
    pub calls: Vec<Vec<(usize, f64)>>,
    /// The same over all revisions, without numbers.
    pub ever: Vec<BTreeSet<usize>>,
}

impl<'b> Graph<'b> {
    pub fn new(blueprint: &'b Blueprint) -> Self {
        let mut nodes = Vec::new();
        let mut first = Vec::new();
        for (service, described) in blueprint.services.iter().enumerate() {
            first.push(nodes.len());
            nodes.extend((0..described.operations.len()).map(|operation| Node { service, operation }));
        }
        let mut graph = Graph {
            blueprint,
            nodes,
            first,
            calls: Vec::new(),
            ever: Vec::new(),
        };
        for node in graph.nodes.clone() {
            let service = &blueprint.services[node.service];
            let called = |revision: &Revision| {
                let mut called = Vec::new();
                let program = revision.operations[node.operation].program;
                walk(blueprint, program, 1.0, &mut |step, times| {
                    if let Step::Call(call) = step {
                        let callees = graph.callees(&blueprint.calls[call.at()].to);
                        called.extend(callees.iter().map(|(node, share)| (*node, share * times)));
                    }
                });
                called
            };
            let ever = service
                .revisions
                .iter()
                .flat_map(&called)
                .map(|(node, _)| node)
                .collect();
            let calls = called(&service.revisions[0]);
            graph.calls.push(calls);
            graph.ever.push(ever);
        }
        graph
    }

    fn node(&self, service: ServiceIx, operation: OperationIx) -> usize {
        self.first[service.at()] + operation.at()
    }

    /// Operations that serve a call, with the share that each gets.
    pub fn callees(&self, callee: &Callee) -> Vec<(usize, f64)> {
        match callee {
            Callee::Service { service, operation, .. } => vec![(self.node(*service, *operation), 1.0)],
            Callee::LoadBalancer {
                load_balancer,
                listener,
                http,
            } => self.behind(*load_balancer, *listener, http),
            Callee::Dependency(_) | Callee::DependencyOperation(..) | Callee::Queue(_) => Vec::new(),
        }
    }

    /// Operations that handle messages of a queue.
    pub fn consumers(&self) -> impl Iterator<Item = usize> + '_ {
        let services = self.blueprint.services.iter().enumerate();
        services.flat_map(move |(service, described)| {
            let consumes = described.consumes.iter();
            consumes.map(move |consumer| self.node(ServiceIx::from_usize(service), consumer.operation))
        })
    }

    /// Operations behind a balancer that serve a request, with the share that each gets.
    fn behind(&self, at: LoadBalancerIx, listener: u16, http: &HttpRequest) -> Vec<(usize, f64)> {
        let listener = &self.blueprint.load_balancers[at.at()].listeners[usize::from(listener)];
        let action = match matching_rule(listener, http) {
            Some(rule) => &listener.rules[rule].action,
            None => &listener.default_action,
        };
        let Action::Forward(groups) = action else {
            return Vec::new();
        };
        let sum: f64 = groups.iter().map(|group| f64::from(group.weight)).sum();
        let mut served = Vec::new();
        for group in groups.iter().filter(|group| group.weight > 0) {
            let binds = |service: &Service| {
                service
                    .load_balancers
                    .iter()
                    .any(|binding| binding.target_group == group.target_group)
            };
            let services: Vec<usize> = (0..self.blueprint.services.len())
                .filter(|at| binds(&self.blueprint.services[*at]))
                .collect();
            for service in &services {
                if let Some(node) = self.routed(*service, http.method, &http.path) {
                    served.push((node, f64::from(group.weight) / sum / services.len() as f64));
                }
            }
        }
        served
    }

    /// The operation that a service's routes give a request to.
    fn routed(&self, service: usize, method: Method, path: &str) -> Option<usize> {
        let revision = &self.blueprint.services[service].revisions[0];
        if revision.routes.is_empty() {
            return Some(self.first[service]);
        }
        let route = matching_route(&revision.routes, method, path)?;
        Some(self.first[service] + revision.routes[route].operation.at())
    }

    pub fn entry(&self, to: &Destination, class: &RequestClass) -> Vec<(usize, f64)> {
        match to {
            Destination::LoadBalancer {
                load_balancer,
                listener,
            } => self.behind(*load_balancer, *listener, &class.http),
            Destination::Service { service, .. } => self
                .routed(service.at(), class.http.method, &class.http.path)
                .map(|node| (node, 1.0))
                .into_iter()
                .collect(),
            Destination::Queue(_) => Vec::new(),
        }
    }

    /// All nodes, callees before their callers; or a cycle.
    pub fn order(&self) -> Result<Vec<usize>, Vec<usize>> {
        let mut waiting: Vec<usize> = self.ever.iter().map(BTreeSet::len).collect();
        let mut callers = vec![Vec::new(); self.nodes.len()];
        for (caller, callees) in self.ever.iter().enumerate() {
            callees.iter().for_each(|callee| callers[*callee].push(caller));
        }
        let mut order: Vec<usize> = (0..self.nodes.len()).filter(|at| waiting[*at] == 0).collect();
        let mut next = 0;
        while let Some(done) = order.get(next).copied() {
            next += 1;
            for caller in &callers[done] {
                waiting[*caller] -= 1;
                if waiting[*caller] == 0 {
                    order.push(*caller);
                }
            }
        }
        let Some(start) = (0..self.nodes.len()).find(|at| waiting[*at] > 0) else {
            return Ok(order);
        };
        // Each node that is left waits for one that is left, so following them must come round.
        let mut way = vec![start];
        loop {
            let here = way[way.len() - 1];
            let next = self.ever[here]
                .iter()
                .copied()
                .find(|at| waiting[*at] > 0)
                .expect("it waits for someone");
            if let Some(begin) = way.iter().position(|at| *at == next) {
                return Err(way.split_off(begin));
            }
            way.push(next);
        }
    }
}

/// Every step of a program and of its parts, with how often it is run on average.
pub(super) fn walk(blueprint: &Blueprint, program: ProgramIx, times: f64, take: &mut impl FnMut(&Step, f64)) {
    let mut times = times;
    for step in &blueprint.programs[program.at()].steps {
        take(step, times);
        for (part, often) in step.parts() {
            walk(blueprint, part, times * often, take);
        }
        times *= passes(blueprint, step);
    }
}

/// The share of requests that go on after a step, as far as its own errors are concerned.
pub(super) fn passes(blueprint: &Blueprint, step: &Step) -> f64 {
    let ends = |program: ProgramIx| -> f64 {
        let steps = &blueprint.programs[program.at()].steps;
        steps.iter().map(|step| passes(blueprint, step)).product()
    };
    match step {
        Step::Fail { share, .. } => 1.0 - share.get(),
        Step::Choose(choices) => choices.iter().map(|choice| choice.share * ends(choice.program)).sum(),
        Step::Cache { hits, hit, miss, .. } => hits * ends(*hit) + (1.0 - hits) * ends(*miss),
        // To first order: what ends a loop seldom.
        Step::Repeat { times, program } => (1.0 - times.mean() * (1.0 - ends(*program))).max(0.0),
        Step::Optional(program) => ends(*program),
        Step::Parallel(parallel) if parallel.join == Join::All => {
            parallel.branches.iter().map(|branch| ends(*branch)).product()
        }
        Step::Parallel(_) => 1.0,
        Step::Cpu(_) | Step::Wait(_) | Step::Call(_) | Step::Fallback(_) => 1.0,
    }
}
