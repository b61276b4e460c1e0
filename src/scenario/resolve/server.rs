//! What a server does beside serving whoever comes in order.

use super::{Context, brown_out};
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema::{self, Form};
use crate::units::Span;

/// `None` where nothing is said of all this.
pub(super) fn rules(cx: &mut Context, said: &schema::Service, path: &Path) -> Option<Box<ServerRules>> {
    let queue = said.queue.as_ref().map(|queue| self::queue(cx, said, queue, path));
    let concurrency = said
        .concurrency_limit
        .as_ref()
        .map(|limit| concurrency(cx, said, limit, path));
    let rate = said.rate_limit.map(|limit| rate(cx, limit, &path.key("rate_limit")));
    let shedding = (said.load_shedding.as_ref()).map(|said| shedding(cx, said, &path.key("load_shedding")));
    let refusal_cpu = said.refusal_cpu.map_or(Span::ZERO, |span| span.0);
    let warm_up = (said.jit_warm_up).and_then(|said| warm_up(cx, said, &path.key("jit_warm_up")));
    let collection =
        (said.garbage_collection.as_ref()).map(|said| collection(cx, said, &path.key("garbage_collection")));
    let memory = memory(said);
    let brown_out = (said.brown_out).and_then(|said| brown_out::brown_out(cx, said, &path.key("brown_out")));
    let rules = ServerRules {
        queue: queue.unwrap_or_default(),
        concurrency,
        rate,
        shedding,
        refusal_cpu,
        retry_after: said.retry_after.map(|span| span.0),
        memory,
        collection,
        warm_up,
        brown_out,
    };
    let refuses =
        said.queue.is_some() || rules.concurrency.is_some() || rules.rate.is_some() || rules.shedding.is_some();
    let of_refusals = [("refusal_cpu", said.refusal_cpu), ("retry_after", said.retry_after)];
    for (key, _) in of_refusals.iter().filter(|(_, said)| said.is_some() && !refuses) {
        cx.report_hint(
            Code::NothingToRefuse,
            &path.key(key),
            "this server turns nobody away",
            "give it a `concurrency_limit`, a `rate_limit`, `load_shedding` or a `queue`",
        );
    }
    let is_anything = refuses
        || rules.memory.is_some()
        || rules.collection.is_some()
        || rules.warm_up.is_some()
        || rules.brown_out.is_some();
    is_anything.then(|| Box::new(rules))
}

fn queue(cx: &mut Context, service: &schema::Service, said: &schema::QueueRules, path: &Path) -> QueueRules {
    let here = path.key("queue");
    if service.runtime == schema::Runtime::Unbounded {
        cx.report_hint(
            Code::NobodyWaits,
            &here,
            "nobody waits for a server that is unbounded",
            "give it a `thread_pool` or an `event_loop`, or leave `queue` out",
        );
    }
    let controlled_delay = said.codel.map(|codel| ControlledDelay {
        target: codel.target.0,
        interval: codel.interval.0,
    });
    if controlled_delay.is_some_and(|rule| rule.target > rule.interval) {
        cx.report(
            Code::ContradictorySizes,
            &here.key("codel").key("target"),
            "the target lies above the interval",
        );
    }
    QueueRules {
        discipline: match said.discipline {
            schema::Discipline::Fifo => Discipline::Fifo,
            schema::Discipline::Lifo => Discipline::Lifo,
            schema::Discipline::AdaptiveLifo(lifo) => Discipline::AdaptiveLifo { from: lifo.from },
            schema::Discipline::Priority => Discipline::Priority,
            schema::Discipline::Fair => Discipline::Fair,
        },
        timeout: (said.timeout.as_ref()).map(|time| cx.dist(time, &here.key("timeout"))),
        controlled_delay,
    }
}

fn concurrency(
    cx: &mut Context,
    service: &schema::Service,
    said: &schema::ConcurrencyLimit,
    path: &Path,
) -> ConcurrencyLimit {
    let here = path.key("concurrency_limit");
    if let &Form::Short(limit) = said
        && let schema::Runtime::ThreadPool(pool) = &service.runtime
        && limit < pool.workers
    {
        let message = format!("of {} workers only {limit} are ever busy", pool.workers);
        cx.report_hint(Code::LimitBelowWorkers, &here, message, "what waits counts as well");
    }
    limit(cx, said, &here)
}

/// A limit of concurrency, of a server or of a caller.
pub(super) fn limit(cx: &mut Context, said: &schema::ConcurrencyLimit, path: &Path) -> ConcurrencyLimit {
    let mut adaptive = |(initial, min, max): (u32, u32, u32), kind: &str| {
        if min > max || initial < min || initial > max {
            let message = format!("the limit begins at {initial} and stays between {min} and {max}");
            cx.report(Code::ContradictorySizes, &path.key(kind).key("initial"), message);
        }
        Adaptive { initial, min, max }
    };
    match *said {
        Form::Short(limit) => {
            if limit == 0 {
                cx.problems
                    .report_with(Code::OutOfRange, path, "a limit of 0 lets nobody in", |diagnostic| {
                        diagnostic.expected("1 or more")
                    });
            }
            ConcurrencyLimit::Fixed(limit)
        }
        Form::Long(schema::AdaptiveConcurrency::Gradient(it)) => {
            ConcurrencyLimit::Gradient(adaptive((it.initial, it.min, it.max), "gradient"))
        }
        Form::Long(schema::AdaptiveConcurrency::Vegas(it)) => {
            ConcurrencyLimit::Vegas(adaptive((it.initial, it.min, it.max), "vegas"))
        }
        Form::Long(schema::AdaptiveConcurrency::Aimd(it)) => {
            let bounds = adaptive((it.initial, it.min, it.max), "aimd");
            cx.positive(it.timeout.0, &path.key("aimd").key("timeout"));
            ConcurrencyLimit::Aimd(Aimd {
                bounds,
                late: it.timeout.0,
                backoff: it.backoff_ratio.0,
            })
        }
    }
}

fn rate(cx: &mut Context, said: schema::RateLimit, path: &Path) -> RateLimit {
    let rate = said.rate.0;
    if rate <= 0.0 {
        cx.report(
            Code::OutOfRange,
            &path.key("rate"),
            "a bucket without tokens lets nobody in",
        );
    }
    RateLimit {
        rate,
        burst: said.burst.unwrap_or(rate.ceil().max(1.0) as u32),
    }
}

fn shedding(cx: &mut Context, said: &schema::LoadShedding, path: &Path) -> Shedding {
    let rules = path.key("rules");
    for (at, rule) in said.rules.iter().enumerate() {
        if rule.to.0.get() < rule.from.0.get() {
            let message = "the use from which all are refused lies below that from which some are";
            cx.report(Code::ContradictorySizes, &rules.at(at).key("to"), message);
        }
    }
    if said.window.0.is_zero() {
        cx.report(Code::OutOfRange, &path.key("window"), "use is measured over some time");
    }
    let rule = |rule: &schema::SheddingRule| SheddingRule {
        priority: rule.priority,
        from: rule.from.0,
        to: rule.to.0,
    };
    Shedding {
        window: said.window.0,
        rules: said.rules.iter().map(rule).collect(),
    }
}

fn warm_up(cx: &mut Context, said: schema::WarmUp, path: &Path) -> Option<WarmUp> {
    let over = match (said.requests, said.time) {
        (Some(requests), None) => WarmUpOver::Requests(requests),
        (None, Some(time)) => WarmUpOver::Time(time.0),
        _ => {
            let message = "over what the code warms up is not clear";
            cx.problems
                .report_with(Code::NotExactlyOne, path, message, |diagnostic| {
                    diagnostic.expected("one of `requests` and `time`")
                });
            return None;
        }
    };
    Some(WarmUp {
        factor: said.factor,
        over,
    })
}

fn collection(cx: &mut Context, said: &schema::GarbageCollection, path: &Path) -> Collection {
    let allocation = said.allocation_per_request.0;
    if said.live.0.0 + allocation.0 > said.heap.0.0 {
        cx.report_hint(
            Code::HeapTooSmall,
            &path.key("heap"),
            "what is always alive and one request do not fit into the heap",
            "every request would begin with a collection that frees nothing",
        );
    }
    if allocation.0 == 0 {
        let path = path.key("allocation_per_request");
        cx.report(Code::OutOfRange, &path, "what allocates nothing is never collected");
    }
    Collection {
        heap: said.heap.0,
        allocation: allocation.0 as f64,
        live: said.live.0,
        pause: cx.dist(&said.pause, &path.key("pause")),
        scan: said.scan.map(|scan| scan.0),
    }
}

fn memory(said: &schema::Service) -> Option<RequestMemory> {
    let leak = |leak: schema::RequestLeak| leak.memory.0.0 as f64 / f64::from(leak.requests.max(1));
    (said.memory_per_request.is_some() || said.memory_leak.is_some()).then(|| RequestMemory {
        held: said.memory_per_request.map_or(0.0, |memory| memory.0.0 as f64),
        leaked: said.memory_leak.map_or(0.0, leak),
    })
}

/// Priorities that no server asks for.
pub(super) fn doubts(cx: &mut Context, blueprint: &Blueprint) {
    let asks = |rules: &ServerRules| {
        let by_load = rules.shedding.iter().flat_map(|shedding| &shedding.rules);
        rules.queue.discipline == Discipline::Priority || by_load.into_iter().any(|rule| rule.priority > 0)
    };
    let revisions = blueprint.services.iter().flat_map(|service| &service.revisions);
    if revisions
        .filter_map(|revision| revision.server_rules.as_deref())
        .any(asks)
    {
        return;
    }
    let root = Path::Root;
    let section = root.key("traffic");
    for (name, traffic) in cx.said.traffic.iter() {
        for (at, request) in traffic.requests.iter().enumerate() {
            if request.priority.is_some() {
                cx.report_hint(
                    Code::PriorityWithoutEffect,
                    &section.key(name).key("requests").at(at).key("priority"),
                    "no server asks how urgent a request is",
                    "give a service `queue: { discipline: priority }` or `load_shedding`",
                );
            }
        }
    }
}
