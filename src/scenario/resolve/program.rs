//! Steps to programs: what an operation or a health check does, and whom it calls.

use super::{Context, Table, balancer, behaviour, cache, direct, guard, queue, wire};
use crate::blueprint::*;
use crate::engine::count::Count;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema::{self, Form, Step as Said, Times};
use crate::units::{Ratio, Span};

/// Adds a program and those of its branches. `name` is what its calls are called after.
pub(super) fn program(cx: &mut Context, said: &[Said], name: &str, path: &Path) -> ProgramIx {
    check_depth(cx, said, Depth::default(), path);
    compose(cx, said, name, path)
}

fn compose(cx: &mut Context, said: &[Said], name: &str, path: &Path) -> ProgramIx {
    let mut steps = Vec::new();
    for (at, step) in said.iter().enumerate() {
        let here = path.at(at);
        let name = format!("{name}/{}", at + 1);
        match step {
            Said::Cpu(time) => steps.push(Step::Cpu(cx.dist(time, &here.key("cpu")))),
            Said::Wait(time) => steps.push(Step::Wait(cx.dist(time, &here.key("wait")))),
            Said::Call(said) => {
                let base = name.clone();
                if let Some(made) = call(cx, said, name, &here.key("call")) {
                    wire::call(cx, said, &here.key("call"));
                    cx.calls.push(made);
                    steps.push(Step::Call(CallIx::from_usize(cx.calls.len() - 1)));
                    if let Some(fallback) = &said.fallback {
                        let here = here.key("call");
                        let program = compose(cx, fallback, &format!("{base}/fallback"), &here.key("fallback"));
                        steps.push(Step::Fallback(program));
                    }
                }
            }
            Said::Publish(said) => {
                if let Some(made) = queue::publish(cx, said, name, &here.key("publish")) {
                    cx.calls.push(made);
                    steps.push(Step::Call(CallIx::from_usize(cx.calls.len() - 1)));
                }
            }
            Said::Parallel(said) => steps.push(Step::Parallel(parallel(cx, said, name, &here.key("parallel")))),
            Said::Choose(choices) => steps.push(choose(cx, choices, &name, &here.key("choose"))),
            Said::Cache(said) => steps.push(cache_step(cx, said, &name, &here.key("cache"))),
            Said::Repeat(said) => steps.push(repeat(cx, said, &name, &here.key("repeat"))),
            Said::Optional(said) => {
                let here = here.key("optional");
                if said.is_empty() {
                    report_empty(cx, &here);
                }
                steps.push(Step::Optional(compose(cx, said, &name, &here)));
            }
            Said::Fail(Form::Short(status)) => steps.push(Step::Fail {
                share: Ratio::ONE,
                status: status.0,
            }),
            Said::Fail(Form::Long(fail)) => steps.push(Step::Fail {
                share: fail.share.0,
                status: fail.status.0,
            }),
        }
    }
    cx.programs.push(Program { steps });
    ProgramIx::from_usize(cx.programs.len() - 1)
}

fn check_branches(cx: &mut Context, branches: &[Vec<Said>], path: &Path) {
    for (at, branch) in branches.iter().enumerate() {
        check_depth(cx, branch, Depth::default(), &path.at(at));
    }
}

fn parallel(cx: &mut Context, said: &Form<Vec<Vec<Said>>, schema::Parallel>, name: String, path: &Path) -> Parallel {
    let said = match said {
        Form::Short(said) => return Parallel::all(branches(cx, said, &name, path)).named(name),
        Form::Long(said) => said,
    };
    let branches = match (&said.branches, said.copies, &said.steps) {
        (Some(said), None, None) => branches(cx, said, &name, &path.key("branches")),
        (None, Some(copies), Some(steps)) => {
            let here = path.key("steps");
            if steps.is_empty() {
                report_empty(cx, &here);
            }
            vec![compose(cx, steps, &name, &here); copies as usize]
        }
        _ => {
            cx.report(
                Code::NotExactlyOne,
                path,
                "either `branches`, or `copies` with their `steps`",
            );
            Vec::new()
        }
    };
    let join = match said.join {
        schema::Join::All => Join::All,
        schema::Join::First => Join::Quorum(1),
        schema::Join::Partial => Join::Partial,
        schema::Join::Quorum(needed) => {
            let here = path.key("join");
            let (needed, all) = (needed as usize, branches.len());
            if needed == 0 || (needed > all && all > 0) {
                let message = format!("{needed} of {all} branches can never succeed");
                let message = if needed == 0 {
                    "nothing is waited for".to_owned()
                } else {
                    message
                };
                cx.problems
                    .report_with(Code::QuorumOutOfReach, &here.key("quorum"), message, |diagnostic| {
                        diagnostic.expected(format!("1 to {all}"))
                    });
            }
            Join::Quorum(needed as u16)
        }
    };
    let timeout = said.timeout.map(|timeout| timeout.0);
    if let Some(timeout) = timeout {
        cx.positive(timeout, &path.key("timeout"));
    }
    Parallel {
        name,
        branches,
        join,
        timeout,
        losers: match said.losers {
            schema::Losers::Continue => OnDisconnect::Continue,
            schema::Losers::Cancel => OnDisconnect::Cancel,
        },
    }
}

fn branches(cx: &mut Context, said: &[Vec<Said>], name: &str, path: &Path) -> Vec<ProgramIx> {
    if said.is_empty() || said.iter().any(Vec::is_empty) {
        report_empty(cx, path);
    }
    let branch = |(at, steps): (usize, &Vec<Said>)| compose(cx, steps, &format!("{name}.{}", at + 1), &path.at(at));
    said.iter().enumerate().map(branch).collect()
}

fn report_empty(cx: &mut Context, path: &Path) {
    cx.problems
        .report_with(Code::WrongLength, path, "a branch of nothing", |diagnostic| {
            diagnostic.expected("one or more lists of steps, none of them empty")
        });
}

fn choose(cx: &mut Context, said: &[schema::Choice], name: &str, path: &Path) -> Step {
    let sum: f64 = said.iter().map(|choice| choice.weight).sum();
    if sum <= 0.0 {
        cx.report_hint(
            Code::WeightsSumToZero,
            path,
            "the weights add up to 0",
            "give one of them a weight above 0",
        );
    }
    let choice = |(at, choice): (usize, &schema::Choice)| {
        let (here, name) = (path.at(at), format!("{name}.{}", at + 1));
        Choice {
            share: if sum > 0.0 { choice.weight / sum } else { 0.0 },
            program: compose(cx, &choice.steps, &name, &here.key("steps")),
        }
    };
    Step::Choose(said.iter().enumerate().map(choice).collect())
}

fn cache_step(cx: &mut Context, said: &schema::CacheStep, name: &str, path: &Path) -> Step {
    let found = cache::of_step(cx, said, name, path);
    Step::Cache {
        cache: found,
        hits: cx.caches.get(found.at()).map_or(0.0, Cache::hits_at_best),
        hit: compose(cx, &said.hit, &format!("{name}.hit"), &path.key("hit")),
        miss: compose(cx, &said.miss, &format!("{name}.miss"), &path.key("miss")),
    }
}

fn repeat(cx: &mut Context, said: &schema::Repeat, name: &str, path: &Path) -> Step {
    let times = match &said.times {
        Form::Short(times) => Count::always(*times),
        Form::Long(Times::Uniform([low, high])) => Count::uniform(*low, *high),
        Form::Long(Times::Geometric(times)) => Count::geometric(times.mean),
        Form::Long(Times::Poisson(times)) => Count::poisson(times.mean),
    };
    let times = times.unwrap_or_else(|error| {
        cx.report(Code::ImpossibleDistribution, &path.key("times"), error.to_string());
        Count::NEVER
    });
    Step::Repeat {
        times,
        program: compose(cx, &said.steps, name, &path.key("steps")),
    }
}

/// How many steps of a kind stand around.
#[derive(Clone, Copy, Default)]
struct Depth {
    loops: usize,
    caches: usize,
}

/// Reports loops within loops, and caches within caches, beyond what a request can keep count of.
fn check_depth(cx: &mut Context, said: &[Said], depth: Depth, path: &Path) {
    let too_deep = |cx: &mut Context, what: &str, bound: usize, here: &Path| {
        let message = format!("{what} within {bound} others");
        cx.problems.report_with(Code::OutOfRange, here, message, |diagnostic| {
            diagnostic.expected(format!("at most {bound}, one within the other"))
        });
    };
    for (at, step) in said.iter().enumerate() {
        let here = path.at(at);
        match step {
            Said::Repeat(_) if depth.loops == Program::MAX_LOOPS => too_deep(cx, "a loop", depth.loops, &here),
            Said::Repeat(repeat) => {
                let loops = depth.loops + 1;
                let here = here.key("repeat");
                check_depth(cx, &repeat.steps, Depth { loops, ..depth }, &here.key("steps"));
            }
            Said::Cache(_) if depth.caches == Program::MAX_CACHES => too_deep(cx, "a cache", depth.caches, &here),
            Said::Cache(cache) => {
                let here = here.key("cache");
                let caches = depth.caches + 1;
                check_depth(cx, &cache.hit, depth, &here.key("hit"));
                check_depth(cx, &cache.miss, Depth { caches, ..depth }, &here.key("miss"));
            }
            Said::Choose(choices) => {
                let here = here.key("choose");
                for (at, choice) in choices.iter().enumerate() {
                    check_depth(cx, &choice.steps, depth, &here.at(at).key("steps"));
                }
            }
            Said::Optional(steps) => check_depth(cx, steps, depth, &here.key("optional")),
            // A branch keeps count for itself.
            Said::Parallel(Form::Short(branches)) => check_branches(cx, branches, &here.key("parallel")),
            Said::Parallel(Form::Long(parallel)) => {
                let here = here.key("parallel");
                check_branches(
                    cx,
                    parallel.branches.as_deref().unwrap_or_default(),
                    &here.key("branches"),
                );
                let steps = parallel.steps.as_deref().unwrap_or_default();
                check_depth(cx, steps, Depth::default(), &here.key("steps"));
            }
            _ => {}
        }
    }
}

fn call(cx: &mut Context, said: &schema::Call, name: String, path: &Path) -> Option<CallSite> {
    let retry = behaviour::retry(cx, said.retry.as_ref(), &path.key("retry"));
    let guards = guard::guards(cx, guard::Said::of_call(said), path);
    let (to, direct) = callee(cx, said, path)?;
    let timeout = said.timeout.map(|timeout| timeout.0);
    if let Some(timeout) = timeout {
        let hops = match to {
            Callee::LoadBalancer { .. } => 4,
            _ => 2,
        };
        let set_up = said.connections.as_ref().map_or(0, wire::round_trips) * 2;
        check_timeout(cx, timeout, hops + set_up, &path.key("timeout"));
    }
    Some(CallSite {
        name,
        to,
        timeout,
        retry,
        guards,
        direct,
    })
}

/// Reports a timeout within which no answer can come.
pub(super) fn check_timeout(cx: &mut Context, timeout: Span, hops: u32, path: &Path) {
    cx.positive(timeout, path);
    let shortest = match &cx.said.cluster.network {
        Form::Short(_) => 0.0,
        Form::Long(network) => {
            let root = Path::Root;
            let cluster = root.key("cluster");
            let here = cluster.key("network");
            // What is wrong with the network is reported there; asking again adds nothing but equal problems.
            let same = cx.dist(&network.same_zone, &here.key("same_zone")).quantile(0.0);
            let cross = cx.dist(&network.cross_zone, &here.key("cross_zone")).quantile(0.0);
            same.min(cross)
        }
    };
    let round_trip = shortest * f64::from(hops);
    if !timeout.is_zero() && timeout.seconds() <= round_trip {
        let message = "this timeout is shorter than the network alone takes";
        cx.problems
            .report_with(Code::TimeoutBelowNetwork, path, message, |diagnostic| {
                diagnostic.expected(format!("more than {:.3} ms, {hops} hops", round_trip * 1e3))
            });
    }
}

fn callee(cx: &mut Context, said: &schema::Call, path: &Path) -> Option<(Callee, Direct)> {
    let to = path.key("to");
    let (name, operation) = match said.to.split_once('/') {
        Some((name, operation)) => (name, Some(operation)),
        None => (said.to.as_str(), None),
    };
    if let Some(service) = cx.said.services.position(name) {
        return service_callee(cx, said, service, operation, path);
    }
    if let Some(dependency) = cx.said.dependencies.position(name) {
        let keys = [
            ("via", said.via.is_some()),
            ("balancing", said.balancing.is_some()),
            ("outlier_detection", said.outlier_detection.is_some()),
            ("method", said.method.is_some()),
            ("path", said.path.is_some()),
            ("host", said.host.is_some()),
            ("headers", !said.headers.is_empty()),
            ("connections", said.connections.is_some()),
        ];
        refuse(cx, &keys, "a call to a dependency", path);
        return Some((dependency_callee(cx, dependency, operation, &to)?, Direct::default()));
    }
    cx.unknown(&[Table::Service, Table::Dependency], name, &to);
    None
}

/// A dependency, or one of its operations.
fn dependency_callee(cx: &mut Context, at: usize, operation: Option<&str>, path: &Path) -> Option<Callee> {
    let (name, said) = &cx.said.dependencies.0[at];
    let dependency = DependencyIx::from_usize(at);
    let Some(operation) = operation else {
        return Some(Callee::Dependency(dependency));
    };
    if let Some(at) = said.operations.position(operation) {
        let operation = DependencyOperationIx::from_usize(at);
        return Some(Callee::DependencyOperation(dependency, operation));
    }
    if said.operations.is_empty() {
        let message = format!("the dependency `{name}` has no operations");
        cx.problems.report_with(Code::MalformedReference, path, message, |d| {
            d.expected(format!("just `{name}`"))
        });
    } else {
        let message = format!("`{name}` has no operation `{operation}`");
        cx.problems.report_with(Code::UnknownName, path, message, |diagnostic| {
            diagnostic.did_you_mean(operation, said.operations.names())
        });
    }
    None
}

fn service_callee(
    cx: &mut Context,
    said: &schema::Call,
    service: usize,
    operation: Option<&str>,
    path: &Path,
) -> Option<(Callee, Direct)> {
    let operations = &cx.said.services.0[service].1.operations;
    let operation = match operation {
        // A service without operations is reported where it stands.
        None => 0,
        Some(operation) => match operations.position(operation) {
            Some(at) => at,
            None => {
                let message = format!("`{}` has no operation `{operation}`", cx.said.services.0[service].0);
                cx.problems
                    .report_with(Code::UnknownName, &path.key("to"), message, |diagnostic| {
                        diagnostic.did_you_mean(operation, operations.names())
                    });
                return None;
            }
        },
    };
    match said.via.as_deref() {
        None | Some("service_connect" | "dns") => {
            let keys = [
                ("method", said.method.is_some()),
                ("path", said.path.is_some()),
                ("host", said.host.is_some()),
                ("headers", !said.headers.is_empty()),
            ];
            refuse(cx, &keys, "a call straight to a task", path);
            let (balancing, direct) = direct::call(cx, said, service, path);
            let callee = Callee::Service {
                service: ServiceIx::from_usize(service),
                operation: OperationIx::from_usize(operation),
                balancing,
            };
            Some((callee, direct))
        }
        Some(via) => {
            refuse(
                cx,
                &[
                    ("balancing", said.balancing.is_some()),
                    ("outlier_detection", said.outlier_detection.is_some()),
                ],
                "a call through a load balancer",
                path,
            );
            let (load_balancer, listener) = balancer::listener(cx, via, &path.key("via"))?;
            let callee = Callee::LoadBalancer {
                load_balancer,
                listener,
                http: HttpRequest {
                    method: behaviour::method(said.method.unwrap_or(schema::Method::Get)),
                    host: said.host.clone().unwrap_or_default(),
                    path: said.path.clone().unwrap_or_else(|| "/".to_owned()),
                    headers: said.headers.0.clone(),
                    source: None,
                },
            };
            Some((callee, Direct::default()))
        }
    }
}

/// Reports keys that mean nothing here.
fn refuse(cx: &mut Context, keys: &[(&str, bool)], here: &str, path: &Path) {
    for (key, _) in keys.iter().filter(|(_, given)| *given) {
        cx.report(
            Code::ConflictingKeys,
            &path.key(key),
            format!("`{key}` means nothing for {here}"),
        );
    }
}
