//! Whom a node of a balancer may send requests to: its healthy targets or, when it has none, all of them (fail-open).
//!
//! "If a target group contains only unhealthy registered targets, requests go to all of them" [ALB:target-group-health-
//! checks]; equally, below one healthy target (`unhealthy_state_routing.minimum_healthy_targets.count` 1) a node sends to
//! all, which is why a target that is still `initial` takes part once another is unhealthy. While all are `initial`,
//! nothing is known to be wrong and nobody is sent anything. Draining targets never take part.

use crate::cluster::target_group::{Opinion, Routable, Target};

/// In order of registration. `node` is the position of the node's views.
pub fn routable(targets: &[Target], node: usize) -> Vec<Routable> {
    let registered = || targets.iter().filter(|target| target.is_registered());
    let holding = |opinion| registered().filter(move |target| target.views[node].opinion == opinion);
    let entry = |target: &Target| Routable {
        task: target.task,
        ramping_since: target.views[node].ramping_since,
    };
    if holding(Opinion::Healthy).next().is_some() {
        holding(Opinion::Healthy).map(entry).collect()
    } else if holding(Opinion::Unhealthy).next().is_some() {
        registered().map(entry).collect()
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blueprint::{RevisionIx, ServiceIx, ZoneIx};
    use crate::cluster::target_group::{TargetState, View};
    use crate::engine::arena::Arena;
    use crate::engine::random::Key;

    fn routed(targets: &[(TargetState, Opinion)]) -> Vec<u32> {
        let mut arena = Arena::new();
        let targets: Vec<Target> = targets
            .iter()
            .enumerate()
            .map(|(ordinal, (state, opinion))| Target {
                task: crate::engine::arena::Id::from_raw(arena.insert(()).raw()),
                ordinal: ordinal as u32,
                key: Key::root(1, 1, 1),
                service: ServiceIx(0),
                revision: RevisionIx(0),
                zone: ZoneIx(0),
                number: ordinal as u32,
                state: *state,
                views: vec![View::new(*opinion)],
            })
            .collect();
        routable(&targets, 0).iter().map(|entry| entry.task.index()).collect()
    }

    #[test]
    fn only_healthy_targets_are_routed_to_while_there_is_one() {
        use Opinion::*;
        let registered = TargetState::Initial;
        assert_eq!(
            routed(&[(registered, Initial), (registered, Healthy), (registered, Unhealthy)]),
            [1]
        );
    }

    #[test]
    fn a_node_without_a_healthy_target_fails_open_to_all_but_draining_ones() {
        use Opinion::*;
        let registered = TargetState::Unhealthy;
        assert_eq!(
            routed(&[
                (registered, Unhealthy),
                (TargetState::Draining, Healthy),
                (registered, Initial)
            ]),
            [0, 2]
        );
    }

    #[test]
    fn targets_that_are_all_initial_are_sent_nothing() {
        assert_eq!(routed(&[(TargetState::Initial, Opinion::Initial)]), [0u32; 0]);
    }
}
