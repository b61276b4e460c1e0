//! What goes over the wire: payloads, connections, bandwidths.

use super::{Context, model};
use crate::blueprint::*;
use crate::engine::dist::{Dist, DistError};
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::quantity::print_duration;
use crate::scenario::schema::{self, Form, Size, SizeDistribution};
use crate::units::Span;

const MIB: f64 = 1_048_576.0;

/// What is said of the network; callers add what they say.
pub(super) fn wires(cx: &mut Context) -> Wires {
    let root = Path::Root;
    let client_bandwidth = match &cx.said.cluster.network {
        Form::Short(schema::NoNetwork::None) => None,
        Form::Long(network) => network.client_bandwidth,
    };
    if let Some(bandwidth) = client_bandwidth {
        let cluster = root.key("cluster");
        let network = cluster.key("network");
        model::above_zero(cx, bandwidth.0, &network.key("client_bandwidth"));
    }
    let fargate = cx.said.model.network.fargate_bandwidth.0;
    let here = root.key("model");
    let here = here.key("network");
    model::above_zero(cx, fargate, &here.key("fargate_bandwidth"));
    Wires {
        client_bandwidth: client_bandwidth.map(|bandwidth| bandwidth.0 * MIB),
        fargate_bandwidth: fargate * MIB,
        ..Wires::default()
    }
}

/// Notes what the next call says, which is about to be listed.
pub(super) fn call(cx: &mut Context, said: &schema::Call, path: &Path) {
    if said.payload.is_none() && said.connections.is_none() {
        return;
    }
    let payload = said.payload.as_ref();
    let payload = payload.map_or_else(Payload::default, |said| self::payload(cx, said, &path.key("payload")));
    let wire = Wire {
        payload,
        connections: said.connections.as_ref().map(connections),
    };
    let call = CallIx::from_usize(cx.calls.len());
    cx.wires.calls.push((call, wire));
}

/// Notes what a traffic source says of itself and of its kinds of requests, which are these.
pub(super) fn traffic(
    cx: &mut Context,
    said: &schema::Traffic,
    traffic: TrafficIx,
    mine: &[(ClassIx, f64)],
    path: &Path,
) {
    if let Some(said) = &said.connections {
        cx.wires.traffic.push((traffic, connections(said)));
    }
    let whole = said
        .payload
        .as_ref()
        .map(|said| payload(cx, said, &path.key("payload")));
    let section = path.key("requests");
    for (at, (class, _)) in mine.iter().enumerate() {
        let own = said.requests.get(at).and_then(|request| request.payload.as_ref());
        let own = own.map(|said| payload(cx, said, &section.at(at).key("payload")));
        let Some(payload) = own.or_else(|| whole.clone()) else {
            continue;
        };
        if let Some(timeout) = said.timeout {
            outlasts(cx, &payload, timeout.0, &path.key("timeout"));
        }
        cx.wires.classes.push((*class, payload));
    }
}

/// Reports a timeout that ends before the smallest request and answer have crossed the client's line.
fn outlasts(cx: &mut Context, payload: &Payload, timeout: Span, path: &Path) {
    let Some(bandwidth) = cx.wires.client_bandwidth.filter(|bandwidth| *bandwidth > 0.0) else {
        return;
    };
    let smallest = |dist: &Option<Dist>| dist.as_ref().map_or(0.0, |dist| dist.quantile(0.0));
    let seconds = (smallest(&payload.request) + smallest(&payload.response)) / bandwidth;
    if seconds > timeout.seconds() {
        let message = format!("the smallest request and its answer take {seconds:.3} s on the client's line");
        cx.report_hint(
            Code::TransferOutlastsTimeout,
            path,
            message,
            "no answer can come in time: lengthen the timeout, shrink the `payload`, or raise `client_bandwidth`",
        );
    }
}

fn payload(cx: &mut Context, said: &schema::Payload, path: &Path) -> Payload {
    let mut of = |said: &Option<schema::Bytes>, key| said.as_ref().map(|said| bytes(cx, said, &path.key(key)));
    Payload {
        request: of(&said.request, "request"),
        response: of(&said.response, "response"),
    }
}

/// How many round trips pass before the first request.
pub(super) fn round_trips(said: &schema::Connections) -> u32 {
    match said.tls {
        schema::Tls::None => 1,
        schema::Tls::Tls13 => 2,
        schema::Tls::Tls12 => 3,
    }
}

fn connections(said: &schema::Connections) -> Connections {
    Connections {
        keep_alive: said.keep_alive.0,
        round_trips: round_trips(said),
        reconnect_jitter: said.reconnect_jitter.0,
    }
}

/// A size in bytes.
fn bytes(cx: &mut Context, said: &schema::Bytes, path: &Path) -> Dist {
    let number = |size: &Size| size.0 as f64;
    let made = match said {
        Form::Short(size) => Dist::constant(number(size)),
        Form::Long(SizeDistribution::Uniform([low, high])) => Dist::uniform(number(low), number(high)),
        Form::Long(SizeDistribution::Exponential(law)) => Dist::exponential(number(&law.mean)),
        Form::Long(SizeDistribution::Lognormal(law)) => match (law.mean, law.cv, law.median, law.p95) {
            (Some(mean), Some(cv), None, None) => Dist::lognormal_mean_cv(number(&mean), cv),
            (None, None, Some(median), Some(p95)) => Dist::lognormal_median_p95(number(&median), number(&p95)),
            _ => {
                let message = "these parameters do not make this distribution";
                cx.problems.report_with(
                    Code::DistributionParameters,
                    &path.key("lognormal"),
                    message,
                    |problem| problem.expected("`mean` and `cv`, or `median` and `p95`"),
                );
                Dist::constant(0.0)
            }
        },
        Form::Long(SizeDistribution::Pareto(law)) => {
            Dist::pareto(number(&law.minimum), law.alpha, law.truncated_at.as_ref().map(number))
        }
    };
    made.unwrap_or_else(|error: DistError| {
        cx.report(Code::ImpossibleDistribution, path, error.to_string());
        Dist::constant(0.0).expect("nothing is a size")
    })
}

/// What is legal and unwise about connections.
pub(super) fn doubts(cx: &mut Context, blueprint: &Blueprint) {
    let wires = &blueprint.wires;
    let root = Path::Root;
    let services = root.key("services");
    for (at, service) in blueprint.services.iter().enumerate() {
        let at = ServiceIx::from_usize(at);
        let path = services.key(&service.name);
        if let Some((shorter, longer, who)) = closes_first(blueprint, at) {
            let message = format!(
                "this server closes idle connections after {}, and {who} uses them for {}",
                print_duration(shorter),
                print_duration(longer),
            );
            cx.report_hint(
                Code::KeepAliveOutlastsServer,
                &path.key("keep_alive"),
                message,
                "a request that crosses the closing is reset: let the server keep connections for longer than whoever calls it",
            );
        }
        let is_paid = wires.connection_cpu.iter().any(|(service, _)| *service == at);
        if is_paid && !callers(blueprint, at).any(|_| true) {
            cx.report_hint(
                Code::ConnectionsOfNobody,
                &path.key("connection_cpu"),
                "nobody who opens connections comes straight to this service",
                "say `connections` in the traffic or the calls that come to it; a balancer keeps its own open",
            );
        }
    }
}

/// Those who open connections straight to a service's tasks, by name.
fn callers(blueprint: &Blueprint, to: ServiceIx) -> impl Iterator<Item = (&str, Connections)> {
    let calls = blueprint.wires.calls.iter().filter_map(move |(call, wire)| {
        let call = &blueprint.calls[call.at()];
        let is_there = matches!(call.to, Callee::Service { service, .. } if service == to);
        Some((call.name.as_str(), wire.connections.filter(|_| is_there)?))
    });
    let traffic = blueprint
        .wires
        .traffic
        .iter()
        .filter_map(move |(traffic, connections)| {
            let traffic = &blueprint.traffic[traffic.at()];
            let is_there = matches!(traffic.to, Destination::Service { service, .. } if service == to);
            is_there.then_some((traffic.name.as_str(), *connections))
        });
    calls.chain(traffic)
}

/// How long a service's server keeps an idle connection, if somebody uses it for longer: how long, and who.
fn closes_first(blueprint: &Blueprint, at: ServiceIx) -> Option<(Span, Span, String)> {
    let service = &blueprint.services[at.at()];
    let shortest = service
        .revisions
        .iter()
        .filter_map(|revision| revision.keep_alive)
        .min()?;
    let callers = callers(blueprint, at).map(|(name, connections)| (connections.keep_alive, format!("`{name}`")));
    let mine = |group: TargetGroupIx| {
        let bound = &service.load_balancers;
        bound.iter().any(|binding| {
            binding.target_group == group || binding.alternate.is_some_and(|other| other.target_group == group)
        })
    };
    let forwards = |balancer: &&LoadBalancer| {
        let actions = balancer.listeners.iter().flat_map(|listener| {
            let rules = listener.rules.iter().map(|rule| &rule.action);
            rules.chain([&listener.default_action])
        });
        let mut groups = actions.flat_map(|action| match action {
            Action::Forward(groups) => groups.as_slice(),
            Action::FixedResponse(_) | Action::Redirect(_) => &[],
        });
        groups.any(|group| mine(group.target_group))
    };
    let balancers = blueprint.load_balancers.iter().filter(forwards);
    let balancers = balancers.map(|balancer| (balancer.idle_timeout, format!("the balancer `{}`", balancer.name)));
    let (longest, who) = callers.chain(balancers).max_by_key(|(span, _)| *span)?;
    (longest > shortest).then_some((shortest, longest, who))
}
