//! Blue and green: each revision that stands is kept at the desired count, and what is left over goes.
//!
//! Minimum and maximum percent do not bind the colours [DG:deployment-type-linear]. What a colour loses is made good by
//! its own revision. Deliberately not here: when which colour stands (`life_cycle`) and who gets the traffic
//! (`weights`).

use super::ControlPlane;
use super::stepping::Done;
use crate::blueprint::{RevisionIx, ServiceIx};
use crate::cluster::service::Halt;
use crate::policy::rollout::{self, Starts, Step, View};
use crate::sim::context::Context;

impl ControlPlane {
    /// Keeps each colour at the desired count, the last named first, and notes what came of it in one row. Where both
    /// act, the row has the reason of the first named.
    pub(super) fn keep(&mut self, cx: &mut Context<'_>, at: ServiceIx, colours: &[RevisionIx]) {
        let found = self.found(at);
        let mut told: Option<(Step, Done)> = None;
        for (position, revision) in colours.iter().enumerate().rev() {
            if colours[..position].contains(revision) {
                continue;
            }
            let (step, done) = self.keep_one(cx, at, *revision);
            told = Some(match told {
                Some((before, other)) if other.acted() => (if done.acted() { step } else { before }, done.with(&other)),
                _ => (step, done),
            });
        }
        if let Some((step, done)) = told {
            self.note_step(cx, at, found, &step, &done);
        }
    }

    fn keep_one(&mut self, cx: &mut Context<'_>, at: ServiceIx, revision: RevisionIx) -> (Step, Done) {
        let service = &self.services[at.at()];
        let starts = match self.starts(cx, at) {
            // The throttle and the failure are the primary's. A stalled service starts nothing at all.
            Starts::Throttled | Starts::Forbidden if revision != service.primary && service.halt != Halt::Stalled => {
                Starts::Allowed
            }
            starts => starts,
        };
        let view = View {
            desired: service.desired,
            minimum_healthy_percent: 100,
            maximum_percent: 200,
            new: self.tasks_that(cx, at, |task| task.revision == revision && !task.displaced),
            old: self.tasks_that(cx, at, |task| task.revision == revision && task.displaced),
            draining: 0,
            leaving: 0,
            owed: 0,
            starts,
        };
        let step = rollout::decide(&view);
        let done = self.take_step(cx, at, revision, &step);
        // What a colour loses is made good here; nothing is owed.
        self.services[at.at()].owed.clear();
        (step, done)
    }

    /// Stops all tasks of other revisions.
    pub(super) fn remove_all_but(&mut self, cx: &mut Context<'_>, at: ServiceIx, kept: &[RevisionIx], why: &str) {
        let stop = self.scaling_stop(at);
        let found = self.found(at);
        let stopped = self
            .stop_some(cx, at, u32::MAX, |task| !kept.contains(&task.revision), &stop)
            .len();
        self.services[at.at()].owed.clear();
        if stopped > 0 {
            self.step_row(cx, at, found, &format!("stop {stopped}"), why);
        }
    }

    pub(super) fn only_exist(&self, at: ServiceIx, revision: RevisionIx) -> bool {
        self.services[at.at()]
            .tasks
            .iter()
            .all(|id| self.tasks[*id].revision == revision)
    }

    pub(super) fn all_healthy(&self, cx: &Context<'_>, at: ServiceIx, revision: RevisionIx) -> bool {
        let tasks = self.tasks_of(cx, at, |of| of == revision);
        tasks.healthy >= self.services[at.at()].desired
    }
}
