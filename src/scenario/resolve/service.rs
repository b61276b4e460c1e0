//! Services: capacity, placement, target groups, and their revisions.

use super::event::Deployed;
use super::{Context, Table, capacity, deployment, each, queue, revision, scaling, scheduling, shift, start_up};
use crate::aws::quotas::ecs;
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::imply::on_fargate;
use crate::scenario::path::Path;
use crate::scenario::schema::{self, PlacementConstraintType, PlacementField, PlacementStrategyType};

/// `deployed` has for each service what later events make of it, in order.
pub(super) fn services(cx: &mut Context, groups: &[AutoScalingGroup], deployed: &[Vec<Deployed>]) -> Vec<Service> {
    let root = Path::Root;
    let section = root.key("services");
    let mut services = Vec::new();
    each(&cx.said.services, &section, |at, name, said, path| {
        if let Some(work) = &said.connection_cpu {
            let work = cx.dist(work, &path.key("connection_cpu"));
            cx.wires.connection_cpu.push((ServiceIx::from_usize(at), work));
        }
        if let Some(made) = service(cx, name, said, groups, &deployed[at], path) {
            services.push(made);
        }
    });
    services
}

fn service(
    cx: &mut Context,
    name: &str,
    said: &schema::Service,
    groups: &[AutoScalingGroup],
    deployed: &[Deployed],
    path: &Path,
) -> Option<Service> {
    if said.operations.is_empty() {
        cx.report_hint(
            Code::NoOperations,
            &path.key("operations"),
            format!("`{name}` does nothing"),
            "say what a request makes it do: `operations: { get: [{ cpu: 20ms }] }`",
        );
    }
    cx.check_names(said.operations.names(), &path.key("operations"));
    let shares = capacity::shares(cx, said, path);
    let desired_count = scheduling::desired_count(cx, said, &shares, groups, path);
    let load_balancers = bindings(cx, said, path);
    let scheduling = scheduling::scheduling(cx, said, path);
    let deployment = deployment::configuration(cx, said, path);
    let auto_scaling = scaling::auto_scaling(cx, said.auto_scaling.as_ref(), &path.key("auto_scaling"));
    let (constraints, strategy) = placement(cx, said, path);
    let first = revision::first(cx, name, said, path)?;
    let mut revisions = vec![first];
    for (at, deploy) in deployed.iter().enumerate() {
        let made = deploy.at(name, |path| {
            revision::deployed(cx, (name, said), &revisions[0], (at + 1, deploy.said), path)
        });
        revisions.extend(made);
    }
    for revision in &revisions {
        let Some(task) = cx.task_definitions.get(revision.task_definition.at()).cloned() else {
            continue;
        };
        let place = if said.task_definition.is_some() {
            path.key("task_definition")
        } else {
            path.key("cpu")
        };
        capacity::check_fit(cx, said, &shares, groups, &task, &place);
        start_up::check_loading(cx, said, &task, &place);
        if on_fargate(said) {
            check_fargate(cx, &task, &path.key("task_definition"));
        }
    }
    Some(Service {
        name: name.to_owned(),
        desired_count,
        scheduling,
        capacity: shares,
        placement_constraints: constraints,
        placement_strategy: strategy,
        health_check_grace_period: said.health_check_grace_period.0,
        deployment,
        load_balancers,
        auto_scaling,
        operations: said.operations.names().map(str::to_owned).collect(),
        consumes: queue::consumers(cx, name, said, path),
        revisions,
    })
}

/// What AWS allows a service, at the start or later.
pub(super) fn check_desired_count(cx: &mut Context, count: u32, path: &Path) {
    if count > ecs::TASKS_PER_SERVICE {
        let message = format!("{count} tasks are more than a service may have");
        cx.problems
            .report_with(Code::OutOfRange, path, message, |d| d.expected("at most 5000"));
    }
}

/// What AWS asks of task definitions on Fargate besides their size.
fn check_fargate(cx: &mut Context, task: &TaskDefinition, path: &Path) {
    if task.network_mode != NetworkMode::Awsvpc {
        let message = format!("`{}` cannot run on Fargate with its network mode", task.name);
        cx.problems.report_with(Code::FargateNetworkMode, path, message, |d| {
            d.expected("the network mode `awsvpc`")
        });
    }
    for container in &task.containers {
        let timeouts = [
            (
                "stop_timeout",
                Some(container.stop_timeout),
                ecs::FARGATE_STOP_TIMEOUT_S,
            ),
            ("start_timeout", container.start_timeout, ecs::FARGATE_START_TIMEOUT_S),
        ];
        for (key, timeout, range) in timeouts {
            let Some(timeout) = timeout else { continue };
            if !range.contains(&(timeout.nanos() / 1_000_000_000)) {
                let message = format!("`{key}` of `{}` is outside what Fargate allows", container.name);
                cx.problems.report_with(Code::OutOfRange, path, message, |diagnostic| {
                    diagnostic.expected(format!("{}s to {}s", range.start(), range.end()))
                });
            }
        }
    }
}

fn bindings(cx: &mut Context, said: &schema::Service, path: &Path) -> Vec<ServiceLoadBalancer> {
    let section = path.key("load_balancers");
    let list = said.load_balancers.as_deref().unwrap_or_default();
    if list.len() > ecs::TARGET_GROUPS_PER_SERVICE {
        let message = format!("{} target groups for one service", list.len());
        cx.problems.report_with(Code::WrongLength, &section, message, |d| {
            d.expected("at most 5, as AWS allows")
        });
    }
    let mut bindings: Vec<ServiceLoadBalancer> = Vec::new();
    for (at, binding) in list.iter().enumerate() {
        let here = section.at(at);
        let name = here.key("target_group");
        let alternate = binding.advanced_configuration.as_ref().and_then(|advanced| {
            shift::alternate(cx, &binding.target_group, advanced, &here.key("advanced_configuration"))
        });
        let Some(group) = cx.find(Table::TargetGroup, &binding.target_group, &name) else {
            continue;
        };
        let target_group = TargetGroupIx::from_usize(group);
        if bindings.iter().any(|other| other.target_group == target_group) {
            cx.report(
                Code::NameTaken,
                &name,
                format!("`{}` stands here twice", binding.target_group),
            );
        }
        if !is_forwarded_to(cx, &binding.target_group) {
            let message = format!("no listener forwards to the target group `{}`", binding.target_group);
            cx.report_hint(
                Code::TargetGroupWithoutListener,
                &name,
                message,
                "AWS: the target group does not have an associated load balancer; add a rule or a default action",
            );
        }
        bindings.push(ServiceLoadBalancer {
            target_group,
            alternate,
        });
    }
    bindings
}

fn is_forwarded_to(cx: &Context, name: &str) -> bool {
    let forwards = |groups: &[schema::WeightedTargetGroup]| groups.iter().any(|group| group.target_group == name);
    cx.said
        .load_balancers
        .0
        .iter()
        .flat_map(|(_, balancer)| &balancer.listeners.0)
        .any(|(_, listener)| {
            matches!(&listener.default_action, schema::Action::Forward(groups) if forwards(groups))
                || listener
                    .rules
                    .iter()
                    .any(|rule| rule.forward.as_deref().is_some_and(forwards))
        })
}

pub(super) fn placement(
    cx: &mut Context,
    said: &schema::Service,
    path: &Path,
) -> (Vec<PlacementConstraint>, Vec<PlacementStrategy>) {
    let constraints_path = path.key("placement_constraints");
    let strategy_path = path.key("placement_strategy");
    let strategies = said.placement_strategy.as_deref().unwrap_or_default();
    if on_fargate(said) {
        if !said.placement_constraints.is_empty() {
            let message = "placement constraints are not supported with FARGATE launch type";
            cx.report(Code::PlacementOnFargate, &constraints_path, message);
        }
        if !strategies.is_empty() {
            let message = "placement strategies are not supported with FARGATE launch type";
            cx.report_hint(
                Code::PlacementOnFargate,
                &strategy_path,
                message,
                "Fargate spreads tasks over the zones itself",
            );
        }
        // What a strategy would say of stopping tasks; Fargate's placement has its own spread.
        return (Vec::new(), vec![PlacementStrategy::SpreadZone]);
    }
    let constraints = said
        .placement_constraints
        .iter()
        .enumerate()
        .filter_map(|(at, constraint)| placement_constraint(cx, constraint, &constraints_path.at(at)))
        .collect();
    let strategy = strategies
        .iter()
        .enumerate()
        .filter_map(|(at, strategy)| placement_strategy(cx, strategy, &strategy_path.at(at)))
        .collect();
    (constraints, strategy)
}

fn placement_strategy(cx: &mut Context, said: &schema::PlacementStrategy, path: &Path) -> Option<PlacementStrategy> {
    let expected = match (said.kind, said.field) {
        (PlacementStrategyType::Random, None) => return Some(PlacementStrategy::Random),
        (PlacementStrategyType::Spread, Some(PlacementField::Zone)) => return Some(PlacementStrategy::SpreadZone),
        (PlacementStrategyType::Spread, Some(PlacementField::InstanceId | PlacementField::Host)) => {
            return Some(PlacementStrategy::SpreadInstance);
        }
        (PlacementStrategyType::Binpack, Some(PlacementField::Cpu)) => return Some(PlacementStrategy::BinpackCpu),
        (PlacementStrategyType::Binpack, Some(PlacementField::Memory)) => {
            return Some(PlacementStrategy::BinpackMemory);
        }
        (PlacementStrategyType::Random, Some(_)) => "no `field` with random",
        (PlacementStrategyType::Spread, _) => {
            "`field: \"attribute:ecs.availability-zone\"` or `field: instanceId` with spread"
        }
        (PlacementStrategyType::Binpack, _) => "`field: cpu` or `field: memory` with binpack",
    };
    cx.problems.report_with(
        Code::MalformedConstraint,
        path,
        "this placement strategy is not one of AWS's",
        |diagnostic| diagnostic.expected(expected),
    );
    None
}

fn placement_constraint(
    cx: &mut Context,
    said: &schema::PlacementConstraint,
    path: &Path,
) -> Option<PlacementConstraint> {
    let here = path.key("expression");
    match (said.kind, said.expression.as_deref()) {
        (PlacementConstraintType::DistinctInstance, None) => Some(PlacementConstraint::DistinctInstance),
        (PlacementConstraintType::DistinctInstance, Some(_)) => {
            cx.report(Code::MalformedConstraint, &here, "distinctInstance takes no expression");
            None
        }
        (PlacementConstraintType::MemberOf, expression) => member_of(cx, expression.unwrap_or_default(), &here),
    }
}

/// The two attributes that are known, compared with `==` or `in [...]`.
fn member_of(cx: &mut Context, expression: &str, path: &Path) -> Option<PlacementConstraint> {
    let wrong = |cx: &mut Context| {
        let message = format!("`{expression}` is not an expression that is understood");
        cx.problems
            .report_with(Code::MalformedConstraint, path, message, |diagnostic| {
                diagnostic.expected(
                    "`attribute:ecs.availability-zone in [a, b]`, `attribute:ecs.availability-zone == a` or \
                 `attribute:ecs.instance-type == m6i.large`",
                )
            });
    };
    let (attribute, rest) = expression.trim().split_once(' ').unwrap_or((expression, ""));
    let rest = rest.trim();
    let values: Vec<&str> = if let Some(value) = rest.strip_prefix("==") {
        vec![value.trim()]
    } else if let Some(list) = rest.strip_prefix("in").map(str::trim)
        && let Some(list) = list.strip_prefix('[').and_then(|list| list.strip_suffix(']'))
    {
        list.split(',').map(str::trim).collect()
    } else {
        wrong(cx);
        return None;
    };
    match (attribute, values.as_slice()) {
        ("attribute:ecs.availability-zone", zones) => {
            let mut bits = 0;
            for zone in zones {
                bits |= 1 << cx.find(Table::Zone, zone, path)?.min(63);
            }
            Some(PlacementConstraint::Zones(bits))
        }
        ("attribute:ecs.instance-type", [one]) => {
            let row = capacity::instance_type(cx, one, path)?;
            Some(PlacementConstraint::InstanceType(row.name))
        }
        _ => {
            wrong(cx);
            None
        }
    }
}
