//! The run loop: one replication, from the first event to the last answer.
//!
//! It alone knows both planes. After each event it carries the mail: orders to the data plane, signals to the control
//! plane, observations to whoever watches. The faults of the blueprint befall each plane through its own door (`faults`).

mod faults;

use super::context::Context;
use super::control_plane::{ControlPlane, ShiftStep};
use super::data_plane::DataPlane;
use super::event::{Event, What, WorldEvent};
use super::observation::{Observation, Observer};
use super::signal::Signal;
use crate::blueprint::{Blueprint, Happening, ServiceIx};
use crate::units::{NANOS_PER_SECOND, Span};
use faults::Faults;

/// Simulates one replication and tells the observer what was seen.
pub fn run(blueprint: &Blueprint, replication: u32, observer: &mut impl Observer) {
    run_with(blueprint, replication, Checks::Needed, observer);
}

/// Which health checks are made. What is seen is the same; the tests hold one against the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checks {
    /// Those whose outcome is not foregone.
    Needed,
    All,
}

/// [`run`], with a choice of how.
pub fn run_with(blueprint: &Blueprint, replication: u32, checks: Checks, observer: &mut impl Observer) {
    let mut cx = Context::new(blueprint, replication);
    let mut data = DataPlane::new(&mut cx);
    if checks == Checks::All {
        data.make_every_check();
    }
    let mut run = Run {
        data,
        control: ControlPlane::new(blueprint, cx.key),
        minute: 0,
        measuring_over: false,
        last_deployments: Vec::new(),
        faults: Faults::new(blueprint),
    };
    run.begin(&mut cx);
    run.deliver(&mut cx, observer);
    let last = blueprint.horizon() + blueprint.limits.run_out;
    while let Some(event) = cx.calendar.pop_until(last) {
        match event.what {
            What::Data(what) => run.data.handle(&mut cx, what, event.id, event.extra),
            What::Control(what) => run.control.handle(&mut cx, what, event.id, event.extra),
            What::World(what) => run.befall(&mut cx, what, event.extra),
        }
        if !cx.finished.is_empty() {
            run.hand_over(&mut cx, observer);
        }
        if cx.has_mail() {
            run.deliver(&mut cx, observer);
        }
        if run.is_over() {
            break;
        }
    }
    run.finish(&mut cx);
    run.deliver(&mut cx, observer);
}

struct Run {
    data: DataPlane,
    control: ControlPlane,
    /// CloudWatch minutes that have ended.
    minute: u32,
    measuring_over: bool,
    /// The last deployment of each service: its new revision may go on serving when it has ended.
    last_deployments: Vec<(u32, ServiceIx)>,
    faults: Faults,
}

impl Run {
    fn begin(&mut self, cx: &mut Context<'_>) {
        let blueprint = cx.blueprint;
        for (at, event) in blueprint.events.iter().enumerate() {
            if let Some(first) = self.faults.first(cx, at, event) {
                cx.calendar
                    .schedule_at(first, Event::world(WorldEvent::Happens, at as u32));
            }
        }
        self.control.begin(cx);
        self.data.begin(cx);
        let phase = blueprint
            .model
            .cloudwatch
            .phase
            .unwrap_or_else(|| cx.key.entity("cloudwatch", "phase").uniform());
        let first = Span::from_secs_f64(60.0 * phase);
        let first = if first.is_zero() { Span::from_secs(60) } else { first };
        cx.calendar.schedule_in(first, Event::world(WorldEvent::MinuteEnds, 0));
        cx.calendar
            .schedule_at(blueprint.measured_from(), Event::world(WorldEvent::MeasuringBegins, 0));
        cx.calendar
            .schedule_at(blueprint.horizon(), Event::world(WorldEvent::MeasuringEnds, 0));
    }

    /// The horizon is past and everything offered has been answered, or nothing more fits.
    fn is_over(&self) -> bool {
        self.data.overflowed() || (self.measuring_over && self.data.open_requests() == 0)
    }

    fn finish(&mut self, cx: &mut Context<'_>) {
        if self.data.overflowed() {
            cx.observations.push(Observation::LimitReached(format!(
                "{} attempts were in flight at {:.1} s: a queue grows without bound",
                self.data.in_flight(),
                cx.blueprint.clock(cx.now())
            )));
        }
        if !self.measuring_over {
            // The window that a limit cuts short shows what it ended with.
            if cx.now() > cx.blueprint.measured_from() {
                let sample = self.data.sample(cx);
                cx.observations.push(Observation::Sampled(Box::new(sample)));
            }
            self.control.finish(cx);
            self.data.measuring_ends(cx);
        }
        self.data.finish(cx);
        // A bad version that a deployment has left in place hurts until the end.
        for &(deployment, service) in &self.last_deployments {
            let counts = self.data.revision_counts(service);
            cx.observations.push(Observation::RevisionCounts { deployment, counts });
        }
    }

    /// Hands the requests that have ended to the observer.
    #[inline]
    fn hand_over(&self, cx: &mut Context<'_>, observer: &mut impl Observer) {
        for request in &cx.finished {
            observer.request_finished(request);
        }
        cx.finished.clear();
    }

    /// Carries orders, signals and observations until nobody has anything to say.
    fn deliver(&mut self, cx: &mut Context<'_>, observer: &mut impl Observer) {
        loop {
            let orders = std::mem::take(&mut cx.orders);
            for order in orders {
                self.data.execute(cx, order);
            }
            let signals = std::mem::take(&mut cx.signals);
            for signal in signals {
                self.control.receive(cx, signal);
            }
            if cx.orders.is_empty() && cx.signals.is_empty() {
                break;
            }
        }
        self.hand_over(cx, observer);
        if cx.observations.is_empty() {
            return;
        }
        for observation in std::mem::take(&mut cx.observations) {
            let deployment = match &observation {
                Observation::DeploymentStarted(record) => {
                    self.last_deployments.retain(|(_, service)| *service != record.service);
                    self.last_deployments.push((record.deployment, record.service));
                    Some((record.deployment, record.service))
                }
                Observation::DeploymentEnded(record) => Some((record.deployment, record.service)),
                _ => None,
            };
            observer.observed(observation);
            if let Some((deployment, service)) = deployment {
                let counts = self.data.revision_counts(service);
                observer.observed(Observation::RevisionCounts { deployment, counts });
            }
        }
    }

    fn befall(&mut self, cx: &mut Context<'_>, what: WorldEvent, extra: u32) {
        match what {
            WorldEvent::Happens => self.happens(cx, extra),
            WorldEvent::Ends => self.ends(cx, extra),
            WorldEvent::MinuteEnds => self.minute_ends(cx),
            WorldEvent::WindowEnds => {
                let sample = self.data.sample(cx);
                cx.observations.push(Observation::Sampled(Box::new(sample)));
                let next = cx.now() + cx.blueprint.timeline_window();
                if cx.now() < cx.blueprint.horizon() {
                    let next = next.min(cx.blueprint.horizon());
                    cx.calendar.schedule_at(next, Event::world(WorldEvent::WindowEnds, 0));
                }
            }
            WorldEvent::MeasuringBegins => {
                // Starts the counters of the first window.
                self.data.sample(cx);
                self.data.measuring_begins(cx);
                self.data.measuring_queues_begins();
                let next = (cx.now() + cx.blueprint.timeline_window()).min(cx.blueprint.horizon());
                cx.calendar.schedule_at(next, Event::world(WorldEvent::WindowEnds, 0));
            }
            WorldEvent::MeasuringEnds => {
                self.measuring_over = true;
                self.data.measuring_ends(cx);
                self.control.finish(cx);
            }
        }
    }

    fn minute_ends(&mut self, cx: &mut Context<'_>) {
        let meter = self.data.meter(self.minute, cx.now(), &cx.blueprint.model.alb);
        self.minute += 1;
        for (at, usage) in meter.load_balancers.iter().enumerate() {
            cx.observations.push(Observation::BalancerMinute {
                load_balancer: crate::blueprint::LoadBalancerIx::from_usize(at),
                ended: cx.now(),
                meter: *usage,
            });
        }
        cx.signals.push(Signal::Metered(Box::new(meter)));
        cx.calendar.schedule_in(
            Span::from_nanos(60 * NANOS_PER_SECOND),
            Event::world(WorldEvent::MinuteEnds, 0),
        );
    }

    fn happens(&mut self, cx: &mut Context<'_>, at: u32) {
        let blueprint = cx.blueprint;
        match &blueprint.events[at as usize].what {
            Happening::Deploy(services) => self.control.deploy(cx, services),
            Happening::Release(release) => self.control.begin_release(cx, release),
            Happening::SetDesiredCount { service, count } => {
                self.control.set_desired_count(cx, *service, *count, "UpdateService");
            }
            Happening::StopTask { service, count, reason } => {
                let key = cx.key.entity("stop task", "").child(u64::from(at));
                self.control.stop_tasks(cx, *service, *count, reason, key);
            }
            Happening::ContinueDeployment(service) => self.control.continue_deployment(cx, *service),
            Happening::StopDeployment(service) => self.control.stop_deployment(cx, *service),
            Happening::RunTask { family, count } => self.control.run_task(cx, *family, *count),
            Happening::DrainInstances { group, count } => {
                let key = cx.key.entity("drain", "").child(u64::from(at));
                self.control.drain_instances(cx, *group, *count, key);
            }
            Happening::Fault(fault) => self.fault_comes(cx, at, fault),
            Happening::ZonalShift(shift) => {
                cx.calendar
                    .schedule_in(shift.lasting, Event::world(WorldEvent::Ends, at));
                self.control.shift_zone(cx, shift, ShiftStep::Begins);
            }
        }
    }

    fn ends(&mut self, cx: &mut Context<'_>, at: u32) {
        let blueprint = cx.blueprint;
        match &blueprint.events[at as usize].what {
            Happening::Fault(fault) => self.fault_goes(cx, at, fault),
            Happening::ZonalShift(shift) => self.control.shift_zone(cx, shift, ShiftStep::Ends),
            Happening::Deploy(_)
            | Happening::Release(_)
            | Happening::SetDesiredCount { .. }
            | Happening::RunTask { .. }
            | Happening::ContinueDeployment(_)
            | Happening::StopDeployment(_)
            | Happening::StopTask { .. }
            | Happening::DrainInstances { .. } => unreachable!("only faults and shifts end"),
        }
    }
}

#[cfg(test)]
mod tests;
