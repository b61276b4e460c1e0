//! Dependencies: where they stand, what they do, and how they bear load.

use super::{Context, Table, each, graph, load};
use crate::blueprint::*;
use crate::engine::dist::Dist;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema;

pub(super) fn dependencies(cx: &mut Context) -> Vec<Dependency> {
    let root = Path::Root;
    let section = root.key("dependencies");
    let mut dependencies = Vec::new();
    each(&cx.said.dependencies, &section, |_, name, said, path| {
        dependencies.push(dependency(cx, name, said, path));
    });
    dependencies
}

fn dependency(cx: &mut Context, name: &str, said: &schema::Dependency, path: &Path) -> Dependency {
    let zone = zone_of(cx, said.zone.as_deref(), &path.key("zone"));
    let standby = zone_of(cx, said.standby.as_deref(), &path.key("standby"));
    if said.standby.is_some() && said.zone.is_none() {
        let message = format!("`{name}` has a standby but no zone of its own");
        cx.report(Code::MissingKey, &path.key("standby"), message);
    }
    if said.max_connections.is_some() && said.connection_pool.is_none() {
        let message = format!("callers of `{name}` keep no connections that it could bound");
        cx.problems
            .report_with(Code::MissingKey, &path.key("max_connections"), message, |d| {
                d.expected("a `connection_pool` beside it, or `slots` and `backlog` in its place")
            });
    }
    let operations = operations(cx, name, said, path);
    let longest = operations
        .iter()
        .map(|operation| &operation.service_time)
        .max_by(|one, other| one.mean().total_cmp(&other.mean()))
        .expect("there is at least one");
    Dependency {
        name: name.to_owned(),
        zone,
        standby,
        failover: said.failover.0,
        slots: said.slots.unwrap_or(cx.said.limits.in_flight),
        backlog: said.backlog.unwrap_or(cx.said.limits.in_flight),
        service_time: longest.clone(),
        extras: is_more_than_slots(said).then(|| Box::new(extras(cx, said, operations, path))),
    }
}

fn zone_of(cx: &mut Context, zone: Option<&str>, path: &Path) -> Option<ZoneIx> {
    cx.find(Table::Zone, zone?, path).map(ZoneIx::from_usize)
}

/// Whether it has anything that the plain way of serving does not know.
fn is_more_than_slots(said: &schema::Dependency) -> bool {
    said.error_ratio.0.get() > 0.0
        || !said.operations.is_empty()
        || said.slowdown.is_some()
        || said.cold_cache.is_some()
        || said.read_replicas.is_some()
        || said.connection_pool.is_some()
}

/// Its operations, or the one that it is.
fn operations(cx: &mut Context, name: &str, said: &schema::Dependency, path: &Path) -> Vec<DependencyOperation> {
    let own = path.key("service_time");
    if said.operations.is_empty() {
        let service_time = match &said.service_time {
            Some(time) => cx.dist(time, &own),
            None => {
                let message = format!("nothing says how long `{name}` takes");
                cx.problems.report_with(Code::MissingKey, &own, message, |d| {
                    d.expected("`service_time` or `operations`")
                });
                Dist::constant(0.0).expect("zero is a time")
            }
        };
        return vec![DependencyOperation {
            name: String::new(),
            service_time,
            error_ratio: said.error_ratio.0,
            endpoint: Endpoint::Writer,
            locks: None,
        }];
    }
    let has_errors = said.error_ratio.0.get() > 0.0;
    for (key, _) in [
        ("service_time", said.service_time.is_some()),
        ("error_ratio", has_errors),
    ]
    .iter()
    .filter(|(_, given)| *given)
    {
        let message = format!("`{key}` means nothing beside `operations`, which have their own");
        cx.report(Code::ConflictingKeys, &path.key(key), message);
    }
    let section = path.key("operations");
    cx.check_names(said.operations.names(), &section);
    let mut operations = Vec::new();
    each(&said.operations, &section, |_, name, operation, path| {
        if operation.read_only && operation.locks.is_some() {
            let message = "what is read only locks no row";
            cx.report(Code::ConflictingKeys, &path.key("locks"), message);
        }
        operations.push(DependencyOperation {
            name: name.to_owned(),
            service_time: cx.dist(&operation.service_time, &path.key("service_time")),
            error_ratio: operation.error_ratio.0,
            endpoint: if operation.read_only {
                Endpoint::Reader
            } else {
                Endpoint::Writer
            },
            locks: operation.locks.as_ref().map(|locks| RowLocks {
                rows: locks.rows,
                zipf: locks.zipf,
            }),
        });
    });
    operations
}

fn extras(
    cx: &mut Context,
    said: &schema::Dependency,
    operations: Vec<DependencyOperation>,
    path: &Path,
) -> DependencyExtras {
    let slowdown = said.slowdown.as_ref().map(|slowdown| Slowdown {
        contention: slowdown.contention.0.get(),
        coherency: slowdown.coherency.0.get(),
    });
    let cold_cache = said.cold_cache.as_ref().map(|cold| {
        cx.positive(cold.warms_over.0, &path.key("cold_cache").key("warms_over"));
        ColdCache {
            factor: cold.factor.0,
            warms_over: cold.warms_over.0,
        }
    });
    let replicas = said
        .read_replicas
        .as_ref()
        .map(|replicas| read_replicas(cx, said, replicas, &path.key("read_replicas")));
    let pool = said
        .connection_pool
        .as_ref()
        .map(|pool| connection_pool(cx, pool, &path.key("connection_pool")));
    DependencyExtras {
        operations,
        slowdown,
        cold_cache,
        replicas,
        connection_pool: pool,
        max_connections: said.max_connections,
    }
}

fn read_replicas(
    cx: &mut Context,
    said: &schema::Dependency,
    replicas: &schema::ReadReplicas,
    path: &Path,
) -> ReadReplicas {
    if !said.operations.iter().any(|(_, operation)| operation.read_only) {
        let message = "no operation is `read_only`: nothing would ever ask a read replica";
        cx.report(Code::MissingKey, path, message);
    }
    let section = path.key("zones");
    let named: Vec<Option<ZoneIx>> = replicas
        .zones
        .iter()
        .flatten()
        .enumerate()
        .map(|(at, zone)| zone_of(cx, Some(zone), &section.at(at)))
        .collect();
    let zone = |at: usize| match named.len() {
        0 => None,
        count => named[at % count],
    };
    ReadReplicas {
        zones: (0..replicas.count as usize).map(zone).collect(),
    }
}

fn connection_pool(cx: &mut Context, said: &schema::ConnectionPool, path: &Path) -> ConnectionPool {
    cx.positive(said.acquire_timeout.0, &path.key("acquire_timeout"));
    cx.positive(said.idle_timeout.0, &path.key("idle_timeout"));
    let min_idle = said.min_idle.unwrap_or(said.size);
    if min_idle > said.size {
        let message = format!("{min_idle} idle connections of {} in all can never be", said.size);
        cx.report(Code::ContradictorySizes, &path.key("min_idle"), message);
    }
    ConnectionPool {
        size: said.size,
        min_idle,
        acquire_timeout: said.acquire_timeout.0,
        max_waiting: said.max_waiting.unwrap_or(cx.said.limits.in_flight),
        connect_time: cx.dist(&said.connect_time, &path.key("connect_time")),
        idle_timeout: said.idle_timeout.0,
    }
}

/// Pools that may together want more connections than there are.
pub(super) fn doubts(cx: &mut Context, blueprint: &Blueprint) {
    let root = Path::Root;
    let section = root.key("dependencies");
    for (at, dependency) in blueprint.dependencies.iter().enumerate() {
        let extras = dependency.extras.as_ref();
        let bounded = extras.and_then(|extras| Some((extras.connection_pool.as_ref()?.size, extras.max_connections?)));
        let Some((size, most)) = bounded else { continue };
        let at = DependencyIx::from_usize(at);
        let callers = (0..blueprint.services.len()).filter(|&service| calls(blueprint, service, at));
        let tasks: u64 = callers
            .map(|service| u64::from(load::most_tasks(blueprint, service)))
            .sum();
        let wanted = tasks * u64::from(size);
        if wanted <= u64::from(most) {
            continue;
        }
        let message = format!(
            "{tasks} tasks with {size} connections each are {wanted}, and `{}` takes {most}",
            dependency.name
        );
        cx.report_hint(
            Code::PoolsExceedConnections,
            &section.key(&dependency.name).key("connection_pool"),
            message,
            "when all are in use, the last tasks to open theirs are refused",
        );
    }
}

/// Whether a service ever calls a dependency.
fn calls(blueprint: &Blueprint, service: usize, dependency: DependencyIx) -> bool {
    let mut found = false;
    let revisions = blueprint.services[service].revisions.iter();
    for operation in revisions.flat_map(|revision| &revision.operations) {
        graph::walk(blueprint, operation.program, 1.0, &mut |step, _| {
            if let Step::Call(call) = step {
                let to = blueprint.calls[call.at()].to.dependency();
                found |= to.is_some_and(|(to, _)| to == dependency);
            }
        });
    }
    found
}
