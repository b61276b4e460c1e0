//! What is legal and unwise about retries: layers that multiply, and callers that leave before their callee has tried.
//!
//! Both are seen along the graph of calls, callees before callers. A layer whose retries have a budget is not counted: the
//! budget bounds what it adds.

use super::Context;
use super::graph::{Graph, walk};
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::quantity::print_duration;
use crate::units::Span;

/// So many layers of retries are worth a word.
const LAYERS: usize = 3;

/// The retries along the worst way down from somewhere: attempts of each layer.
type Way = Vec<u32>;

pub(super) fn doubts(cx: &mut Context, blueprint: &Blueprint, graph: &Graph, order: &[usize]) {
    let mut ways: Vec<Way> = vec![Way::new(); graph.nodes.len()];
    for &node in order {
        let calls = calls(blueprint, graph, node);
        let down = calls.iter().map(|call| {
            let call = &blueprint.calls[call.at()];
            let callees = graph.callees(&call.to);
            let below = worst(callees.iter().map(|(callee, _)| ways[*callee].clone()));
            with(&call.retry, &call.guards, below)
        });
        ways[node] = worst(down.collect::<Vec<_>>().into_iter());
        for call in calls {
            let call = &blueprint.calls[call.at()];
            let callees = graph.callees(&call.to);
            if let Some(timeout) = call.timeout {
                let place = place(blueprint, graph, node);
                let caller = (place.0, place.1, call.name.as_str(), timeout);
                leaves_early(cx, blueprint, graph, caller, &callees);
            }
        }
    }
    let root = Path::Root;
    let section = root.key("traffic");
    for traffic in &blueprint.traffic {
        let path = section.key(&traffic.name);
        let classes = traffic.classes.iter();
        let entries: Vec<(usize, f64)> = classes
            .flat_map(|(class, _)| graph.entry(&traffic.to, &blueprint.classes[class.at()]))
            .collect();
        let below = worst(entries.iter().map(|(node, _)| ways[*node].clone()));
        let way = with(&traffic.retry, &traffic.guards, below);
        if way.len() >= LAYERS {
            let product = |factors: &[u32]| factors.iter().map(|attempts| f64::from(*attempts)).product::<f64>();
            let factors: Vec<String> = way.iter().map(u32::to_string).collect();
            let message = format!(
                "{} layers of retries multiply: a request of `{}` becomes up to {} = {} attempts at the bottom",
                way.len(),
                traffic.name,
                factors.join(" × "),
                product(&way),
            );
            cx.report_hint(
                Code::RetriesMultiply,
                &path,
                message,
                "try again at one layer, or give each layer's `retry` a `budget`",
            );
        }
        if let Some(timeout) = traffic.timeout {
            let name = traffic.name.as_str();
            if let Some(message) = too_early(blueprint, graph, (name, timeout), &entries) {
                cx.report_hint(Code::LeavesBeforeRetries, &path.key("timeout"), message, HINT);
            }
        }
    }
}

const HINT: &str = "its callee goes on trying for nobody: lengthen the timeout, or shorten or drop the retries below";

fn calls(blueprint: &Blueprint, graph: &Graph, node: usize) -> Vec<CallIx> {
    let at = graph.nodes[node];
    let operation = &blueprint.services[at.service].revisions[0].operations[at.operation];
    let mut calls = Vec::new();
    walk(blueprint, operation.program, 1.0, &mut |step, _| {
        if let Step::Call(call) = step {
            calls.push(*call);
        }
    });
    calls
}

fn worst(ways: impl Iterator<Item = Way>) -> Way {
    let product = |way: &Way| {
        way.iter()
            .map(|attempts| u64::from(*attempts))
            .fold(1, u64::saturating_mul)
    };
    ways.max_by_key(|way| (product(way), way.len())).unwrap_or_default()
}

/// A way with this layer before it.
fn with(retry: &Retry, guards: &Guards, below: Way) -> Way {
    if retry.max_attempts > 1 && guards.budget.is_none() {
        std::iter::once(retry.max_attempts).chain(below).collect()
    } else {
        below
    }
}

fn place<'b>(blueprint: &'b Blueprint, graph: &Graph, node: usize) -> (&'b str, &'b str) {
    let at = graph.nodes[node];
    let service = &blueprint.services[at.service];
    (&service.name, &service.operations[at.operation])
}

fn leaves_early(
    cx: &mut Context,
    blueprint: &Blueprint,
    graph: &Graph,
    (service, operation, call, timeout): (&str, &str, &str, Span),
    callees: &[(usize, f64)],
) {
    if let Some(message) = too_early(blueprint, graph, (call, timeout), callees) {
        let root = Path::Root;
        let services = root.key("services");
        let path = services.key(service);
        let path = path.key("operations");
        cx.report_hint(Code::LeavesBeforeRetries, &path.key(operation), message, HINT);
    }
}

/// Says so if a caller's patience is shorter than a callee's retries may take.
fn too_early(
    blueprint: &Blueprint,
    graph: &Graph,
    (caller, patience): (&str, Span),
    callees: &[(usize, f64)],
) -> Option<String> {
    let below = callees.iter().flat_map(|(node, _)| calls(blueprint, graph, *node));
    let (call, longest) = below
        .filter_map(|call| {
            let call = &blueprint.calls[call.at()];
            let timeout = call.timeout.filter(|_| call.retry.max_attempts > 1)?;
            Some((call, longest(&call.retry, timeout)))
        })
        .max_by_key(|(_, longest)| *longest)?;
    (longest > patience).then(|| {
        format!(
            "`{caller}` waits {}, and `{}` below it may try for {}: {} attempts of {} and the pauses between them",
            print_duration(patience),
            call.name,
            print_duration(longest),
            call.retry.max_attempts,
            print_duration(call.timeout.unwrap_or(Span::ZERO)),
        )
    })
}

/// All attempts timed out, with the longest pauses that jitter may draw.
fn longest(retry: &Retry, timeout: Span) -> Span {
    let mut pause = retry.backoff.base;
    let mut sum = timeout;
    for _ in 1..retry.max_attempts {
        sum = sum + timeout + pause.min(retry.backoff.cap);
        pause = pause.scaled(retry.backoff.factor);
    }
    sum
}
