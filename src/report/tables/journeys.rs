//! `journeys.csv`: what came of visitors who go from request to request.

use crate::blueprint::{Blueprint, Journey};
use crate::probe::{Estimate, Pool, ratio};
use crate::report::table::{Schema, Table, Value, column};
use crate::sim::observation::JourneyCount;

pub const JOURNEYS: Schema = Schema {
    name: "journeys",
    about: "One row for each journey of each traffic, and for each of its steps. Journeys count if they began in measured \
            time. All runs together.",
    columns: &[
        column("traffic", "Traffic whose arrivals or users go on journeys."),
        column("journey", "Kind of journey."),
        column("step", "One of its steps, or `all`."),
        column("started", "Journeys that began here."),
        column("came", "How often one came here; in `all` the steps together."),
        column(
            "requests",
            "Requests made here; one asked again after a failure is another.",
        ),
        column(
            "finished",
            "Journeys that ended here as they should: nothing was to follow.",
        ),
        column(
            "abandoned_after_failure",
            "Journeys that ended here because the request was not served.",
        ),
        column(
            "abandoned_impatient",
            "Journeys that ended here because the answer took longer than the visitor's patience.",
        ),
        column("unfinished", "Journeys that were here when the run ended."),
        column("finished_share", "In `all`: finished / started."),
        column("finished_share_low", "Its 95 % interval over runs."),
        column("finished_share_high", ""),
        column("requests_per_journey", "In `all`: requests / started."),
        column("requests_per_journey_low", "Its 95 % interval over runs."),
        column("requests_per_journey_high", ""),
        column(
            "mean_s",
            "From beginning to end of the journeys that finished here, in seconds.",
        ),
    ],
};

pub fn journeys(pool: &Pool) -> Table {
    let mut table = Table::new(&JOURNEYS);
    for (traffic, written) in pool.blueprint.traffic.iter().enumerate() {
        for (at, journey) in written.journeys.iter().enumerate() {
            let counts = |step: Option<usize>| counts(pool, (traffic, at), step);
            table.push(row(pool.blueprint, (traffic, journey), "all", &counts(None)));
            for (step, named) in journey.steps.iter().enumerate() {
                table.push(row(
                    pool.blueprint,
                    (traffic, journey),
                    &named.name,
                    &counts(Some(step)),
                ));
            }
        }
    }
    table
}

/// What each run counted of a journey at one step or at all of them.
fn counts(pool: &Pool, (traffic, journey): (usize, usize), step: Option<usize>) -> Vec<JourneyCount> {
    let runs = pool.records.iter().map(|record| {
        let mine = record.journeys.iter().filter(|it| {
            (it.traffic.at(), it.journey) == (traffic, journey) && step.is_none_or(|step| it.step == step)
        });
        mine.copied().reduce(|sum, it| sum.plus(&it))
    });
    runs.flatten().collect()
}

fn row(blueprint: &Blueprint, (traffic, journey): (usize, &Journey), step: &str, runs: &[JourneyCount]) -> Vec<Value> {
    let all = runs.iter().copied().reduce(|sum, it| sum.plus(&it));
    let count = |of: fn(&JourneyCount) -> u64| Value::count(all.as_ref().map_or(0, of));
    let mut row = vec![
        Value::text(&blueprint.traffic[traffic].name),
        Value::text(&journey.name),
        Value::text(step),
        count(|it| it.started),
        count(|it| it.came),
        count(|it| it.requests),
        count(|it| it.finished),
        count(|it| it.abandoned_after_failure),
        count(|it| it.abandoned_impatient),
        count(|it| it.unfinished),
    ];
    let whole = step == "all";
    for of in [|it: &JourneyCount| it.finished, |it: &JourneyCount| it.requests] {
        let estimate = share(runs, of, |it| it.started).filter(|_| whole);
        row.push(Value::or_missing(estimate.as_ref().map(|it| Value::measured(it.value))));
        let interval = estimate.and_then(|it| it.interval());
        row.push(Value::or_missing(interval.map(|(low, _)| Value::measured(low))));
        row.push(Value::or_missing(interval.map(|(_, high)| Value::measured(high))));
    }
    let time = share(runs, |it| it.time, |it| it.finished);
    row.push(Value::or_missing(time.map(|it| Value::measured(it.value / 1e9))));
    row
}

fn share(runs: &[JourneyCount], of: fn(&JourneyCount) -> u64, over: fn(&JourneyCount) -> u64) -> Option<Estimate> {
    let pairs: Vec<(f64, f64)> = runs.iter().map(|it| (of(it) as f64, over(it) as f64)).collect();
    ratio(&pairs, 0.95)
}

/// `shopping: 1,200 began, 63 % finished, left at: pay 20 % …`, one line for each journey.
pub fn in_words(pool: &Pool) -> Vec<String> {
    let mut lines = Vec::new();
    for (traffic, written) in pool.blueprint.traffic.iter().enumerate() {
        for (at, journey) in written.journeys.iter().enumerate() {
            let runs = counts(pool, (traffic, at), None);
            let sum = |of: fn(&JourneyCount) -> u64| runs.iter().map(of).sum::<u64>() as f64;
            let started = sum(|it| it.started);
            if started == 0.0 {
                continue;
            }
            let share = |count: f64| format!("{:.1} %", 100.0 * count / started);
            lines.push(format!(
                "{}: {} finished, {} left after a failure, {} ran out of patience; {:.2} requests each",
                journey.name,
                share(sum(|it| it.finished)),
                share(sum(|it| it.abandoned_after_failure)),
                share(sum(|it| it.abandoned_impatient)),
                sum(|it| it.requests) / started
            ));
        }
    }
    lines
}
