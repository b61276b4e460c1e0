//! The control plane: ECS's scheduler and agents, the balancer's health checks, Auto Scaling, CloudWatch.
//!
//! It sees the data plane only through [`Signal`]s and acts on it only through [`Order`](super::signal::Order)s. Each
//! change requests a pass of the service scheduler, which looks at the whole service and does what `policy` says; nothing
//! polls. Deliberately not here: requests, processor time, and anything that reads a probe.

mod afflictions;
mod agent;
mod backends;
mod begin;
mod capacity;
mod check;
mod code_deploy;
mod colours;
mod daemons;
mod deployments;
mod disconnects;
mod draining;
mod failures;
mod faults;
mod foregone;
mod health;
mod hooks;
mod launching;
mod laws;
mod life_cycle;
mod logging;
mod memory;
pub mod monitoring;
mod news;
mod observing;
mod outages;
mod progress;
mod protection;
mod pulls;
mod rebalancing;
mod releases;
mod resources;
mod restarts;
mod scheduler;
mod shortages;
mod sidecars;
mod spot;
mod standalone;
mod stepping;
mod stopping;
mod targets;
mod tasks;
mod telling;
mod weights;
mod zones;

use super::context::Context;
use super::event::ControlEvent;
use super::signal::Signal;
use crate::aws::quotas::ecs;
use crate::blueprint::{Blueprint, GroupIx, ServiceIx, TargetGroupIx};
use crate::cluster::rate::TokenBucket;
use crate::cluster::{AutoScalingGroup, Instance, Service, TargetGroup, Task};
use crate::engine::arena::{Arena, Id, RawId};
use crate::engine::random::Key;
use crate::units::Instant;
use health::Answer;
use laws::Laws;
use monitoring::Monitoring;
use std::collections::BTreeSet;

pub use faults::SlowInstances;
pub use zones::ShiftStep;

/// See the module's doc.
#[derive(Clone, Debug)]
pub struct ControlPlane {
    laws: Laws,
    tasks: Arena<Task>,
    instances: Arena<Instance>,
    /// By [`GroupIx`].
    groups: Vec<AutoScalingGroup>,
    /// By [`ServiceIx`].
    services: Vec<Service>,
    /// By [`TargetGroupIx`].
    target_groups: Vec<TargetGroup>,
    zones: Vec<Zone>,
    /// By [`crate::blueprint::LoadBalancerIx`].
    dns: Vec<zones::Dns>,
    /// Account-wide launch buckets of FARGATE and FARGATE_SPOT [DG:throttling].
    fargate: TokenBucket,
    fargate_spot: TokenBucket,
    /// Calls of RunTask for tasks on Fargate [DG:throttling].
    run_task_calls: TokenBucket,
    /// What service discovery was last told, by service.
    discovered: Vec<Vec<Id<Task>>>,
    slowdowns: Vec<faults::Slowdown>,
    afflictions: Vec<afflictions::Affliction>,
    /// Services that may wait for something to become free on an instance: all that do, and some that no longer do.
    waiting: BTreeSet<ServiceIx>,
    disconnects: Vec<disconnects::Disconnect>,
    /// Faults that make CloudWatch Logs take nothing.
    log_stalls: u32,
    backends: backends::Backends,
    outages: outages::Outages,
    shortages: shortages::Shortages,
    leaks: Vec<memory::Leak>,
    releases: Vec<releases::Train>,
    monitoring: Monitoring,
    reporting: Reporting,
    ordinals: Ordinals,
}

/// Whether what happens is still told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reporting {
    Open,
    /// The horizon is past and the last rows are written.
    Over,
}

/// The next ordinal of each kind, for output.
#[derive(Clone, Copy, Debug, Default)]
struct Ordinals {
    task: u32,
    instance: u32,
    deployment: u32,
    /// Of registrations of targets.
    target: u32,
}

/// A zone as the control plane meets it.
#[derive(Clone, Copy, Debug)]
struct Zone {
    outages: u32,
    /// Placement shuns it until then, because a launch there failed.
    avoided_until: Instant,
}

impl Zone {
    fn is_reachable(&self) -> bool {
        self.outages == 0
    }
}

/// Hands out the next number.
fn next(counter: &mut u32) -> u32 {
    let ordinal = *counter;
    *counter += 1;
    ordinal
}

impl ControlPlane {
    /// The plane of one replication, before anything stands. `key`: the replication's.
    pub fn new(blueprint: &Blueprint, key: Key) -> Self {
        let fargate = &blueprint.model.fargate;
        let bucket = || TokenBucket::new(fargate.launch_burst, fargate.launch_rate);
        ControlPlane {
            laws: Laws::compile(blueprint),
            tasks: Arena::new(),
            instances: Arena::new(),
            groups: begin::groups(blueprint, key),
            services: begin::services(blueprint, key),
            target_groups: begin::target_groups(blueprint),
            zones: vec![
                Zone {
                    outages: 0,
                    avoided_until: Instant::ZERO
                };
                blueprint.zones.len()
            ],
            dns: vec![zones::Dns::default(); blueprint.load_balancers.len()],
            fargate: bucket(),
            fargate_spot: bucket(),
            run_task_calls: TokenBucket::new(
                ecs::RUN_TASK_CALLS_PER_SECOND,
                f64::from(ecs::RUN_TASK_CALLS_PER_SECOND),
            ),
            discovered: vec![Vec::new(); blueprint.services.len()],
            slowdowns: Vec::new(),
            afflictions: Vec::new(),
            waiting: BTreeSet::new(),
            disconnects: Vec::new(),
            log_stalls: 0,
            backends: backends::Backends::new(&blueprint.model.start_up),
            outages: outages::Outages::default(),
            shortages: shortages::Shortages::default(),
            leaks: Vec::new(),
            releases: Vec::new(),
            monitoring: Monitoring::new(blueprint),
            reporting: Reporting::Open,
            ordinals: Ordinals::default(),
        }
    }

    /// Does what is due. `id` and `extra` are what the event says.
    pub fn handle(&mut self, cx: &mut Context<'_>, what: ControlEvent, id: RawId, extra: u32) {
        let told = cx.observations.len();
        self.dispatch(cx, what, id, extra);
        self.keep_quiet(cx, told);
    }

    /// After the end of reporting, takes back what was told since.
    fn keep_quiet(&self, cx: &mut Context<'_>, told: usize) {
        if self.reporting == Reporting::Over {
            cx.observations.truncate(told);
        }
    }

    fn dispatch(&mut self, cx: &mut Context<'_>, what: ControlEvent, id: RawId, extra: u32) {
        let low = || (extra & 0xFFFF) as u16;
        let place = || (TargetGroupIx((extra >> 16) as u16), usize::from(low()));
        match what {
            ControlEvent::SchedulerPass => self.pass(cx, ServiceIx(low())),
            ControlEvent::TaskStep => self.task_step(cx, Id::from_raw(id), extra),
            ControlEvent::ContainerStep => self.container_step(cx, Id::from_raw(id), extra),
            ControlEvent::HealthyAfter => self.healthy_after(cx, Id::from_raw(id)),
            ControlEvent::TargetCheck => self.check_target(cx, Id::from_raw(id), place().0, place().1),
            ControlEvent::TargetCheckTimeout => self.check_timed_out(cx, Id::from_raw(id), place().0, place().1),
            ControlEvent::TargetUnused => self.target_unused(cx, Id::from_raw(id), TargetGroupIx(low())),
            ControlEvent::LayerPulled => self.layer_pulled(cx, Id::from_raw(id), extra),
            ControlEvent::AgentReconnects => self.agent_reconnects(cx, Id::from_raw(id)),
            ControlEvent::ImageCleanup => self.clean_images(cx, Id::from_raw(id)),
            ControlEvent::RunTask => self.run_task(cx, ServiceIx(low()), extra >> 16),
            ControlEvent::InstanceLaunched => self.instance_launched(cx, Id::from_raw(id)),
            ControlEvent::GroupPass => self.group_pass(cx, GroupIx(low())),
            ControlEvent::MetricsPublished => self.metrics_published(cx, extra),
            ControlEvent::ScheduledScaling => self.scheduled_scaling(cx, ServiceIx(low())),
            ControlEvent::RandomCrash => self.random_crash(cx, Id::from_raw(id), extra),
            ControlEvent::ReleaseStep => self.release_step(cx, extra as usize),
            ControlEvent::TaskLost => self.task_lost(cx, Id::from_raw(id)),
            ControlEvent::SpotTerminates => self.spot_terminates(cx, Id::from_raw(id)),
            ControlEvent::InstanceLost => self.instance_lost(cx, Id::from_raw(id)),
        }
    }

    /// Takes a message of the data plane.
    pub fn receive(&mut self, cx: &mut Context<'_>, signal: Signal) {
        let told = cx.observations.len();
        match signal {
            Signal::CheckAnswered {
                target_group,
                node,
                task,
                check,
                status,
                outlook,
            } => {
                self.check_answered(
                    cx,
                    Answer {
                        group: target_group,
                        node: usize::from(node),
                        task,
                        check,
                        status,
                        outlook,
                    },
                );
            }
            Signal::StartedUp(task) => self.started_up(cx, task),
            Signal::Crashed { task, exit_code } => self.server_crashed(cx, task, exit_code),
            Signal::OutOfMemory(task) => self.requests_out_of_memory(cx, task),
            Signal::Stirred(whose) => self.stirred(cx, whose),
            Signal::Metered(meter) => self.metered(cx, &meter),
        }
        self.keep_quiet(cx, told);
    }
}

#[cfg(test)]
mod tests;
