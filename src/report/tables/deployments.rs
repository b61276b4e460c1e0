//! `deployments.csv` and `deployment_steps.csv`: how versions changed, step by step, and what it cost.

use super::events::{moment, table};
use super::label;
use crate::aws::prices;
use crate::blueprint::{Architecture, Blueprint, Provider, RevisionIx};
use crate::probe::{DeploymentStory, Pool};
use crate::report::table::{Schema, Table, Value, column};
use crate::sim::observation::{DeploymentRecord, DeploymentStep, RevisionCount};
use crate::units::Instant;

pub const DEPLOYMENTS: Schema = Schema {
    name: "deployments",
    about: "One row for each deployment that was not over before measured time began.",
    columns: &[
        column("replication", "Which run, from 0."),
        column("deployment", "Number of the deployment in its run."),
        column("service", "Service that is deployed."),
        column("strategy", "`ROLLING`, `BLUE_GREEN`, `LINEAR` or `CANARY`."),
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
        column("lowest_healthy", "Lowest count of healthy tasks while it lasted."),
        column(
            "extra_vcpu_h",
            "vCPU-hours of tasks above the desired count at its start, each from PENDING to STOPPED.",
        ),
        column("extra_gib_h", "GiB-hours of memory, likewise."),
        column(
            "extra_cost_usd",
            "What these cost at the discounted Fargate price; empty on instances, which are paid for anyway.",
        ),
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
        Value::count(it.lowest_healthy.into()),
        Value::measured(it.extra_vcpu_s / 3600.0),
        Value::measured(it.extra_gib_s / 3600.0),
        Value::or_missing(extra_cost(blueprint, it).map(Value::measured)),
    ]
}

/// What the tasks above the desired count cost, in USD; `None` on instances, which are paid for anyway.
pub fn extra_cost(blueprint: &Blueprint, it: &DeploymentRecord) -> Option<f64> {
    let service = &blueprint.services[it.service.at()];
    let spot = match service.capacity.first()?.provider {
        Provider::Fargate => 1.0,
        Provider::FargateSpot => prices::FARGATE_SPOT_SHARE,
        Provider::Group(_) => return None,
    };
    let revision = &service.revisions[it.to.at()];
    let price = match blueprint.task_definitions[revision.task_definition.at()].architecture {
        Architecture::X86_64 => prices::FARGATE_X86,
        Architecture::Arm64 => prices::FARGATE_ARM,
    };
    let hourly = it.extra_vcpu_s * price.vcpu_hour + it.extra_gib_s * price.gb_hour;
    Some(hourly / 3600.0 * spot * (1.0 - blueprint.prices.fargate.get()))
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
