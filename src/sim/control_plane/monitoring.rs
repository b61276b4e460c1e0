//! What AWS's eyes see of the service: CloudWatch's minutes, the alarms on them, and target tracking.
//!
//! The data plane's counters arrive when a minute ends and can be read one publication delay later; everything here
//! works on published minutes only. An alarm or a policy therefore learns of a change as late as it does on AWS.
//!
//! Not here: carrying decisions out (the service scheduler has the desired count), what a deployment does about an alarm,
//! and the rules themselves, which are pure functions in `policy`.

mod alarms;
mod autoscaling;
mod cloudwatch;

pub use alarms::AlarmState;
pub use autoscaling::{ScalingDecision, ServiceView};
pub use cloudwatch::{FleetCounts, HostCounts, Level};

use crate::blueprint::{AlarmIx, Blueprint, Metric, ServiceIx, TargetGroupIx};
use crate::sim::context::Context;
use crate::sim::event::{ControlEvent, Event};
use crate::sim::signal::Meter;
use crate::units::Span;
use alarms::Alarms;
use autoscaling::Scalers;
use cloudwatch::{Metrics, PERIOD};
use std::collections::BTreeSet;

/// CloudWatch and Application Auto Scaling of one run.
#[derive(Clone, Debug)]
pub struct Monitoring {
    metrics: Metrics,
    alarms: Alarms,
    scalers: Scalers,
    publication_delay: Span,
    read: Read,
}

/// What anybody reads of the metrics; the rest is not gathered.
#[derive(Clone, Debug)]
struct Read {
    anything: bool,
    /// Target groups with a metric that counts hosts.
    hosts: BTreeSet<TargetGroupIx>,
}

impl Read {
    fn new(blueprint: &Blueprint) -> Self {
        let mut hosts = BTreeSet::new();
        for metric in blueprint.metrics_read() {
            match metric {
                Metric::RequestCountPerTarget(group)
                | Metric::HealthyHostCount(group)
                | Metric::UnhealthyHostCount(group) => {
                    hosts.insert(group);
                }
                Metric::RequestCount(_)
                | Metric::TargetResponseTime(_)
                | Metric::Target2xx(_)
                | Metric::Target4xx(_)
                | Metric::Target5xx(_)
                | Metric::Elb5xx(_)
                | Metric::CpuUtilization(_)
                | Metric::MemoryUtilization(_)
                | Metric::RunningTaskCount(_)
                | Metric::Queue(..) => {}
            }
        }
        Read {
            anything: blueprint.metrics_read().next().is_some(),
            hosts,
        }
    }
}

impl Monitoring {
    pub fn new(blueprint: &Blueprint) -> Self {
        let alarms = Alarms::new(blueprint);
        let scalers = Scalers::new(blueprint);
        let publication_delay = blueprint.model.cloudwatch.publication_delay;
        let unpublished = publication_delay.nanos().div_ceil(PERIOD.nanos()) as usize;
        let minutes = alarms.minutes_needed().max(scalers.minutes_needed()) + unpublished + 1;
        Monitoring {
            metrics: Metrics::keeping(minutes),
            alarms,
            scalers,
            publication_delay,
            read: Read::new(blueprint),
        }
    }

    /// Schedules the services' scheduled actions. Once, when the run begins.
    pub fn begin(&self, cx: &mut Context<'_>) {
        for (at, service) in cx.blueprint.services.iter().enumerate() {
            for action in service.auto_scaling.iter().flat_map(|scaling| &scaling.scheduled) {
                cx.calendar.schedule_at(
                    action.at,
                    Event::control_extra(ControlEvent::ScheduledScaling, at as u32),
                );
            }
        }
    }

    /// Whether anybody reads how many hosts of the group are healthy.
    pub fn reads_hosts(&self, group: TargetGroupIx) -> bool {
        self.read.hosts.contains(&group)
    }

    /// Takes a minute's counters in, to be published later ([`ControlEvent::MetricsPublished`]).
    ///
    /// The minute that was under way when the simulation began is not one, and is not reported.
    pub fn ingest(&mut self, cx: &mut Context<'_>, meter: &Meter, fleet: &FleetCounts) {
        if !self.read.anything || Span::from_nanos(meter.ended.nanos()) < PERIOD {
            return;
        }
        self.metrics.ingest(meter, fleet);
        let event = Event::control_extra(ControlEvent::MetricsPublished, meter.minute);
        cx.calendar.schedule_at(meter.ended + self.publication_delay, event);
    }

    /// A minute that nobody takes in: there will be no data points of it.
    pub fn missed(&mut self, meter: &Meter) {
        if self.read.anything && Span::from_nanos(meter.ended.nanos()) >= PERIOD {
            self.metrics.miss(meter.minute);
        }
    }

    /// A minute can be read now: moves the alarms.
    pub fn published(&mut self, cx: &mut Context<'_>, minute: u32) {
        self.alarms.evaluate(cx, &self.metrics, minute);
    }

    /// Asks the policies after a minute. `services` holds every service in order.
    pub fn decide(&mut self, cx: &mut Context<'_>, minute: u32, services: &[ServiceView]) -> Vec<ScalingDecision> {
        self.scalers.evaluate(cx, &self.metrics, minute, services)
    }

    /// A scheduled action of a service is due: new bounds, and the desired count within them at once.
    pub fn scheduled(&mut self, cx: &mut Context<'_>, service: ServiceIx, desired: u32) -> Option<ScalingDecision> {
        self.scalers.scheduled(cx, service, desired)
    }

    pub fn in_alarm(&self, alarm: AlarmIx) -> bool {
        self.alarms.state(alarm) == AlarmState::Alarm
    }

    /// Minimum and maximum of a service's desired count at present; `None`: it is not scaled.
    pub fn bounds(&self, service: ServiceIx) -> Option<(u32, u32)> {
        self.scalers.bounds(service)
    }
}

#[cfg(test)]
mod tests;
