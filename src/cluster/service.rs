//! A service as its scheduler knows it: how many tasks it wants, which it has, which revision holds production.
//!
//! Counts by state are kept as tasks change and must agree with the tasks themselves (`ControlPlane::check`).
//! Deliberately not here: what is done about a difference (`policy::rollout`, `sim::control_plane::scheduler`).

use super::deployment::{Deployment, Throttle};
use super::rate::TokenBucket;
use super::task::{Task, TaskState};
use crate::blueprint::{Provider, RevisionIx, ServiceIx, ServiceLoadBalancer, TargetGroupIx, TrafficShare};
use crate::engine::arena::Id;
use crate::engine::dist::Law;
use crate::engine::random::Key;
use crate::units::Instant;

#[derive(Clone, Debug)]
pub struct Service {
    pub service: ServiceIx,
    pub key: Key,
    pub desired: u32,
    /// Not STOPPED, by creation.
    pub tasks: Vec<Id<Task>>,
    /// Tasks created so far, for their keys.
    pub created: u64,
    pub counts: Counts,
    /// When the next pass is due; [`Instant::NEVER`] if none is.
    pub pass_due: Instant,
    /// Passes so far, for the draws.
    pub passes: u64,
    /// What the scheduler starts, unless a failed task of another revision is replaced.
    pub primary: RevisionIx,
    /// Whose tasks take production's requests: `primary` but before the last shift of a deployment that shifts traffic.
    pub production: RevisionIx,
    /// Which of the two target groups of its load balancers holds production.
    pub side: Side,
    /// Of production's traffic, on the other side: above nothing and below everything only while traffic shifts.
    pub shifted: TrafficShare,
    /// The blue that CodeDeploy has kept alive after its last deployment.
    pub kept_alive: Option<RevisionIx>,
    /// That has the traffic of the test listener's rule, if there is one.
    pub test_side: Side,
    /// Of the latest COMPLETED deployment, if there is one to roll back to.
    pub completed: Option<RevisionIx>,
    /// In progress.
    pub deployment: Option<Deployment>,
    /// Set by a deployment that failed and was not rolled back; the next deployment lifts it.
    pub halt: Halt,
    /// Failed tasks of other revisions than the primary, to be replaced by their own revision.
    pub owed: Vec<(RevisionIx, u32)>,
    pub throttle: Throttle,
    pub launches: TokenBucket,
    /// Tasks could not be placed: since the last attempt, and why.
    pub unplaced: Option<Unplaced>,
    /// Random crashes: the law of lives, and how often it has changed.
    pub crashes: Option<Law>,
    pub crash_epoch: u32,
    pub steadiness: Steadiness,
    pub news: News,
    pub rebalancing: Rebalancing,
    /// Protected tasks that the scheduler last said it could not stop.
    pub protected_said: u32,
}

/// AZ rebalancing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rebalancing {
    /// As far as is known.
    Balanced,
    /// It has been said that it is not.
    Unbalanced,
    /// This task was started in the emptiest zone; one in the fullest goes once it is healthy.
    Moves(Id<Task>),
    /// No instance of the emptiest zone could take a task.
    WaitsForRoom,
}

/// What the scheduler has done and not yet said.
#[derive(Clone, Debug, Default)]
pub struct News {
    /// Ordinals of tasks.
    pub started: Vec<u32>,
    pub stopped: Vec<u32>,
    pub registered: Vec<(TargetGroupIx, u32)>,
    pub deregistered: Vec<(TargetGroupIx, u32)>,
    /// Tasks whose connections have begun to drain.
    pub draining: u32,
}

impl News {
    /// Counts one more target of a group.
    pub fn count(of: &mut Vec<(TargetGroupIx, u32)>, group: TargetGroupIx) {
        match of.iter_mut().find(|(at, _)| *at == group) {
            Some((_, count)) => *count += 1,
            None => of.push((group, 1)),
        }
    }
}

/// Tasks by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    by_state: [u32; TaskState::COUNT],
    /// Of those RUNNING, counted towards the lower bound.
    pub healthy: u32,
}

impl Counts {
    pub fn add(&mut self, state: TaskState) {
        self.by_state[state as usize] += 1;
    }

    pub fn remove(&mut self, state: TaskState) {
        self.by_state[state as usize] -= 1;
    }

    pub fn of(&self, state: TaskState) -> u32 {
        self.by_state[state as usize]
    }

    pub fn pending(&self) -> u32 {
        self.of(TaskState::Provisioning) + self.of(TaskState::Pending) + self.of(TaskState::Activating)
    }

    pub fn running(&self) -> u32 {
        self.of(TaskState::Running)
    }

    /// On their way out, until STOPPED.
    pub fn stopping(&self) -> u32 {
        self.draining() + self.of(TaskState::Deprovisioning)
    }

    /// Of these, with containers left: what may count to the maximum (MODEL switch).
    pub fn draining(&self) -> u32 {
        self.of(TaskState::Deactivating) + self.of(TaskState::Stopping)
    }

    pub fn existing(&self) -> u32 {
        self.by_state.iter().sum()
    }

    /// From PENDING, with which Fargate's bill begins but for the wait before the pull, to STOPPED.
    pub fn billed(&self) -> u32 {
        self.existing() - self.of(TaskState::Provisioning)
    }
}

/// Of a pair of target groups for blue/green.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Primary,
    Alternate,
}

impl Side {
    pub const fn other(self) -> Side {
        match self {
            Side::Primary => Side::Alternate,
            Side::Alternate => Side::Primary,
        }
    }

    /// The group of this side; a load balancer without an alternate has one for both.
    pub fn group(self, load_balancer: &ServiceLoadBalancer) -> TargetGroupIx {
        match (self, &load_balancer.alternate) {
            (Side::Alternate, Some(alternate)) => alternate.target_group,
            _ => load_balancer.target_group,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    Going,
    /// The primary revision's deployment has FAILED and starts no more tasks [DG:deployment-circuit-breaker].
    Failed,
    /// There was no COMPLETED deployment to go back to: nothing is started at all.
    Stalled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steadiness {
    Changing,
    /// It was last said then.
    Steady {
        said: Instant,
    },
}

/// A task that no place could take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unplaced {
    /// Where it should have gone.
    pub provider: Provider,
    pub retry_at: Instant,
    pub reason: String,
    /// When it was last said.
    pub said: Instant,
}

impl Service {
    /// Whether everything is as desired.
    pub fn is_settled(&self) -> bool {
        self.deployment.is_none()
            && self.counts.running() == self.desired
            && self.counts.healthy == self.desired
            && self.counts.existing() == self.desired
    }

    /// Notes that a failed task of `revision` is to be replaced by its own kind; but what an early success left behind is
    /// only waiting to be cleaned up.
    pub fn owe(&mut self, revision: RevisionIx) {
        if self.completed == Some(self.primary) {
            return;
        }
        match self.owed.iter_mut().find(|(of, _)| *of == revision) {
            Some((_, count)) => *count += 1,
            None => self.owed.push((revision, 1)),
        }
    }

    /// The revision of one replacement that is owed, which it is then no more: the latest debt.
    pub fn pay_one(&mut self) -> Option<RevisionIx> {
        let (revision, count) = self.owed.last_mut()?;
        let revision = *revision;
        *count -= 1;
        self.owed.retain(|(_, count)| *count > 0);
        Some(revision)
    }

    /// Forgives what is owed beyond `count`, the oldest debts first.
    pub fn owe_at_most(&mut self, count: u32) {
        let mut left = self.owed_to_others().saturating_sub(count);
        for (_, owed) in &mut self.owed {
            let forgiven = left.min(*owed);
            *owed -= forgiven;
            left -= forgiven;
        }
        self.owed.retain(|(_, owed)| *owed > 0);
    }

    pub fn owed_to_others(&self) -> u32 {
        self.owed.iter().map(|(_, count)| count).sum()
    }
}
