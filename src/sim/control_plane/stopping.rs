//! The way out of a task: deregistration first, then SIGTERM, then SIGKILL, then its place is given back.
//!
//! A task that the scheduler stops is DEACTIVATING for the whole deregistration delay of its target groups and gets the
//! stop signal only after it [DG:load-balancer-connection-draining]; an unhealthy one gets it at once, while its target
//! drains [AG#2316]. Containers stop in the reverse order of `dependsOn`; STOPPING lasts until the last is gone, each
//! for min(shut down, stopTimeout). CPU, memory, interface and ports stay taken until STOPPED.

use super::ControlPlane;
use super::agent::ContainerStep;
use super::laws::purpose;
use crate::blueprint::{ServiceIx, TaskDefinition};
use crate::cluster::capacity::Needs;
use crate::cluster::task::{ContainerState, Stop, StopCode, Task, TaskState};
use crate::engine::arena::Id;
use crate::engine::random::Key;
use crate::sim::context::Context;
use crate::sim::observation::{Observation, TaskRecord};
use crate::sim::signal::Order;
use crate::units::{Instant, Span};

/// In which order a task is stopped and taken from its target groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Deregistration runs its course before the stop signal.
    DeregisterFirst,
    /// Both at once.
    AtOnce,
}

impl ControlPlane {
    /// Stops a task that is not stopping yet.
    pub(super) fn stop_task(&mut self, cx: &mut Context<'_>, id: Id<Task>, stop: Stop, manner: Manner) {
        let now = cx.now();
        let task = &mut self.tasks[id];
        assert!(task.stop.is_none(), "task {} is stopped twice", task.ordinal);
        let reason = stop.reason.clone();
        task.stop = Some(stop);
        task.stopping = Some(now);
        match task.state() {
            TaskState::Provisioning | TaskState::Pending => {
                self.enter(cx, id, TaskState::Deprovisioning, &reason);
                self.deprovision(cx, id);
            }
            TaskState::Activating => self.begin_stopping(cx, id),
            TaskState::Running => {
                let service = self.tasks[id].service;
                self.deregister(cx, id);
                if manner == Manner::DeregisterFirst {
                    self.enter(cx, id, TaskState::Deactivating, &reason);
                    if self.tasks[id].registered.is_empty() {
                        self.begin_stopping(cx, id);
                    }
                } else {
                    self.begin_stopping(cx, id);
                }
                self.publish_discovery(cx, service);
            }
            state => unreachable!("a task in {} has a reason to stop", state.name()),
        }
        let service = self.tasks[id].service;
        self.request_pass(cx, service);
    }

    /// The task is to end now.
    pub(super) fn begin_stopping(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        let reason = self.tasks[id]
            .stop
            .as_ref()
            .map_or(String::new(), |stop| stop.reason.clone());
        self.enter(cx, id, TaskState::Stopping, &reason);
        if self.is_unheard(id) {
            // The signal does not get through; it is sent when the host is heard again.
            self.tasks[id].held = true;
        } else {
            self.signal_containers(cx, id);
        }
    }

    /// Sends the containers the stop signal, each in its turn.
    pub(super) fn signal_containers(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        let times = self.stop_times(cx, id);
        let last = times.iter().map(|(_, end)| *end).max().unwrap_or(Span::ZERO);
        for (at, (start, end)) in times.into_iter().enumerate() {
            if !self.tasks[id].containers[at].is_running() {
                continue;
            }
            if start.is_zero() && self.serves(cx, id, at) {
                cx.orders.push(Order::CloseServer(id));
            } else {
                self.container_in(cx, id, at, ContainerStep::Terminate, start);
            }
            self.container_in(cx, id, at, ContainerStep::Ended, end);
        }
        self.step_in(cx, id, last);
    }

    /// For each container: when it gets SIGTERM and when it is gone, from now. Who does not run takes no time.
    fn stop_times(&self, cx: &Context<'_>, id: Id<Task>) -> Vec<(Span, Span)> {
        let definition: &TaskDefinition = self.definition(cx, id);
        let task = &self.tasks[id];
        let laws = &self.laws.containers[self.revision(cx, id).task_definition.at()];
        let takes: Vec<Span> = (0..definition.containers.len())
            .map(|at| {
                let key = task.key.child(purpose::SHUT_DOWN).child(at as u64);
                let own = laws[at]
                    .shut_down
                    .sample(key)
                    .min(definition.containers[at].stop_timeout);
                if task.containers[at].is_running() {
                    own
                } else {
                    Span::ZERO
                }
            })
            .collect();
        let mut times = vec![(Span::ZERO, Span::ZERO); takes.len()];
        // As many rounds as a chain may be long; the scenario's check excludes cycles.
        for _ in 0..takes.len() {
            for at in 0..takes.len() {
                let dependents = definition.containers.iter().enumerate();
                let dependents = dependents.filter(|(_, other)| other.depends_on.iter().any(|on| on.container == at));
                let start = dependents.map(|(other, _)| times[other].1).max().unwrap_or(Span::ZERO);
                times[at] = (start, start + takes[at]);
            }
        }
        times
    }

    /// Whether a container that was told to stop had to be killed.
    pub(super) fn takes_longer_than_its_stop_timeout(&self, cx: &Context<'_>, id: Id<Task>, at: usize) -> bool {
        let laws = &self.laws.containers[self.revision(cx, id).task_definition.at()];
        let key = self.tasks[id].key.child(purpose::SHUT_DOWN).child(at as u64);
        laws[at].shut_down.sample(key) > self.definition(cx, id).containers[at].stop_timeout
    }

    /// StopTask on `count` RUNNING tasks of the service, chosen at random.
    pub fn stop_tasks(&mut self, cx: &mut Context<'_>, at: ServiceIx, count: u32, reason: &str, key: Key) {
        for id in self.pick_running(at, count, key) {
            self.failed_after_running(id);
            let stop = Stop {
                code: StopCode::UserInitiated,
                reason: reason.to_string(),
            };
            self.stop_task(cx, id, stop, Manner::AtOnce);
        }
    }

    /// All containers are gone.
    pub(super) fn stopped_running(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        for at in 0..self.tasks[id].containers.len() {
            // Where the last container's end and this step fall on one instant, the step may come first.
            self.end_container(cx, id, at);
        }
        self.enter(cx, id, TaskState::Deprovisioning, "");
        self.deprovision(cx, id);
        // It no longer counts to the maximum, where what drains does.
        let service = self.tasks[id].service;
        self.request_pass(cx, service);
    }

    fn deprovision(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        let task = &self.tasks[id];
        let time = self
            .laws
            .host(task.provider)
            .deprovisioning
            .sample(task.key.child(purpose::DEPROVISIONING));
        self.step_in(cx, id, time);
    }

    /// An essential container has exited, whatever the task was doing.
    pub(super) fn crash(&mut self, cx: &mut Context<'_>, id: Id<Task>, reason: &str) {
        let state = self.tasks[id].state();
        if self.is_unheard(id) && matches!(state, TaskState::Activating | TaskState::Running) {
            self.tasks[id].unseen_exit = Some(reason.to_string());
            return;
        }
        match state {
            TaskState::Activating => self.fail_to_start(cx, id, StopCode::EssentialContainerExited, reason),
            TaskState::Running => {
                self.failed_after_running(id);
                let stop = Stop {
                    code: StopCode::EssentialContainerExited,
                    reason: reason.to_string(),
                };
                self.stop_task(cx, id, stop, Manner::AtOnce);
            }
            TaskState::Deactivating => self.begin_stopping(cx, id),
            // It is on its way out already.
            _ => {}
        }
    }

    /// The task will never be RUNNING: the restart throttle and the circuit breaker take note.
    pub(super) fn fail_to_start(&mut self, cx: &mut Context<'_>, id: Id<Task>, code: StopCode, reason: &str) {
        self.never_ran(cx, id);
        self.stop_task(
            cx,
            id,
            Stop {
                code,
                reason: reason.to_string(),
            },
            Manner::AtOnce,
        );
    }

    /// Its host is lost: the task is STOPPED without ceremony.
    pub(super) fn lose_task(&mut self, cx: &mut Context<'_>, id: Id<Task>, stop: Stop) {
        let now = cx.now();
        let task = &mut self.tasks[id];
        let state = task.state();
        if task.stop.is_none() {
            task.stop = Some(stop);
            task.stopping = Some(now);
            if state.is_launching() {
                self.never_ran(cx, id);
            } else {
                self.failed_after_running(id);
            }
        }
        self.deregister(cx, id);
        self.gone(cx, id);
    }

    /// The task is STOPPED: what it took is free again.
    pub(super) fn gone(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        let (at, serving) = (self.tasks[id].service, self.revision(cx, id).serving_container);
        if self.tasks[id].containers[serving].is_running() {
            cx.orders.push(Order::KillServer(id));
        }
        let reason = self.tasks[id]
            .stop
            .as_ref()
            .map_or(String::new(), |stop| stop.reason.clone());
        self.enter(cx, id, TaskState::Stopped, &reason);
        cx.observations
            .push(Observation::TaskEnded(self.task_record(cx, id, Some(cx.now()))));
        let definition = self.definition(cx, id);
        let service = &mut self.services[at.at()];
        service.tasks.retain(|task| *task != id);
        self.give_images_back(cx, id);
        if let Some(instance) = self.tasks[id].instance {
            let host = &mut self.instances[instance];
            host.free.give_back(&Needs::of(definition));
            host.tasks.retain(|task| *task != id);
            let group = host.group;
            self.drain_daemons(cx, instance);
            self.capacity_freed(cx, group);
        }
        self.publish_discovery(cx, at);
        self.tasks.remove(id);
        self.request_pass(cx, at);
    }

    /// `app=0 envoy=137`: of the containers that have exited.
    fn exit_codes(&self, cx: &Context<'_>, id: Id<Task>) -> String {
        let names = self
            .definition(cx, id)
            .containers
            .iter()
            .map(|container| &container.name);
        let states = self.tasks[id].containers.iter().map(|container| container.state);
        let exited = names.zip(states).filter_map(|(name, state)| match state {
            ContainerState::Exited { code } => Some(format!("{name}={code}")),
            _ => None,
        });
        exited.collect::<Vec<_>>().join(" ")
    }

    /// The task's row, as far as it has come.
    pub(super) fn task_record(&self, cx: &Context<'_>, id: Id<Task>, stopped: Option<Instant>) -> TaskRecord {
        let task = &self.tasks[id];
        let definition = self.definition(cx, id);
        TaskRecord {
            task: task.ordinal,
            service: task.service,
            revision: task.revision,
            provider: task.provider,
            instance: task.instance.map(|instance| self.instances[instance].ordinal),
            zone: task.zone,
            cpu: definition.cpu,
            memory: definition.memory,
            extra_storage_gib: definition.extra_storage_gib,
            architecture: definition.architecture,
            created: task.created,
            pull_started: task.pull_started,
            running: task.running,
            healthy: task.healthy_since,
            stopping: task.stopping,
            stopped,
            stop_code: task.stop.as_ref().map_or("", |stop| stop.code.name()),
            exit_codes: self.exit_codes(cx, id),
            stop_reason: task.stop.as_ref().map_or(String::new(), |stop| stop.reason.clone()),
        }
    }
}
