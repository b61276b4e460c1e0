//! What a balancer has seen of a group's targets since it last gave them weights.
//!
//! The decision is `policy::anomaly`'s. Only groups with anomaly mitigation have a table, and an event every 5 s.

use crate::aws::quotas::alb;
use crate::blueprint::AnomalyModel;
use crate::cluster::Task;
use crate::cluster::view::View;
use crate::engine::arena::Id;
use crate::policy::anomaly::{self, FULL, Seen};
use crate::units::Span;

#[derive(Clone, Debug, Default)]
pub(super) struct Anomalies {
    /// By the task's slot.
    slots: Vec<Option<(Id<Task>, Seen)>>,
}

/// A target has become anomalous, or has its full weight again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Anomalous(Id<Task>),
    Normal(Id<Task>),
}

/// How often weights are given.
pub(super) const PERIOD: Span = Span::from_secs(alb::REWEIGH_S);

impl Anomalies {
    fn seen(&mut self, task: Id<Task>) -> &mut Seen {
        let slot = task.index() as usize;
        if self.slots.len() <= slot {
            self.slots.resize(slot + 1, None);
        }
        let fresh = Seen {
            requests: 0,
            errors: 0,
            weight: FULL,
        };
        let entry = self.slots[slot].get_or_insert((task, fresh));
        if entry.0 != task {
            *entry = (task, fresh);
        }
        &mut entry.1
    }

    /// A request to the task has ended; `errors` is 1 if with HTTP 5xx or a failed connection.
    pub fn ended(&mut self, task: Id<Task>, errors: u32) {
        let seen = self.seen(task);
        seen.requests += 1;
        seen.errors += errors;
    }

    /// Gives a view's targets their weights.
    pub fn weigh(&mut self, view: &mut View) {
        let slots = &self.slots;
        view.weigh(|task| match slots.get(task.index() as usize) {
            Some(Some((known, seen))) if *known == task => seen.weight,
            _ => FULL,
        });
    }

    /// Gives all targets of some views new weights, and forgets what was counted.
    pub fn reweigh(&mut self, views: &mut [View], model: &AnomalyModel) -> Vec<Turn> {
        let mut tasks: Vec<Id<Task>> = views
            .iter()
            .flat_map(|view| view.targets())
            .map(|target| target.task)
            .collect();
        tasks.sort_unstable_by_key(|task| task.index());
        tasks.dedup();
        let seen: Vec<Seen> = tasks.iter().map(|task| *self.seen(*task)).collect();
        let step = PERIOD.seconds() / model.recovery.seconds();
        let weights = anomaly::reweigh(&seen, model, step);
        let mut turns = Vec::new();
        for ((task, before), weight) in tasks.iter().zip(&seen).zip(weights) {
            if before.weight == FULL && weight < FULL {
                turns.push(Turn::Anomalous(*task));
            } else if before.weight < FULL && weight == FULL {
                turns.push(Turn::Normal(*task));
            }
            *self.seen(*task) = Seen {
                requests: 0,
                errors: 0,
                weight,
            };
        }
        for view in views {
            self.weigh(view);
        }
        turns
    }
}
