//! What a sender without balancer does besides choosing among all tasks.

use super::Context;
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema::{self, Form};
use crate::units::Span;

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    /// A task.
    Call,
    /// Clients, who are told apart or not.
    Traffic { clients: Option<u32> },
}

/// The algorithm, and what else there is to it. `service` is the callee's position.
pub(super) fn balancing(
    cx: &mut Context,
    said: Option<&schema::Balance>,
    sender: Sender,
    service: usize,
    path: &Path,
) -> (Balancing, Direct) {
    let long = match said {
        None => schema::ClientBalancing::default(),
        Some(Form::Short(algorithm)) => schema::ClientBalancing {
            algorithm: *algorithm,
            ..Default::default()
        },
        Some(Form::Long(long)) => long.clone(),
    };
    check_sender(cx, &long, sender, path);
    for (key, size) in [("subset", long.subset), ("shuffle_shard", long.shuffle_shard)] {
        let (name, callee) = &cx.said.services.0[service];
        let Some((size, count)) = size.zip(callee.desired_count) else {
            continue;
        };
        if size >= count {
            let message = format!("`{name}` has {count} tasks, of which everybody gets {size}");
            let hint = format!("a `{key}` below {count} leaves some tasks to others");
            cx.report_hint(Code::ShardOfEverything, &path.key(key), message, hint);
        }
    }
    let zones = match long.zones {
        schema::ZonePreference::Any => ZonePreference::Any,
        schema::ZonePreference::SameZone => ZonePreference::SameZone,
        schema::ZonePreference::Proportional => ZonePreference::Proportional,
    };
    let alone = zones != ZonePreference::Any || long.subset.is_some();
    let direct = Direct {
        view: match long.view {
            Some(schema::ViewScope::PerTask) => ViewScope::PerTask,
            None if alone => ViewScope::PerTask,
            _ => ViewScope::Shared,
        },
        zones,
        subset: long.subset,
        shuffle_shard: long.shuffle_shard,
        weights: match long.algorithm {
            schema::Balancing::WeightedRandom => Weights::Cpu,
            _ => Weights::Equal,
        },
        load_refresh: load_refresh(cx, &long, path),
        ..Direct::default()
    };
    (algorithm(long.algorithm), direct)
}

/// How a call goes straight to a service's tasks.
pub(super) fn call(cx: &mut Context, said: &schema::Call, service: usize, path: &Path) -> (Balancing, Direct) {
    let here = path.key("balancing");
    let (balancing, mut direct) = balancing(cx, said.balancing.as_ref(), Sender::Call, service, &here);
    if let Some(detection) = &said.outlier_detection {
        let path = path.key("outlier_detection");
        direct.outliers = Some(outlier_detection(cx, detection, &path));
        direct.view = ViewScope::PerTask;
    }
    let (name, callee) = &cx.said.services.0[service];
    let connect = callee
        .service_connect_configuration
        .as_ref()
        .filter(|said| said.enabled);
    if said.via.as_deref() == Some("dns") {
        direct.view = ViewScope::PerTask;
        direct.dns = callee.service_registries.first().map(|registry| DnsAnswers {
            ttl: registry.ttl.0,
            routing: match registry.routing_policy {
                schema::RoutingPolicy::Multivalue => RoutingPolicy::Multivalue,
                schema::RoutingPolicy::Weighted => RoutingPolicy::Weighted,
            },
            propagation: cx.said.model.discovery.cloud_map_propagation.0,
        });
        if direct.dns.is_none() {
            let message = format!("`{name}` is in no registry");
            let hint = format!("give `services.{name}` `service_registries: [{{ ttl: 60s }}]`");
            cx.report_hint(Code::DnsWithoutRegistry, &path.key("via"), message, hint);
        }
    } else if let Some(connect) = connect {
        let service = connect.services.first().copied().unwrap_or_default();
        through_proxy(cx, said, service, &mut direct, path);
    }
    (balancing, direct)
}

/// Service Connect's proxies have their own way [DG:service-connect-concepts-deploy].
fn through_proxy(
    cx: &mut Context,
    said: &schema::Call,
    service: schema::ServiceConnectService,
    direct: &mut Direct,
    path: &Path,
) {
    let in_turn = matches!(said.balancing, None | Some(Form::Short(schema::Balancing::RoundRobin)));
    let keys = [
        ("balancing", !in_turn),
        ("outlier_detection", said.outlier_detection.is_some()),
    ];
    for (key, _) in keys.iter().filter(|(_, given)| *given) {
        let message = "Service Connect's proxy takes tasks in turn and avoids those that fail, as AWS has set it";
        let hint = "leave it out, or leave out the callee's `service_connect_configuration`";
        cx.report_hint(Code::ConflictingKeys, &path.key(key), message, hint);
    }
    direct.view = ViewScope::PerTask;
    direct.outliers = Some(OutlierDetection {
        counts: OutlierFailure::Connections,
        failures: 5,
        interval: Span::from_secs(30),
        base_ejection: Span::from_secs(30),
        longest_ejection: Span::from_secs(300),
        most: cx.said.model.discovery.service_connect_max_ejection.0,
    });
    let limits = [service.timeout.per_request_timeout.0, service.timeout.idle_timeout.0];
    direct.proxy = Some(Proxy {
        retries: 2,
        per_request_timeout: limits.into_iter().filter(|limit| !limit.is_zero()).min(),
    });
}

fn outlier_detection(cx: &mut Context, said: &schema::OutlierDetection, path: &Path) -> OutlierDetection {
    let spans = [
        ("interval", said.interval),
        ("base_ejection_duration", said.base_ejection_duration),
    ];
    for (key, span) in spans {
        cx.positive(span.0, &path.key(key));
    }
    if said.max_ejection_duration.0 < said.base_ejection_duration.0 {
        let message = "the longest ejection is shorter than the first";
        cx.report(Code::ContradictorySizes, &path.key("max_ejection_duration"), message);
    }
    OutlierDetection {
        counts: OutlierFailure::Any,
        failures: said.max_server_errors,
        interval: said.interval.0,
        base_ejection: said.base_ejection_duration.0,
        longest_ejection: said.max_ejection_duration.0,
        most: said.max_ejection_percent.0,
    }
}

fn load_refresh(cx: &mut Context, said: &schema::ClientBalancing, path: &Path) -> Option<Span> {
    let refresh = said.load_refresh?;
    let here = path.key("load_refresh");
    let looks = matches!(
        said.algorithm,
        schema::Balancing::LeastOutstandingRequests | schema::Balancing::PowerOfTwoChoices
    );
    if !looks {
        let message = "who balances so does not look at the tasks' load";
        let hint = "say it with `least_outstanding_requests` or `power_of_two_choices`";
        cx.report_hint(Code::BalancingOfNobody, &here, message, hint);
    }
    cx.positive(refresh.0, &here);
    Some(refresh.0)
}

fn algorithm(said: schema::Balancing) -> Balancing {
    match said {
        schema::Balancing::RoundRobin => Balancing::RoundRobin,
        schema::Balancing::LeastOutstandingRequests => Balancing::LeastOutstandingRequests,
        schema::Balancing::Random => Balancing::Random,
        schema::Balancing::PowerOfTwoChoices => Balancing::PowerOfTwoChoices,
        schema::Balancing::WeightedRandom => Balancing::WeightedRandom,
    }
}

/// Reports keys that mean nothing for who sends.
fn check_sender(cx: &mut Context, said: &schema::ClientBalancing, sender: Sender, path: &Path) {
    let refuse = |cx: &mut Context, key: &str, message: &str, hint: &str| {
        cx.report_hint(Code::BalancingOfNobody, &path.key(key), message, hint);
    };
    match sender {
        Sender::Call if said.shuffle_shard.is_some() => refuse(
            cx,
            "shuffle_shard",
            "a calling task is no client",
            "say `subset` for calls; shards are for `traffic` with `clients` or `users`",
        ),
        Sender::Call => {
            let apart = said.zones != schema::ZonePreference::Any || said.subset.is_some();
            if apart && said.view == Some(schema::ViewScope::Shared) {
                let message = "callers that send to different tasks share no view";
                refuse(cx, "view", message, "leave it out, or say `per_task`");
            }
        }
        Sender::Traffic { clients } => {
            let keys = [
                ("view", said.view.is_some()),
                ("zones", said.zones != schema::ZonePreference::Any),
                ("subset", said.subset.is_some()),
            ];
            for (key, _) in keys.iter().filter(|(_, given)| *given) {
                let message = "traffic comes from outside: no task of a zone sends it";
                refuse(cx, key, message, "say it in a `call`");
            }
            if said.shuffle_shard.is_some() && clients.is_none() {
                let message = "nobody can have a shard: each request comes from a new client";
                refuse(cx, "shuffle_shard", message, "say how many `clients` there are");
            }
        }
    }
}
