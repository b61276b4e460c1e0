//! What a balancer's node (or a caller without balancer) knows of its targets: who they are and how many of its own
//! requests each is working on.
//!
//! Each node has its own view, with its own round-robin position and its own counts: imbalance between nodes is real.
//! The choice itself is `policy::routing`'s.

use crate::cluster::Task;
use crate::engine::arena::Id;
use crate::units::Instant;

#[derive(Clone, Debug, Default)]
pub struct View {
    /// In order of registration.
    pub targets: Vec<ViewTarget>,
    /// By task slot, so that a count survives the target's leaving and coming back.
    pub outstanding: Vec<u32>,
    /// Where round robin stands: the next target to take.
    pub position: u32,
    /// Whether a target is in slow start.
    pub ramping: bool,
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
        self.ramping = targets.iter().any(|target| target.ramping_since.is_some());
        let slots = targets
            .iter()
            .map(|target| target.task.index() as usize + 1)
            .max()
            .unwrap_or(0);
        if self.outstanding.len() < slots {
            self.outstanding.resize(slots, 0);
        }
        self.position = position.unwrap_or(0) as u32;
        self.targets = targets;
    }

    #[inline]
    pub fn began(&mut self, task: Id<Task>) {
        self.outstanding[task.index() as usize] += 1;
    }

    #[inline]
    pub fn ended(&mut self, task: Id<Task>) {
        let count = &mut self.outstanding[task.index() as usize];
        assert!(*count > 0, "a target ends what it began");
        *count -= 1;
    }
}
