//! What the agent does on a task's host: starts containers in the order of `dependsOn`, runs their health checks, sees
//! them exit.
//!
//! All images are pulled before the first container is created. A container starts once every dependency has come as far
//! as its condition says [BC:ecs ContainerDependency]. An essential container's exit ends the task; the failure of a
//! condition (exit code, `startTimeout`) makes it fail to start.

use super::ControlPlane;
use super::laws::purpose;
use super::telling::row;
use crate::blueprint::{ContainerCondition, Provider};
use crate::cluster::task::{Container, ContainerState, HealthStatus, StopCode, Task, TaskState};
use crate::engine::arena::Id;
use crate::sim::context::Context;
use crate::sim::event::{ControlEvent, Event};
use crate::sim::observation::{EventKind, Observation};
use crate::sim::signal::{Interface, OnHost, Order, ServerSpec};
use crate::units::Span;

/// What the kernel makes the exit code of a container that is killed.
pub(super) const SIGKILLED: u8 = 137;

/// What is due, in the second byte of an event's `extra`; the container is in the first, and which run of it in the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContainerStep {
    Started,
    /// The start-up is over: it listens and its checks pass.
    Ready,
    Exits,
    HealthCheck,
    StartTimeout,
    /// SIGTERM, in its turn.
    Terminate,
    /// It has ended after SIGTERM, or was killed.
    Ended,
    /// It may have reached a limit of memory.
    OutOfMemory,
}

impl ContainerStep {
    const ALL: [ContainerStep; 8] = [
        ContainerStep::Started,
        ContainerStep::Ready,
        ContainerStep::Exits,
        ContainerStep::HealthCheck,
        ContainerStep::StartTimeout,
        ContainerStep::Terminate,
        ContainerStep::Ended,
        ContainerStep::OutOfMemory,
    ];
}

impl ControlPlane {
    pub(super) fn container_in(&self, cx: &mut Context<'_>, id: Id<Task>, at: usize, step: ContainerStep, after: Span) {
        // A restart overtakes what was due for the run before it; 65,536 restarts are months.
        let run = self.tasks[id].containers[at].restarts & 0xFFFF;
        let extra = run << 16 | (step as u32) << 8 | at as u32;
        cx.calendar
            .schedule_in(after, Event::control(ControlEvent::ContainerStep, id, extra));
    }

    pub(super) fn container_step(&mut self, cx: &mut Context<'_>, id: Id<Task>, extra: u32) {
        let (at, step) = (
            (extra & 0xFF) as usize,
            ContainerStep::ALL[(extra >> 8 & 0xFF) as usize],
        );
        if !self.tasks.contains(id) || self.is_on_dead_host(id) {
            return;
        }
        if self.tasks[id].containers[at].restarts & 0xFFFF != extra >> 16 {
            return;
        }
        let state = self.tasks[id].containers[at].state;
        match step {
            ContainerStep::Started if state == ContainerState::Starting => self.container_started(cx, id, at),
            ContainerStep::Ready if state == ContainerState::Running => self.container_ready(cx, id, at),
            ContainerStep::Exits if state == ContainerState::Running => {
                let code = self.definition(cx, id).containers[at]
                    .exits
                    .as_ref()
                    .map_or(1, |exit| exit.code);
                self.container_exited(cx, id, at, code);
            }
            ContainerStep::HealthCheck if state == ContainerState::Running => self.check_container(cx, id, at),
            ContainerStep::StartTimeout => self.start_timed_out(cx, id, at),
            ContainerStep::Terminate if state == ContainerState::Running && self.serves(cx, id, at) => {
                cx.orders.push(Order::CloseServer(id));
            }
            ContainerStep::Ended => self.end_container(cx, id, at),
            ContainerStep::OutOfMemory if state == ContainerState::Running => self.out_of_memory(cx, id, at),
            _ => {}
        }
    }

    /// Whether this is the container with the server in it.
    pub(super) fn serves(&self, cx: &Context<'_>, id: Id<Task>, at: usize) -> bool {
        self.revision(cx, id).serving_container == at
    }

    /// Starts all containers that wait for nothing any more.
    pub(super) fn start_containers(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        if self.tasks[id].stop.is_some() {
            return;
        }
        let definition = self.definition(cx, id);
        for (at, spec) in definition.containers.iter().enumerate() {
            let containers = &self.tasks[id].containers;
            let satisfied = |condition: ContainerCondition, on: usize| is_satisfied(condition, &containers[on]);
            let free = spec.depends_on.iter().all(|on| satisfied(on.condition, on.container));
            if containers[at].state != ContainerState::Waiting || !free {
                continue;
            }
            let now = cx.now();
            let task = &mut self.tasks[id];
            task.containers[at].state = ContainerState::Starting;
            task.containers[at].since = now;
            let key = task.key.child(purpose::CONTAINER_START).child(at as u64);
            let start = self.laws.container_start.sample(key);
            self.container_in(cx, id, at, ContainerStep::Started, start);
            if let Some(timeout) = spec.start_timeout {
                self.container_in(cx, id, at, ContainerStep::StartTimeout, timeout);
            }
        }
    }

    fn container_started(&mut self, cx: &mut Context<'_>, id: Id<Task>, at: usize) {
        if self.tasks[id].stop.is_some() {
            return;
        }
        let (definition, revision, now) = (self.definition(cx, id), self.revision(cx, id), cx.now());
        let (spec, serves) = (&definition.containers[at], revision.serving_container == at);
        let task = &mut self.tasks[id];
        if serves
            && task
                .key
                .child(purpose::FAILS_TO_START)
                .happens(revision.defects.fails_to_start.get())
        {
            task.containers[at].state = ContainerState::Exited { code: 1 };
            let reason = format!(
                "CannotStartContainerError: Error response from daemon: failed to start container {}",
                spec.name
            );
            return self.fail_to_start(cx, id, StopCode::TaskFailedToStart, &reason);
        }
        let container = &mut task.containers[at];
        container.state = ContainerState::Running;
        container.since = now;
        container.ready = !serves;
        self.tell_container(cx, id, at, "RUNNING", "");
        let task = &self.tasks[id];
        let (service, revision_at, restarts) = (task.service, task.revision, task.containers[at].restarts);
        let runs = task.state() == TaskState::Running;
        if serves {
            self.start_server(cx, id);
            let start_up = self
                .laws
                .revision(service, revision_at)
                .start_up
                .sample(self.container_key(id, at, purpose::START_UP));
            let start_up = self.while_loading(cx, id, start_up);
            self.container_in(cx, id, at, ContainerStep::Ready, start_up);
        }
        if let Some(law) = &self.laws.containers[revision.task_definition.at()][at].exits_after {
            let key = self.container_key(id, at, purpose::CONTAINER_EXIT);
            let life = law.sample(key.child(at as u64));
            self.container_in(cx, id, at, ContainerStep::Exits, life);
        }
        if let Some(check) = &spec.health_check {
            self.container_in(cx, id, at, ContainerStep::HealthCheck, check.interval);
        }
        if restarts > 0 && serves && runs {
            self.await_defect(cx, id);
        }
        self.await_out_of_memory(cx, id);
        self.part_cpu(cx, id, at);
        self.start_containers(cx, id);
        let counts = |at: usize| definition.containers[at].essential || revision.serving_container == at;
        let containers = &self.tasks[id].containers;
        let all = (0..containers.len()).all(|other| !counts(other) || containers[other].has_started());
        if counts(at) && all && self.tasks[id].state() == TaskState::Activating {
            self.containers_started(cx, id);
        }
    }

    /// The server's process exists from now on.
    pub(super) fn start_server(&self, cx: &mut Context<'_>, id: Id<Task>) {
        let task = &self.tasks[id];
        let cpu = self.definition(cx, id).cpu;
        let host_vcpus = match task.provider {
            Provider::Group(group) => {
                let host = cx.blueprint.auto_scaling_groups[group.at()].instance_type.cpu;
                host.0.div_ceil(1024)
            }
            _ => cx.blueprint.model.cpu.fargate_host_vcpus.max(cpu.0.div_ceil(1024)),
        };
        let host = match (task.provider, task.instance) {
            (Provider::Group(group), Some(instance)) if cx.blueprint.shares_cpu(group) => {
                let definition = self.definition(cx, id);
                Some(OnHost {
                    instance,
                    shares: definition.cpu_shares(),
                    limit: definition.cpu_limit,
                })
            }
            _ => None,
        };
        let bandwidth = match task.provider {
            Provider::Group(group) => {
                f64::from(cx.blueprint.auto_scaling_groups[group.at()].instance_type.baseline_mbit) * 1e6 / 8.0
            }
            _ => cx.blueprint.wires.fargate_bandwidth * cpu.vcpus(),
        };
        let interface = Interface {
            instance: task.instance,
            bandwidth,
        };
        let speed = self.speed_of(cx, id);
        let (service, revision, zone) = (task.service, task.revision, task.zone);
        let left = self.cpu_left(cx, id);
        cx.orders.push(Order::StartServer(ServerSpec {
            task: id,
            service,
            revision,
            zone,
            cpu,
            left,
            host,
            host_vcpus,
            memory: self.memory_left(cx, id),
            speed,
            interface,
        }));
        if task.state() == TaskState::Running {
            cx.orders.push(Order::CountCpu(id));
        }
    }

    /// The time of the start-up is over: it listens, or has work to do first that takes as long as the CPU lets it.
    fn container_ready(&mut self, cx: &mut Context<'_>, id: Id<Task>, at: usize) {
        let task = &self.tasks[id];
        if let Some(law) = &self.laws.revision(task.service, task.revision).start_up_cpu {
            let work = law.sample(task.key.child(purpose::START_UP_CPU));
            return cx.orders.push(Order::StartUp { task: id, work });
        }
        self.listens(cx, id, at);
    }

    /// The server has done its work of the start-up.
    pub(super) fn started_up(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        if !self.tasks.contains(id) || self.is_on_dead_host(id) {
            return;
        }
        let at = self.revision(cx, id).serving_container;
        if self.tasks[id].containers[at].state == ContainerState::Running {
            self.listens(cx, id, at);
        }
    }

    fn listens(&mut self, cx: &mut Context<'_>, id: Id<Task>, at: usize) {
        self.tasks[id].containers[at].ready = true;
        cx.orders.push(Order::Listen(id));
    }

    /// A check by the agent: it passes once the start-up is over, unless the revision fails its checks. The failures of
    /// the start period do not count [BC:ecs HealthCheck].
    fn check_container(&mut self, cx: &mut Context<'_>, id: Id<Task>, at: usize) {
        let Some(check) = self.definition(cx, id).containers[at].health_check else {
            return;
        };
        let serves = self.serves(cx, id, at);
        let defective = if serves {
            self.revision(cx, id).defects.fails_health_checks.get()
        } else {
            0.0
        };
        let is_mute = serves && !self.afflictions.is_empty() && self.is_mute(id);
        let now = cx.now();
        let task = &mut self.tasks[id];
        let key = task.key.child(purpose::CONTAINER_CHECK).child(at as u64);
        let container = &mut task.containers[at];
        let before = container.health;
        let passes = container.ready && !is_mute && !key.child(u64::from(container.checks)).happens(defective);
        container.checks += 1;
        if passes {
            container.failures = 0;
            container.health = HealthStatus::Healthy;
        } else if before == HealthStatus::Healthy || now >= container.since + check.start_period {
            // A success within the start period ends it.
            container.failures += 1;
            if container.failures >= check.retries {
                container.health = HealthStatus::Unhealthy;
            }
        }
        let health = container.health;
        // Checks that can only pass need no more events.
        if !(passes && defective == 0.0) {
            self.container_in(cx, id, at, ContainerStep::HealthCheck, check.interval);
        }
        if health != before {
            let to = if health == HealthStatus::Healthy {
                "HEALTHY"
            } else {
                "UNHEALTHY"
            };
            self.tell_container(cx, id, at, to, "");
            self.start_containers(cx, id);
            if !self.is_unheard(id) {
                self.reconsider(cx, id);
            }
        }
    }

    /// The checks of a task that stands at the beginning: those that may fail go on, at a phase of their own.
    pub(super) fn keep_checking_containers(&self, cx: &mut Context<'_>, id: Id<Task>) {
        let (definition, revision) = (self.definition(cx, id), self.revision(cx, id));
        let at = revision.serving_container;
        if let Some(check) = &definition.containers[at].health_check
            && revision.defects.fails_health_checks.get() > 0.0
        {
            let phase = self.tasks[id].key.child(purpose::FIRST_CHECK).child(u64::MAX).uniform();
            self.container_in(cx, id, at, ContainerStep::HealthCheck, check.interval.scaled(phase));
        }
    }

    /// A row about a container: `RUNNING`, `STOPPED`, `HEALTHY`, `UNHEALTHY`.
    fn tell_container(&self, cx: &mut Context<'_>, id: Id<Task>, at: usize, to: &str, reason: &str) {
        let name = &self.definition(cx, id).containers[at].name;
        let mut event = row(cx.now(), EventKind::Container, "", to, format!("{name}{reason}"));
        self.say_whose(&mut event, id);
        cx.observations.push(Observation::Happened(event));
    }

    fn start_timed_out(&mut self, cx: &mut Context<'_>, id: Id<Task>, at: usize) {
        let definition = self.definition(cx, id);
        let containers = &self.tasks[id].containers;
        let waits = definition.containers.iter().zip(containers).any(|(spec, state)| {
            let on = |on: &&crate::blueprint::ContainerDependency| on.container == at;
            let unsatisfied = spec
                .depends_on
                .iter()
                .filter(on)
                .any(|on| !is_satisfied(on.condition, &containers[at]));
            state.state == ContainerState::Waiting && unsatisfied
        });
        if waits && self.tasks[id].stop.is_none() {
            let reason = format!(
                "dependency {} did not reach its condition in time",
                definition.containers[at].name
            );
            self.fail_to_start(cx, id, StopCode::TaskFailedToStart, &reason);
        }
    }

    /// A container has ended by itself.
    pub(super) fn container_exited(&mut self, cx: &mut Context<'_>, id: Id<Task>, at: usize, code: u8) {
        self.container_ended(cx, id, at, code, "Essential container in task exited");
    }

    /// A container has ended without being told to; `reason` is the task's if it must stop for it.
    pub(super) fn container_ended(&mut self, cx: &mut Context<'_>, id: Id<Task>, at: usize, code: u8, reason: &str) {
        let definition = self.definition(cx, id);
        self.tasks[id].containers[at].state = ContainerState::Exited { code };
        self.tell_container(cx, id, at, "STOPPED", &format!(": exit code {code}"));
        if self.serves(cx, id, at) {
            cx.orders.push(Order::KillServer(id));
        }
        self.part_cpu(cx, id, at);
        if self.restart(cx, id, at, code) {
            return;
        }
        let needed = |on: &crate::blueprint::ContainerDependency| {
            on.container == at && on.condition == ContainerCondition::Success && code != 0
        };
        let with_states = definition.containers.iter().zip(&self.tasks[id].containers);
        let breaks = with_states
            .filter(|(_, state)| state.state == ContainerState::Waiting)
            .any(|(spec, _)| spec.depends_on.iter().any(needed));
        if definition.containers[at].essential {
            self.crash(cx, id, reason);
        } else if breaks && self.tasks[id].stop.is_none() {
            let reason = format!("dependency {} exited with code {code}", definition.containers[at].name);
            self.fail_to_start(cx, id, StopCode::TaskFailedToStart, &reason);
        } else {
            self.start_containers(cx, id);
        }
    }

    /// The revision's defect: the serving container exits `life` from now.
    pub(super) fn schedule_exit_of_server(&self, cx: &mut Context<'_>, id: Id<Task>, life: Span) {
        let at = self.revision(cx, id).serving_container;
        self.container_in(cx, id, at, ContainerStep::Exits, life);
    }

    /// A container that was told to stop is no more.
    pub(super) fn end_container(&mut self, cx: &mut Context<'_>, id: Id<Task>, at: usize) {
        if self.tasks[id].containers[at].is_running() {
            let killed = self.takes_longer_than_its_stop_timeout(cx, id, at);
            let code = if killed { SIGKILLED } else { 0 };
            self.tasks[id].containers[at].state = ContainerState::Exited { code };
            self.part_cpu(cx, id, at);
            if self.serves(cx, id, at) {
                cx.orders.push(Order::KillServer(id));
            }
        }
    }

    /// Whether the machine below the task is dead, so that nothing happens on it any more.
    pub(super) fn is_on_dead_host(&self, id: Id<Task>) -> bool {
        let instance = self.tasks[id].instance;
        instance.is_some_and(|instance| self.instances[instance].power == crate::cluster::instance::Power::Dead)
    }
}

/// Whether a dependency has come as far as its dependent needs [BC:ecs ContainerDependency].
fn is_satisfied(condition: ContainerCondition, on: &Container) -> bool {
    match condition {
        ContainerCondition::Start => on.has_started(),
        ContainerCondition::Complete => matches!(on.state, ContainerState::Exited { .. }),
        ContainerCondition::Success => on.state == ContainerState::Exited { code: 0 },
        ContainerCondition::Healthy => on.health == HealthStatus::Healthy,
    }
}
