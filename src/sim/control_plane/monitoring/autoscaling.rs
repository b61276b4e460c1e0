//! Application Auto Scaling: asks each service's policies once a published minute, and keeps cooldowns and bounds.
//!
//! The rule is `policy::scaling`'s. A policy that keeps being refused for one reason is told of once.

use super::cloudwatch::Metrics;
use crate::blueprint::{Blueprint, Metric, ScalingMetric, ServiceIx, Stat};
use crate::policy::scaling::{
    self, Action, Cooldowns, Decision, Deployment, MayScaleIn, PolicyView, Refusal, ScalingView,
};
use crate::sim::context::Context;
use crate::sim::observation::{Event, EventKind, Observation, ScalingRecord};

/// A service as its policies see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceView {
    /// Tasks in RUNNING, of all revisions.
    pub running: u32,
    pub desired: u32,
    pub deployment: Deployment,
}

/// The desired count that a service should have from now on.
#[derive(Clone, Debug)]
pub struct ScalingDecision {
    pub service: ServiceIx,
    pub to: u32,
    pub record: ScalingRecord,
}

impl ScalingDecision {
    /// Tells the probes, as a row of `scaling.csv` and one of `events.csv`. Once the decision is carried out.
    pub fn observe(self, cx: &mut Context<'_>) {
        cx.observations.push(Observation::Happened(Event {
            at: self.record.at,
            kind: EventKind::Scaling,
            service: Some(self.service),
            deployment: None,
            revision: None,
            task: None,
            instance: None,
            zone: None,
            from: self.record.from.to_string(),
            to: self.record.to.to_string(),
            reason: format!("{}: {}", self.record.policy, self.record.reason),
        }));
        cx.observations.push(Observation::Scaled(self.record));
    }
}

/// In the order of the blueprint's services.
#[derive(Clone, Debug)]
pub struct Scalers {
    scalers: Vec<Option<Scaler>>,
    minutes_needed: usize,
}

#[derive(Clone, Debug)]
struct Scaler {
    minimum: u32,
    maximum: u32,
    cooldowns: Cooldowns,
    /// Scheduled actions that are past.
    scheduled: usize,
    refused: Option<(usize, Refusal)>,
}

impl Scalers {
    pub fn new(blueprint: &Blueprint) -> Self {
        let scaler = |service: &crate::blueprint::Service| {
            service.auto_scaling.as_ref().map(|scaling| Scaler {
                minimum: scaling.min_capacity,
                maximum: scaling.max_capacity,
                cooldowns: Cooldowns::default(),
                scheduled: 0,
                refused: None,
            })
        };
        let minutes_needed = scaling::minutes_needed(&blueprint.model.target_tracking);
        Scalers {
            scalers: blueprint.services.iter().map(scaler).collect(),
            minutes_needed,
        }
    }

    pub fn minutes_needed(&self) -> usize {
        self.minutes_needed
    }

    pub fn bounds(&self, service: ServiceIx) -> Option<(u32, u32)> {
        self.scalers[service.at()]
            .as_ref()
            .map(|scaler| (scaler.minimum, scaler.maximum))
    }

    pub fn evaluate(
        &mut self,
        cx: &mut Context<'_>,
        metrics: &Metrics,
        minute: u32,
        services: &[ServiceView],
    ) -> Vec<ScalingDecision> {
        let mut decisions = Vec::new();
        for (at, (scaler, view)) in self.scalers.iter_mut().zip(services).enumerate() {
            let Some(scaler) = scaler else { continue };
            let service = ServiceIx::from_usize(at);
            let Some(decision) = scaler.ask(cx, metrics, minute, service, view, self.minutes_needed) else {
                scaler.refused = None;
                continue;
            };
            if let Some(decision) = scaler.settle(cx, service, view.desired, decision) {
                decisions.push(decision);
            }
        }
        decisions
    }

    /// Scheduled actions ignore cooldowns, and do not start any [AAS].
    pub fn scheduled(&mut self, cx: &Context<'_>, service: ServiceIx, desired: u32) -> Option<ScalingDecision> {
        let scaler = self.scalers[service.at()].as_mut()?;
        let actions = &cx.blueprint.services[service.at()].auto_scaling.as_ref()?.scheduled;
        let action = actions.get(scaler.scheduled)?;
        scaler.scheduled += 1;
        scaler.minimum = action.min_capacity.unwrap_or(scaler.minimum);
        scaler.maximum = action.max_capacity.unwrap_or(scaler.maximum);
        let to = desired.max(scaler.minimum).min(scaler.maximum);
        let action = match to.cmp(&desired) {
            std::cmp::Ordering::Equal => return None,
            std::cmp::Ordering::Greater => "scale out",
            std::cmp::Ordering::Less => "scale in",
        };
        let reason = format!("bounds are now {} to {}", scaler.minimum, scaler.maximum);
        let record = ScalingRecord {
            at: cx.now(),
            service,
            policy: "scheduled action".to_owned(),
            action,
            from: desired,
            to,
            metric: f64::from(desired),
            target: f64::from(to),
            reason,
        };
        Some(ScalingDecision { service, to, record })
    }
}

impl Scaler {
    fn ask(
        &self,
        cx: &Context<'_>,
        metrics: &Metrics,
        minute: u32,
        service: ServiceIx,
        view: &ServiceView,
        minutes: usize,
    ) -> Option<Decision> {
        let scaling = cx.blueprint.services[service.at()].auto_scaling.as_ref()?;
        let one = |metric: Metric, stat: Stat| metrics.series(metric, stat, minute, minutes, 1);
        let series = |metric: &ScalingMetric| match metric {
            ScalingMetric::Cpu => one(Metric::CpuUtilization(service), Stat::Average),
            ScalingMetric::Memory => one(Metric::MemoryUtilization(service), Stat::Average),
            ScalingMetric::RequestCountPerTarget(group) => one(Metric::RequestCountPerTarget(*group), Stat::Sum),
            ScalingMetric::Customized(math) => metrics.math((&math.metrics, &math.expression), minute, minutes, 1),
        };
        let datapoints: Vec<Vec<Option<f64>>> = scaling.policies.iter().map(|policy| series(&policy.metric)).collect();
        let policies: Vec<PolicyView> = scaling
            .policies
            .iter()
            .zip(&datapoints)
            .map(|(policy, datapoints)| PolicyView {
                target: policy.target_value,
                may_scale_in: if policy.disable_scale_in {
                    MayScaleIn::No
                } else {
                    MayScaleIn::Yes
                },
                scale_out_cooldown: policy.scale_out_cooldown,
                scale_in_cooldown: policy.scale_in_cooldown,
                datapoints,
            })
            .collect();
        scaling::decide(&ScalingView {
            now: cx.now(),
            running: view.running,
            desired: view.desired,
            minimum: self.minimum,
            maximum: self.maximum,
            deployment: view.deployment,
            cooldowns: self.cooldowns,
            policies: &policies,
            model: &cx.blueprint.model.target_tracking,
        })
    }

    /// Remembers the decision; hands it on if something is to be done, and tells of it if it is a new refusal.
    fn settle(
        &mut self,
        cx: &mut Context<'_>,
        service: ServiceIx,
        desired: u32,
        decision: Decision,
    ) -> Option<ScalingDecision> {
        let scaling = cx.blueprint.services[service.at()].auto_scaling.as_ref()?;
        let policy = &scaling.policies[decision.policy];
        self.cooldowns = decision.cooldowns;
        let record = ScalingRecord {
            at: cx.now(),
            service,
            policy: policy.name.clone(),
            action: match decision.action {
                Action::ScaleOut => "scale out",
                Action::ScaleIn => "scale in",
                Action::Refused(_) => "refused",
            },
            from: desired,
            to: decision.to,
            metric: decision.metric,
            target: policy.target_value,
            reason: decision.reason,
        };
        let Action::Refused(why) = decision.action else {
            self.refused = None;
            return Some(ScalingDecision {
                service,
                to: decision.to,
                record,
            });
        };
        if self.refused.replace((decision.policy, why)) != Some((decision.policy, why)) {
            cx.observations.push(Observation::Scaled(record));
        }
        None
    }
}
