//! What a balancer's node (or a caller without balancer) knows of its targets: who they are and how many of its own
//! requests each is working on.
//!
//! Each node has its own view, with its own round-robin position and its own counts: imbalance between nodes is real.
//! Counts lie side by side in the order of the targets, because least outstanding requests looks at all of them for
//! every request; those of targets that have left are kept apart until they come back or have finished. The choice
//! itself is `policy::routing`'s.

use crate::cluster::Task;
use crate::engine::arena::Id;
use crate::units::Instant;

#[derive(Clone, Debug, Default)]
pub struct View {
    /// In order of registration.
    targets: Vec<ViewTarget>,
    /// Requests under way, by target.
    outstanding: Vec<u32>,
    /// By target; empty while all weigh the same.
    weights: Vec<u32>,
    /// Position of each target by its task's slot. A slot whose task is no target holds anything.
    seats: Vec<u32>,
    /// Tasks that are targets no more and have requests under way.
    departed: Vec<(Id<Task>, u32)>,
    /// Where round robin stands: the next target to take.
    pub position: u32,
    /// Whether a target is in slow start.
    ramping: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ViewTarget {
    pub task: Id<Task>,
    pub ramping_since: Option<Instant>,
}

impl View {
    /// Replaces the targets; round robin goes on from the target it stood at, if that is still there.
    pub fn publish(&mut self, targets: Vec<ViewTarget>) {
        let next = self.targets.get(self.position as usize).map(|target| target.task);
        let position = targets.iter().position(|target| Some(target.task) == next);
        let busy = self
            .targets
            .iter()
            .zip(&self.outstanding)
            .filter(|&(_, &count)| count > 0);
        self.departed.extend(busy.map(|(target, &count)| (target.task, count)));
        self.outstanding.clear();
        self.weights.clear();
        for (seat, target) in targets.iter().enumerate() {
            let slot = target.task.index() as usize;
            if self.seats.len() <= slot {
                self.seats.resize(slot + 1, 0);
            }
            self.seats[slot] = seat as u32;
            let back = self.departed.iter().position(|&(task, _)| task == target.task);
            self.outstanding
                .push(back.map_or(0, |at| self.departed.swap_remove(at).1));
        }
        self.ramping = targets.iter().any(|target| target.ramping_since.is_some());
        self.position = position.unwrap_or(0) as u32;
        self.targets = targets;
    }

    #[inline]
    pub fn targets(&self) -> &[ViewTarget] {
        &self.targets
    }

    /// Requests under way, by target.
    #[inline]
    pub fn outstanding(&self) -> &[u32] {
        &self.outstanding
    }

    /// By target; empty while all weigh the same.
    #[inline]
    pub fn weights(&self) -> &[u32] {
        &self.weights
    }

    /// Gives each target a weight; equal ones are as good as none.
    pub fn weigh(&mut self, weight: impl Fn(Id<Task>) -> u32) {
        self.weights.clear();
        self.weights
            .extend(self.targets.iter().map(|target| weight(target.task)));
        if self.weights.iter().all(|weight| *weight == self.weights[0]) {
            self.weights.clear();
        }
    }

    /// Position of a task, if it is a target.
    pub fn position_of(&self, task: Id<Task>) -> Option<usize> {
        let seat = *self.seats.get(task.index() as usize)? as usize;
        self.targets
            .get(seat)
            .filter(|target| target.task == task)
            .map(|_| seat)
    }

    #[inline]
    pub fn ramping(&self) -> bool {
        self.ramping
    }

    /// A request goes to the target at a position.
    #[inline]
    pub fn began(&mut self, target: usize) -> Id<Task> {
        self.outstanding[target] += 1;
        self.targets[target].task
    }

    /// A request that went to this task is over.
    #[inline]
    pub fn ended(&mut self, task: Id<Task>) {
        let seat = self.seats[task.index() as usize] as usize;
        let count = match self.targets.get(seat) {
            Some(target) if target.task == task => &mut self.outstanding[seat],
            _ => return self.ended_at_departed(task),
        };
        assert!(*count > 0, "a target ends what it began");
        *count -= 1;
    }

    #[cold]
    fn ended_at_departed(&mut self, task: Id<Task>) {
        let at = self.departed.iter().position(|&(departed, _)| departed == task);
        let at = at.expect("a task ends what it began as a target");
        self.departed[at].1 -= 1;
        if self.departed[at].1 == 0 {
            self.departed.swap_remove(at);
        }
    }
}

#[cfg(test)]
mod tests;
