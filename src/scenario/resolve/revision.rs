//! Revisions of a service: what it runs from the start, and what later events deploy.

use super::{Context, Table, behaviour, program, server, skew, task};
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::imply::on_fargate;
use crate::scenario::path::Path;
use crate::scenario::schema::{self, Deploy};
use crate::units::Ratio;

/// The revision that runs at the start. `None` if its task definition is unknown.
pub(super) fn first(cx: &mut Context, name: &str, said: &schema::Service, path: &Path) -> Option<Revision> {
    let task_definition = task_definition(cx, name, said, path);
    let serving_container = task_definition.and_then(|task| serving_container(cx, said, task, path));
    let mut operations = Vec::new();
    for (operation, steps) in said.operations.iter() {
        let here = path.key("operations");
        let program = program::program(cx, steps, &format!("{name}/{operation}"), &here.key(operation));
        operations.push(Operation {
            program,
            error_ratio: Ratio::ZERO,
            cpu_factor: 1.0,
        });
    }
    let names: Vec<String> = said.operations.names().map(str::to_owned).collect();
    let routes = behaviour::routes(cx, &said.routes, &names, &path.key("routes"));
    // Only now, so that what is wrong with the operations is told in one go with a wrong task definition.
    let (task_definition, serving_container) = (task_definition?, serving_container?);
    Some(Revision {
        task_definition,
        serving_container,
        runtime: behaviour::runtime(cx, &said.runtime),
        server_rules: server::rules(cx, said, path),
        cpu_model: match said.cpu_model {
            schema::CpuModel::CfsQuota => CpuModel::CfsQuota,
            schema::CpuModel::Fluid => CpuModel::Fluid,
        },
        start_up: cx.dist(&said.start_up, &path.key("start_up")),
        start_up_cpu: (said.start_up_cpu.as_ref()).map(|time| cx.dist(time, &path.key("start_up_cpu"))),
        routes,
        operations,
        on_disconnect: match said.on_disconnect {
            schema::OnDisconnect::Continue => OnDisconnect::Continue,
            schema::OnDisconnect::Cancel => OnDisconnect::Cancel,
        },
        on_deadline: match said.on_deadline {
            schema::OnDeadline::Abandon => OnDeadline::Abandon,
            schema::OnDeadline::Continue => OnDeadline::Continue,
        },
        keep_alive: said.keep_alive.map(|span| span.0),
        defects: Defects {
            fails_to_start: Ratio::ZERO,
            exits_after: None,
            fails_health_checks: Ratio::ZERO,
        },
        skew: Skew::default(),
    })
}

fn task_definition(cx: &mut Context, name: &str, said: &schema::Service, path: &Path) -> Option<TaskDefinitionIx> {
    let Some(reference) = &said.task_definition else {
        return Some(task::of_service(cx, name, said, on_fargate(said), path));
    };
    let inline = [
        ("cpu", said.cpu.is_some()),
        ("memory", said.memory.is_some()),
        ("containers", said.containers.is_some()),
    ];
    for (key, _) in inline.iter().filter(|(_, given)| *given) {
        let message = format!("`{key}` and `task_definition` exclude each other");
        cx.report_hint(
            Code::ConflictingKeys,
            &path.key(key),
            message,
            format!("say it under `task_definitions.{reference}`"),
        );
    }
    cx.find(Table::TaskDefinition, reference, &path.key("task_definition"))
        .map(TaskDefinitionIx::from_usize)
}

/// The container that the target groups name, or the first essential one.
fn serving_container(
    cx: &mut Context,
    said: &schema::Service,
    task_definition: TaskDefinitionIx,
    path: &Path,
) -> Option<usize> {
    let root = Path::Root;
    let definitions = root.key("task_definitions");
    if let Some(reference) = &said.task_definition
        && cx.problems.is_poisoned(&definitions.key(reference).key("containers"))
    {
        return None;
    }
    let definition = cx.task_definitions.get(task_definition.at())?;
    if definition.containers.is_empty() {
        return None;
    }
    let names: Vec<String> = definition
        .containers
        .iter()
        .map(|container| container.name.clone())
        .collect();
    let essential = definition.containers.iter().position(|container| container.essential);
    let section = path.key("load_balancers");
    let mut serving = None;
    for (at, binding) in said.load_balancers.iter().flatten().enumerate() {
        let Some(name) = &binding.container_name else { continue };
        let here = section.at(at);
        let here = here.key("container_name");
        let Some(container) = names.iter().position(|known| known == name) else {
            let message = format!("the task has no container `{name}`");
            cx.problems
                .report_with(Code::UnknownName, &here, message, |diagnostic| {
                    diagnostic.did_you_mean(name, names.iter().map(String::as_str))
                });
            continue;
        };
        if serving.is_some_and(|other| other != container) {
            let message = "several containers that serve in one task are not modelled yet";
            cx.report_hint(Code::NotModelledYet, &here, message, "make a service of each");
        }
        serving = Some(container);
    }
    serving.or(essential)
}

/// What an event makes of a service: revision `at` (from 1).
pub(super) fn deployed(
    cx: &mut Context,
    (name, said): (&str, &schema::Service),
    first: &Revision,
    (at, deploy): (usize, &Deploy),
    path: &Path,
) -> Option<Revision> {
    let mut revision = first.clone();
    if let Some(reference) = &deploy.task_definition {
        let here = path.key("task_definition");
        revision.task_definition = TaskDefinitionIx::from_usize(cx.find(Table::TaskDefinition, reference, &here)?);
        let serving = cx.task_definitions.get(first.task_definition.at()).map(|old| {
            let serving = old.containers.get(first.serving_container);
            serving.map(|container| container.name.clone()).unwrap_or_default()
        });
        let new = cx.task_definitions.get(revision.task_definition.at())?;
        let same = new
            .containers
            .iter()
            .position(|container| Some(&container.name) == serving.as_ref());
        match same.or(new.containers.iter().position(|container| container.essential)) {
            Some(container) => revision.serving_container = container,
            None => return None,
        }
    }
    let changes = task::Changes {
        containers: &deploy.containers,
        serving: revision.serving_container,
        revision: at,
        memory_leak: deploy.memory_leak.map(|growth| growth.0),
    };
    revision.task_definition = task::changed(cx, revision.task_definition, &changes, path);
    if let Some(start_up) = &deploy.start_up {
        revision.start_up = cx.dist(start_up, &path.key("start_up"));
    }
    if let Some(work) = &deploy.start_up_cpu {
        revision.start_up_cpu = Some(cx.dist(work, &path.key("start_up_cpu")));
    }
    let section = path.key("operations");
    for (operation, changed) in deploy.operations.iter() {
        let here = section.key(operation);
        let Some(position) = said.operations.position(operation) else {
            let message = format!("`{name}` has no operation `{operation}`");
            cx.problems
                .report_with(Code::UnknownName, &here, message, |diagnostic| {
                    diagnostic.did_you_mean(operation, said.operations.names())
                });
            continue;
        };
        let made = &mut revision.operations[position];
        made.error_ratio = changed.error_ratio.map_or(Ratio::ZERO, |share| share.0);
        made.cpu_factor = changed.cpu.map_or(1.0, |factor| factor.0);
        if let Some(steps) = &changed.steps {
            let name = format!("{name}@{}/{operation}", at + 1);
            made.program = program::program(cx, steps, &name, &here.key("steps"));
        }
    }
    revision.skew = skew::skew(cx, deploy, path);
    revision.defects = Defects {
        fails_to_start: deploy.fails_to_start.map_or(Ratio::ZERO, |share| share.0),
        exits_after: deploy
            .exits_after
            .as_ref()
            .map(|time| cx.dist(time, &path.key("exits_after"))),
        fails_health_checks: deploy.fails_health_checks.map_or(Ratio::ZERO, |share| share.0),
    };
    Some(revision)
}
