//! `deployments.csv` and `deployment_steps.csv`: how versions changed, step by step, and what it cost.

use super::events::{moment, table};
use super::label;
use crate::blueprint::{Blueprint, RevisionIx};
use crate::probe::{DeploymentStory, Estimate, Pool, Precision, Toll};
use crate::report::table::{Schema, Table, Value, column};
use crate::sim::observation::{DeploymentStep, RevisionCount};
use crate::stats::clopper_pearson;
use crate::units::Instant;

pub const DEPLOYMENTS: Schema = Schema {
    name: "deployments",
    about: "One row for each deployment that was not over before measured time began.",
    columns: &[
        column("replication", "Which run, from 0."),
        column("deployment", "Number of the deployment in its run."),
        column("service", "Service that is deployed."),
        column(
            "strategy",
            "`ROLLING`, `BLUE_GREEN`, `LINEAR`, `CANARY` or `CODE_DEPLOY`.",
        ),
        column("from_revision", "Revision that it replaces."),
        column("to_revision", "Revision that it brings."),
        column(
            "outcome",
            "`IN_PROGRESS`, `COMPLETED`, `FAILED`, `ROLLED_BACK` or `STOPPED` (a newer one took its place) when the run ended.",
        ),
        column("reason", "Why it ended so, in words."),
        column("start_s", "When it began, in seconds from the end of the warm-up."),
        column(
            "end_s",
            "When it ended, a rollback included; empty: not before the run did.",
        ),
        column("duration_s", "end_s − start_s."),
        column(
            "detected_s",
            "When the circuit breaker or an alarm decided that it had failed.",
        ),
        column("detect_s", "Time to detect: detected_s − start_s."),
        column("roll_back_s", "Time to roll back: end_s − detected_s."),
        column(
            "requests_from",
            "Attempts that tasks of the replaced revision answered while it lasted.",
        ),
        column("errors_from", "Of these, answered 5xx or cut off."),
        column(
            "requests_to",
            "Attempts that tasks of the new revision answered, until the run was over or the service's next deployment ended this one.",
        ),
        column("errors_to", "Of these, answered 5xx or cut off."),
        column(
            "errors_above_old",
            "errors_to less what the replaced revision would have failed of as many, at its share before the deployment.",
        ),
        column("desired", "Desired count when it began."),
        column("lowest_healthy", "Lowest count of healthy tasks while it lasted."),
        column(
            "deepest_dip",
            "Most healthy tasks that were missing at once to the desired count of the moment.",
        ),
        column(
            "below_desired_task_s",
            "Task-seconds of healthy tasks below the desired count: how deep and how long.",
        ),
        column(
            "peak_extra_tasks",
            "Most tasks above the desired count of the moment, each from PENDING to STOPPED.",
        ),
        column(
            "peak_extra_usd_per_hour",
            "What these cost an hour at the discounted Fargate price; empty on instances, which are paid for anyway.",
        ),
        column(
            "extra_vcpu_h",
            "vCPU-hours of tasks above the desired count, each from PENDING to STOPPED.",
        ),
        column("extra_gib_h", "GiB-hours of memory, likewise."),
        column(
            "extra_cost_usd",
            "What these cost at the discounted Fargate price; empty on instances.",
        ),
    ],
};

pub const DEPLOYMENT_SUMMARY: Schema = Schema {
    name: "deployment_summary",
    about: "What each deployment cost its customers, over all runs: one row for each figure of each deployment. Figures \
            that no run has are left out.",
    columns: &[
        column("service", "Service that is deployed."),
        column("strategy", "`ROLLING`, `BLUE_GREEN`, …."),
        column("from_revision", "Revision that it replaces."),
        column("to_revision", "Revision that it brings."),
        column(
            "figure",
            "A column of `deployments.csv`, or `completed_share`, `rolled_back_share`, `failed_share`: of the runs in which \
             it began.",
        ),
        column("runs", "Runs that have the figure."),
        column("mean", "Its mean over these."),
        column("low", "Its 95 % interval over runs (shares: Clopper and Pearson's)."),
        column("high", ""),
        column("note", "Why there is no interval."),
    ],
};

pub const DEPLOYMENT_STEPS: Schema = Schema {
    name: "deployment_steps",
    about: "One row for each decision of the service scheduler about a deployment.",
    columns: &[
        column("time_s", "When, in seconds from the end of the warm-up."),
        column("replication", "Which run, from 0."),
        column("service", "Service that is deployed."),
        column("deployment", "Number of the deployment in its run."),
        column("desired", "Desired count."),
        column("old_running", "Running tasks of the old revision."),
        column("new_running", "Running tasks of the new revision."),
        column("new_healthy", "Healthy tasks of the new revision."),
        column("draining", "Tasks in DEACTIVATING, STOPPING or DEPROVISIONING."),
        column(
            "lower",
            "Fewest healthy tasks allowed: desired × minimumHealthyPercent, rounded up.",
        ),
        column("upper", "Most tasks allowed: desired × maximumPercent, rounded down."),
        column(
            "decision",
            "What was decided: `start 2`, `stop 1`, `wait`, `shift traffic`, `complete`, `roll back`.",
        ),
        column("reason", "Why, in words."),
    ],
};

pub fn deployments(pool: &Pool) -> Table {
    table(
        pool,
        &DEPLOYMENTS,
        |record| record.deployments.len(),
        |record, at| deployment_row(pool.blueprint, record.replication, &record.deployments[at]),
    )
}

pub fn deployment_summary(pool: &Pool) -> Table {
    let mut table = Table::new(&DEPLOYMENT_SUMMARY);
    for same in pool.deployments() {
        let it = &same.stories[0].deployment;
        let mut push = |figure: &str, runs: usize, estimate: Estimate| {
            let interval = estimate.interval();
            let note = estimate.precision.note();
            table.push(vec![
                label::service(pool.blueprint, it.service),
                Value::text(it.strategy),
                label::revision(it.from),
                label::revision(it.to),
                Value::text(figure),
                Value::count(runs as u64),
                Value::measured(estimate.value),
                Value::or_missing(interval.map(|interval| Value::measured(interval.0))),
                Value::or_missing(interval.map(|interval| Value::measured(interval.1))),
                Value::or_missing((!note.is_empty()).then(|| Value::text(note))),
            ]);
        };
        let runs = same.stories.len();
        for (figure, outcome) in OUTCOME_SHARES {
            let ended_so = same.stories.iter().filter(|story| story.deployment.outcome == outcome);
            push(figure, runs, share(ended_so.count(), runs, pool.level));
        }
        for toll in Toll::ALL {
            if let (runs, Some(estimate)) = pool.toll(&same, toll) {
                push(toll.name(), runs, estimate);
            }
        }
    }
    table
}

/// Shares of runs in which a deployment ended so.
const OUTCOME_SHARES: [(&str, &str); 3] = [
    ("completed_share", "COMPLETED"),
    ("rolled_back_share", "ROLLED_BACK"),
    ("failed_share", "FAILED"),
];

fn share(hits: usize, runs: usize, level: f64) -> Estimate {
    let interval = clopper_pearson(hits as u64, runs as u64, level).expect("it began in a run");
    Estimate {
        value: hits as f64 / runs as f64,
        precision: Precision::Between {
            low: interval.low,
            high: interval.high,
        },
    }
}

pub fn deployment_steps(pool: &Pool) -> Table {
    table(
        pool,
        &DEPLOYMENT_STEPS,
        |record| record.deployment_steps.len(),
        |record, at| step_row(pool.blueprint, record.replication, &record.deployment_steps[at]),
    )
}

fn deployment_row(blueprint: &Blueprint, replication: u32, story: &DeploymentStory) -> Vec<Value> {
    let it = &story.deployment;
    let answered = |revision: RevisionIx, of: fn(&RevisionCount) -> u64| {
        Value::or_missing(story.answered.get(revision.at()).map(|count| Value::count(of(count))))
    };
    let between = |later: Option<Instant>, earlier: Option<Instant>| {
        Value::or_missing(
            later
                .zip(earlier)
                .map(|(later, earlier)| Value::span(later.since(earlier))),
        )
    };
    let measured = |toll: Toll| Value::or_missing(toll.of(blueprint, story).map(Value::measured));
    let rolled_back = it.ended.filter(|_| it.outcome == "ROLLED_BACK");
    vec![
        Value::count(replication.into()),
        Value::count(it.deployment.into()),
        label::service(blueprint, it.service),
        Value::text(it.strategy),
        label::revision(it.from),
        label::revision(it.to),
        Value::text(it.outcome),
        Value::text(&it.reason),
        Value::time(blueprint, it.started),
        moment(blueprint, it.ended),
        between(it.ended, Some(it.started)),
        moment(blueprint, it.detected),
        between(it.detected, Some(it.started)),
        between(rolled_back, it.detected),
        answered(it.from, |count| count.requests),
        answered(it.from, |count| count.errors),
        answered(it.to, |count| count.requests),
        answered(it.to, |count| count.errors),
        measured(Toll::ErrorsAboveOld),
        Value::count(it.desired.into()),
        Value::count(it.lowest_healthy.into()),
        Value::count(it.deepest_dip.into()),
        measured(Toll::BelowDesired),
        Value::count(it.peak_extra_tasks.into()),
        measured(Toll::PeakExtraCost),
        Value::measured(it.extra_vcpu_s / 3600.0),
        Value::measured(it.extra_gib_s / 3600.0),
        measured(Toll::ExtraCost),
    ]
}

fn step_row(blueprint: &Blueprint, replication: u32, step: &DeploymentStep) -> Vec<Value> {
    vec![
        Value::time(blueprint, step.at),
        Value::count(replication.into()),
        label::service(blueprint, step.service),
        Value::count(step.deployment.into()),
        Value::count(step.desired.into()),
        Value::count(step.old_running.into()),
        Value::count(step.new_running.into()),
        Value::count(step.new_healthy.into()),
        Value::count(step.draining.into()),
        Value::count(step.lower.into()),
        Value::count(step.upper.into()),
        Value::text(&step.decision),
        Value::text(&step.reason),
    ]
}
