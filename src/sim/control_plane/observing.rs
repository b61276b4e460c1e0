//! What passes between the control plane and its monitoring: counts in, alarms and decisions out.
//!
//! The rules of CloudWatch and Application Auto Scaling are `monitoring`'s; here their decisions are carried out, and a
//! change of alarms is brought before the deployments that watch them.

use super::ControlPlane;
use super::monitoring::{FleetCounts, HostCounts, ScalingDecision, ServiceView};
use crate::blueprint::{AlarmIx, ControlService, ServiceIx};
use crate::cluster::target_group::TargetState;
use crate::policy::scaling::Deployment;
use crate::sim::context::Context;
use crate::sim::event::{ControlEvent, Event};
use crate::sim::signal::Meter;

impl ControlPlane {
    /// A CloudWatch minute has ended.
    pub(super) fn metered(&mut self, cx: &mut Context<'_>, meter: &Meter) {
        if self.is_away(ControlService::CloudWatch) {
            // What nobody takes is not there later either.
            return self.monitoring.missed(meter);
        }
        let hosts = self.target_groups.iter().map(|group| {
            if !self.monitoring.reads_hosts(group.group) {
                return HostCounts::default();
            }
            HostCounts {
                healthy: group.count(TargetState::Healthy),
                unhealthy: group.count(TargetState::Unhealthy),
            }
        });
        let running = self.services.iter().map(|service| service.counts.running());
        let fleet = FleetCounts {
            running: running.collect(),
            hosts: hosts.collect(),
            memory: self.memory_levels(cx, &meter.request_memory),
        };
        self.monitoring.ingest(cx, meter, &fleet);
    }

    /// A minute can be read: services are scaled, and deployments look at their alarms.
    pub(super) fn metrics_published(&mut self, cx: &mut Context<'_>, minute: u32) {
        let view = |service: &crate::cluster::Service| ServiceView {
            running: service.counts.running(),
            desired: service.desired,
            deployment: if service.deployment.is_some() {
                Deployment::InProgress
            } else {
                Deployment::None
            },
        };
        if self.is_away(ControlService::CloudWatch) {
            return;
        }
        let services: Vec<ServiceView> = self.services.iter().map(view).collect();
        self.monitoring.published(cx, minute);
        if self.may_scale() {
            for decision in self.monitoring.decide(cx, minute, &services) {
                self.scale(cx, decision);
            }
        }
        for at in (0..self.services.len()).map(ServiceIx::from_usize) {
            let alarms = cx.blueprint.services[at.at()].deployment.alarms.as_ref();
            let watched = self.services[at.at()].deployment.is_some() && alarms.is_some();
            if watched && alarms.is_some_and(|alarms| self.any_in_alarm(&alarms.alarms)) {
                self.request_pass(cx, at);
            }
        }
    }

    /// Whether somebody is there to scale services, and to be told of it.
    fn may_scale(&self) -> bool {
        !self.is_away(ControlService::ApplicationAutoScaling) && !self.is_away(ControlService::Ecs)
    }

    pub(super) fn scheduled_scaling(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        if !self.may_scale() {
            let event = Event::control_extra(ControlEvent::ScheduledScaling, u32::from(at.0));
            let pause = cx.blueprint.model.scheduler.scheduled_action_retry;
            return cx.calendar.schedule_in(pause, event);
        }
        let desired = self.services[at.at()].desired;
        if let Some(decision) = self.monitoring.scheduled(cx, at, desired) {
            self.scale(cx, decision);
        }
    }

    fn scale(&mut self, cx: &mut Context<'_>, decision: ScalingDecision) {
        let (at, desired) = (decision.service, decision.to);
        decision.observe(cx);
        self.change_desired_count(cx, at, desired);
    }

    pub(super) fn any_in_alarm(&self, alarms: &[AlarmIx]) -> bool {
        alarms.iter().any(|alarm| self.monitoring.in_alarm(*alarm))
    }
}
