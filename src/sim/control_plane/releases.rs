//! Release trains: services deployed step by step, each step when the one before has COMPLETED.
//!
//! A train only starts deployments and hears how they end; what a deployment does is its own. One that does not COMPLETE
//! (FAILED, rolled back, superseded) fails the train once its siblings of the same step have ended too: the train stops
//! there, or deploys what has COMPLETED back to what was before, the last step first. A failure on the way back ends it.

use super::ControlPlane;
use super::telling::row;
use crate::blueprint::{OnReleaseFailure, Release, ReleaseStep, RevisionIx, ServiceIx};
use crate::sim::context::Context;
use crate::sim::event::{ControlEvent, Event};
use crate::sim::observation::{DeploymentRecord, EventKind, Observation};
use crate::units::Span;

/// A release under way.
#[derive(Clone, Debug)]
pub(super) struct Train {
    on_failure: OnReleaseFailure,
    direction: Direction,
    /// Not begun yet, the next one last.
    ahead: Vec<ReleaseStep>,
    /// Deployments of the present step that have not ended.
    under_way: Vec<u32>,
    /// Whether one of the present step did not COMPLETE.
    failed: Option<&'static str>,
    /// For each step that has begun: services that COMPLETED, and the revisions that they had before.
    behind: Vec<Vec<(ServiceIx, RevisionIx)>>,
    steps: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Forward,
    Back,
    /// Over, well or not.
    Ended,
}

impl ControlPlane {
    /// A release begins with its first step.
    pub fn begin_release(&mut self, cx: &mut Context<'_>, release: &Release) {
        self.releases.push(Train {
            on_failure: release.on_failure,
            direction: Direction::Forward,
            ahead: release.steps.iter().rev().cloned().collect(),
            under_way: Vec::new(),
            failed: None,
            behind: Vec::new(),
            steps: release.steps.len(),
        });
        self.schedule_step(cx, self.releases.len() - 1);
    }

    fn schedule_step(&mut self, cx: &mut Context<'_>, at: usize) {
        let wait = self.releases[at].ahead.last().map_or(Span::ZERO, |step| step.wait);
        let event = Event::control_extra(ControlEvent::ReleaseStep, at as u32);
        cx.calendar.schedule_in(wait, event);
    }

    /// The next step begins.
    pub(super) fn release_step(&mut self, cx: &mut Context<'_>, at: usize) {
        let Some(step) = self.releases[at].ahead.pop() else {
            return self.end_train(cx, at);
        };
        let train = &mut self.releases[at];
        let left = train.ahead.len();
        let told = match train.direction {
            Direction::Back => format!("back: {left} steps to go"),
            _ => format!("step {} of {}", train.steps - left, train.steps),
        };
        train.failed = None;
        if train.direction == Direction::Forward {
            train.behind.push(Vec::new());
        }
        tell(cx, "", &told, "");
        self.deploy(cx, &step.deploy);
        let deployment = |(service, _): &(ServiceIx, RevisionIx)| {
            let deployment = self.services[service.at()].deployment.as_ref();
            deployment.expect("it has just begun").ordinal
        };
        self.releases[at].under_way = step.deploy.iter().map(deployment).collect();
    }

    /// A deployment has ended.
    pub(super) fn train_hears(&mut self, cx: &mut Context<'_>, record: &DeploymentRecord) {
        let is_on = |train: &Train| train.under_way.contains(&record.deployment);
        let Some(at) = self.releases.iter().position(is_on) else {
            return;
        };
        let train = &mut self.releases[at];
        train.under_way.retain(|ordinal| *ordinal != record.deployment);
        if record.outcome != "COMPLETED" {
            train.failed.get_or_insert(record.outcome);
        } else if let (Direction::Forward, Some(step)) = (train.direction, train.behind.last_mut()) {
            step.push((record.service, record.from));
        }
        if !train.under_way.is_empty() {
            return;
        }
        if let Some(outcome) = train.failed {
            let turns = train.direction == Direction::Forward && train.on_failure == OnReleaseFailure::RollBack;
            train.ahead.clear();
            if !turns {
                train.direction = Direction::Ended;
                return tell(cx, "", "STOPPED", outcome);
            }
            train.direction = Direction::Back;
            let behind = std::mem::take(&mut train.behind).into_iter();
            let back = behind.filter(|step| !step.is_empty()).map(|deploy| ReleaseStep {
                wait: Span::ZERO,
                deploy,
            });
            // The last one is taken first.
            train.ahead = back.collect();
            tell(cx, "", "ROLLING_BACK", outcome);
        }
        self.schedule_step(cx, at);
    }

    fn end_train(&mut self, cx: &mut Context<'_>, at: usize) {
        let to = match self.releases[at].direction {
            Direction::Forward => "COMPLETED",
            Direction::Back => "ROLLED_BACK",
            Direction::Ended => return,
        };
        self.releases[at].direction = Direction::Ended;
        tell(cx, "", to, "");
    }
}

fn tell(cx: &mut Context<'_>, from: &str, to: &str, reason: &str) {
    let event = row(cx.now(), EventKind::Release, from, to, reason);
    cx.observations.push(Observation::Happened(event));
}
