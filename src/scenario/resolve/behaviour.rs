//! How code behaves: runtimes, routes, retries, dependencies.

use super::{Context, Table, each};
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema::{self, Named};
use crate::units::Span;

pub(super) fn dependencies(cx: &mut Context) -> Vec<Dependency> {
    let root = Path::Root;
    let section = root.key("dependencies");
    let mut dependencies = Vec::new();
    each(&cx.said.dependencies, &section, |_, name, said, path| {
        let zone_of = |cx: &mut Context, zone: &Option<String>, key: &str| {
            let zone = zone.as_ref()?;
            cx.find(Table::Zone, zone, &path.key(key)).map(ZoneIx::from_usize)
        };
        let zone = zone_of(cx, &said.zone, "zone");
        let standby = zone_of(cx, &said.standby, "standby");
        if said.standby.is_some() && said.zone.is_none() {
            let message = format!("`{name}` has a standby but no zone of its own");
            cx.report(Code::MissingKey, &path.key("standby"), message);
        }
        let service_time = cx.dist(&said.service_time, &path.key("service_time"));
        dependencies.push(Dependency {
            name: name.to_owned(),
            zone,
            standby,
            failover: said.failover.0,
            slots: said.slots.unwrap_or(cx.said.limits.in_flight),
            backlog: said.backlog.unwrap_or(cx.said.limits.in_flight),
            service_time,
        });
    });
    dependencies
}

pub(super) fn runtime(cx: &Context, said: &schema::Runtime) -> Runtime {
    let in_flight = cx.said.limits.in_flight;
    match said {
        schema::Runtime::ThreadPool(pool) => Runtime::ThreadPool {
            workers: pool.workers,
            backlog: pool.backlog.unwrap_or(in_flight),
        },
        schema::Runtime::EventLoop(event_loop) => Runtime::EventLoop {
            loops: event_loop.loops,
            backlog: event_loop.backlog.unwrap_or(in_flight),
        },
        schema::Runtime::Unbounded => Runtime::Unbounded,
    }
}

/// `METHOD /path*` or `/path*`; `None` if it is neither.
pub(in crate::scenario) fn route_parts(route: &str) -> Option<(Option<schema::Method>, &str)> {
    let (method, path) = match route.split_once(' ') {
        None => (None, route),
        Some((word, path)) => (Some(serde_json::from_value(word.into()).ok()?), path.trim()),
    };
    (path.starts_with(['/', '*']) && !path.contains(' ')).then_some((method, path))
}

pub(super) fn routes(cx: &mut Context, said: &Named<String>, operations: &[String], path: &Path) -> Vec<Route> {
    let mut routes = Vec::new();
    for (route, operation) in said.iter() {
        let here = path.key(route);
        let Some((method_said, pattern)) = route_parts(route) else {
            cx.problems.report_with(
                Code::MalformedRoute,
                &here,
                format!("`{route}` is not a route"),
                |diagnostic| diagnostic.expected("`METHOD /path*` or `/path*`, like `GET /catalog*`"),
            );
            continue;
        };
        let Some(at) = operations.iter().position(|known| known == operation) else {
            let message = format!("there is no operation `{operation}`");
            cx.problems
                .report_with(Code::UnknownName, &here, message, |diagnostic| {
                    diagnostic.did_you_mean(operation, operations.iter().map(String::as_str))
                });
            continue;
        };
        routes.push(Route {
            method: method_said.map(method),
            path: PathPattern(pattern.to_owned()),
            operation: OperationIx::from_usize(at),
        });
    }
    routes
}

pub(super) fn method(said: schema::Method) -> Method {
    match said {
        schema::Method::Get => Method::Get,
        schema::Method::Head => Method::Head,
        schema::Method::Post => Method::Post,
        schema::Method::Put => Method::Put,
        schema::Method::Patch => Method::Patch,
        schema::Method::Delete => Method::Delete,
        schema::Method::Options => Method::Options,
    }
}

/// More attempts than this are not a policy but an accident.
const MAX_ATTEMPTS: u32 = 100;

pub(super) fn retry(cx: &mut Context, said: Option<&schema::Retry>, path: &Path) -> Retry {
    let none = Backoff {
        base: Span::ZERO,
        factor: 1.0,
        cap: Span::ZERO,
        jitter: Jitter::None,
    };
    let Some(said) = said else {
        return Retry {
            max_attempts: 1,
            backoff: none,
        };
    };
    let attempts = path.key("max_attempts");
    if said.max_attempts == 0 {
        cx.problems.report_with(
            Code::OutOfRange,
            &attempts,
            "attempts include the first",
            |diagnostic| diagnostic.expected("1 (no retry) or more"),
        );
    } else if said.max_attempts > MAX_ATTEMPTS {
        let message = format!("{} attempts are a retry without bound", said.max_attempts);
        cx.problems.report_with(Code::UnboundedRetry, &attempts, message, |d| {
            d.expected("at most 100 attempts")
        });
    }
    let backoff = match &said.backoff {
        None => none,
        Some(schema::Backoff::Fixed(pause)) => Backoff {
            base: pause.0,
            factor: 1.0,
            cap: pause.0,
            jitter: Jitter::None,
        },
        Some(schema::Backoff::Exponential(growing)) => {
            if growing.cap.0 < growing.base.0 {
                let (backoff, message) = (path.key("backoff"), "the cap lies below the base");
                cx.report(
                    Code::ContradictorySizes,
                    &backoff.key("exponential").key("cap"),
                    message,
                );
            }
            Backoff {
                base: growing.base.0,
                factor: growing.factor,
                cap: growing.cap.0,
                jitter: match growing.jitter {
                    schema::Jitter::None => Jitter::None,
                    schema::Jitter::Full => Jitter::Full,
                    schema::Jitter::Equal => Jitter::Equal,
                    schema::Jitter::Decorrelated => Jitter::Decorrelated,
                },
            }
        }
    };
    Retry {
        max_attempts: said.max_attempts.max(1),
        backoff,
    }
}
