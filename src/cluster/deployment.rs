//! A deployment in progress: from which revision to which, how far it has come, what it has counted.
//!
//! A rollback is a stage of the deployment that failed, so one record tells the whole story. Deliberately not here:
//! what moves it on (`sim::control_plane::deployments`, `::life_cycle`) and the bounds (`policy::rollout`).

use crate::blueprint::{DeploymentStrategy, LifecycleStage, RevisionIx};
use crate::stats::TimeWeighted;
use crate::units::{Instant, Span};

#[derive(Clone, Debug)]
pub struct Deployment {
    /// Counts up over a run; for output.
    pub ordinal: u32,
    pub strategy: DeploymentStrategy,
    pub from: RevisionIx,
    pub to: RevisionIx,
    pub stage: Stage,
    /// When it began.
    pub entered: Instant,
    /// The stage goes on at least until then: the bake time of the deployment or of a portion of its traffic.
    pub bakes_until: Option<Instant>,
    /// CodeDeploy: while traffic shifts the service was scaled, and must be steady again by then.
    pub steady_by: Option<Instant>,
    /// Life-cycle hooks of the stage that have not been heard yet.
    pub hooks: Vec<HookRun>,
    pub started: Instant,
    /// The circuit breaker's count.
    pub failures: u32,
    /// Whether a task of the revision being started has reached RUNNING: the breaker's second stage.
    pub breaker_stage: BreakerStage,
    pub alarms: AlarmWatch,
    /// When a breaker or alarm decided, and why.
    pub detected: Option<(Instant, String)>,
    pub lowest_healthy: u32,
    pub desired_at_start: u32,
    /// Tasks that are paid for above the desired count of the moment.
    pub extra: TimeWeighted,
    /// Healthy tasks that the desired count of the moment lacks.
    pub missing: TimeWeighted,
    /// Decision and reason of the last row of `deployment_steps`.
    pub last_step: (String, String),
}

/// A life-cycle hook that has been called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HookRun {
    /// Position among the service's.
    pub hook: usize,
    /// When it answers, or is waited for no longer.
    pub ends: Instant,
    pub answer: HookAnswer,
    /// In AWS's words.
    pub told: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookAnswer {
    GoOn,
    /// The deployment has failed, for this reason.
    Fail(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// On its way. A rolling deployment knows SCALE_UP, in which old tasks are replaced, and BAKE_TIME only.
    At(LifecycleStage),
    /// Back to the blue that stands, or to the latest COMPLETED deployment.
    RollBack,
}

impl Stage {
    pub const fn name(self) -> &'static str {
        match self {
            Stage::At(stage) => stage.name(),
            Stage::RollBack => "ROLLBACK_IN_PROGRESS",
        }
    }
}

impl Deployment {
    /// Whether the stage's bake time, if it has one, is over.
    pub fn has_baked(&self, now: Instant) -> bool {
        self.bakes_until.is_none_or(|until| until <= now)
    }
}

/// [DG:deployment-circuit-breaker].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerStage {
    /// Tasks that fail to reach RUNNING count.
    NoneHasRun,
    /// Tasks replaced for a failed check count.
    SomeHaveRun,
}

/// [DG:deployment-alarm-failure].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmWatch {
    Watching,
    /// One was in ALARM when the deployment started, so none counts for the whole of it. Or there are none.
    Ignored,
}

/// The restart throttle of what a service is starting [DG:service-throttle-logic].
///
/// Only tasks that stop without ever having been RUNNING count, and those that were started together count once: the
/// throttle spaces attempts. A task that reaches RUNNING and a new deployment reset it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// Attempts in a row that failed.
    pub failed: u32,
    /// The last one was noticed then: tasks created before belong to it.
    pub noticed: Option<Instant>,
    /// No task is started earlier.
    pub not_before: Instant,
}

impl Throttle {
    pub const OPEN: Throttle = Throttle {
        failed: 0,
        noticed: None,
        not_before: Instant::ZERO,
    };

    /// A task created at `created` has stopped without having run. Returns whether the delay has grown.
    pub fn count(&mut self, created: Instant, now: Instant, delay: impl FnOnce(u32) -> Span) -> bool {
        if self.noticed.is_some_and(|noticed| created < noticed) {
            return false;
        }
        self.not_before = now + delay(self.failed);
        self.failed += 1;
        self.noticed = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_started_together_are_one_attempt() {
        let at = |s| Instant::ZERO + Span::from_secs(s);
        let delay = |k: u32| Span::from_secs(15 << k);
        let mut throttle = Throttle::OPEN;
        assert!(throttle.count(at(0), at(10), delay));
        assert_eq!(throttle.not_before, at(25));
        assert!(!throttle.count(at(0), at(11), delay), "its twin");
        assert_eq!(throttle.not_before, at(25));
        assert!(throttle.count(at(25), at(35), delay));
        assert_eq!(throttle.not_before, at(65), "10 + 25 + 30 seconds");
    }
}
