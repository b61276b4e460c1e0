//! Task definitions: those with a name, those that a service describes itself, and those that a deployment changes.

use super::{Context, container, each, start_up};
use crate::aws::fargate;
use crate::aws::quotas::ecs;
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema::{self, Named, NetworkMode as Mode};
use crate::units::{CpuUnits, MiB};

/// The definitions under `task_definitions`, in their order, at the beginning of the table.
pub(super) fn task_definitions(cx: &mut Context) {
    let root = Path::Root;
    let section = root.key("task_definitions");
    each(&cx.said.task_definitions, &section, |_, name, definition, path| {
        let cpu = definition.cpu.or_else(|| sum_of_shares(&definition.containers));
        let (Some(cpu), Some(memory)) = (cpu, definition.memory) else {
            let message = format!("`{name}` has no size");
            cx.report_hint(
                Code::NoTaskSize,
                path,
                message,
                "give `cpu` and `memory` to the task definition or to each of its containers",
            );
            // Keeps the positions; without containers nothing is asked of it.
            cx.task_definitions.push(TaskDefinition {
                name: name.to_owned(),
                cpu: CpuUnits(256),
                cpu_limit: CpuLimit::Quota,
                memory: MiB(512),
                network_mode: NetworkMode::Awsvpc,
                architecture: Architecture::X86_64,
                extra_storage_gib: 0,
                containers: Vec::new(),
            });
            return;
        };
        let size = Size {
            cpu: cpu.0,
            limit: limit(definition.cpu),
            memory: memory.0,
        };
        let kind = Kind {
            network_mode: match definition.network_mode {
                Some(Mode::None) => NetworkMode::None,
                Some(Mode::Bridge) | None => NetworkMode::Bridge,
                Some(Mode::Host) => NetworkMode::Host,
                Some(Mode::Awsvpc) => NetworkMode::Awsvpc,
            },
            architecture: match definition.runtime_platform.map(|platform| platform.cpu_architecture) {
                Some(schema::Architecture::Arm64) => Architecture::Arm64,
                _ => Architecture::X86_64,
            },
            storage: definition.ephemeral_storage.map(|storage| storage.0),
        };
        let made = make(cx, name, size, kind, &definition.containers, path);
        cx.task_definitions.push(made);
    });
}

/// The definition that a service describes itself, added to the table.
pub(super) fn of_service(
    cx: &mut Context,
    name: &str,
    service: &schema::Service,
    fargate: bool,
    path: &Path,
) -> TaskDefinitionIx {
    let none = Named::default();
    let containers = service.containers.as_ref().unwrap_or(&none);
    let cpu = service.cpu.or_else(|| sum_of_shares(containers));
    let size = Size {
        cpu: cpu.map_or(CpuUnits(0), |cpu| cpu.0),
        limit: limit(service.cpu),
        memory: service.memory.map_or(MiB(0), |memory| memory.0),
    };
    let network_mode = if fargate {
        NetworkMode::Awsvpc
    } else {
        NetworkMode::Bridge
    };
    let kind = Kind {
        network_mode,
        architecture: Architecture::X86_64,
        storage: None,
    };
    let made = make(cx, name, size, kind, containers, path);
    cx.task_definitions.push(made);
    TaskDefinitionIx::from_usize(cx.task_definitions.len() - 1)
}

/// What containers ask for together: reserved, where the task itself asks for nothing.
fn sum_of_shares(containers: &Named<schema::Container>) -> Option<schema::Cpu> {
    let asked = containers.iter().filter_map(|(_, container)| container.cpu);
    let sum = asked.fold(0, |sum: u32, cpu| sum.saturating_add(cpu.0.0));
    (sum > 0).then_some(schema::Cpu(CpuUnits(sum)))
}

/// On instances a task's own `cpu` is a limit, its containers' are shares.
fn limit(own: Option<schema::Cpu>) -> CpuLimit {
    match own {
        Some(_) => CpuLimit::Quota,
        None => CpuLimit::Shares,
    }
}

#[derive(Clone, Copy)]
struct Size {
    cpu: CpuUnits,
    limit: CpuLimit,
    memory: MiB,
}

struct Kind {
    network_mode: NetworkMode,
    architecture: Architecture,
    storage: Option<MiB>,
}

fn make(
    cx: &mut Context,
    name: &str,
    size: Size,
    kind: Kind,
    said: &Named<schema::Container>,
    path: &Path,
) -> TaskDefinition {
    let section = path.key("containers");
    if said.len() > ecs::CONTAINERS_PER_TASK_DEFINITION {
        let message = format!("`{name}` has {} containers", said.len());
        cx.problems
            .report_with(Code::TooManyContainers, &section, message, |d| {
                d.expected("1 to 10 containers")
            });
    }
    if said.is_empty() {
        cx.problems
            .report_with(Code::NoContainers, path, format!("`{name}` has no containers"), |d| {
                d.expected("1 to 10 containers")
            });
    } else if !said.0.iter().any(|(_, container)| container.essential != Some(false)) {
        let message = format!("no container of `{name}` is essential");
        cx.report_hint(
            Code::NoEssentialContainer,
            &section,
            message,
            "AWS wants at least one; leave `essential` out of it",
        );
    }
    check_sums(cx, name, size, said, path);
    let mut containers = Vec::new();
    each(said, &section, |_, container_name, container, path| {
        containers.push(make_container(cx, name, container_name, container, said, path));
    });
    check_order(cx, &containers, &section);
    let extra_storage_gib = kind.storage.map_or(0, |storage| {
        let gib = storage.0.div_ceil(1024) as u32;
        if !fargate::STORAGE_GIB.contains(&gib) {
            let message = "Fargate's ephemeral storage is out of range";
            cx.problems
                .report_with(Code::OutOfRange, &path.key("ephemeral_storage"), message, |d| {
                    d.expected("21 GiB to 200 GiB; 20 GiB are included")
                });
        }
        gib.saturating_sub(fargate::STORAGE_INCLUDED_GIB)
    });
    TaskDefinition {
        name: name.to_owned(),
        cpu: size.cpu,
        cpu_limit: size.limit,
        memory: size.memory,
        network_mode: kind.network_mode,
        architecture: kind.architecture,
        extra_storage_gib,
        containers,
    }
}

fn check_sums(cx: &mut Context, name: &str, size: Size, said: &Named<schema::Container>, path: &Path) {
    if size.cpu.0 == 0 || size.memory.0 == 0 {
        cx.report_hint(
            Code::NoTaskSize,
            path,
            format!("`{name}` has no size"),
            "CPU and memory must be above 0",
        );
        return;
    }
    let containers = || said.0.iter().map(|(_, container)| container);
    let cpu: u64 = containers()
        .filter_map(|container| container.cpu)
        .map(|cpu| u64::from(cpu.0.0))
        .sum();
    let reserved = containers()
        .filter_map(|container| container.memory_reservation.or(container.memory))
        .map(|memory| memory.0.0);
    let reserved = reserved.fold(0_u64, u64::saturating_add);
    if cpu > u64::from(size.cpu.0) {
        let message = format!(
            "the containers' CPU ({cpu} units) exceeds the task's ({} units)",
            size.cpu.0
        );
        cx.report(Code::ContainersExceedTask, &path.key("cpu"), message);
    }
    if reserved > size.memory.0 {
        let message = format!(
            "the containers' memory ({reserved} MiB) exceeds the task's ({} MiB)",
            size.memory.0
        );
        cx.report(Code::ContainersExceedTask, &path.key("memory"), message);
    }
}

fn make_container(
    cx: &mut Context,
    family: &str,
    name: &str,
    said: &schema::Container,
    all: &Named<schema::Container>,
    path: &Path,
) -> Container {
    let essential = said.essential.unwrap_or(true);
    let reference = said.image.clone().unwrap_or_else(|| format!("{family}/{name}"));
    if said.image_layers.is_some() && said.image_size.is_some() {
        start_up::both_sizes(cx, path);
    }
    let contents = start_up::Said {
        size: said.image_size,
        layers: said.image_layers.as_ref(),
        loading: match said.soci_index {
            Some(true) => Loading::Lazy,
            _ => Loading::Whole,
        },
    };
    let image = start_up::image(cx, reference, &contents, path);
    if let Some(shares) = said.cpu.filter(|cpu| cpu.0.0 > ecs::MOST_CPU_SHARES) {
        let message = format!("{} CPU shares are more than Linux has", shares.0.0);
        cx.problems
            .report_with(Code::OutOfRange, &path.key("cpu"), message, |d| {
                d.expected(format!("2 to {}", ecs::MOST_CPU_SHARES))
            });
    }
    let depends_on = depends_on(cx, name, said, all, path);
    let health_check = said.health_check.as_ref().map(|check| {
        let path = path.key("health_check");
        cx.within(
            check.interval.0,
            ecs::health_check::INTERVAL_RANGE_S,
            &path.key("interval"),
        );
        cx.within(
            check.timeout.0,
            ecs::health_check::TIMEOUT_RANGE_S,
            &path.key("timeout"),
        );
        cx.within(
            check.start_period.0,
            ecs::health_check::START_PERIOD_RANGE_S,
            &path.key("start_period"),
        );
        ContainerHealthCheck {
            interval: check.interval.0,
            timeout: check.timeout.0,
            retries: check.retries,
            start_period: check.start_period.0,
        }
    });
    let exits = said.runs_for.as_ref().map(|time| {
        if essential {
            let message = format!("`{name}` ends by itself and is essential: the task would stop with it");
            cx.report_hint(
                Code::EssentialContainerEnds,
                &path.key("runs_for"),
                message,
                "write `essential: false`",
            );
        }
        ContainerExit {
            after: cx.dist(time, &path.key("runs_for")),
            code: said.exit_code.unwrap_or(0),
        }
    });
    if said.exit_code.is_some() && said.runs_for.is_none() {
        let message = "an `exit_code` needs to know when: `runs_for`";
        cx.report(Code::ConflictingKeys, &path.key("exit_code"), message);
    }
    Container {
        name: name.to_owned(),
        essential,
        image,
        host_ports: container::host_ports(cx, said, path),
        depends_on,
        health_check,
        start_timeout: said.start_timeout.map(|timeout| timeout.0),
        stop_timeout: said.stop_timeout.unwrap_or(schema::Container::STOP_TIMEOUT).0,
        shut_down: match &said.shut_down {
            Some(time) => cx.dist(time, &path.key("shut_down")),
            None => cx.dist(&schema::Container::shut_down(), path),
        },
        exits,
        secrets: container::secrets(said),
        logs: container::logs(said),
        restart_policy: container::restart_policy(cx, said, path),
        cpu: said.cpu.map_or(CpuUnits(0), |cpu| cpu.0),
        cpu_use: said.cpu_use.map_or(CpuUnits(0), |cpu| cpu.0),
        memory_limit: said.memory.map(|memory| memory.0),
        memory_use: container::memory_use(cx, name, said, path),
    }
}

fn depends_on(
    cx: &mut Context,
    name: &str,
    said: &schema::Container,
    all: &Named<schema::Container>,
    path: &Path,
) -> Vec<ContainerDependency> {
    let section = path.key("depends_on");
    let mut depends_on = Vec::new();
    for (at, dependency) in said.depends_on.iter().flatten().enumerate() {
        let here = section.at(at);
        let Some(other) = all.position(&dependency.container_name) else {
            let message = format!("there is no container `{}`", dependency.container_name);
            cx.problems
                .report_with(Code::UnknownName, &here.key("container_name"), message, |diagnostic| {
                    diagnostic.did_you_mean(&dependency.container_name, all.names())
                });
            continue;
        };
        let target = &all.0[other].1;
        let condition = match dependency.condition {
            schema::ContainerCondition::Start => ContainerCondition::Start,
            schema::ContainerCondition::Complete => ContainerCondition::Complete,
            schema::ContainerCondition::Success => ContainerCondition::Success,
            schema::ContainerCondition::Healthy => ContainerCondition::Healthy,
        };
        let ends = matches!(condition, ContainerCondition::Complete | ContainerCondition::Success);
        let condition_path = here.key("condition");
        if ends && target.essential.unwrap_or(true) {
            let message = format!(
                "`{name}` waits for the end of `{}`, which is essential",
                dependency.container_name
            );
            cx.report_hint(
                Code::IllegalCondition,
                &condition_path,
                message,
                "AWS allows COMPLETE and SUCCESS only on containers that are not essential",
            );
        }
        if condition == ContainerCondition::Healthy && target.health_check.is_none() {
            let message = format!("`{}` has no health check to be HEALTHY by", dependency.container_name);
            cx.report(Code::IllegalCondition, &condition_path, message);
        }
        depends_on.push(ContainerDependency {
            container: other,
            condition,
        });
    }
    depends_on
}

/// Reports containers that wait for each other.
fn check_order(cx: &mut Context, containers: &[Container], path: &Path) {
    // Taking away what waits for nothing that is left, again and again, leaves the cycles and what waits for them.
    let mut left: Vec<usize> = (0..containers.len()).collect();
    loop {
        let before = left.len();
        let remaining = left.clone();
        left.retain(|at| {
            containers[*at]
                .depends_on
                .iter()
                .any(|need| remaining.contains(&need.container))
        });
        if left.len() == before {
            break;
        }
    }
    if let Some(first) = left.first() {
        let names: Vec<String> = left.iter().map(|at| format!("`{}`", containers[*at].name)).collect();
        let message = format!("{} wait for each other: none can start", names.join(", "));
        cx.report(
            Code::ContainerCycle,
            &path.key(&containers[*first].name).key("depends_on"),
            message,
        );
    }
}

/// What a deployment's event says about containers.
pub(super) struct Changes<'a> {
    pub containers: &'a Named<schema::DeployedContainer>,
    /// The container whose code is new, and so its image.
    pub serving: usize,
    pub revision: usize,
    /// MiB an hour by which the serving container's memory grows.
    pub memory_leak: Option<MiB>,
}

/// A copy of a definition with the images that a new revision brings. Code that differs is another image, so the serving
/// container's is new even if its size is the same; what the event does not name keeps its image.
pub(super) fn changed(cx: &mut Context, from: TaskDefinitionIx, changes: &Changes, path: &Path) -> TaskDefinitionIx {
    let Some(mut definition) = cx.task_definitions.get(from.at()).cloned() else {
        return from;
    };
    let suffix = changes.revision + 1;
    let section = path.key("containers");
    for (name, said) in changes.containers.iter() {
        let here = section.key(name);
        match definition
            .containers
            .iter()
            .position(|container| container.name == name)
        {
            None => {
                let message = format!("`{}` has no container `{name}`", definition.name);
                let known: Vec<&str> = definition
                    .containers
                    .iter()
                    .map(|container| container.name.as_str())
                    .collect();
                cx.problems
                    .report_with(Code::UnknownName, &here, message, |d| d.did_you_mean(name, known));
            }
            Some(at) => {
                let old = definition.containers[at].image;
                definition.containers[at].image = start_up::next_image(cx, old, Some(said), suffix, &here);
            }
        }
    }
    if let Some(serving) = definition.containers.get_mut(changes.serving)
        && changes.containers.get(&serving.name).is_none()
    {
        serving.image = start_up::next_image(cx, serving.image, None, suffix, path);
    }
    if let (Some(growth_per_hour), Some(serving)) =
        (changes.memory_leak, definition.containers.get_mut(changes.serving))
    {
        let base = serving.memory_use.map_or(MiB(0), |declared| declared.base);
        serving.memory_use = Some(MemoryUse { base, growth_per_hour });
    }
    definition.name = format!("{}:{suffix}", definition.name);
    cx.task_definitions.push(definition);
    TaskDefinitionIx::from_usize(cx.task_definitions.len() - 1)
}
