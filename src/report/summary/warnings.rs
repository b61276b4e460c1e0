//! What to be careful about: cut-short runs, queues without end, too few runs, and what the model assumes.

use super::{labelled, style};
use crate::blueprint::{ClassIx, DependencyIx, Measure, ServiceIx};
use crate::probe::pool::Requests;
use crate::probe::{Pool, Precision};
use crate::report::assumptions;
use crate::report::tables::summary::PERCENTILES;
use crate::report::words::{counted, duration, short};
use crate::stats::percentile::{EXCEEDANCES_MIN, RUNS_MIN};

/// Requests in a queue under which growth is no news.
const QUEUE_WORTH_A_WORD: f64 = 10.0;

pub fn section(pool: &Pool) -> String {
    let mut text: String = all(pool)
        .iter()
        .map(|warning| labelled("Careful", &format!("{} {warning}", style::doubtful("!"))))
        .collect();
    text.push_str(&cut(pool).map_or(String::new(), |cut| labelled("Measured", &cut)));
    let left = assumptions::left_at_default(pool.blueprint).len();
    let total = pool.blueprint.model_keys.len();
    text.push_str(&labelled(
        "Assumed",
        &format!("{left} of {total} values that AWS does not publish are at their defaults (`model:`)"),
    ));
    text
}

/// One sentence each, the gravest first.
pub fn all(pool: &Pool) -> Vec<String> {
    let requests = pool.requests(None);
    let mut warnings = Vec::new();
    warnings.extend(interrupted(pool));
    warnings.extend(cut_short(pool));
    warnings.extend(unfinished(&requests));
    warnings.extend(queues(pool));
    warnings.extend(few_runs(pool));
    warnings.extend(few_requests(pool));
    warnings.extend(never_came(pool));
    warnings.extend(not_stationary(pool));
    warnings
}

/// A steady scenario that had no steady state.
fn not_stationary(pool: &Pool) -> Option<String> {
    let too_long = pool.blueprint.transient.too_long?;
    Some(format!(
        "not stationary: mean latency still changes after the first {}, more than a third of the run (MSER-5); nothing \
         was cut for it, and another duration would give another answer",
        duration(too_long.seconds())
    ))
}

/// What of the time behind the warm-up is not measured; `None` if all of it is.
pub fn cut(pool: &Pool) -> Option<String> {
    let cut = pool.blueprint.transient.cut;
    (!cut.is_zero()).then(|| {
        let cut = duration(cut.seconds());
        format!("from {cut} on: MSER-5 cut the first {cut}, in which latency still settled")
    })
}

/// Runs that the scenario asks for and nobody waited for.
fn interrupted(pool: &Pool) -> Option<String> {
    let (made, asked) = (pool.records.len(), pool.blueprint.replications as usize);
    (made < asked).then(|| format!("interrupted: {made} of {asked} runs"))
}

fn cut_short(pool: &Pool) -> Option<String> {
    let mut reasons = pool.records.iter().filter_map(|record| record.ended_early.as_deref());
    let first = reasons.next()?;
    let count = 1 + reasons.count();
    Some(format!(
        "a limit ended {count} of {}: {first}",
        counted(pool.records.len(), "run")
    ))
}

fn unfinished(requests: &Requests) -> Option<String> {
    let count = requests.outcomes().of(crate::sim::observation::Outcome::Unfinished);
    (count > 0).then(|| format!("{} not answered when the run ended", counted(count as usize, "request")))
}

fn few_runs(pool: &Pool) -> Option<String> {
    let runs = pool.records.len();
    match runs {
        1 => Some("one run: nothing here has an interval, another seed may say otherwise (--replications)".to_owned()),
        _ if runs < RUNS_MIN => Some(format!("{runs} runs: percentiles have no interval under {RUNS_MIN}")),
        _ => None,
    }
}

/// Percentiles that too few requests lie beyond, in runs enough.
fn few_requests(pool: &Pool) -> Option<String> {
    let too_few = |(class, requests): (&str, Requests)| {
        let latencies = requests.latencies();
        let percentiles = PERCENTILES.into_iter().filter(|(_, quantile)| {
            let estimate = latencies.quantile_ms(*quantile);
            estimate.is_some_and(|estimate| estimate.precision == Precision::TooFewRequests)
        });
        let names: Vec<&str> = percentiles.map(|(name, _)| label(name)).collect();
        (!names.is_empty()).then(|| format!("{} of {class}", names.join(", ")))
    };
    let classes = pool.blueprint.classes.iter().enumerate();
    let each = classes.map(|(at, class)| (class.name.as_str(), pool.requests(Some(ClassIx::from_usize(at)))));
    let all = (pool.blueprint.classes.len() != 1).then(|| ("all", pool.requests(None)));
    let found: Vec<String> = each.chain(all).filter_map(too_few).collect();
    (!found.is_empty()).then(|| {
        format!(
            "too few requests for an interval of {}: under {EXCEEDANCES_MIN} lie beyond",
            found.join("; ")
        )
    })
}

/// `p99_9_ms` as `p99.9`.
fn label(percentile: &str) -> &str {
    match percentile {
        "p50_ms" => "p50",
        "p95_ms" => "p95",
        "p99_ms" => "p99",
        _ => "p99.9",
    }
}

/// Objectives that are about requests of which none came.
fn never_came(pool: &Pool) -> Vec<String> {
    let judged = pool.blueprint.objectives.iter().zip(pool.judge());
    let silent = judged.filter(|(objective, judgement)| {
        judgement.windows == 0 && !matches!(objective.measure, Measure::CostPerHour { .. })
    });
    silent
        .map(|(objective, _)| {
            let class = objective.class.map(|class| &pool.blueprint.classes[class.at()].name);
            let of = class.map_or("request".to_owned(), |class| format!("request `{class}`"));
            format!("no {of} came for the objective `{}`: it says nothing", objective.name)
        })
        .collect()
}

/// Queues whose mean rises from quarter to quarter of the run and doubles over its second half.
fn queues(pool: &Pool) -> Vec<String> {
    let services = pool.blueprint.services.iter().enumerate().map(|(at, service)| {
        let service_ix = ServiceIx::from_usize(at);
        let queue = quarters(pool, |record, window| {
            record.timeline.service(service_ix)[window].queued
        });
        (service.name.as_str(), queue)
    });
    let dependencies = pool.blueprint.dependencies.iter().enumerate().map(|(at, dependency)| {
        let dependency_ix = DependencyIx::from_usize(at);
        let queue = quarters(pool, |record, window| {
            record.timeline.dependency(dependency_ix)[window].queued
        });
        (dependency.name.as_str(), queue)
    });
    let grew = services
        .chain(dependencies)
        .filter(|(_, quarters)| is_growing(quarters));
    grew.map(|(name, quarters)| {
        let numbers: Vec<String> = quarters.iter().map(|mean| short(*mean, 2)).collect();
        format!(
            "the queue of {name} kept growing: {} by quarter of the run",
            numbers.join(", ")
        )
    })
    .collect()
}

fn is_growing(quarters: &[f64; 4]) -> bool {
    let rises = quarters.windows(2).all(|pair| pair[0] < pair[1]);
    rises && quarters[3] >= QUEUE_WORTH_A_WORD && quarters[3] >= 2.0 * quarters[1]
}

/// Mean over runs and windows of each quarter of the measured time.
fn quarters(pool: &Pool, queued: impl Fn(&crate::probe::RunRecord, usize) -> u64) -> [f64; 4] {
    let count = pool.windows_seen();
    std::array::from_fn(|quarter| {
        let windows = quarter * count / 4..(quarter + 1) * count / 4;
        let of_run = |record| windows.clone().map(|window| queued(record, window)).sum::<u64>();
        let sum: u64 = pool.records.iter().map(of_run).sum();
        sum as f64 / (windows.len().max(1) * pool.records.len()) as f64
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_that_doubles_from_half_to_half_is_worth_a_word() {
        assert!(is_growing(&[5.0, 20.0, 60.0, 100.0]));
        assert!(!is_growing(&[0.0, 1.0, 2.0, 4.0]), "a queue of four is none");
        assert!(!is_growing(&[5.0, 60.0, 55.0, 130.0]), "it fell in between");
        assert!(!is_growing(&[90.0, 95.0, 100.0, 105.0]), "it hardly grew");
    }
}
