//! Traffic: where requests go, when they come, and of which kinds they are.

mod arrivals;
mod journeys;
mod profile;
mod recorded;
pub(super) mod spikes;

use super::{Context, Table, balancer, behaviour, direct, each, guard, program, wire};
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema;
use std::net::IpAddr;

pub(super) fn traffic(cx: &mut Context) -> (Vec<Traffic>, Vec<RequestClass>) {
    let root = Path::Root;
    let section = root.key("traffic");
    let mut all = Vec::new();
    let mut classes = Vec::new();
    each(&cx.said.traffic, &section, |at, name, said, path| {
        let mine = requests(cx, TrafficIx::from_usize(at), said, &mut classes, path);
        wire::traffic(cx, said, TrafficIx::from_usize(at), &mine, path);
        let journeys = journeys::journeys(cx, said, &mine, &classes, path);
        let mine = if journeys.is_empty() {
            mine
        } else {
            journeys::visits(&journeys, &mine)
        };
        let retry = behaviour::retry(cx, said.retry.as_ref(), &path.key("retry"));
        let guards = guard::guards(cx, guard::Said::of_traffic(said), path);
        let (to, direct) = destination(cx, said, path);
        let source = source(cx, (name, said), &mine, &classes, path);
        if let Some(Source::Recorded(recorded)) = &source
            && !journeys.is_empty()
            && recorded.arrivals.iter().any(|arrival| arrival.class.is_some())
        {
            let message = "the recording says what is asked for, and the journeys do too";
            cx.report(Code::ConflictingKeys, &path.key("trace"), message);
        }
        if let Some(timeout) = said.timeout {
            let set_up = said.connections.as_ref().map_or(0, wire::round_trips) * 2;
            program::check_timeout(cx, timeout.0, 2 + set_up, &path.key("timeout"));
        }
        if let (Some(to), Some(source)) = (to, source) {
            let timeout = said.timeout.map(|timeout| timeout.0);
            all.push(Traffic {
                name: name.to_owned(),
                to,
                source,
                clients: said.clients,
                journeys,
                classes: mine,
                timeout,
                retry,
                guards,
                direct,
            });
        }
    });
    (all, classes)
}

fn destination(cx: &mut Context, said: &schema::Traffic, path: &Path) -> (Option<Destination>, Direct) {
    let to = path.key("to");
    let through_balancer = said.to.contains('/') || cx.said.load_balancers.get(&said.to).is_some();
    if through_balancer {
        if said.balancing.is_some() {
            let message = "`balancing` means nothing through a load balancer";
            cx.report_hint(
                Code::ConflictingKeys,
                &path.key("balancing"),
                message,
                "say it in the target group: `load_balancing_algorithm`",
            );
        }
        let found = balancer::listener(cx, &said.to, &to);
        let found = found.map(|(load_balancer, listener)| Destination::LoadBalancer {
            load_balancer,
            listener,
        });
        return (found, Direct::default());
    }
    match cx.said.services.position(&said.to) {
        Some(service) => {
            let clients = said.clients.or(said.users);
            let (said, path) = (said.balancing.as_ref(), path.key("balancing"));
            let (balancing, direct) = direct::balancing(cx, said, direct::Sender::Traffic { clients }, service, &path);
            let service = ServiceIx::from_usize(service);
            (Some(Destination::Service { service, balancing }), direct)
        }
        None => match cx.said.queues.position(&said.to) {
            Some(queue) => {
                if said.balancing.is_some() {
                    let message = "`balancing` means nothing where messages are put into a queue";
                    cx.report(Code::ConflictingKeys, &path.key("balancing"), message);
                }
                let to = Destination::Queue(QueueIx::from_usize(queue));
                (Some(to), Direct::default())
            }
            None => {
                cx.unknown(&[Table::LoadBalancer, Table::Service, Table::Queue], &said.to, &to);
                (None, Direct::default())
            }
        },
    }
}

/// A client's address.
fn address(cx: &mut Context, said: Option<&str>, path: &Path) -> Option<IpAddr> {
    let said = said?;
    let address = said.parse().ok();
    if address.is_none() {
        cx.problems.report_with(
            Code::MalformedAddress,
            path,
            format!("`{said}` is not an address"),
            |d| d.expected("an IPv4 or IPv6 address, like `203.0.113.7`"),
        );
    }
    address
}

fn requests(
    cx: &mut Context,
    traffic: TrafficIx,
    said: &schema::Traffic,
    classes: &mut Vec<RequestClass>,
    path: &Path,
) -> Vec<(ClassIx, f64)> {
    let section = path.key("requests");
    let mut mine = Vec::new();
    for (at, request) in said.requests.iter().enumerate() {
        let here = section.at(at);
        if classes.iter().any(|class| class.name == request.name) {
            let message = format!("another kind of request is called `{}`", request.name);
            cx.report(Code::NameTaken, &here.key("name"), message);
        }
        let methods = [
            (Method::Get, "get", &request.get),
            (Method::Head, "head", &request.head),
            (Method::Post, "post", &request.post),
            (Method::Put, "put", &request.put),
            (Method::Patch, "patch", &request.patch),
            (Method::Delete, "delete", &request.delete),
            (Method::Options, "options", &request.options),
        ];
        let given: Vec<_> = methods
            .into_iter()
            .filter_map(|(method, key, path)| Some((method, key, path.as_ref()?)))
            .collect();
        let [(method, key, target)] = given.as_slice() else {
            cx.problems.report_with(
                Code::NotExactlyOne,
                &here,
                "what this request asks is not clear",
                |diagnostic| {
                    diagnostic.expected("one of `get`, `post`, `put`, `patch`, `delete`, `head`, `options` with a path")
                },
            );
            continue;
        };
        if !target.starts_with('/') {
            let message = format!("`{target}` is not a path");
            cx.problems
                .report_with(Code::MalformedRoute, &here.key(key), message, |diagnostic| {
                    diagnostic.expected("a path that begins with `/`")
                });
        }
        mine.push((ClassIx::from_usize(classes.len()), request.weight));
        classes.push(RequestClass {
            name: request.name.clone(),
            traffic,
            priority: request.priority.map_or_else(Priority::default, Priority),
            http: HttpRequest {
                method: *method,
                host: request.host.clone().unwrap_or_default(),
                path: (*target).clone(),
                headers: request.headers.0.clone(),
                source: address(cx, request.source_ip.as_deref(), &here.key("source_ip")),
            },
        });
    }
    let sum: f64 = mine.iter().map(|(_, weight)| weight).sum();
    if !mine.is_empty() && sum <= 0.0 {
        cx.report_hint(
            Code::WeightsSumToZero,
            &section,
            "the weights add up to 0",
            "give one of them a weight above 0",
        );
    }
    mine
}

fn source(
    cx: &mut Context,
    (name, said): (&str, &schema::Traffic),
    mine: &[(ClassIx, f64)],
    classes: &[RequestClass],
    path: &Path,
) -> Option<Source> {
    match (&said.rate, &said.trace, said.users) {
        (Some(rate), None, None) => {
            only_with(cx, "think_time", said.think_time.is_some(), "users", path);
            let profile = profile::profile(cx, rate, &path.key("rate"))?;
            let profile = spikes::multiply(cx, profile, name);
            let arrivals = arrivals::arrivals(cx, said.arrivals.as_ref(), &path.key("arrivals"));
            Some(Source::Open { profile, arrivals })
        }
        (None, Some(file), None) => {
            only_with(cx, "think_time", said.think_time.is_some(), "users", path);
            only_with(cx, "arrivals", said.arrivals.is_some(), "rate", path);
            recorded::recorded(cx, file, mine, classes, &path.key("trace"))
        }
        (None, None, Some(users)) => {
            if said.clients.is_some() {
                let message = "`users` are clients already";
                cx.report(Code::ConflictingKeys, &path.key("clients"), message);
            }
            only_with(cx, "arrivals", said.arrivals.is_some(), "rate", path);
            let think_time = match &said.think_time {
                Some(time) => cx.dist(time, &path.key("think_time")),
                None => cx.dist(&schema::constant(0), path),
            };
            Some(Source::Closed { users, think_time })
        }
        _ => {
            cx.problems.report_with(
                Code::NotExactlyOne,
                path,
                "when the requests come is not clear",
                |diagnostic| diagnostic.expected("one of `rate: 100/s`, `trace: file.csv` and `users: 50`"),
            );
            None
        }
    }
}

fn only_with(cx: &mut Context, key: &str, given: bool, other: &str, path: &Path) {
    if given {
        cx.report(
            Code::ConflictingKeys,
            &path.key(key),
            format!("`{key}` means something with `{other}` only"),
        );
    }
}
