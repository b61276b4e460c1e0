//! Tables of what happened: `events.csv`, `scaling.csv`, `tasks.csv` and `instances.csv`.
//!
//! All replications are written, one after the other, each in order of time; `replication` tells them apart.

use super::label;
use crate::blueprint::{Architecture, Blueprint};
use crate::probe::{Pool, RunRecord};
use crate::report::table::{Schema, Table, Value, column};
use crate::sim::observation::{Event, InstanceRecord, ScalingRecord, TaskRecord};
use crate::units::Instant;

pub const EVENTS: Schema = Schema {
    name: "events",
    about: "One row for each event of measured time that changed the world: changes of state, faults, alarms, messages.",
    columns: &[
        column("time_s", "When, in seconds from the end of the warm-up."),
        column("replication", "Which run, from 0."),
        column(
            "kind",
            "`task`, `container`, `target`, `instance`, `deployment`, `service`, `alarm`, `scaling`, `fault`, \
             `auto_scaling_group`, `run_task`, `load_balancer`, `skew` or `release`.",
        ),
        column("service", "Service that it concerns."),
        column("deployment", "Number of the deployment in its run."),
        column(
            "revision",
            "Revision of the service: 1 runs at the start, deployments add one each.",
        ),
        column("task", "Number of the task in its run."),
        column("instance", "Number of the instance in its run."),
        column("zone", "Availability Zone."),
        column("from", "State or value before."),
        column("to", "State or value after."),
        column("reason", "Why, in words."),
    ],
};

pub const SCALING: Schema = Schema {
    name: "scaling",
    about: "One row for each decision of a scaling policy.",
    columns: &[
        column("time_s", "When, in seconds from the end of the warm-up."),
        column("replication", "Which run, from 0."),
        column("service", "Service that is scaled."),
        column("policy", "Name of the policy."),
        column("action", "`scale out`, `scale in` or `refused`."),
        column("from", "Desired count before."),
        column("to", "Desired count after."),
        column("metric", "Value of the metric that decided."),
        column("target", "The policy's target value."),
        column("reason", "Why, in words."),
    ],
};

pub const TASKS: Schema = Schema {
    name: "tasks",
    about: "One row for each task that was not over before measured time began.",
    columns: &[
        column("replication", "Which run, from 0."),
        column("task", "Number of the task in its run."),
        column("service", "Service that it belongs to."),
        column(
            "revision",
            "Revision that it runs: 1 runs at the start, deployments add one each.",
        ),
        column(
            "provider",
            "`FARGATE`, `FARGATE_SPOT` or the name of the group's capacity provider.",
        ),
        column("instance", "Number of the EC2 instance in its run; empty on Fargate."),
        column("zone", "Availability Zone."),
        column("cpu_units", "Reserved CPU units (1024 are one vCPU)."),
        column("memory_mib", "Reserved memory."),
        column("architecture", "`X86_64` or `ARM64`."),
        column(
            "created_s",
            "When it was created; all times in seconds from the end of the warm-up.",
        ),
        column("pull_started_s", "When the image pull began (Fargate bills from here)."),
        column("running_s", "When it reached RUNNING."),
        column("healthy_s", "When it was first healthy."),
        column("stopping_s", "When its end began."),
        column(
            "stopped_s",
            "When it reached STOPPED; empty: it was still there when the run ended.",
        ),
        column("stop_code", "AWS's stop code."),
        column("stop_reason", "Why it stopped, in AWS's words."),
        column(
            "exit_codes",
            "By container, of those that have exited: `app=0 envoy=137`.",
        ),
    ],
};

pub const INSTANCES: Schema = Schema {
    name: "instances",
    about: "One row for each EC2 instance that was not over before measured time began.",
    columns: &[
        column("replication", "Which run, from 0."),
        column("instance", "Number of the instance in its run."),
        column("group", "Auto Scaling group's capacity provider."),
        column("instance_type", "EC2 instance type."),
        column("zone", "Availability Zone."),
        column(
            "launched_s",
            "When it was launched, in seconds from the end of the warm-up.",
        ),
        column("registered_s", "When it joined the cluster."),
        column(
            "terminated_s",
            "When it ended; empty: it was still there when the run ended.",
        ),
        column("reason", "Why it ended, in words."),
    ],
};

pub fn events(pool: &Pool) -> Table {
    let rows = |record: &RunRecord| record.events.len();
    table(pool, &EVENTS, rows, |record, at| {
        event_row(pool.blueprint, record.replication, &record.events[at])
    })
}

pub fn scaling(pool: &Pool) -> Table {
    let rows = |record: &RunRecord| record.scaling.len();
    table(pool, &SCALING, rows, |record, at| {
        scaling_row(pool.blueprint, record.replication, &record.scaling[at])
    })
}

pub fn tasks(pool: &Pool) -> Table {
    let rows = |record: &RunRecord| record.tasks.len();
    table(pool, &TASKS, rows, |record, at| {
        task_row(pool.blueprint, record.replication, &record.tasks[at])
    })
}

pub fn instances(pool: &Pool) -> Table {
    let rows = |record: &RunRecord| record.instances.len();
    table(pool, &INSTANCES, rows, |record, at| {
        instance_row(pool.blueprint, record.replication, &record.instances[at])
    })
}

/// Rows of every record in turn.
pub(super) fn table(
    pool: &Pool,
    schema: &'static Schema,
    rows: impl Fn(&RunRecord) -> usize,
    row: impl Fn(&RunRecord, usize) -> Vec<Value>,
) -> Table {
    let mut table = Table::new(schema);
    for record in pool.records {
        for at in 0..rows(record) {
            table.push(row(record, at));
        }
    }
    table
}

fn event_row(blueprint: &Blueprint, replication: u32, event: &Event) -> Vec<Value> {
    let ordinal = |number: Option<u32>| Value::or_missing(number.map(|number| Value::count(number.into())));
    vec![
        Value::time(blueprint, event.at),
        Value::count(replication.into()),
        Value::text(event.kind.name()),
        Value::or_missing(event.service.map(|service| label::service(blueprint, service))),
        ordinal(event.deployment),
        Value::or_missing(event.revision.map(label::revision)),
        ordinal(event.task),
        ordinal(event.instance),
        Value::or_missing(event.zone.map(|zone| label::zone(blueprint, zone))),
        Value::text(&event.from),
        Value::text(&event.to),
        Value::text(&event.reason),
    ]
}

fn scaling_row(blueprint: &Blueprint, replication: u32, scaling: &ScalingRecord) -> Vec<Value> {
    vec![
        Value::time(blueprint, scaling.at),
        Value::count(replication.into()),
        label::service(blueprint, scaling.service),
        Value::text(&scaling.policy),
        Value::text(scaling.action),
        Value::count(scaling.from.into()),
        Value::count(scaling.to.into()),
        Value::measured(scaling.metric),
        Value::measured(scaling.target),
        Value::text(&scaling.reason),
    ]
}

/// A point in time that may not have come.
pub(super) fn moment(blueprint: &Blueprint, at: Option<Instant>) -> Value {
    Value::or_missing(at.map(|at| Value::time(blueprint, at)))
}

fn task_row(blueprint: &Blueprint, replication: u32, task: &TaskRecord) -> Vec<Value> {
    vec![
        Value::count(replication.into()),
        Value::count(task.task.into()),
        label::service(blueprint, task.service),
        label::revision(task.revision),
        label::provider(blueprint, task.provider),
        Value::or_missing(task.instance.map(|instance| Value::count(instance.into()))),
        label::zone(blueprint, task.zone),
        Value::count(task.cpu.0.into()),
        Value::count(task.memory.0),
        Value::text(match task.architecture {
            Architecture::X86_64 => "X86_64",
            Architecture::Arm64 => "ARM64",
        }),
        Value::time(blueprint, task.created),
        moment(blueprint, task.pull_started),
        moment(blueprint, task.running),
        moment(blueprint, task.healthy),
        moment(blueprint, task.stopping),
        moment(blueprint, task.stopped),
        Value::text(task.stop_code),
        Value::text(&task.stop_reason),
        Value::text(&task.exit_codes),
    ]
}

fn instance_row(blueprint: &Blueprint, replication: u32, instance: &InstanceRecord) -> Vec<Value> {
    vec![
        Value::count(replication.into()),
        Value::count(instance.instance.into()),
        label::group(blueprint, instance.group),
        Value::text(blueprint.auto_scaling_groups[instance.group.at()].instance_type.name),
        label::zone(blueprint, instance.zone),
        Value::time(blueprint, instance.launched),
        moment(blueprint, instance.registered),
        moment(blueprint, instance.terminated),
        Value::text(&instance.reason),
    ]
}
