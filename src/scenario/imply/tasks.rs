//! Tasks: sizes, network modes, and all that may be left out of a container.

use super::on_fargate;
use crate::aws::fargate;
use crate::scenario::schema::{
    Architecture, Container, ContainerCondition, Cpu, Memory, Named, NetworkMode, RuntimePlatform, Scenario,
    TaskDefinition, constant,
};
use crate::units::{CpuUnits, MiB};

const DEFAULT_CPU: Cpu = Cpu(CpuUnits(1024));
const DEFAULT_MEMORY: Memory = Memory(MiB(2048));

pub(super) fn task_definitions(said: &mut Scenario) {
    // A definition is used by the services that begin with it and by those that are deployed with it.
    let first = (said.services.0.iter()).map(|(_, service)| (service.task_definition.clone(), on_fargate(service)));
    let deploys = said.events.iter().filter_map(|event| event.deploy.as_ref());
    let later = deploys.flat_map(|deploys| deploys.0.iter()).map(|(name, deploy)| {
        let fargate = said.services.get(name).is_some_and(on_fargate);
        (deploy.task_definition.clone(), fargate)
    });
    let standalone = said.tasks.0.iter().map(|(name, task)| {
        let as_service = task.as_service(name);
        (as_service.task_definition.clone(), on_fargate(&as_service))
    });
    let users: Vec<(Option<String>, bool)> = first.chain(later).chain(standalone).collect();
    for (name, definition) in &mut said.task_definitions.0 {
        let fargate = users
            .iter()
            .any(|(user, fargate)| *fargate && user.as_ref() == Some(name));
        definition.network_mode.get_or_insert(if fargate {
            NetworkMode::Awsvpc
        } else {
            NetworkMode::Bridge
        });
        definition.runtime_platform.get_or_insert(RuntimePlatform {
            cpu_architecture: Architecture::X86_64,
        });
        containers(name, &mut definition.containers);
        // A size that AWS derives from the containers. Without a `cpu` of its own a task on instances has no limit, but
        // shares; Fargate limits it in any case.
        let (cpu, memory) = sums(definition);
        if fargate {
            definition.cpu = definition.cpu.or(cpu);
        }
        definition.memory = definition.memory.or(memory);
    }
    for (name, task) in &mut said.tasks.0 {
        if task.task_definition.is_none() {
            let (cpu, memory) = if on_fargate(&task.as_service(name)) {
                fargate_size(task.cpu, task.memory)
            } else {
                (task.cpu, task.memory)
            };
            task.cpu = Some(cpu.unwrap_or(DEFAULT_CPU));
            task.memory = Some(memory.unwrap_or(DEFAULT_MEMORY));
        }
    }
    for (name, service) in &mut said.services.0 {
        if service.task_definition.is_none() {
            let inside = service.containers.get_or_insert_default();
            containers(name, inside);
            let (cpu, memory) = sums(&TaskDefinition {
                containers: inside.clone(),
                ..TaskDefinition::default()
            });
            let memory = service.memory.or(memory);
            let (size, memory) = if on_fargate(service) {
                fargate_size(service.cpu.or(cpu), memory)
            } else {
                (service.cpu, memory)
            };
            // As above: shares are no size.
            let has_shares = !on_fargate(service) && size.is_none() && cpu.is_some();
            service.cpu = size.or((!has_shares).then_some(DEFAULT_CPU));
            service.memory = Some(memory.unwrap_or(DEFAULT_MEMORY));
        }
    }
}

/// Fills in the half of a Fargate size that is not given, so that the two go together.
fn fargate_size(cpu: Option<Cpu>, memory: Option<Memory>) -> (Option<Cpu>, Option<Memory>) {
    match (cpu, memory) {
        (Some(cpu), None) => {
            let sizes = fargate::valid_memory(cpu.0);
            let size = sizes.iter().find(|size| **size >= DEFAULT_MEMORY.0).or(sizes.last());
            (Some(cpu), size.map(|size| Memory(*size)))
        }
        (None, Some(memory)) => {
            let size = fargate::smallest_holding(DEFAULT_CPU.0, memory.0);
            (size.map(|(cpu, _)| Cpu(cpu)), Some(memory))
        }
        both => both,
    }
}

fn sums(definition: &TaskDefinition) -> (Option<Cpu>, Option<Memory>) {
    let containers = || definition.containers.0.iter().map(|(_, container)| container);
    let cpu: u32 = containers()
        .filter_map(|container| container.cpu)
        .fold(0, |sum, cpu| sum.saturating_add(cpu.0.0));
    let memory: u64 = containers()
        .filter_map(|container| container.memory_reservation.or(container.memory))
        .fold(0, |sum, memory| sum.saturating_add(memory.0.0));
    (
        (cpu > 0).then_some(Cpu(CpuUnits(cpu))),
        (memory > 0).then_some(Memory(MiB(memory))),
    )
}

fn containers(family: &str, containers: &mut Named<Container>) {
    if containers.is_empty() {
        containers.0.push(("app".to_owned(), Container::default()));
    }
    for (name, container) in &mut containers.0 {
        container.image.get_or_insert_with(|| format!("{family}/{name}"));
        if container.image_layers.is_none() {
            container.image_size.get_or_insert(Container::IMAGE_SIZE);
        }
        container.essential.get_or_insert(true);
        container.host_ports.get_or_insert_default();
        container.depends_on.get_or_insert_default();
        container.stop_timeout.get_or_insert(Container::STOP_TIMEOUT);
        container.shut_down.get_or_insert_with(Container::shut_down);
    }
    // What others wait for to end must end: an init container of which nothing more is said runs for a second.
    let awaited: Vec<String> = containers
        .0
        .iter()
        .flat_map(|(_, container)| container.depends_on.iter().flatten())
        .filter(|need| {
            matches!(
                need.condition,
                ContainerCondition::Complete | ContainerCondition::Success
            )
        })
        .map(|need| need.container_name.clone())
        .collect();
    for (name, container) in &mut containers.0 {
        if container.essential == Some(false) && awaited.contains(name) {
            container.runs_for.get_or_insert_with(|| constant(1));
        }
        if container.runs_for.is_some() {
            container.exit_code.get_or_insert(0);
        }
    }
}
