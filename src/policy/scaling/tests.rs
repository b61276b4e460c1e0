//! Each rule of target tracking by its name, with numbers that a reader can check.

use super::*;

const MODEL: TargetTrackingModel = TargetTrackingModel {
    scale_in: ScaleIn::Proportional,
    high_periods: 3,
    low_periods: 15,
    low_threshold: 0.9,
};
const ONE_STEP: TargetTrackingModel = TargetTrackingModel {
    scale_in: ScaleIn::OneStep,
    ..MODEL
};

/// A service of 10 under one policy with target 60, unless changed.
struct Case {
    seconds: u64,
    running: u32,
    desired: u32,
    bounds: (u32, u32),
    deployment: Deployment,
    cooldowns: Cooldowns,
    model: TargetTrackingModel,
    policies: Vec<(f64, MayScaleIn, Vec<Option<f64>>)>,
}

fn flat(value: f64) -> Vec<Option<f64>> {
    vec![Some(value); 20]
}

impl Case {
    fn of(running: u32, datapoints: Vec<Option<f64>>) -> Case {
        Case {
            seconds: 10_000,
            running,
            desired: running,
            bounds: (1, 100),
            deployment: Deployment::None,
            cooldowns: Cooldowns::default(),
            model: MODEL,
            policies: vec![(60.0, MayScaleIn::Yes, datapoints)],
        }
    }
    fn and(mut self, target: f64, may_scale_in: MayScaleIn, datapoints: Vec<Option<f64>>) -> Case {
        self.policies.push((target, may_scale_in, datapoints));
        self
    }
    fn decide(&self) -> Option<Decision> {
        let policy = |(target, may_scale_in, datapoints): &(f64, MayScaleIn, Vec<Option<f64>>)| {
            (*target, *may_scale_in, datapoints.clone())
        };
        let owned: Vec<_> = self.policies.iter().map(policy).collect();
        let policies: Vec<PolicyView> = owned
            .iter()
            .map(|(target, may_scale_in, datapoints)| PolicyView {
                target: *target,
                may_scale_in: *may_scale_in,
                scale_out_cooldown: Span::from_secs(300),
                scale_in_cooldown: Span::from_secs(300),
                datapoints,
            })
            .collect();
        decide(&ScalingView {
            now: Instant::ZERO + Span::from_secs(self.seconds),
            running: self.running,
            desired: self.desired,
            minimum: self.bounds.0,
            maximum: self.bounds.1,
            deployment: self.deployment,
            cooldowns: self.cooldowns,
            policies: &policies,
            model: &self.model,
        })
    }
    fn action(&self) -> Option<(Action, u32)> {
        self.decide().map(|decision| (decision.action, decision.to))
    }
}

fn out(to: u32) -> Option<(Action, u32)> {
    Some((Action::ScaleOut, to))
}

fn inwards(to: u32) -> Option<(Action, u32)> {
    Some((Action::ScaleIn, to))
}

fn refusal(why: Refusal, desired: u32) -> Option<(Action, u32)> {
    Some((Action::Refused(why), desired))
}

#[test]
fn the_new_count_is_running_times_metric_over_target_rounded_up() {
    // 10 × 88 / 60 = 14.67.
    let decision = Case::of(10, flat(88.0)).decide().unwrap();
    assert_eq!((decision.action, decision.to), (Action::ScaleOut, 15));
    assert_eq!(decision.reason, "88 above 60 for 3 minutes: ceil(10 × 88 / 60) = 15");
    // AWS's example: 1.5 becomes 2.
    assert_eq!(Case::of(1, flat(90.0)).action(), out(2));
    // Whole quotients are not rounded up by a rounding error: 7 × 70 / 49 … here 3 × 80 / 60 = 4, 9 × 73.33… stays 11.
    assert_eq!(Case::of(3, flat(80.0)).action(), out(4));
    assert_eq!(Case::of(9, flat(60.0 * 11.0 / 9.0)).action(), out(11));
}

#[test]
fn the_base_is_the_running_count_not_the_desired() {
    let mut case = Case::of(8, flat(90.0));
    case.desired = 10;
    assert_eq!(case.action(), out(12));
    // What was asked for and is still starting is not asked for twice: ceil(8 × 72 / 60) = 10.
    case.policies[0].2 = flat(72.0);
    assert_eq!(case.action(), None);
}

#[test]
fn scaling_out_takes_three_of_three_minutes() {
    let tail = |values: [f64; 3]| [flat(50.0), values.map(Some).to_vec()].concat();
    assert_eq!(Case::of(10, tail([50.0, 88.0, 88.0])).action(), None);
    assert_eq!(
        Case::of(10, tail([88.0, 60.0, 88.0])).action(),
        None,
        "at the target is not above it"
    );
    assert_eq!(Case::of(10, tail([61.0, 61.0, 88.0])).action(), out(15));
}

#[test]
fn scaling_in_takes_fifteen_of_fifteen_minutes_below_nine_tenths() {
    let low = |minutes: usize| [flat(59.0), vec![Some(30.0); minutes]].concat();
    assert_eq!(Case::of(10, low(14)).action(), None);
    assert_eq!(Case::of(10, low(15)).action(), inwards(5));
    assert_eq!(Case::of(10, flat(54.0)).action(), None, "at nine tenths is not below");
    assert_eq!(Case::of(10, flat(53.9)).action(), inwards(9));
}

#[test]
fn scaling_in_never_puts_the_metric_above_the_target() {
    // 2 tasks at 45 %: one would be at 90 %. Three at 50 %: 2.5 tasks are needed, removing 0.5 removes nothing.
    assert_eq!(Case::of(2, flat(45.0)).action(), refusal(Refusal::WouldExceedTarget, 2));
    assert_eq!(Case::of(3, flat(50.0)).action(), refusal(Refusal::WouldExceedTarget, 3));
    assert_eq!(Case::of(3, flat(40.0)).action(), inwards(2));
}

#[test]
fn one_step_removes_one_task() {
    let mut case = Case::of(10, flat(12.0));
    assert_eq!(case.action(), inwards(2));
    case.model = ONE_STEP;
    assert_eq!(case.action(), inwards(9));
    let reason = case.decide().expect("it scales in").reason;
    assert_eq!(
        reason,
        "12 below 54 for 15 minutes: ceil(10 × 12 / 60) = 2, one task a step"
    );
    case = Case {
        model: ONE_STEP,
        ..Case::of(3, flat(50.0))
    };
    assert_eq!(case.action(), refusal(Refusal::WouldExceedTarget, 3));
}

#[test]
fn missing_data_scales_nothing() {
    assert_eq!(Case::of(10, vec![None; 20]).action(), None);
    assert_eq!(Case::of(10, vec![]).action(), None);
    // A young run has too few datapoints for either alarm.
    assert_eq!(Case::of(10, vec![Some(88.0); 2]).action(), None);
    assert_eq!(Case::of(10, vec![Some(10.0); 14]).action(), None);
}

#[test]
fn any_policy_scales_out_and_the_largest_count_wins() {
    let case = Case::of(10, flat(66.0)).and(1000.0, MayScaleIn::Yes, flat(1450.0));
    let decision = case.decide().unwrap();
    assert_eq!((decision.to, decision.policy, decision.metric), (15, 1, 1450.0));
    // One policy asks for less, the other for more: more.
    assert_eq!(
        Case::of(10, flat(20.0))
            .and(1000.0, MayScaleIn::Yes, flat(1050.0))
            .action(),
        out(11)
    );
}

#[test]
fn all_policies_must_agree_to_scale_in_and_the_largest_count_wins() {
    assert_eq!(
        Case::of(10, flat(30.0))
            .and(1000.0, MayScaleIn::Yes, flat(700.0))
            .action(),
        inwards(7)
    );
    let memory_stays_high = Case::of(10, flat(30.0)).and(80.0, MayScaleIn::Yes, flat(75.0));
    assert_eq!(memory_stays_high.action(), refusal(Refusal::PoliciesDisagree, 10));
    let no_data = Case::of(10, flat(30.0)).and(80.0, MayScaleIn::Yes, vec![None; 20]);
    assert_eq!(no_data.action(), refusal(Refusal::PoliciesDisagree, 10));
}

#[test]
fn a_policy_that_may_not_scale_in_has_no_say_in_it() {
    assert_eq!(
        Case::of(10, flat(30.0)).and(80.0, MayScaleIn::No, flat(75.0)).action(),
        inwards(5)
    );
    let mut alone = Case::of(10, flat(30.0));
    alone.policies[0].1 = MayScaleIn::No;
    assert_eq!(alone.action(), None);
    alone.policies[0].2 = flat(88.0);
    assert_eq!(alone.action(), out(15));
}

#[test]
fn during_the_scale_out_cooldown_only_a_larger_addition_counts_and_only_the_difference() {
    let mut case = Case::of(10, flat(88.0));
    let first = case.decide().unwrap();
    assert_eq!(first.to, 15);
    // A minute later all 15 run, but the published minute still says 88: from a base of 15 that would be 22.
    case = Case {
        seconds: 10_060,
        running: 15,
        desired: 15,
        cooldowns: first.cooldowns,
        ..case
    };
    assert_eq!(case.action(), refusal(Refusal::ScaleOutCooldown, 15));
    // 126 asks for 21 from the base of 10: 6 more than the last addition of 5.
    case.policies[0].2 = flat(126.0);
    let second = case.decide().unwrap();
    assert_eq!((second.action, second.to), (Action::ScaleOut, 21));
    // The larger addition starts the cooldown anew, from the same base.
    case = Case {
        seconds: 10_310,
        running: 21,
        desired: 21,
        cooldowns: second.cooldowns,
        ..case
    };
    assert_eq!(case.action(), refusal(Refusal::ScaleOutCooldown, 21));
    case.seconds = 10_360;
    case.policies[0].2 = flat(63.0);
    assert_eq!(case.action(), out(23), "the cooldown is over: ceil(21 × 63 / 60)");
}

#[test]
fn scaling_in_waits_for_its_cooldown_and_a_scale_out_ends_that() {
    let mut case = Case::of(10, flat(30.0));
    let first = case.decide().unwrap();
    assert_eq!((first.action, first.to), (Action::ScaleIn, 5));
    case = Case {
        seconds: 10_299,
        running: 5,
        desired: 5,
        cooldowns: first.cooldowns,
        ..case
    };
    assert_eq!(case.action(), refusal(Refusal::ScaleInCooldown, 5));
    case.seconds = 10_300;
    assert_eq!(case.action(), inwards(3));
    // A scale-out at once, in the middle of the cooldown, which ends with it.
    case.seconds = 10_100;
    case.policies[0].2 = flat(88.0);
    let outwards = case.decide().unwrap();
    assert_eq!((outwards.action, outwards.to), (Action::ScaleOut, 8));
    let after = Case {
        seconds: 10_160,
        running: 8,
        desired: 8,
        cooldowns: outwards.cooldowns,
        ..Case::of(8, flat(30.0))
    };
    assert_eq!(after.action(), inwards(4));
}

#[test]
fn scaling_in_is_suspended_during_deployments_and_scaling_out_is_not() {
    let mut case = Case::of(10, flat(30.0));
    case.deployment = Deployment::InProgress;
    assert_eq!(case.action(), refusal(Refusal::DeploymentInProgress, 10));
    case.policies[0].2 = flat(88.0);
    assert_eq!(case.action(), out(15));
}

#[test]
fn counts_stay_within_minimum_and_maximum() {
    let mut case = Case::of(10, flat(88.0));
    case.bounds = (8, 12);
    let decision = case.decide().unwrap();
    assert_eq!(decision.to, 12);
    assert_eq!(
        decision.reason,
        "88 above 60 for 3 minutes: ceil(10 × 88 / 60) = 15, at most 12"
    );
    case = Case {
        running: 12,
        desired: 12,
        ..case
    };
    assert_eq!(case.action(), refusal(Refusal::AtMaximum, 12));
    let mut case = Case::of(10, flat(30.0));
    case.bounds = (8, 12);
    assert_eq!(case.action(), inwards(8));
    case = Case {
        running: 8,
        desired: 8,
        ..case
    };
    assert_eq!(case.action(), None);
}

#[test]
fn a_count_outside_its_bounds_is_first_brought_to_them() {
    // Below the minimum the next scale-out lifts it there; a scale-in leaves it alone.
    let mut case = Case::of(2, flat(66.0));
    case.bounds = (6, 20);
    assert_eq!(case.action(), out(6));
    case.policies[0].2 = flat(10.0);
    assert_eq!(case.action(), None);
    // Above the maximum a scale-in lowers it there; a scale-out leaves it alone.
    let mut case = Case::of(30, flat(53.0));
    case.bounds = (6, 20);
    assert_eq!(case.action(), inwards(20));
    case.policies[0].2 = flat(88.0);
    assert_eq!(case.action(), refusal(Refusal::AtMaximum, 30));
}

#[test]
fn from_nothing_one_datapoint_starts_one_task() {
    let mut case = Case::of(0, vec![Some(200.0)]);
    case.bounds = (0, 10);
    assert_eq!(case.action(), out(1));
    // It is on its way: nothing more until it runs.
    case.desired = 1;
    assert_eq!(case.action(), None);
}
