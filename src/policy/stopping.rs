//! Which of a service's tasks is stopped when there are too many, or when a deployment takes an old one away.
//!
//! Tasks that do no good go first (MODEL): unhealthy ones, then those that are not healthy yet. Among equals the placement
//! strategy decides in reverse [DG23:task-placement-strategies]: with a spread, from where the service has most tasks,
//! at random within; with binpack, the task whose instance would have the most resources left. Deliberately not here:
//! how many are stopped (`rollout`).

use crate::blueprint::{PlacementStrategy, ZoneIx};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A task of the service as this policy sees it.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    pub may_be_stopped: Eligibility,
    pub usefulness: Usefulness,
    pub zone: ZoneIx,
    /// The instance, or any number that differs by host.
    pub host: u32,
    /// CPU units and MiB free on the instance.
    pub host_free: (u32, u64),
    /// Uniform; breaks all ties.
    pub luck: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eligibility {
    Yes,
    /// It counts for the balance between zones and stays.
    No,
}

/// In the order in which they go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Usefulness {
    Unhealthy,
    /// On its way to RUNNING, or to its first healthy check.
    NotYet,
    Useful,
}

/// Positions of up to `count` candidates in the order in which they are to be stopped.
pub fn choose(candidates: &[Candidate], count: u32, strategies: &[PlacementStrategy]) -> Vec<usize> {
    let mut in_zone = BTreeMap::new();
    let mut on_host = BTreeMap::new();
    for candidate in candidates {
        *in_zone.entry(candidate.zone).or_insert(0u64) += 1;
        *on_host.entry(candidate.host).or_insert(0u64) += 1;
    }
    let eligible = (0..candidates.len()).filter(|at| candidates[*at].may_be_stopped == Eligibility::Yes);
    let mut left: Vec<usize> = eligible.collect();
    let mut chosen = Vec::new();
    while (chosen.len() as u32) < count {
        let rank = |at: usize| {
            let candidate = &candidates[at];
            // As many as a service may have; strategies beyond these do not exist [BC:ecs CreateServiceRequest].
            let mut order = [Reverse(0); 5];
            for (place, strategy) in order.iter_mut().zip(strategies) {
                *place = Reverse(match strategy {
                    PlacementStrategy::SpreadZone => in_zone[&candidate.zone],
                    PlacementStrategy::SpreadInstance => on_host[&candidate.host],
                    PlacementStrategy::BinpackCpu => u64::from(candidate.host_free.0),
                    PlacementStrategy::BinpackMemory => candidate.host_free.1,
                    PlacementStrategy::Random => 0,
                });
            }
            (candidate.usefulness, order, candidate.luck, at)
        };
        let Some(position) = (0..left.len()).min_by_key(|position| rank(left[*position])) else {
            break;
        };
        let next = left.swap_remove(position);
        *in_zone.entry(candidates[next].zone).or_default() -= 1;
        *on_host.entry(candidates[next].host).or_default() -= 1;
        chosen.push(next);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(zone: u16, luck: u64) -> Candidate {
        Candidate {
            may_be_stopped: Eligibility::Yes,
            usefulness: Usefulness::Useful,
            zone: ZoneIx(zone),
            host: 0,
            host_free: (0, 0),
            luck,
        }
    }

    #[test]
    fn scale_in_keeps_zones_balanced_and_is_random_within() {
        let tasks = [task(0, 9), task(0, 1), task(1, 0), task(0, 5), task(1, 7), task(2, 3)];
        // Zone 0 has three: its luckiest goes (1). Then zones 0 and 1 have two each: 2 has the smallest luck.
        assert_eq!(choose(&tasks, 2, &[PlacementStrategy::SpreadZone]), [1, 2]);
    }

    #[test]
    fn binpack_stops_the_task_whose_instance_has_most_left() {
        let mut tasks = [task(0, 1), task(0, 2)];
        tasks[1].host_free = (0, 512);
        assert_eq!(choose(&tasks, 1, &[PlacementStrategy::BinpackMemory]), [1]);
    }

    #[test]
    fn unhealthy_tasks_go_before_unfinished_ones_and_both_before_useful_ones() {
        let mut tasks = [task(0, 1), task(1, 2), task(1, 3)];
        tasks[1].usefulness = Usefulness::NotYet;
        tasks[2].usefulness = Usefulness::Unhealthy;
        assert_eq!(choose(&tasks, 9, &[PlacementStrategy::SpreadZone]), [2, 1, 0]);
    }

    #[test]
    fn a_task_that_must_stay_still_counts_for_the_balance() {
        let mut tasks = [task(0, 1), task(1, 2), task(1, 3)];
        tasks[2].may_be_stopped = Eligibility::No;
        assert_eq!(choose(&tasks, 9, &[PlacementStrategy::SpreadZone]), [1, 0]);
    }
}
