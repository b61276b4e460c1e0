//! What a pass of the service scheduler starts and stops: rolling deployments, scaling, replacement, in one step.
//!
//! The bounds are AWS's, exactly: at least ceil(desired × minimumHealthyPercent) healthy tasks, at most
//! floor(desired × maximumPercent) running and pending ones [DG:deployment-type-ecs]. The order within them is not
//! published (MODEL): what may be started is started, what may be stopped is stopped, and the next pass looks again.
//! Unhealthy tasks are replaced by a new one first where the upper bound leaves room and one at a time where it does not
//! [DG:ecs_services]. Deliberately not here: which tasks are stopped (`stopping`), and where new ones go (`placement`).

/// What a pass sees of a service. Without a deployment in progress there are no old tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    pub desired: u32,
    pub minimum_healthy_percent: u32,
    pub maximum_percent: u32,
    /// Tasks of the revision that is started.
    pub new: Tasks,
    /// Tasks of all others.
    pub old: Tasks,
    /// Tasks that are being stopped, if they count to the maximum (MODEL switch), else 0.
    pub draining: u32,
    /// Old tasks that are being stopped; they matter to the reason only.
    pub leaving: u32,
    /// Failed old tasks that are to be replaced by their own revision.
    pub owed: u32,
    pub starts: Starts,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tasks {
    /// Running and pending.
    pub live: u32,
    /// Of these, counted towards the lower bound.
    pub healthy: u32,
    /// Of these, failed by a check, their grace period over.
    pub unhealthy: u32,
}

impl Tasks {
    const fn sound(self) -> u32 {
        self.live - self.unhealthy
    }
}

/// Whether tasks of the new revision may be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starts {
    Allowed,
    /// The last attempt found no capacity: unhealthy tasks cannot wait for their replacement.
    Unplaceable,
    /// The restart throttle delays them.
    Throttled,
    /// The deployment has failed.
    Forbidden,
}

/// What a pass does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    pub lower: u32,
    pub upper: u32,
    pub start_new: u32,
    /// Replacements of failed old tasks.
    pub start_old: u32,
    /// Failed old tasks that must still be replaced by their own revision; the minimum needs no more.
    pub still_owed: u32,
    /// Old tasks that the deployment takes away, unhealthy ones first.
    pub stop_old: u32,
    /// Unhealthy old tasks that are to be replaced by their own revision.
    pub replace_old: u32,
    /// New tasks above the desired count.
    pub stop_surplus: u32,
    /// New tasks that are unhealthy.
    pub stop_unhealthy: u32,
    pub why: Why,
}

/// The reason of a step, or of doing nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Why {
    #[default]
    Settled,
    BelowMaximum,
    AboveMinimum,
    WithinBounds,
    /// Only tasks that do nothing for the minimum go.
    RemoveUseless,
    /// That, and starts.
    StartAndRemoveUseless,
    ScaleIn,
    ReplaceUnhealthy,
    ReplaceFailed,
    WaitForHealthy,
    WaitForRoom,
    WaitForCapacity,
    WaitForThrottle,
    WaitForOldToStop,
    Failed,
    /// Nothing can ever move: lower and upper bound both equal the desired count.
    Stuck,
}

impl Why {
    /// The reason of the stops of a step whose starts came to nothing.
    pub const fn without_start(self) -> Why {
        match self {
            Why::WithinBounds => Why::AboveMinimum,
            Why::StartAndRemoveUseless => Why::RemoveUseless,
            other => other,
        }
    }

    pub const fn told(self) -> &'static str {
        match self {
            Why::Settled => "nothing to do",
            Why::BelowMaximum => "below the maximum",
            Why::AboveMinimum => "more healthy tasks than the minimum",
            Why::WithinBounds => "room above and healthy tasks to spare",
            Why::RemoveUseless => "removing tasks that are not healthy",
            Why::StartAndRemoveUseless => "room above and tasks to remove that are not healthy",
            Why::ScaleIn => "more tasks than desired",
            Why::ReplaceUnhealthy => "replacing unhealthy tasks",
            Why::ReplaceFailed => "replacing failed tasks by their own revision",
            Why::WaitForHealthy => "waiting for new tasks to become healthy",
            Why::WaitForRoom => "at the maximum",
            Why::WaitForCapacity => "no capacity for a task",
            Why::WaitForThrottle => "restart throttle",
            Why::WaitForOldToStop => "waiting for old tasks to stop",
            Why::Failed => "the deployment has failed and starts no more tasks",
            Why::Stuck => "the bounds allow neither a start nor a stop",
        }
    }
}

/// ceil(desired × percent / 100).
pub fn lower_bound(desired: u32, percent: u32) -> u32 {
    (u64::from(desired) * u64::from(percent)).div_ceil(100) as u32
}

/// floor(desired × percent / 100).
pub fn upper_bound(desired: u32, percent: u32) -> u32 {
    (u64::from(desired) * u64::from(percent) / 100) as u32
}

/// New tasks that must be healthy for an early success: the lower bound's rounding, but at least one of any
/// [DG:early-success-criteria].
pub fn enough_for_success(desired: u32, healthy_percent: u32) -> u32 {
    lower_bound(desired, healthy_percent).max(1).min(desired)
}

pub fn decide(view: &View) -> Step {
    let lower = lower_bound(view.desired, view.minimum_healthy_percent);
    let upper = upper_bound(view.desired, view.maximum_percent);
    let healthy = view.old.healthy + view.new.healthy;
    let mut room = upper.saturating_sub(view.old.live + view.new.live + view.draining);

    // A failed old task comes back as itself, as long as the lower bound needs it.
    let needed_old = lower.saturating_sub(view.new.healthy + view.old.sound());
    let owed = view.owed.min(needed_old);
    let start_old = owed.min(room);
    room -= start_old;

    let wanted = view.desired.saturating_sub(view.new.sound());
    let start_new = if view.starts == Starts::Allowed {
        wanted.min(room)
    } else {
        0
    };
    room -= start_new;

    // A deployment that has failed takes nothing more away. Old tasks that are not healthy do nothing for the minimum:
    // each goes once a healthy one has its place, whatever the minimum.
    let useless = view.old.live - view.old.healthy;
    let replaced = (healthy + useless).saturating_sub(view.desired).min(useless);
    let stop_old = match view.starts {
        Starts::Forbidden => 0,
        _ => (healthy.saturating_sub(lower) + replaced).min(view.old.live),
    };
    let stop_surplus = view.new.sound().saturating_sub(view.desired);
    // An unhealthy task goes once a healthy one has its place.
    let surplus = (view.new.healthy + view.new.unhealthy).saturating_sub(view.desired);
    let mut step = Step {
        lower,
        upper,
        start_new,
        start_old,
        still_owed: owed - start_old,
        stop_old,
        replace_old: 0,
        stop_surplus,
        stop_unhealthy: surplus.min(view.new.unhealthy),
        why: Why::Settled,
    };
    // Without room, or without a place for the replacement, it goes first, one a pass. One that stopped and is not yet
    // replaced would leave room.
    let no_room = room == 0 && start_new + start_old == 0 || view.starts == Starts::Unplaceable;
    if no_room && wanted > 0 && step.stop_old + step.stop_surplus + step.stop_unhealthy == 0 {
        step.stop_unhealthy = view.new.unhealthy.min(1);
        step.replace_old = view.old.unhealthy.min(1 - step.stop_unhealthy);
    }
    step.why = why(view, &step, wanted);
    step
}

fn why(view: &View, step: &Step, wanted: u32) -> Why {
    if step.stop_surplus > 0 {
        Why::ScaleIn
    } else if step.stop_unhealthy + step.replace_old > 0 || step.start_new > 0 && view.new.unhealthy > 0 {
        Why::ReplaceUnhealthy
    } else if step.start_old > 0 {
        Why::ReplaceFailed
    } else if step.stop_old > 0 && step.stop_old <= view.old.live - view.old.healthy {
        // Those that are not healthy go first.
        if step.start_new > 0 {
            Why::StartAndRemoveUseless
        } else {
            Why::RemoveUseless
        }
    } else if step.start_new > 0 && step.stop_old > 0 {
        Why::WithinBounds
    } else if step.start_new > 0 {
        Why::BelowMaximum
    } else if step.stop_old > 0 {
        Why::AboveMinimum
    } else if wanted > 0 {
        match view.starts {
            Starts::Forbidden => Why::Failed,
            Starts::Throttled => Why::WaitForThrottle,
            Starts::Unplaceable => Why::WaitForCapacity,
            Starts::Allowed if view.draining > 0 => Why::WaitForOldToStop,
            Starts::Allowed if is_stuck(view, step) => Why::Stuck,
            Starts::Allowed if view.new.live > view.new.healthy => Why::WaitForHealthy,
            Starts::Allowed => Why::WaitForRoom,
        }
    } else if view.new.live > view.new.healthy {
        Why::WaitForHealthy
    } else if view.old.live + view.leaving > 0 {
        Why::WaitForOldToStop
    } else {
        Why::Settled
    }
}

/// ceil(desired × min) ≥ desired and floor(desired × max) ≤ desired, with all old tasks in place.
fn is_stuck(view: &View, step: &Step) -> bool {
    step.lower >= view.desired && step.upper <= view.desired && view.old.live >= view.desired
}

#[cfg(test)]
mod tests;
