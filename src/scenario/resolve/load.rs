//! Whether calls end, and whether the fleet can carry what is asked of it.
//!
//! The calls of all operations make a graph; a cycle has no end and is an error. Along the graph the offered load of
//! every service and dependency is a sum of means, without queueing, timeouts or retries: what exceeds the capacity
//! even so, surely does. What hinges on more than means is left to the simulation.

use super::Context;
use super::graph::{Graph, passes, walk};
use super::{queue, retries};
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::quantity::print_duration;
use crate::units::{Instant, Span};
use std::collections::BTreeSet;

/// Profiles are looked at at so many instants at most.
const MAX_INSTANTS: usize = 512;

pub(super) fn check(cx: &mut Context, blueprint: &Blueprint) {
    let graph = Graph::new(blueprint);
    match graph.order() {
        Err(cycle) => report_cycle(cx, blueprint, &graph, &cycle),
        Ok(order) => {
            reach(cx, blueprint, &graph);
            match without_optional(blueprint) {
                None => utilisation(cx, blueprint, &graph, &order),
                Some(lean) => {
                    let graph = Graph::new(&lean);
                    let order = graph.order().expect("fewer calls make no cycle");
                    utilisation(cx, &lean, &graph, &order);
                }
            }
            retries::doubts(cx, blueprint, &graph, &order);
        }
    }
}

/// What is done at least, where brown-outs leave out what is optional; `None` where nothing does.
fn without_optional(blueprint: &Blueprint) -> Option<Blueprint> {
    let revisions = blueprint.services.iter().flat_map(|service| &service.revisions);
    let mut rules = revisions.filter_map(|revision| revision.server_rules.as_ref());
    if !rules.any(|rules| rules.brown_out.is_some()) {
        return None;
    }
    let mut lean = blueprint.clone();
    for program in &mut lean.programs {
        program.steps.retain(|step| !matches!(step, Step::Optional(_)));
    }
    Some(lean)
}

/// Whether the queue of a service stays short whatever comes, because it turns away who would make it long.
fn turns_away(service: &Service) -> bool {
    service.revisions[0].server_rules.as_ref().is_some_and(|rules| {
        let queue = &rules.queue;
        rules.concurrency.is_some()
            || rules.shedding.is_some()
            || queue.timeout.is_some()
            || queue.controlled_delay.is_some()
    })
}

fn report_cycle(cx: &mut Context, blueprint: &Blueprint, graph: &Graph, cycle: &[usize]) {
    let name = |at: usize| {
        let node = graph.nodes[at];
        let service = &blueprint.services[node.service];
        (service.name.as_str(), service.operations[node.operation].as_str())
    };
    let names: Vec<String> = cycle
        .iter()
        .chain(cycle.first())
        .map(|at| name(*at))
        .map(|(s, o)| format!("{s}/{o}"))
        .collect();
    let (service, operation) = name(cycle[0]);
    let root = Path::Root;
    let services = root.key("services");
    let path = services.key(service);
    let message = format!("calls without end: {}", names.join(" → "));
    cx.report_hint(
        Code::CallCycle,
        &path.key("operations").key(operation),
        message,
        "every request would call for ever; let one of them call another operation",
    );
}

/// Operations that no request ever comes to.
fn reach(cx: &mut Context, blueprint: &Blueprint, graph: &Graph) {
    let mut reached = BTreeSet::new();
    let mut todo: Vec<usize> = blueprint
        .traffic
        .iter()
        .flat_map(|traffic| traffic.classes.iter().map(move |(class, _)| (traffic, class)))
        .flat_map(|(traffic, class)| graph.entry(&traffic.to, &blueprint.classes[class.at()]))
        .map(|(node, _)| node)
        .chain(graph.consumers())
        .collect();
    while let Some(node) = todo.pop() {
        if reached.insert(node) {
            todo.extend(&graph.ever[node]);
        }
    }
    let root = Path::Root;
    let services = root.key("services");
    for (_, node) in graph.nodes.iter().enumerate().filter(|(at, _)| !reached.contains(at)) {
        let service = &blueprint.services[node.service];
        // A service that nothing comes to at all may be there for its deployments alone.
        let mut of_service = graph.first[node.service]..graph.first[node.service] + service.operations.len();
        if !of_service.any(|other| reached.contains(&other)) {
            continue;
        }
        let operation = &service.operations[node.operation];
        let path = services.key(&service.name);
        cx.report_hint(
            Code::OperationOutOfReach,
            &path.key("operations").key(operation),
            format!("no request comes to `{}/{operation}`", service.name),
            "give it a route that traffic asks for, or let another operation call it",
        );
    }
}

/// Means of one operation.
#[derive(Clone, Copy, Default)]
struct Means {
    /// CPU seconds.
    cpu: f64,
    /// Seconds from the first step to the last, without queueing.
    held: f64,
}

fn utilisation(cx: &mut Context, blueprint: &Blueprint, graph: &Graph, order: &[usize]) {
    let means = means(blueprint, graph, order);
    queue::doubts(cx, blueprint, |service, operation| {
        means[graph.first[service] + operation.at()].held
    });
    let mut instants: Vec<Instant> = blueprint
        .traffic
        .iter()
        .filter_map(|traffic| match &traffic.source {
            Source::Open { profile, .. } => Some(profile),
            _ => None,
        })
        .flat_map(|profile| profile.segments.iter().flat_map(|segment| [segment.start, segment.end]))
        .filter(|at| *at < blueprint.horizon())
        .collect();
    instants.sort_unstable();
    instants.dedup();
    let stride = instants.len().div_ceil(MAX_INSTANTS).max(1);
    let mut overloaded = BTreeSet::new();
    let mut flooded = BTreeSet::new();
    for at in instants.into_iter().step_by(stride) {
        let visits = visits(blueprint, graph, order, at);
        for (service, described) in blueprint.services.iter().enumerate() {
            let load = service_load(blueprint, graph, &visits, &means, service);
            if load > 1.0 - 1e-9 && !turns_away(described) && overloaded.insert((true, service)) {
                report_overload(cx, blueprint, ("services", &described.name), load, at);
            }
        }
        for (dependency, described) in blueprint.dependencies.iter().enumerate() {
            let work = dependency_work(blueprint, graph, &visits, dependency);
            let load = work / most_at_once(described);
            if load > 1.0 - 1e-9 && overloaded.insert((false, dependency)) {
                report_overload(cx, blueprint, ("dependencies", &described.name), load, at);
            }
        }
        for (queue, described) in blueprint.queues.iter().enumerate() {
            let queue = QueueIx::from_usize(queue);
            let held = |service: usize, operation: OperationIx| means[graph.first[service] + operation.at()].held;
            let load = messages(blueprint, graph, &visits, queue, at) / queue::capacity(blueprint, queue, held);
            if load.is_finite() && load > 1.0 - 1e-9 && flooded.insert(queue) {
                report_overload(cx, blueprint, ("queues", &described.name), load, at);
            }
        }
    }
}

fn report_overload(cx: &mut Context, blueprint: &Blueprint, (section, name): (&str, &str), load: f64, at: Instant) {
    let root = Path::Root;
    let section = root.key(section);
    let from = at.since(blueprint.measured_from());
    let when = if from.is_zero() {
        String::new()
    } else {
        format!(" from {} on", print_duration(from))
    };
    let message =
        format!("`{name}` is asked for {load:.2} times what it can do{when}: its queue grows until something stops it");
    cx.report_hint(
        Code::QueueWithoutBound,
        &section.key(name),
        message,
        "more tasks, larger ones, more workers, slots or pollers, or less traffic; a `backlog` or a client's `timeout` bounds what waits, and the rest is lost",
    );
}

fn means(blueprint: &Blueprint, graph: &Graph, order: &[usize]) -> Vec<Means> {
    let mut means = vec![Means::default(); graph.nodes.len()];
    for at in order {
        let node = graph.nodes[*at];
        let operation = blueprint.services[node.service].revisions[0].operations[node.operation];
        means[*at] = program_means(blueprint, graph, operation.program, operation.cpu_factor, &means);
    }
    means
}

fn program_means(blueprint: &Blueprint, graph: &Graph, program: ProgramIx, factor: f64, known: &[Means]) -> Means {
    let mut sum = Means::default();
    // How many of the requests come as far as this.
    let mut share = 1.0;
    for step in &blueprint.programs[program.at()].steps {
        match step {
            Step::Cpu(time) => {
                sum.cpu += share * time.mean() * factor;
                sum.held += share * time.mean() * factor;
            }
            Step::Wait(time) => sum.held += share * time.mean(),
            // Of callees that are well.
            Step::Fallback(_) => {}
            Step::Call(call) => {
                let call = &blueprint.calls[call.at()];
                let answered = match &call.to {
                    to if to.dependency().is_some() => {
                        let asked = to.dependency();
                        let mean = |(at, operation): (DependencyIx, _)| {
                            blueprint.dependencies[at.at()].service_time_of(operation).mean()
                        };
                        asked.map_or(0.0, mean)
                    }
                    Callee::Queue(_) => blueprint.model.sqs.send_message.mean(),
                    to => graph
                        .callees(to)
                        .iter()
                        .map(|(node, share)| known[*node].held * share)
                        .sum(),
                };
                sum.held += share * call.timeout.map_or(answered, |timeout| answered.min(timeout.seconds()));
            }
            Step::Parallel(parallel) => {
                let branch = |branch: &ProgramIx| program_means(blueprint, graph, *branch, factor, known);
                let mut branches: Vec<Means> = parallel.branches.iter().map(branch).collect();
                branches.sort_by(|one, other| one.held.total_cmp(&other.held));
                let decides = match parallel.join {
                    Join::All | Join::Partial => branches.len(),
                    Join::Quorum(needed) => usize::from(needed),
                };
                let held = decides.checked_sub(1).and_then(|at| branches.get(at));
                let held = held.map_or(0.0, |branch| branch.held);
                let most = parallel.timeout.map_or(f64::INFINITY, Span::seconds);
                sum.cpu += share * branches.iter().map(|branch| branch.cpu).sum::<f64>();
                sum.held += share * held.min(most);
            }
            Step::Choose(_) | Step::Repeat { .. } | Step::Cache { .. } | Step::Optional(_) => {
                if let Step::Cache { cache, .. } = step {
                    let latency = blueprint.caches[cache.at()].latency.as_ref();
                    sum.held += share * latency.map_or(0.0, |latency| latency.mean());
                }
                for (part, often) in step.parts() {
                    let part = program_means(blueprint, graph, part, factor, known);
                    sum.cpu += share * often * part.cpu;
                    sum.held += share * often * part.held;
                }
            }
            Step::Fail { .. } => {}
        }
        share *= passes(blueprint, step);
    }
    sum
}

/// Requests a second to each operation at an instant.
fn visits(blueprint: &Blueprint, graph: &Graph, order: &[usize], at: Instant) -> Vec<f64> {
    let mut visits = vec![0.0; graph.nodes.len()];
    for traffic in &blueprint.traffic {
        let Source::Open { profile, .. } = &traffic.source else {
            continue;
        };
        let rate = profile.rate(at) * traffic.requests_per_arrival();
        let sum: f64 = traffic.classes.iter().map(|(_, weight)| weight).sum();
        for (class, weight) in &traffic.classes {
            for (node, share) in graph.entry(&traffic.to, &blueprint.classes[class.at()]) {
                visits[node] += rate * weight / sum * share;
            }
        }
    }
    for caller in order.iter().rev() {
        for (callee, times) in &graph.calls[*caller] {
            visits[*callee] += visits[*caller] * times;
        }
    }
    visits
}

/// Messages a second to a queue at an instant, but for those that handling other messages makes.
fn messages(blueprint: &Blueprint, graph: &Graph, visits: &[f64], queue: QueueIx, at: Instant) -> f64 {
    let mut sum = 0.0;
    for traffic in &blueprint.traffic {
        if let (Destination::Queue(to), Source::Open { profile, .. }) = (&traffic.to, &traffic.source)
            && *to == queue
        {
            sum += profile.rate(at) * traffic.requests_per_arrival();
        }
    }
    for (at, node) in graph.nodes.iter().enumerate().filter(|(at, _)| visits[*at] > 0.0) {
        let program = blueprint.services[node.service].revisions[0].operations[node.operation].program;
        walk(blueprint, program, 1.0, &mut |step, times| {
            if let Step::Call(call) = step
                && let Callee::Queue(to) = blueprint.calls[call.at()].to
                && to == queue
            {
                sum += visits[at] * times;
            }
        });
    }
    sum
}

/// Load over capacity of a service, by whichever is scarcer: CPU, or workers.
fn service_load(blueprint: &Blueprint, graph: &Graph, visits: &[f64], means: &[Means], service: usize) -> f64 {
    let described = &blueprint.services[service];
    let revision = &described.revisions[0];
    let tasks = f64::from(most_tasks(blueprint, service));
    let nodes = graph.first[service]..graph.first[service] + described.operations.len();
    let cpu: f64 = nodes.clone().map(|node| visits[node] * means[node].cpu).sum();
    let held: f64 = nodes.map(|node| visits[node] * means[node].held).sum();
    if cpu == 0.0 && held == 0.0 {
        return 0.0;
    }
    let vcpus = blueprint.most_cpu(described, revision).vcpus();
    let (by_cpu, by_worker) = match revision.runtime {
        Runtime::ThreadPool { workers, .. } => {
            let workers = f64::from(workers);
            (cpu / (tasks * vcpus.min(workers)), held / (tasks * workers))
        }
        Runtime::EventLoop { loops, .. } => (cpu / (tasks * vcpus.min(f64::from(loops))), 0.0),
        Runtime::Unbounded => (cpu / (tasks * vcpus), 0.0),
    };
    by_cpu.max(by_worker)
}

/// The most tasks that anything in the scenario lets a service have.
pub(super) fn most_tasks(blueprint: &Blueprint, service: usize) -> u32 {
    let described = &blueprint.services[service];
    let scaled = described.auto_scaling.as_ref().map(|scaling| {
        scaling
            .scheduled
            .iter()
            .filter_map(|action| action.max_capacity)
            .fold(scaling.max_capacity, u32::max)
    });
    let set = blueprint.events.iter().filter_map(|event| match &event.what {
        Happening::SetDesiredCount { service: at, count } if at.at() == service => Some(*count),
        _ => None,
    });
    set.chain(scaled).fold(described.desired_count, u32::max)
}

/// The most requests that a dependency can be at as if each were alone: its slots, or what slowing down leaves of them.
fn most_at_once(dependency: &Dependency) -> f64 {
    const ENOUGH: u32 = 10_000;
    let slots = f64::from(dependency.slots);
    match dependency.extras.as_ref().and_then(|extras| extras.slowdown) {
        None => slots,
        Some(slowdown) => (1..=dependency.slots.min(ENOUGH))
            .map(|busy| f64::from(busy) / slowdown.factor(busy))
            .fold(0.0, f64::max),
    }
}

/// Seconds of work a second for the primary of a dependency.
fn dependency_work(blueprint: &Blueprint, graph: &Graph, visits: &[f64], dependency: usize) -> f64 {
    let described = &blueprint.dependencies[dependency];
    let seconds = |operation: DependencyOperationIx| match &described.extras {
        Some(extras) if extras.replicas.is_some() && extras.operations[operation.at()].endpoint == Endpoint::Reader => {
            0.0
        }
        _ => described.service_time_of(operation).mean(),
    };
    let mut work = 0.0;
    for (at, node) in graph.nodes.iter().enumerate().filter(|(at, _)| visits[*at] > 0.0) {
        let program = blueprint.services[node.service].revisions[0].operations[node.operation].program;
        walk(blueprint, program, 1.0, &mut |step, times| {
            if let Step::Call(call) = step
                && let Some((to, operation)) = blueprint.calls[call.at()].to.dependency()
                && to.at() == dependency
            {
                work += visits[at] * times * seconds(operation);
            }
        });
    }
    work
}
