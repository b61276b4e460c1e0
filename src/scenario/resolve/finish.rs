//! What only shows when everything is resolved: the kind of run, and checks that look at several topics at once.

use super::{Context, balancer, load};
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema;
use crate::units::Span;

/// Longer runs are a slip of the unit.
pub(super) const LONGEST_RUN: Span = Span::from_secs(366 * 86_400);

pub(super) fn duration(cx: &mut Context) {
    let root = Path::Root;
    cx.positive(cx.said.duration.0, &root.key("duration"));
    for (key, span) in [("duration", cx.said.duration.0), ("warm_up", cx.said.warm_up.0)] {
        if span > LONGEST_RUN {
            let message = "more than a year";
            cx.problems.report_with(Code::OutOfRange, &root.key(key), message, |d| {
                d.expected("at most 366d")
            });
        }
    }
    let run_out = cx.said.limits.run_out.0;
    if run_out > LONGEST_RUN {
        let limits = root.key("limits");
        cx.report(Code::OutOfRange, &limits.key("run_out"), "more than a year");
    }
}

/// Only a world in which nothing is ever told to change can have a steady state.
pub(super) fn kind(said: &schema::Scenario, traffic: &[Traffic]) -> Kind {
    let changes = |traffic: &Traffic| match &traffic.source {
        Source::Open { profile, .. } => {
            let rates = || profile.segments.iter().flat_map(|segment| [segment.from, segment.to]);
            rates().any(|rate| Some(rate) != rates().next())
        }
        Source::Recorded(_) => true,
        Source::Closed { .. } => false,
    };
    let scaled = said
        .services
        .0
        .iter()
        .any(|(_, service)| service.auto_scaling.is_some());
    let runs_tasks = said.tasks.0.iter().any(|(_, task)| !task.schedules.is_empty());
    let empty = said.start == schema::Start::Empty;
    if traffic.iter().any(changes) || !said.events.is_empty() || scaled || runs_tasks || empty {
        Kind::Terminating
    } else {
        Kind::Steady
    }
}

/// Checks over the whole, made only if every part is right.
pub(super) fn whole(cx: &mut Context, blueprint: &Blueprint) {
    super::cache::check(cx, blueprint);
    super::server::doubts(cx, blueprint);
    super::brown_out::doubts(cx, blueprint);
    super::start_up::doubts(cx, blueprint);
    fleet(cx, blueprint);
    super::code_deploy::check_calls(cx, blueprint);
    start_ups(cx, blueprint);
    target_groups(cx, blueprint);
    balancer::doubts(cx, blueprint);
    super::dependency::doubts(cx, blueprint);
    super::queue::check(cx, blueprint);
    super::wire::doubts(cx, blueprint);
    load::check(cx, blueprint);
    super::objective::check(cx, blueprint);
}

/// Whether the instances can hold the tasks at the start, by the sums of what they need.
fn fleet(cx: &mut Context, blueprint: &Blueprint) {
    let root = Path::Root;
    let services = root.key("services");
    for (at, group) in blueprint.auto_scaling_groups.iter().enumerate() {
        let (mut cpu, mut memory, mut interfaces) = (0_u64, 0_u64, 0_u64);
        let mut last = None;
        for service in &blueprint.services {
            let only_here = |share: &CapacityShare| share.provider == Provider::Group(GroupIx::from_usize(at));
            if !service.capacity.iter().all(only_here) {
                continue;
            }
            let task = &blueprint.task_definitions[service.revisions[0].task_definition.at()];
            let count = u64::from(service.desired_count);
            cpu += count * u64::from(task.cpu.0);
            memory += count * task.memory.0;
            interfaces += if task.network_mode == NetworkMode::Awsvpc {
                count
            } else {
                0
            };
            last = Some(service);
        }
        let instances = u64::from(group.desired_capacity);
        let size = group.instance_type;
        let lacking = if cpu > instances * u64::from(size.cpu.0) {
            "CPU"
        } else if memory > instances * group.memory_for_tasks().0 {
            "memory"
        } else if interfaces > instances * u64::from(group.awsvpc_tasks) {
            "network interfaces"
        } else {
            continue;
        };
        let Some(service) = last else { continue };
        let message = format!(
            "the {instances} instances of `{}` lack the {lacking} for all desired tasks",
            group.name
        );
        cx.report_hint(
            Code::FleetTooSmall,
            &services.key(&service.name).key("desired_count"),
            message,
            "some tasks will wait for an instance; raise `desired_capacity`, or take a larger type",
        );
    }
}

/// Start-ups that health checks cut short, again and again.
fn start_ups(cx: &mut Context, blueprint: &Blueprint) {
    let root = Path::Root;
    let (services, events) = (root.key("services"), root.key("events"));
    for service in &blueprint.services {
        for (at, revision) in service.revisions.iter().enumerate() {
            let usual = |revision: &Revision| {
                let task = &blueprint.task_definitions[revision.task_definition.at()];
                usual_start_up(task, revision)
            };
            if at > 0 && usual(revision) == usual(&service.revisions[0]) {
                continue;
            }
            let task = &blueprint.task_definitions[revision.task_definition.at()];
            let Some(patience) = patience(blueprint, service, task, revision) else {
                continue;
            };
            let message = format!(
                "start-up takes about {:.0} s, and health checks stop the task after {:.0} s",
                usual(revision).seconds(),
                patience.seconds()
            );
            let key = if revision.start_up_cpu.is_some() {
                "start_up_cpu"
            } else {
                "start_up"
            };
            let hint = "raise `health_check_grace_period` (or the check's `start_period`), or start faster";
            let position = cx.said.events.iter().position(|event| {
                let deploy = event.deploy.as_ref().and_then(|deploys| deploys.get(&service.name));
                deploy.is_some_and(|deploy| deploy.start_up.is_some() || deploy.start_up_cpu.is_some())
            });
            match position.filter(|_| at > 0) {
                Some(event) => {
                    let (event, deploy) = (events.at(event), "deploy");
                    let deploy = event.key(deploy);
                    let deploy = deploy.key(&service.name);
                    cx.report_hint(Code::StartUpOutlastsChecks, &deploy.key(key), message, hint);
                }
                None => {
                    let path = services.key(&service.name);
                    cx.report_hint(Code::StartUpOutlastsChecks, &path.key(key), message, hint);
                }
            }
        }
    }
}

/// The median of the start-up on the task's CPU: less than a vCPU makes its work last as much longer, unless it may borrow.
fn usual_start_up(task: &TaskDefinition, revision: &Revision) -> Span {
    let work = revision.start_up_cpu.as_ref().map_or(0.0, |work| work.quantile(0.5));
    let threads = match task.cpu_limit {
        CpuLimit::Quota => task.cpu.vcpus().min(1.0),
        CpuLimit::Shares => 1.0,
    };
    Span::from_secs_f64(revision.start_up.quantile(0.5) + work / threads)
}

/// After which time a task that takes its median start-up is stopped as unhealthy; `None` if it gets through.
///
/// A target that fails `unhealthy_threshold` checks before it is up must then pass `healthy_threshold` of them, and all
/// of that within the grace period, or ECS replaces the task [BC:ecs healthCheckGracePeriodSeconds].
fn patience(blueprint: &Blueprint, service: &Service, task: &TaskDefinition, revision: &Revision) -> Option<Span> {
    let start_up = usual_start_up(task, revision);
    let grace = service.health_check_grace_period;
    let mut shortest: Option<Span> = None;
    let mut stopped_after = |span: Span| shortest = Some(shortest.map_or(span, |known| known.min(span)));
    for binding in &service.load_balancers {
        let check = &blueprint.target_groups[binding.target_group.at()].health_check;
        let noticed = check.interval.scaled(f64::from(check.unhealthy_threshold - 1));
        let recovered = start_up + check.interval.scaled(f64::from(check.healthy_threshold));
        if start_up > noticed && recovered > grace {
            stopped_after(noticed.max(grace));
        }
    }
    if let Some(check) = task
        .containers
        .get(revision.serving_container)
        .and_then(|container| container.health_check)
    {
        let noticed = check.start_period + check.interval.scaled(f64::from(check.retries));
        if start_up > noticed && start_up > grace {
            stopped_after(noticed.max(grace));
        }
    }
    shortest
}

/// Target groups that get requests and have nobody to serve them.
fn target_groups(cx: &mut Context, blueprint: &Blueprint) {
    let root = Path::Root;
    let section = root.key("load_balancers");
    let served = |group: TargetGroupIx| {
        blueprint
            .services
            .iter()
            .flat_map(|service| &service.load_balancers)
            .any(|binding| {
                binding.target_group == group || binding.alternate.is_some_and(|other| other.target_group == group)
            })
    };
    let actions = blueprint
        .load_balancers
        .iter()
        .flat_map(|balancer| &balancer.listeners)
        .flat_map(|listener| {
            listener
                .rules
                .iter()
                .map(|rule| &rule.action)
                .chain(std::iter::once(&listener.default_action))
        });
    let mut lonely: Vec<usize> = actions
        .flat_map(|action| match action {
            Action::Forward(groups) => groups.as_slice(),
            Action::FixedResponse(_) | Action::Redirect(_) => &[],
        })
        .filter(|group| group.weight > 0 && !served(group.target_group))
        .map(|group| group.target_group.at())
        .collect();
    lonely.sort_unstable();
    lonely.dedup();
    for at in lonely {
        let (balancer, name) = cx.target_groups[at];
        let owner = &cx.said.load_balancers.0[balancer].0;
        let here = section.key(owner);
        cx.report_hint(
            Code::TargetGroupOfNoService,
            &here.key("target_groups").key(name),
            format!("no service registers its tasks with `{name}`"),
            "requests that are forwarded to it are answered 503",
        );
    }
}
