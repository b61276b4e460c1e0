//! Standalone tasks: each family becomes a group of tasks like a service's, which nobody keeps.

use super::{Context, Table, capacity, deployment, each, revision, schedule, service};
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema::{self, StandaloneTask};
use crate::units::Span;

/// The families, to stand behind the services in the order of `tasks`.
pub(super) fn families(cx: &mut Context, groups: &[AutoScalingGroup]) -> Vec<Service> {
    let root = Path::Root;
    let mut families = Vec::new();
    each(&cx.said.tasks, &root.key("tasks"), |_, name, said, path| {
        families.extend(family(cx, name, said, groups, path));
    });
    families
}

fn family(
    cx: &mut Context,
    name: &str,
    said: &StandaloneTask,
    groups: &[AutoScalingGroup],
    path: &Path,
) -> Option<Service> {
    let as_service = said.as_service(name);
    let inline = [
        ("image_size", said.image_size.is_some()),
        ("cpu_use", said.cpu_use.is_some()),
    ];
    for (key, _) in inline
        .iter()
        .filter(|(_, given)| *given && said.task_definition.is_some())
    {
        let message = format!("`{key}` and `task_definition` exclude each other");
        cx.report(Code::ConflictingKeys, &path.key(key), message);
    }
    let shares = capacity::shares(cx, &as_service, path);
    let (placement_constraints, mut placement_strategy) = service::placement(cx, &as_service, path);
    if said.placement_strategy.is_none() {
        placement_strategy = vec![PlacementStrategy::Random];
    }
    let mut revision = revision::first(cx, name, &as_service, path)?;
    let mut definition = cx.task_definitions.get(revision.task_definition.at())?.clone();
    definition.containers[revision.serving_container].exits = Some(ContainerExit {
        after: cx.dist(&said.runs_for, &path.key("runs_for")),
        code: said.exit_code,
    });
    let place = path.key(if said.task_definition.is_some() {
        "task_definition"
    } else {
        "cpu"
    });
    capacity::check_fit(cx, &as_service, &shares, groups, &definition, &place);
    cx.task_definitions.push(definition);
    revision.task_definition = TaskDefinitionIx::from_usize(cx.task_definitions.len() - 1);
    Some(Service {
        name: format!("family:{name}"),
        desired_count: 0,
        scheduling: Scheduling {
            strategy: SchedulingStrategy::Standalone,
            ..Scheduling::default()
        },
        capacity: shares,
        placement_constraints,
        placement_strategy,
        health_check_grace_period: Span::ZERO,
        deployment: deployment::configuration(cx, &as_service, path),
        load_balancers: Vec::new(),
        auto_scaling: None,
        consumes: Vec::new(),
        operations: Vec::new(),
        revisions: vec![revision],
    })
}

/// The position of a family among the services and families.
fn position(cx: &Context, family: usize) -> ServiceIx {
    ServiceIx::from_usize(cx.said.services.0.len() + family)
}

pub(super) fn run_task(cx: &mut Context, said: &schema::RunTask, path: &Path) -> Option<Happening> {
    let family = cx.find(Table::StandaloneTask, &said.task, &path.key("task"))?;
    Some(Happening::RunTask {
        family: position(cx, family),
        count: said.count,
    })
}

/// What the families' schedules start.
pub(super) fn scheduled(cx: &mut Context) -> Vec<TimedEvent> {
    let root = Path::Root;
    let section = root.key("tasks");
    let mut events = Vec::new();
    for (at, (name, said)) in cx.said.tasks.0.iter().enumerate() {
        let here = section.key(name);
        let schedules = here.key("schedules");
        for (position_of_schedule, each) in said.schedules.iter().enumerate() {
            let place = schedules.at(position_of_schedule);
            for instant in schedule::instants(cx, &each.schedule, &place.key("schedule")) {
                events.push(TimedEvent {
                    at: instant,
                    what: Happening::RunTask {
                        family: position(cx, at),
                        count: each.count,
                    },
                });
            }
        }
    }
    events
}
