//! Caches: those with names, those of steps, and whether they fit into their tasks' memory.

use super::graph::walk;
use super::{Context, Table};
use crate::blueprint::*;
use crate::engine::popularity::zipf_shares;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema;
use crate::units::Ratio;

/// The caches with names, before all others.
pub(super) fn named(cx: &mut Context) {
    let root = Path::Root;
    let section = root.key("caches");
    for (name, said) in &cx.said.caches.0 {
        let path = section.key(name);
        let latency = said.latency.as_ref().map(|time| cx.dist(time, &path.key("latency")));
        let keys = schema::CacheStep {
            of: None,
            hit_ratio: said.hit_ratio,
            warms_up: said.warms_up,
            keys: said.keys.clone(),
            capacity: said.capacity,
            memory: said.memory,
            entry_bytes: said.entry_bytes,
            ttl: said.ttl,
            coalesce: said.coalesce,
            hit: Vec::new(),
            miss: Vec::new(),
        };
        let (content, bytes) = content(cx, &keys, &path);
        cx.caches.push(Cache {
            name: name.clone(),
            scope: match said.scope {
                schema::CacheScope::Shared => CacheScope::Shared,
                schema::CacheScope::Task => CacheScope::Task,
            },
            content,
            coalesces: said.coalesce.unwrap_or(false),
            latency,
            bytes,
        });
    }
}

/// The cache that a step looks into.
pub(super) fn of_step(cx: &mut Context, said: &schema::CacheStep, name: &str, path: &Path) -> CacheIx {
    if let Some(of) = &said.of {
        let keys = [
            ("hit_ratio", said.hit_ratio.is_some()),
            ("warms_up", said.warms_up.is_some()),
            ("keys", said.keys.is_some()),
            ("capacity", said.capacity.is_some()),
            ("memory", said.memory.is_some()),
            ("entry_bytes", said.entry_bytes.is_some()),
            ("ttl", said.ttl.is_some()),
            ("coalesce", said.coalesce.is_some()),
        ];
        refuse(cx, &keys, &format!("stands with the cache `{of}` itself"), path);
        let found = cx.find(Table::Cache, of, &path.key("of"));
        return CacheIx::from_usize(found.unwrap_or(0));
    }
    let (content, bytes) = content(cx, said, path);
    cx.caches.push(Cache {
        name: name.to_owned(),
        scope: CacheScope::Task,
        content,
        coalesces: said.coalesce.unwrap_or(false),
        latency: None,
        bytes,
    });
    CacheIx::from_usize(cx.caches.len() - 1)
}

fn refuse(cx: &mut Context, keys: &[(&str, bool)], why: &str, path: &Path) {
    for (key, _) in keys.iter().filter(|(_, given)| *given) {
        cx.report(Code::ConflictingKeys, &path.key(key), format!("`{key}` {why}"));
    }
}

/// What a cache holds, and how much memory that takes when it is full.
fn content(cx: &mut Context, said: &schema::CacheStep, path: &Path) -> (CacheContent, Option<u64>) {
    match (&said.keys, said.hit_ratio) {
        (None, Some(hits)) => {
            let keys = [
                ("capacity", said.capacity.is_some()),
                ("memory", said.memory.is_some()),
                ("entry_bytes", said.entry_bytes.is_some()),
                ("ttl", said.ttl.is_some()),
                ("coalesce", said.coalesce.is_some()),
            ];
            refuse(cx, &keys, "means nothing without `keys`", path);
            let content = CacheContent::Ratio {
                hits: hits.0,
                warms_up: said.warms_up.unwrap_or(0),
            };
            (content, None)
        }
        (Some(keys), None) => {
            let warms_up = [("warms_up", said.warms_up.is_some())];
            refuse(cx, &warms_up, "means nothing with `keys`: they fill the cache", path);
            let shares = match keys {
                schema::Keys::Uniform(count) => zipf_shares((*count).max(1), 0.0),
                schema::Keys::Zipf(zipf) => zipf_shares(zipf.count.max(1), zipf.exponent),
            };
            if let Some(ttl) = said.ttl {
                cx.positive(ttl.0, &path.key("ttl"));
            }
            let entries = capacity(cx, said, path).unwrap_or(u32::MAX).min(shares.len() as u32);
            let content = CacheContent::Keys {
                shares,
                capacity: entries,
                ttl: said.ttl.map(|ttl| ttl.0),
            };
            let bytes = said.entry_bytes.map(|each| u64::from(each) * u64::from(entries));
            (content, bytes)
        }
        _ => {
            cx.report(
                Code::NotExactlyOne,
                path,
                "either `hit_ratio` or `keys` says what is found",
            );
            let content = CacheContent::Ratio {
                hits: Ratio::ZERO,
                warms_up: 0,
            };
            (content, None)
        }
    }
}

/// Entries that there is room for; `None`: no bound.
fn capacity(cx: &mut Context, said: &schema::CacheStep, path: &Path) -> Option<u32> {
    match (said.capacity, said.memory, said.entry_bytes) {
        (Some(_), Some(_), _) => {
            cx.report(Code::ConflictingKeys, &path.key("memory"), "`capacity` says it already");
            None
        }
        (None, Some(_), None) => {
            let message = "how many entries that is depends on their size";
            cx.report_hint(Code::MissingKey, &path.key("memory"), message, "give `entry_bytes`");
            None
        }
        (None, Some(memory), Some(each)) => {
            Some(u32::try_from((memory.0.0 << 20) / u64::from(each.max(1))).unwrap_or(u32::MAX))
        }
        (capacity, None, _) => capacity,
    }
}

/// Reports caches that have no room in the memory of the tasks that keep them.
pub(super) fn check(cx: &mut Context, blueprint: &Blueprint) {
    let root = Path::Root;
    let services = root.key("services");
    for service in &blueprint.services {
        let (mut seen, mut bytes) = (Vec::new(), 0);
        let Some(revision) = service.revisions.first() else {
            continue;
        };
        for operation in &revision.operations {
            walk(blueprint, operation.program, 1.0, &mut |step, _| {
                if let Step::Cache { cache, .. } = step
                    && !seen.contains(cache)
                    && blueprint.caches[cache.at()].scope == CacheScope::Task
                {
                    seen.push(*cache);
                    bytes += blueprint.caches[cache.at()].bytes.unwrap_or(0);
                }
            });
        }
        let memory = blueprint.task_definitions[revision.task_definition.at()].memory;
        if bytes > memory.0 << 20 {
            let message = format!(
                "the caches of a task of `{}` take {} MiB when they are full, and it has {} MiB",
                service.name,
                bytes >> 20,
                memory.0
            );
            cx.report_hint(
                Code::CacheExceedsMemory,
                &services.key(&service.name).key("operations"),
                message,
                "lower `capacity`, or give the task more memory",
            );
        }
    }
}

/// What an event empties.
pub(super) fn flush(cx: &mut Context, said: &schema::CacheFlush, path: &Path) -> Option<(String, FaultKind)> {
    let (whose, caches) = match (&said.cache, &said.service) {
        (Some(name), None) => {
            let found = cx.find(Table::Cache, name, &path.key("cache"))?;
            (name, vec![CacheIx::from_usize(found)])
        }
        (None, Some(name)) => {
            cx.find(Table::Service, name, &path.key("service"))?;
            let begins = format!("{name}/");
            let own = cx.caches.iter().enumerate();
            let own = own.filter(|(_, cache)| cache.scope == CacheScope::Task && cache.name.starts_with(&begins));
            let own: Vec<CacheIx> = own.map(|(at, _)| CacheIx::from_usize(at)).collect();
            if own.is_empty() {
                let message = format!("no operation of `{name}` has a cache of its own");
                cx.report_hint(
                    Code::UnknownName,
                    &path.key("service"),
                    message,
                    "name one of `caches` by `cache`",
                );
            }
            (name, own)
        }
        _ => {
            cx.report(
                Code::NotExactlyOne,
                path,
                "either `cache` or `service` says what is emptied",
            );
            return None;
        }
    };
    let share = said.share.map_or(Ratio::ONE, |share| share.0);
    Some((
        format!("cache_flush {whose}"),
        FaultKind::CacheFlush(CacheFlush { caches, share }),
    ))
}
