//! What a pass does for a DAEMON service: one task on each instance, a rolling update by stop, then start.
//!
//! The lower bound is ceil(instances × minimumHealthyPercent), 0 by default; there is no room above one task an instance,
//! so an old or unhealthy task goes before its successor comes [BC:ecs DeploymentConfiguration]. As with replicas an
//! unhealthy task is stopped one a pass. Deliberately not here: which instances count (`sim::control_plane::daemons`).

use super::rollout::{Starts, Why, lower_bound};

/// What a pass sees of one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// Without a task of the service.
    Empty,
    /// Its task is being stopped, or nothing is heard of it.
    Blocked,
    Taken(Daemon),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Daemon {
    pub age: Age,
    pub fitness: Fitness,
    /// Uniform; breaks ties.
    pub luck: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// Of another revision than the one that is started.
    Old,
    New,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fitness {
    /// Failed by a check, its grace period over.
    Unhealthy,
    NotYet,
    Healthy,
}

/// What a pass does; numbers are positions of hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    pub lower: u32,
    pub start: Vec<usize>,
    /// Old tasks that make place.
    pub stop_old: Vec<usize>,
    /// Unhealthy tasks of the revision that is started.
    pub stop_unhealthy: Vec<usize>,
    pub why: Why,
}

pub fn decide(hosts: &[Host], minimum_healthy_percent: u32, starts: Starts) -> Step {
    let daemons = || {
        hosts.iter().enumerate().filter_map(|(at, host)| match host {
            Host::Taken(daemon) => Some((at, daemon)),
            Host::Empty | Host::Blocked => None,
        })
    };
    let lower = lower_bound(hosts.len() as u32, minimum_healthy_percent);
    let healthy = daemons()
        .filter(|(_, daemon)| daemon.fitness == Fitness::Healthy)
        .count() as u32;
    let mut step = Step {
        lower,
        ..Step::default()
    };
    if starts == Starts::Allowed {
        step.start = (0..hosts.len()).filter(|at| hosts[*at] == Host::Empty).collect();
    }
    if starts != Starts::Forbidden {
        let old = || daemons().filter(|(_, daemon)| daemon.age == Age::Old);
        let (useless, useful): (Vec<_>, Vec<_>) = old().partition(|(_, daemon)| daemon.fitness != Fitness::Healthy);
        let mut useful = useful;
        useful.sort_by_key(|(at, daemon)| (daemon.luck, *at));
        useful.truncate(healthy.saturating_sub(lower) as usize);
        step.stop_old = useless.into_iter().chain(useful).map(|(at, _)| at).collect();
        let unhealthy = daemons().filter(|(_, daemon)| daemon.age == Age::New && daemon.fitness == Fitness::Unhealthy);
        let first = unhealthy.min_by_key(|(at, daemon)| (daemon.luck, *at));
        step.stop_unhealthy = first.map(|(at, _)| at).into_iter().collect();
    }
    step.why = why(hosts, &step, starts);
    step
}

fn why(hosts: &[Host], step: &Step, starts: Starts) -> Why {
    let any = |of: fn(&Daemon) -> bool| {
        hosts
            .iter()
            .any(|host| matches!(host, Host::Taken(daemon) if of(daemon)))
    };
    if !step.stop_unhealthy.is_empty() {
        Why::ReplaceUnhealthy
    } else if !step.stop_old.is_empty() {
        Why::AboveMinimum
    } else if !step.start.is_empty() {
        Why::BelowMaximum
    } else if hosts.contains(&Host::Empty) {
        match starts {
            Starts::Forbidden => Why::Failed,
            Starts::Throttled => Why::WaitForThrottle,
            Starts::Unplaceable | Starts::Allowed => Why::WaitForCapacity,
        }
    } else if hosts.contains(&Host::Blocked) {
        Why::WaitForOldToStop
    } else if any(|daemon| daemon.fitness != Fitness::Healthy) {
        Why::WaitForHealthy
    } else if any(|daemon| daemon.age == Age::Old) {
        Why::WaitForRoom
    } else {
        Why::Settled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(age: Age, fitness: Fitness, luck: u64) -> Host {
        Host::Taken(Daemon { age, fitness, luck })
    }

    #[test]
    fn every_empty_instance_gets_a_task() {
        let hosts = [
            Host::Empty,
            taken(Age::New, Fitness::Healthy, 1),
            Host::Blocked,
            Host::Empty,
        ];
        assert_eq!(decide(&hosts, 0, Starts::Allowed).start, [0, 3]);
        assert!(decide(&hosts, 0, Starts::Throttled).start.is_empty());
    }

    #[test]
    fn a_minimum_of_0_stops_all_old_tasks_at_once_and_one_of_50_half_of_them() {
        let hosts = [4, 1, 3, 2].map(|luck| taken(Age::Old, Fitness::Healthy, luck));
        assert_eq!(decide(&hosts, 0, Starts::Allowed).stop_old, [1, 3, 2, 0]);
        assert_eq!(decide(&hosts, 50, Starts::Allowed).stop_old, [1, 3]);
        assert_eq!(decide(&hosts, 51, Starts::Allowed).stop_old, [1], "ceil(4 × 51 %) is 3");
    }

    #[test]
    fn old_tasks_that_are_not_healthy_go_whatever_the_minimum() {
        let hosts = [
            taken(Age::Old, Fitness::Healthy, 1),
            taken(Age::Old, Fitness::NotYet, 2),
        ];
        assert_eq!(decide(&hosts, 100, Starts::Allowed).stop_old, [1]);
        assert!(decide(&hosts, 100, Starts::Forbidden).stop_old.is_empty());
    }

    #[test]
    fn unhealthy_tasks_are_replaced_one_a_pass() {
        let hosts = [5, 3, 4].map(|luck| taken(Age::New, Fitness::Unhealthy, luck));
        assert_eq!(decide(&hosts, 100, Starts::Allowed).stop_unhealthy, [1]);
    }
}
