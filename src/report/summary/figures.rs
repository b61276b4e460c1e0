//! The headline figures: latency beside the share served, failures by reason, throughput, CPU and cost.

use super::labelled;
use crate::blueprint::{ClassIx, ServiceIx};
use crate::probe::pool::Requests;
use crate::probe::times::{Times, Whose};
use crate::probe::{Estimate, Pool};
use crate::report::chart::traffic::in_words;
use crate::report::tables::attempts::{wasteful, worst_calls};
use crate::report::tables::cost::{per_hour, per_million, per_month, total};
use crate::report::tables::failures::in_words as in_words_with_place;
use crate::report::tables::summary::{PERCENTILES, failures};
use crate::report::tables::time::in_words as time_in_words;
use crate::report::words::{aligned, count, share, short};
use comfy_table::{CellAlignment, Table, presets};

pub fn section(pool: &Pool) -> String {
    let all = pool.requests(None);
    let mut text = latencies(pool);
    text.push('\n');
    text.push_str(&labelled("Throughput", &throughput(&all)));
    text.push_str(&labelled("Failures", &failed(&all)));
    text.push_str(&degraded(&all).map_or(String::new(), |some| labelled("Degraded", &some)));
    text.push_str(&why(pool).map_or(String::new(), |why| labelled("Because", &why)));
    text.push_str(&again(pool).map_or(String::new(), |again| labelled("Retries", &again)));
    text.push_str(&for_nothing(pool).map_or(String::new(), |wasted| labelled("Wasted", &wasted)));
    text.push_str(&time(pool).map_or(String::new(), |time| labelled("Time", &time)));
    text.push_str(&labelled("CPU", &cpu(pool)));
    text.push_str(&cost(pool).map_or(String::new(), |cost| labelled("Cost", &cost)));
    text
}

/// A row for each class, and one for all if there are several.
fn latencies(pool: &Pool) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["class", "offered", "served", "p50 ms", "p95 ms", "p99 ms", "p99.9 ms"]);
    for (at, class) in pool.blueprint.classes.iter().enumerate() {
        table.add_row(row(&class.name, &pool.requests(Some(ClassIx::from_usize(at)))));
    }
    if pool.blueprint.classes.len() != 1 {
        table.add_row(row("all", &pool.requests(None)));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines = table.trim_fmt();
    format!("{lines}\n")
}

fn row(name: &str, requests: &Requests) -> Vec<String> {
    let outcomes = requests.outcomes();
    let mut row = vec![clipped(name), count(outcomes.offered())];
    row.push(requests.availability().map_or("–".to_owned(), |it| share(it.value)));
    row.extend(PERCENTILES.map(|(_, quantile)| with_spread(requests.latencies().quantile_ms(quantile))));
    row
}

/// Names of any length leave room for the numbers.
fn clipped(name: &str) -> String {
    const MOST: usize = 18;
    if name.chars().count() <= MOST {
        name.to_owned()
    } else {
        name.chars().take(MOST - 1).chain(['…']).collect()
    }
}

/// `312±9`, the half-width only where there is an interval.
fn with_spread(estimate: Option<Estimate>) -> String {
    let Some(estimate) = estimate else {
        return "–".to_owned();
    };
    let half = estimate.interval().map_or(String::new(), |(low, high)| {
        format!("±{}", short((high - low) / 2.0, 1))
    });
    format!("{}{half}", aligned(estimate.value, 3))
}

fn throughput(all: &Requests) -> String {
    let served = all.throughput().map_or("–".to_owned(), |it| with_spread(Some(it)));
    let mut text = format!("{served} served a second");
    if let Some(attempts) = all.attempts().filter(|attempts| attempts.value > 1.0005) {
        text.push_str(&format!(", {} attempts for each request", short(attempts.value, 4)));
    }
    text
}

fn failed(all: &Requests) -> String {
    let outcomes = all.outcomes();
    let (failed, offered) = (outcomes.failed(), outcomes.offered());
    if failed == 0 {
        return format!("none of {}", count(offered));
    }
    let mut reasons: Vec<_> = failures().filter(|outcome| outcomes.of(*outcome) > 0).collect();
    reasons.sort_by_key(|outcome| std::cmp::Reverse(outcomes.of(*outcome)));
    let reasons: Vec<String> = reasons
        .iter()
        .map(|outcome| format!("{} {}", in_words(*outcome), count(outcomes.of(*outcome))))
        .collect();
    let percent = short(100.0 * failed as f64 / offered as f64, 3);
    format!(
        "{} of {} ({percent} %): {}",
        count(failed),
        count(offered),
        reasons.join(", ")
    )
}

/// Answers with something left out. `None` if all are whole.
fn degraded(all: &Requests) -> Option<String> {
    let (degraded, served) = (all.degraded(), all.outcomes().served());
    (degraded > 0).then(|| {
        let percent = short(100.0 * degraded as f64 / served as f64, 3);
        format!(
            "{} of {} served ({percent} %) with something left out",
            count(degraded),
            count(served)
        )
    })
}

/// The most frequent roots of failures, classes and outcomes together. `None` if all was served.
fn why(pool: &Pool) -> Option<String> {
    const TOLD: usize = 4;
    let mut roots: Vec<(String, u64)> = Vec::new();
    for count in pool.failures() {
        let words = in_words_with_place(pool, &count);
        match roots.iter_mut().find(|(known, _)| *known == words) {
            Some((_, requests)) => *requests += count.requests,
            None => roots.push((words, count.requests)),
        }
    }
    roots.sort_by_key(|(_, requests)| std::cmp::Reverse(*requests));
    let total: u64 = roots.iter().map(|(_, requests)| requests).sum();
    if total == 0 {
        return None;
    }
    let of_all = |requests: u64| short(100.0 * requests as f64 / total as f64, 2);
    let told = roots.iter().take(TOLD);
    let mut parts: Vec<String> = told
        .map(|(words, requests)| format!("{words} {} %", of_all(*requests)))
        .collect();
    let rest: u64 = roots.iter().skip(TOLD).map(|(_, requests)| requests).sum();
    if rest > 0 {
        parts.push(format!("{} more {} %", roots.len() - TOLD, of_all(rest)));
    }
    Some(format!("{} (of the failures)", parts.join(", ")))
}

/// What the slowest requests spend their time on, beside all of them. `None` if none was followed.
fn time(pool: &Pool) -> Option<String> {
    const TOLD: usize = 3;
    let (served, slowest) = (pool.times(None, Whose::Served)?, pool.times(None, Whose::Slowest)?);
    let spent = |times: &Times| {
        let parts = times
            .parts
            .iter()
            .take(TOLD)
            .filter(|(_, _, span)| times.share(*span) >= 0.05);
        let words: Vec<String> = parts
            .map(|&(owner, part, span)| {
                let share = short(100.0 * times.share(span), 2);
                format!("{share} % {}", time_in_words(pool.blueprint, owner, part))
            })
            .collect();
        format!("{} ms: {}", short(times.mean_ms(times.latency), 3), words.join(", "))
    };
    Some(format!(
        "slowest 1 % {}; all {} ({} followed)",
        spent(&slowest),
        spent(&served),
        count(served.requests as u64)
    ))
}

/// Calls that are made more than once, the worst first. `None` if none is.
fn again(pool: &Pool) -> Option<String> {
    const TOLD: usize = 3;
    let worst = worst_calls(pool);
    let words = worst.iter().take(TOLD).filter_map(|(name, calls)| {
        let attempts = short(calls.attempts_per_call()?.value, 3);
        Some(format!("{name} {attempts} attempts a call"))
    });
    let words: Vec<String> = words.collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// Work that nobody waited for any more. `None` if there was next to none.
fn for_nothing(pool: &Pool) -> Option<String> {
    const TOLD: usize = 3;
    let worst = wasteful(pool);
    let words = worst.iter().take(TOLD).map(|(name, it)| {
        let percent = |share: Option<Estimate>| short(100.0 * share.map_or(0.0, |it| it.value), 2);
        let of_requests = percent(it.wasted_share);
        let cpu = it.wasted_cpu_share.filter(|share| share.value >= 0.005);
        let cpu = cpu.map_or(String::new(), |share| {
            format!(" ({} % of its CPU)", percent(Some(share)))
        });
        format!("{of_requests} % of what reached {name}{cpu}")
    });
    let words: Vec<String> = words.collect();
    (!words.is_empty()).then(|| format!("{}: done for callers that had given up", words.join(", ")))
}

fn cpu(pool: &Pool) -> String {
    let services = pool.blueprint.services.iter().enumerate();
    let parts: Vec<String> = services
        .map(|(at, service)| match pool.cpu_utilization(ServiceIx::from_usize(at)) {
            Some(used) => format!("{} {} %", service.name, short(100.0 * used.value, 2)),
            None => format!("{} –", service.name),
        })
        .collect();
    format!("{} (used of reserved)", parts.join(", "))
}

/// `None` if nothing costs anything.
fn cost(pool: &Pool) -> Option<String> {
    let sum = total(pool).filter(|sum| sum.value > 0.0)?;
    let hourly = |usd: f64| per_hour(pool, usd);
    let half = sum.interval().map_or(String::new(), |(low, high)| {
        format!(" ± {}", short(hourly(high - low) / 2.0, 1))
    });
    let mut text = format!(
        "{}{half} USD an hour, {} USD a month",
        short(hourly(sum.value), 3),
        short(per_month(pool, sum.value), 3)
    );
    if let Some(million) = per_million(pool, sum.value) {
        text.push_str(&format!(", {} USD a million requests", short(million, 3)));
    }
    Some(text)
}
