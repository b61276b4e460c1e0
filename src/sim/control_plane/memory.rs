//! Memory of containers: what they use, when the kernel kills them for it, and what CloudWatch is told of it.
//!
//! A container that declares its use has so much from its start on, and more as time passes. It is killed when it reaches
//! its own hard limit; when all containers together reach the task's memory, the largest is. Between starts and exits
//! use grows in a straight line, so the next kill is known and nothing is polled.

use super::ControlPlane;
use super::agent::{ContainerStep, SIGKILLED};
use super::monitoring::Level;
use crate::blueprint::{Container as Spec, Selection, ServiceIx};
use crate::cluster::task::{Container, Task, TaskState};
use crate::engine::arena::Id;
use crate::engine::random::Key;
use crate::sim::context::Context;
use crate::sim::signal::MemoryLeft;
use crate::units::{Instant, Span};

const HOUR: f64 = 3600.0;
/// What a task says of a container that was killed for its memory.
const KILLED: &str = "OutOfMemoryError: Container killed due to memory usage";
/// MiB below a limit at which it is reached: what rounding to nanoseconds makes of it.
const HAIR: f64 = 1e-6;

/// MiB that a container uses now, and MiB a second that it grows by.
fn usage(spec: &Spec, container: &Container, now: Instant) -> (f64, f64) {
    match &spec.memory_use {
        Some(declared) if container.is_running() => {
            let growth = declared.growth_per_hour.0 as f64 / HOUR;
            let age = now.since(container.since).seconds();
            (declared.base.0 as f64 + growth * age, growth)
        }
        _ => (0.0, 0.0),
    }
}

/// Serving containers that one fault makes grow. What has leaked stays until the process ends.
#[derive(Clone, Debug)]
pub(super) struct Leak {
    /// Position in the blueprint's events.
    fault: u32,
    /// Each with the run of its container that leaks.
    tasks: Vec<(Id<Task>, u32)>,
    since: Instant,
    until: Instant,
    /// MiB a second.
    growth: f64,
}

/// Seconds until something that grows reaches a limit; infinite if it never does.
fn until((used, growth): (f64, f64), limit: f64) -> f64 {
    if used >= limit - HAIR {
        0.0
    } else if growth > 0.0 {
        (limit - used) / growth
    } else {
        f64::INFINITY
    }
}

impl ControlPlane {
    fn usages(&self, cx: &Context<'_>, id: Id<Task>) -> Vec<(f64, f64)> {
        let specs = self.definition(cx, id).containers.iter();
        let both = specs.zip(&self.tasks[id].containers);
        let mut usages: Vec<(f64, f64)> = both.map(|(spec, container)| usage(spec, container, cx.now())).collect();
        if !self.leaks.is_empty() {
            let serving = self.revision(cx, id).serving_container;
            let (leaked, growth) = self.leaked(id, serving, cx.now());
            usages[serving].0 += leaked;
            usages[serving].1 += growth;
        }
        usages
    }

    /// What has leaked from the serving container, and how fast it goes on.
    fn leaked(&self, id: Id<Task>, serving: usize, now: Instant) -> (f64, f64) {
        let container = &self.tasks[id].containers[serving];
        if !container.is_running() {
            return (0.0, 0.0);
        }
        let leaks = self
            .leaks
            .iter()
            .filter(|leak| leak.tasks.contains(&(id, container.restarts)));
        leaks.fold((0.0, 0.0), |(used, growth), leak| {
            let lasted = now.min(leak.until).since(leak.since).seconds();
            let goes_on = if now < leak.until { leak.growth } else { 0.0 };
            (used + leak.growth * lasted, growth + goes_on)
        })
    }

    /// The serving containers of a selection's RUNNING tasks grow by so many MiB a second, until
    /// [`ControlPlane::memory_leak_ends`] or their end. `fault`: its position in the blueprint's events.
    pub fn memory_leak_begins(&mut self, cx: &mut Context<'_>, fault: u32, on: &Selection, growth: f64, key: Key) {
        let tasks = self.select(on, key);
        let run = |id: &Id<Task>| self.tasks[*id].containers[self.revision(cx, *id).serving_container].restarts;
        self.leaks.push(Leak {
            fault,
            tasks: tasks.iter().map(|id| (*id, run(id))).collect(),
            since: cx.now(),
            until: Instant::NEVER,
            growth,
        });
        for id in tasks {
            self.await_out_of_memory(cx, id);
        }
    }

    pub fn memory_leak_ends(&mut self, cx: &Context<'_>, fault: u32) {
        let ours = self.leaks.iter_mut().filter(|leak| leak.fault == fault);
        for leak in ours.filter(|leak| leak.until == Instant::NEVER) {
            leak.until = cx.now();
        }
        let tasks = &self.tasks;
        self.leaks
            .retain(|leak| leak.tasks.iter().any(|(id, _)| tasks.contains(*id)));
    }

    /// Schedules the next kill of the task's containers, if there will be one as things are.
    pub(super) fn await_out_of_memory(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        let definition = self.definition(cx, id);
        if definition
            .containers
            .iter()
            .all(|container| container.memory_use.is_none())
            && self.leaks.is_empty()
        {
            return;
        }
        let usages = self.usages(cx, id);
        let whole = usages
            .iter()
            .fold((0.0, 0.0), |sum, each| (sum.0 + each.0, sum.1 + each.1));
        let after = until(whole, definition.memory.0 as f64);
        let mut next = (after, largest(&usages, if after.is_finite() { after } else { 0.0 }));
        for (at, (spec, usage)) in definition.containers.iter().zip(&usages).enumerate() {
            let Some(limit) = spec.memory_limit else { continue };
            let own = until(*usage, limit.0 as f64);
            if own < next.0 {
                next = (own, at);
            }
        }
        if next.0.is_finite() && self.tasks[id].containers[next.1].is_running() {
            self.container_in(cx, id, next.1, ContainerStep::OutOfMemory, Span::from_secs_f64(next.0));
        }
    }

    /// A container may have reached a limit; unless another's exit has made room, it is killed.
    pub(super) fn out_of_memory(&mut self, cx: &mut Context<'_>, id: Id<Task>, at: usize) {
        let definition = self.definition(cx, id);
        let usages = self.usages(cx, id);
        let whole: f64 = usages.iter().map(|(used, _)| used).sum();
        let own_limit = definition.containers[at].memory_limit;
        let is_over = whole >= definition.memory.0 as f64 - HAIR
            || own_limit.is_some_and(|limit| usages[at].0 >= limit.0 as f64 - HAIR);
        if is_over {
            self.container_ended(cx, id, at, SIGKILLED, KILLED);
        } else {
            self.await_out_of_memory(cx, id);
        }
    }

    /// What the containers leave for requests: of the task's memory, or of the serving container's own limit.
    pub(super) fn memory_left(&self, cx: &Context<'_>, id: Id<Task>) -> MemoryLeft {
        let definition = self.definition(cx, id);
        let serving = &definition.containers[self.revision(cx, id).serving_container];
        let declared = |spec: &Spec| {
            spec.memory_use.map_or((0.0, 0.0), |declared| {
                (declared.base.0 as f64, declared.growth_per_hour.0 as f64 / HOUR)
            })
        };
        let all = definition.containers.iter().map(declared);
        let all = all.fold((0.0, 0.0), |sum, each| (sum.0 + each.0, sum.1 + each.1));
        let of_task = MemoryLeft {
            room: definition.memory.0 as f64 - all.0,
            shrinks: all.1,
        };
        let own = declared(serving);
        match serving.memory_limit {
            Some(limit) if (limit.0 as f64 - own.0) < of_task.room => MemoryLeft {
                room: limit.0 as f64 - own.0,
                shrinks: own.1,
            },
            _ => of_task,
        }
    }

    /// Requests have taken all memory that there was for them: the serving container is killed.
    pub(super) fn requests_out_of_memory(&mut self, cx: &mut Context<'_>, id: Id<Task>) {
        let Some(task) = self.tasks.get(id) else { return };
        let serving = self.revision(cx, id).serving_container;
        if task.containers[serving].is_running() {
            self.container_ended(cx, id, serving, SIGKILLED, KILLED);
        }
    }

    /// By service, the share of their memory that RUNNING tasks use, in percent; `None` where no container declares it.
    pub(super) fn memory_levels(&self, cx: &Context<'_>, of_requests: &[(Id<Task>, f64)]) -> Vec<Option<Level>> {
        let services = (0..self.services.len()).map(ServiceIx::from_usize);
        services.map(|at| self.memory_level(cx, at, of_requests)).collect()
    }

    fn memory_level(&self, cx: &Context<'_>, at: ServiceIx, of_requests: &[(Id<Task>, f64)]) -> Option<Level> {
        let definitions = &cx.blueprint.task_definitions;
        let declares = |revision: &crate::blueprint::Revision| {
            let containers = &definitions[revision.task_definition.at()].containers;
            let of_requests = (revision.server_rules.as_ref()).is_some_and(|rules| rules.memory.is_some());
            of_requests || containers.iter().any(|container| container.memory_use.is_some())
        };
        if !cx.blueprint.services[at.at()].revisions.iter().any(declares) {
            return None;
        }
        let mut level: Option<Level> = None;
        for id in &self.services[at.at()].tasks {
            let task = &self.tasks[*id];
            if task.state() != TaskState::Running || task.silence.is_some() {
                continue;
            }
            let used: f64 = self.usages(cx, *id).iter().map(|(used, _)| used).sum();
            let of_requests = of_requests.iter().find(|(task, _)| task == id);
            let used = used + of_requests.map_or(0.0, |(_, used)| *used);
            let percent = 100.0 * used / self.definition(cx, *id).memory.0 as f64;
            level = Some(match level {
                None => Level::one(percent),
                Some(level) => level.with(percent),
            });
        }
        level
    }
}

/// Which uses most `after` seconds from now; the first of equals.
fn largest(usages: &[(f64, f64)], after: f64) -> usize {
    let then = |(used, growth): &(f64, f64)| used + growth * after;
    let mut largest = 0;
    for at in 1..usages.len() {
        if then(&usages[at]) > then(&usages[largest]) {
            largest = at;
        }
    }
    largest
}
