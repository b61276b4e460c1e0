//! Misfortunes as they befall this plane: crashes, dead instances, zones that cannot be reached, slow instances.
//!
//! The plane is told of none of them. A crash is seen by the agent; a dead or unreachable host falls silent, is placed
//! on no more at once, and is declared lost when the silence has lasted `model.task.loss_detection`: only then are its
//! tasks STOPPED and, on EC2, the instance replaced. What comes back before is as it was. The data plane's half of each
//! fault (connections, network) is told to it by the run loop.

use super::ControlPlane;
use super::agent::SIGKILLED;
use super::laws::purpose;
use crate::blueprint::{GroupIx, Selection, ServiceIx, TargetGroupIx, ZoneIx};
use crate::cluster::Instance;
use crate::cluster::instance::{InstanceState, Power};
use crate::cluster::task::{ContainerState, Silence, Stop, StopCode, Task, TaskState};
use crate::engine::arena::Id;
use crate::engine::dist::Law;
use crate::engine::random::Key;
use crate::sim::context::Context;
use crate::sim::event::{ControlEvent, Event};
use crate::sim::signal::Order;
use crate::units::{Instant, Span};

/// What a fault makes slow, and how slow.
#[derive(Clone, Copy, Debug)]
pub struct SlowInstances {
    pub group: GroupIx,
    pub count: u32,
    pub factor: f64,
}

/// Instances that one fault has made slow.
#[derive(Clone, Debug)]
pub(super) struct Slowdown {
    /// Position in the blueprint's events.
    fault: u32,
    instances: Vec<Id<Instance>>,
    factor: f64,
}

/// `count` of `all`, at random: those with the smallest draws.
pub(super) fn pick<T: Copy>(all: Vec<T>, count: u32, draw: impl Fn(T) -> u64) -> Vec<T> {
    let mut drawn: Vec<(u64, usize, T)> = all
        .into_iter()
        .enumerate()
        .map(|(at, each)| (draw(each), at, each))
        .collect();
    drawn.sort_by_key(|(draw, at, _)| (*draw, *at));
    drawn.into_iter().take(count as usize).map(|(.., each)| each).collect()
}

impl ControlPlane {
    /// The RUNNING tasks of a selection exit at once.
    pub fn crash_tasks(&mut self, cx: &mut Context<'_>, on: &Selection, key: Key) {
        for id in self.select(on, key) {
            self.server_crashed(cx, id, SIGKILLED);
        }
    }

    /// `count` RUNNING tasks of the service, chosen at random.
    pub(super) fn pick_running(&self, at: ServiceIx, count: u32, key: Key) -> Vec<Id<Task>> {
        self.select(&Selection::some_of(at, count), key)
    }

    /// The RUNNING tasks of a selection, those chosen at random where it does not take all.
    pub(super) fn select(&self, on: &Selection, key: Key) -> Vec<Id<Task>> {
        let services = match on.service {
            Some(at) => &self.services[at.at()..=at.at()],
            None => &self.services[..],
        };
        let is_meant = |task: &Task| {
            task.state() == TaskState::Running
                && on.zone.is_none_or(|zone| task.zone == zone)
                && on.revision.is_none_or(|revision| task.revision == revision)
                && on.provider.is_none_or(|provider| task.provider == provider)
        };
        let tasks = services.iter().flat_map(|service| service.tasks.iter().copied());
        let meant: Vec<Id<Task>> = tasks.filter(|id| is_meant(&self.tasks[*id])).collect();
        let count = on.amount.of(meant.len());
        pick(meant, count, |id| key.child(u64::from(self.tasks[id].ordinal)).bits())
    }

    /// The task's serving container exits, if it runs.
    pub(super) fn server_crashed(&mut self, cx: &mut Context<'_>, id: Id<Task>, exit_code: u8) {
        if !self.tasks.contains(id) {
            return;
        }
        let serving = self.revision(cx, id).serving_container;
        if self.tasks[id].containers[serving].is_running() && !self.is_on_dead_host(id) {
            self.container_exited(cx, id, serving, exit_code);
        }
    }

    /// From now on each RUNNING task of the service crashes after a life drawn from the law; `None` lifts it.
    pub fn random_crashes(&mut self, cx: &mut Context<'_>, at: ServiceIx, law: Option<Law>) {
        let service = &mut self.services[at.at()];
        service.crashes = law;
        service.crash_epoch += 1;
        for id in service.tasks.clone() {
            self.await_random_crash(cx, id);
        }
    }

    /// Draws the task's life, if it is RUNNING under such a fault.
    pub(super) fn await_random_crash(&self, cx: &mut Context<'_>, id: Id<Task>) {
        let task = &self.tasks[id];
        let service = &self.services[task.service.at()];
        if let (Some(law), TaskState::Running) = (&service.crashes, task.state()) {
            let epoch = service.crash_epoch;
            let life = law.sample(task.key.child(purpose::RANDOM_CRASH).child(u64::from(epoch)));
            cx.calendar
                .schedule_in(life, Event::control(ControlEvent::RandomCrash, id, epoch));
        }
    }

    pub(super) fn random_crash(&mut self, cx: &mut Context<'_>, id: Id<Task>, epoch: u32) {
        let Some(task) = self.tasks.get(id) else { return };
        let service = &self.services[task.service.at()];
        if service.crashes.is_some() && service.crash_epoch == epoch && task.state() == TaskState::Running {
            self.server_crashed(cx, id, SIGKILLED);
        }
    }

    /// `count` instances of the group, chosen at random, die with all that runs on them.
    pub fn lose_instances(&mut self, cx: &mut Context<'_>, at: GroupIx, count: u32, key: Key) {
        for id in self.pick_instances(at, count, key) {
            self.instances[id].power = Power::Dead;
            for task in self.instances[id].tasks.clone() {
                self.die(cx, task);
            }
            self.silence_instance(cx, id);
        }
    }

    /// All processes of the task end with its machine; ECS does not see it.
    fn die(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        let serving = self.revision(cx, id).serving_container;
        if self.tasks[id].containers[serving].is_running() {
            cx.orders.push(Order::SilenceServer(id));
        }
        for container in &mut self.tasks[id].containers {
            container.state = ContainerState::Exited { code: SIGKILLED };
        }
    }

    pub(super) fn pick_instances(&self, at: GroupIx, count: u32, key: Key) -> Vec<Id<Instance>> {
        let instances = self.groups[at.at()].instances.iter().copied();
        let standing = instances.filter(|id| {
            let instance = &self.instances[*id];
            instance.state() == InstanceState::InService && instance.power == Power::On
        });
        pick(standing.collect(), count, |id| {
            key.child(u64::from(self.instances[id].ordinal)).bits()
        })
    }

    /// Nothing is heard of the instance from now on.
    fn silence_instance(&mut self, cx: &mut Context<'_>, id: Id<Instance>) {
        let now = cx.now();
        let instance = &mut self.instances[id];
        // An agent that is only cut off is not lost by that.
        let is_counted = instance
            .silence
            .is_some_and(|silence| silence.lost_at != Instant::NEVER);
        if is_counted || instance.state() != InstanceState::InService {
            return;
        }
        let lost_at = now + self.loss_detection(self.instances[id].key, now.nanos());
        self.set_silence(id, now, lost_at);
        cx.calendar
            .schedule_at(lost_at, Event::control(ControlEvent::InstanceLost, id, 0));
        self.tell_of_instance(
            cx,
            id,
            InstanceState::InService.name(),
            InstanceState::InService.name(),
            "agent disconnected",
        );
    }

    fn loss_detection(&self, key: Key, occasion: u64) -> Span {
        self.laws
            .loss_detection
            .sample(key.child(purpose::LOSS_DETECTION).child(occasion))
    }

    pub(super) fn instance_lost(&mut self, cx: &mut Context<'_>, id: Id<Instance>) {
        let now = cx.now();
        let silence = self.instances.get(id).and_then(|instance| instance.silence);
        if silence.is_none_or(|silence| silence.lost_at != now) || self.loss_of_instance_waits(id) {
            return;
        }
        let ordinal = self.instances[id].ordinal;
        for task in self.instances[id].tasks.clone() {
            let reason = format!("Host EC2 (instance {ordinal}) terminated");
            self.lose_task(
                cx,
                task,
                Stop {
                    code: StopCode::TerminationNotice,
                    reason,
                },
            );
        }
        self.terminate(cx, id, "failed status checks");
    }

    pub(super) fn task_lost(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        let now = cx.now();
        let Some(task) = self.tasks.get(id) else { return };
        if task.silence.is_some_and(|silence| silence.lost_at == now) && !self.loss_waits(id) {
            let reason = "Task host is unreachable".to_string();
            self.lose_task(
                cx,
                id,
                Stop {
                    code: StopCode::InfrastructureHealth,
                    reason,
                },
            );
        }
    }

    /// Everything in the zone falls silent. Balancer nodes there have no say any more in what ECS takes for healthy.
    pub fn zone_outage_begins(&mut self, cx: &mut Context<'_>, zone: ZoneIx) {
        self.zones[zone.at()].outages += 1;
        if self.zones[zone.at()].outages == 1 {
            self.silence_zone(cx, zone);
            self.refresh_all_targets(cx);
        }
    }

    /// What is still there in the zone is heard again, unless another outage of it lasts.
    pub fn zone_outage_ends(&mut self, cx: &mut Context<'_>, zone: ZoneIx) {
        self.zones[zone.at()].outages -= 1;
        if self.zones[zone.at()].is_reachable() {
            self.hear_zone(cx, zone);
            self.refresh_all_targets(cx);
        }
    }

    fn refresh_all_targets(&mut self, cx: &mut Context<'_>) {
        for at in (0..self.target_groups.len()).map(TargetGroupIx::from_usize) {
            let tasks: Vec<Id<Task>> = self.target_groups[at.at()]
                .targets
                .iter()
                .map(|target| target.task)
                .collect();
            for task in tasks {
                self.refresh_target(cx, task, at, "Target.FailedHealthChecks");
            }
        }
    }

    fn silence_zone(&mut self, cx: &mut Context<'_>, zone: ZoneIx) {
        let now = cx.now();
        let instances: Vec<Id<Instance>> = self
            .instances
            .ids()
            .filter(|id| self.instances[*id].zone == zone)
            .collect();
        for id in instances {
            self.silence_instance(cx, id);
        }
        let tasks = self
            .tasks
            .iter()
            .filter(|(_, task)| task.zone == zone && task.instance.is_none());
        let tasks: Vec<Id<Task>> = tasks.map(|(id, _)| id).collect();
        for id in tasks {
            let lost_at = now + self.loss_detection(self.tasks[id].key, now.nanos());
            self.tasks[id].silence = Some(Silence { since: now, lost_at });
            cx.calendar
                .schedule_at(lost_at, Event::control(ControlEvent::TaskLost, id, 0));
        }
    }

    fn hear_zone(&mut self, cx: &mut Context<'_>, zone: ZoneIx) {
        let instances = self
            .instances
            .iter()
            .filter(|(_, instance)| instance.zone == zone && instance.power == Power::On);
        let instances: Vec<Id<Instance>> = instances.map(|(id, _)| id).collect();
        for id in instances {
            if self.instances[id].disconnects == 0 {
                self.hear_instance(cx, id);
            } else if let Some(silence) = self.instances[id].silence {
                // Its agent is still cut off; but the instance is not lost any more.
                self.set_silence(id, silence.since, Instant::NEVER);
            }
        }
        self.zone_gained(cx);
        let tasks: Vec<Id<Task>> = self.tasks.ids().filter(|id| self.tasks[*id].zone == zone).collect();
        let cut_off = |instance: Id<Instance>| self.instances[instance].disconnects > 0;
        let tasks: Vec<Id<Task>> = tasks
            .into_iter()
            .filter(|id| !self.tasks[*id].instance.is_some_and(cut_off))
            .collect();
        for id in tasks {
            if !self.is_on_dead_host(id) && self.tasks[id].silence.take().is_some() {
                self.resume(cx, id);
            }
        }
    }

    /// The task's host is heard again: what was held is done now.
    pub(super) fn resume(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        if self.is_unheard(id) {
            // By ECS; it goes on when that is back.
            return;
        }
        let held = std::mem::take(&mut self.tasks[id].held);
        let state = self.tasks[id].state();
        if let Some(reason) = self.tasks[id].unseen_exit.take()
            && matches!(state, TaskState::Activating | TaskState::Running)
        {
            return self.crash(cx, id, &reason);
        }
        if self.container_health(cx.blueprint, &self.tasks[id]).is_some() {
            self.reconsider(cx, id);
        }
        if !held {
            return;
        }
        if self.tasks[id].state() == TaskState::Stopping {
            self.signal_containers(cx, id);
        } else {
            self.step_in(cx, id, Span::ZERO);
        }
    }

    /// `count` instances of the group, chosen at random, give their tasks 1/factor of the CPU speed until
    /// [`ControlPlane::slow_instances_end`]. `fault`: its position in the blueprint's events.
    pub fn slow_instances_begin(&mut self, cx: &mut Context<'_>, fault: u32, slow: SlowInstances, key: Key) {
        let instances = self.pick_instances(slow.group, slow.count, key);
        self.slowdowns.push(Slowdown {
            fault,
            instances: instances.clone(),
            factor: slow.factor,
        });
        self.set_speeds(cx, &instances);
    }

    pub fn slow_instances_end(&mut self, cx: &mut Context<'_>, fault: u32) {
        let Some(at) = self.slowdowns.iter().position(|slowdown| slowdown.fault == fault) else {
            return;
        };
        let instances = self.slowdowns.remove(at).instances;
        self.set_speeds(cx, &instances);
    }

    fn set_speeds(&mut self, cx: &mut Context<'_>, instances: &[Id<Instance>]) {
        for id in instances {
            let slow = self.slowdowns.iter().filter(|slowdown| slowdown.instances.contains(id));
            let speed = slow.fold(1.0, |speed, slowdown| speed / slowdown.factor);
            let Some(instance) = self.instances.get_mut(*id) else {
                continue;
            };
            instance.speed = speed;
            for task in instance.tasks.clone() {
                let serving = self.revision(cx, task).serving_container;
                if self.tasks[task].containers[serving].is_running() {
                    let speed = self.speed_of(cx, task);
                    cx.orders.push(Order::SetSpeed { task, speed });
                }
            }
        }
    }
}
