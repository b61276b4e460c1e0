//! Target tracking: how many tasks a service should have, as Application Auto Scaling decides it.
//!
//! Once a minute each policy looks at its own datapoints through two alarms of its own (above the target for 3 of 3
//! minutes, below 90 % of it for 15 of 15). The new count is the *running* count times metric over target, rounded up;
//! out if any policy says so, in only if all that may agree, and the larger count wins both ways [AAS]
//! [DG:service-auto-scaling]. Where AWS is silent the blueprint's model speaks.
//!
//! Not here: metrics and their delay, scheduled actions, and carrying a decision out.

use super::alarm::{AlarmRule, Verdict};
use crate::blueprint::{Comparison, MissingData, ScaleIn, TargetTrackingModel};
use crate::units::{Instant, Span};
use std::cmp::Ordering;

/// A service and its policies at one instant.
#[derive(Clone, Copy, Debug)]
pub struct ScalingView<'a> {
    pub now: Instant,
    /// Tasks in RUNNING, of all revisions: the base of every calculation.
    pub running: u32,
    pub desired: u32,
    pub minimum: u32,
    pub maximum: u32,
    pub deployment: Deployment,
    pub cooldowns: Cooldowns,
    pub policies: &'a [PolicyView<'a>],
    pub model: &'a TargetTrackingModel,
}

#[derive(Clone, Copy, Debug)]
pub struct PolicyView<'a> {
    pub target: f64,
    pub may_scale_in: MayScaleIn,
    pub scale_out_cooldown: Span,
    pub scale_in_cooldown: Span,
    /// One for each published minute, oldest first; `None` where nothing was reported.
    pub datapoints: &'a [Option<f64>],
}

/// `DisableScaleIn`, turned round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MayScaleIn {
    Yes,
    No,
}

/// While a deployment is in progress the service is not scaled in [DG:service-auto-scaling].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deployment {
    None,
    InProgress,
}

/// What a service's last scaling activities still hold back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cooldowns {
    scale_out: Option<ScaleOutCooldown>,
    scale_in_until: Option<Instant>,
}

/// While it lasts, what was added counts as present: new counts are worked out from the base it was added to, so only a
/// larger scale-out than the last adds to it, and only the difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ScaleOutCooldown {
    until: Instant,
    base: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    pub action: Action,
    /// Position of the policy that decided.
    pub policy: usize,
    /// The new desired count; the present one if refused.
    pub to: u32,
    /// The policy's newest datapoint.
    pub metric: f64,
    pub reason: String,
    /// The cooldowns from now on.
    pub cooldowns: Cooldowns,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    ScaleOut,
    ScaleIn,
    Refused(Refusal),
}

/// Why an alarm of a policy has led to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    AtMaximum,
    ScaleOutCooldown,
    ScaleInCooldown,
    DeploymentInProgress,
    /// Another policy that may scale in does not want to.
    PoliciesDisagree,
    /// One task less would put the metric above its target.
    WouldExceedTarget,
}

/// What one policy's alarms say, with the newest datapoint.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Call {
    Out(f64),
    In(f64),
    Stay,
}

/// What should be done now; `None`: nothing is asked for.
pub fn decide(view: &ScalingView) -> Option<Decision> {
    let calls: Vec<Call> = view.policies.iter().map(|policy| call(view, policy)).collect();
    if calls.iter().any(|call| matches!(call, Call::Out(_))) {
        return scale_out(view, &calls);
    }
    scale_in(view, &calls)
}

fn call(view: &ScalingView, policy: &PolicyView) -> Call {
    let Some(metric) = policy.datapoints.iter().rev().find_map(|point| *point) else {
        return Call::Stay;
    };
    let alarms = |rule: AlarmRule| rule.judge(policy.datapoints) == Verdict::Alarm;
    if alarms(high_alarm(policy.target, high_periods(view))) {
        return Call::Out(metric);
    }
    if policy.may_scale_in == MayScaleIn::Yes && alarms(low_alarm(policy.target, view.model)) {
        return Call::In(metric);
    }
    Call::Stay
}

/// How many minutes of datapoints the alarms look at.
pub fn minutes_needed(model: &TargetTrackingModel) -> usize {
    high_alarm(0.0, model.high_periods)
        .range()
        .max(low_alarm(0.0, model).range())
}

/// Application Auto Scaling's own alarm above the target.
fn high_alarm(target: f64, periods: u32) -> AlarmRule {
    AlarmRule {
        comparison: Comparison::GreaterThan,
        threshold: target,
        evaluation_periods: periods,
        datapoints_to_alarm: periods,
        missing: MissingData::Missing,
    }
}

/// Application Auto Scaling's own alarm below the target.
fn low_alarm(target: f64, model: &TargetTrackingModel) -> AlarmRule {
    AlarmRule {
        comparison: Comparison::LessThan,
        threshold: target * model.low_threshold,
        evaluation_periods: model.low_periods,
        datapoints_to_alarm: model.low_periods,
        missing: MissingData::Missing,
    }
}

/// ceil(base × metric / target); from nothing, the least that can be added.
fn wanted(base: u32, metric: f64, target: f64) -> u32 {
    if base == 0 && metric > 0.0 {
        return 1;
    }
    let exact = f64::from(base) * metric / target;
    // A quotient that is whole but for rounding is whole.
    (exact - exact * 1e-12).ceil() as u32
}

/// The policy that wants most, the first of them on a tie.
fn largest(options: impl Iterator<Item = (usize, f64, u32)>) -> Option<(usize, f64, u32)> {
    options.reduce(|best, next| if next.2 > best.2 { next } else { best })
}

fn scale_out(view: &ScalingView, calls: &[Call]) -> Option<Decision> {
    let running_out = view.cooldowns.scale_out.filter(|cooldown| view.now < cooldown.until);
    let base = running_out.map_or(view.running, |cooldown| cooldown.base);
    let from = |base: u32| {
        let options = calls.iter().enumerate().filter_map(move |(at, call)| match call {
            Call::Out(metric) => Some((at, *metric, wanted(base, *metric, view.policies[at].target))),
            Call::In(_) | Call::Stay => None,
        });
        largest(options).expect("somebody calls for more")
    };
    // With none running yet but some on their way there is no base to work from.
    if base == 0 && view.desired > 0 {
        return None;
    }
    let (policy, metric, count) = from(base);
    let to = count.max(view.minimum).min(view.maximum);
    let target = view.policies[policy].target;
    if to > view.desired {
        let until = view.now + view.policies[policy].scale_out_cooldown;
        let since = if running_out.is_some() {
            ", counted from before the last addition"
        } else {
            ""
        };
        return Some(Decision {
            action: Action::ScaleOut,
            policy,
            to,
            metric,
            reason: format!(
                "{} above {} for {} minutes{since}: {}",
                short(metric),
                short(target),
                high_periods(view),
                arithmetic(base, metric, target, count, to)
            ),
            cooldowns: Cooldowns {
                scale_out: Some(ScaleOutCooldown { until, base }),
                scale_in_until: None,
            },
        });
    }
    if count > view.desired {
        return Some(refused(view, policy, metric, Refusal::AtMaximum));
    }
    let (policy, metric, unheld) = from(view.running);
    (running_out.is_some() && unheld > view.desired).then(|| refused(view, policy, metric, Refusal::ScaleOutCooldown))
}

fn scale_in(view: &ScalingView, calls: &[Call]) -> Option<Decision> {
    let (first, metric) = calls.iter().enumerate().find_map(|(at, call)| match call {
        Call::In(metric) => Some((at, *metric)),
        Call::Out(_) | Call::Stay => None,
    })?;
    if view.desired <= view.minimum || view.running == 0 {
        return None;
    }
    let dissents = |(call, policy): (&Call, &PolicyView)| *call == Call::Stay && policy.may_scale_in == MayScaleIn::Yes;
    if calls.iter().zip(view.policies).any(dissents) {
        return Some(refused(view, first, metric, Refusal::PoliciesDisagree));
    }
    let options = calls.iter().enumerate().filter_map(|(at, call)| match call {
        Call::In(metric) => Some((at, *metric, reduced(view, *metric, view.policies[at].target))),
        Call::Out(_) | Call::Stay => None,
    });
    let (policy, metric, count) = largest(options).expect("somebody calls for less");
    let to = count.max(view.minimum).min(view.maximum);
    if to >= view.desired {
        return Some(refused(view, policy, metric, Refusal::WouldExceedTarget));
    }
    if view.deployment == Deployment::InProgress {
        return Some(refused(view, policy, metric, Refusal::DeploymentInProgress));
    }
    if view.cooldowns.scale_in_until.is_some_and(|until| view.now < until) {
        return Some(refused(view, policy, metric, Refusal::ScaleInCooldown));
    }
    let target = view.policies[policy].target;
    let needed = wanted(view.running, metric, target);
    let told = if count == needed {
        arithmetic(view.running, metric, target, count, to)
    } else {
        format!(
            "{}, one task a step",
            arithmetic(view.running, metric, target, needed, needed)
        )
    };
    Some(Decision {
        action: Action::ScaleIn,
        policy,
        to,
        metric,
        reason: format!(
            "{} below {} for {} minutes: {told}",
            short(metric),
            short(target * view.model.low_threshold),
            view.model.low_periods,
        ),
        cooldowns: Cooldowns {
            scale_in_until: Some(view.now + view.policies[policy].scale_in_cooldown),
            ..view.cooldowns
        },
    })
}

/// The count after scaling in: never one that would put the metric above the target.
fn reduced(view: &ScalingView, metric: f64, target: f64) -> u32 {
    let least = wanted(view.running, metric, target);
    match view.model.scale_in {
        ScaleIn::Proportional => least,
        ScaleIn::OneStep => least.max(view.desired - 1),
    }
}

fn refused(view: &ScalingView, policy: usize, metric: f64, why: Refusal) -> Decision {
    let target = short(view.policies[policy].target);
    let reason = match why {
        Refusal::AtMaximum => format!(
            "{} above {target}, but at the maximum of {}",
            short(metric),
            view.maximum
        ),
        Refusal::ScaleOutCooldown => format!(
            "{} above {target}, but what was added last counts as present",
            short(metric)
        ),
        Refusal::ScaleInCooldown => format!("{} below {target}, but in the scale-in cooldown", short(metric)),
        Refusal::DeploymentInProgress => format!("{} below {target}, but a deployment is in progress", short(metric)),
        Refusal::PoliciesDisagree => format!("{} below {target}, but another policy does not agree", short(metric)),
        Refusal::WouldExceedTarget => {
            format!("{} below {target}, but one task less would put it above", short(metric))
        }
    };
    Decision {
        action: Action::Refused(why),
        policy,
        to: view.desired,
        metric,
        reason,
        cooldowns: view.cooldowns,
    }
}

/// From nothing, one datapoint is enough [DG:service-auto-scaling].
fn high_periods(view: &ScalingView) -> u32 {
    if view.desired == 0 && view.running == 0 {
        1
    } else {
        view.model.high_periods
    }
}

/// `ceil(10 × 88 / 60) = 15`, and the bound that held it, if one did.
fn arithmetic(base: u32, metric: f64, target: f64, count: u32, to: u32) -> String {
    let bound = match to.cmp(&count) {
        Ordering::Equal => String::new(),
        Ordering::Less => format!(", at most {to}"),
        Ordering::Greater => format!(", at least {to}"),
    };
    format!("ceil({base} × {} / {}) = {count}{bound}", short(metric), short(target))
}

/// At most two decimals, none that say nothing.
fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests;
