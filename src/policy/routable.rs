//! Whom a node of a balancer may send requests to: its healthy targets or, when they are too few, all of them (fail-open).
//!
//! "If a target group contains only unhealthy registered targets, requests go to all of them" [ALB:target-group-health-
//! checks]; equally, below `unhealthy_state_routing.minimum_healthy_targets` (by default one) a node sends to all, which
//! is why a target that is still `initial` takes part once another is unhealthy. While all are `initial`, nothing is
//! known to be wrong and nobody is sent anything. Draining targets never take part.

use crate::blueprint::{MinimumHealthy, TargetGroupAttributes, ZoneIx};
use crate::cluster::target_group::{Opinion, Routable, Target};

/// Which of a group's targets are a node's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those of all zones, save one that is shifted away from.
    AllBut(Option<ZoneIx>),
    /// Those of one zone.
    Only(ZoneIx),
}

/// What a node makes of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Routes {
    /// In order of registration.
    pub targets: Vec<Routable>,
    /// Whether the zone's addresses should leave DNS, as far as this node and group are concerned.
    pub fails_over: bool,
}

impl Scope {
    fn holds(self, target: &Target) -> bool {
        match self {
            Scope::AllBut(zone) => Some(target.zone) != zone,
            Scope::Only(zone) => target.zone == zone,
        }
    }
}

/// `node` is the position of the node's views.
pub fn routable(targets: &[Target], node: usize, scope: Scope, attributes: &TargetGroupAttributes) -> Routes {
    let mine = || {
        targets
            .iter()
            .filter(|target| target.is_registered() && scope.holds(target))
    };
    let entry = |target: &Target| Routable {
        task: target.task,
        ramping_since: target.views[node].ramping_since,
    };
    let (mut healthy, mut unhealthy, mut registered) = (0, 0, 0);
    for target in mine() {
        registered += 1;
        match target.views[node].opinion {
            Opinion::Healthy => healthy += 1,
            Opinion::Unhealthy => unhealthy += 1,
            Opinion::Initial => {}
        }
    }
    let missed = |minimum: MinimumHealthy| minimum.is_missed(healthy, registered);
    let targets_there = if missed(attributes.unhealthy_state_routing) {
        if healthy + unhealthy == 0 {
            Vec::new()
        } else {
            mine().map(entry).collect()
        }
    } else {
        mine()
            .filter(|target| target.views[node].opinion == Opinion::Healthy)
            .map(entry)
            .collect()
    };
    Routes {
        targets: targets_there,
        fails_over: missed(attributes.dns_failover) && targets.iter().any(Target::is_registered),
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
        let zoned: Vec<_> = targets.iter().map(|(state, opinion)| (*state, *opinion, 0)).collect();
        let routes = routes(&zoned, Scope::AllBut(None), &TargetGroupAttributes::default());
        routes.targets.iter().map(|entry| entry.task.index()).collect()
    }

    fn routes(targets: &[(TargetState, Opinion, u16)], scope: Scope, attributes: &TargetGroupAttributes) -> Routes {
        let mut arena = Arena::new();
        let targets: Vec<Target> = targets
            .iter()
            .enumerate()
            .map(|(ordinal, (state, opinion, zone))| Target {
                task: crate::engine::arena::Id::from_raw(arena.insert(()).raw()),
                ordinal: ordinal as u32,
                key: Key::root(1, 1, 1),
                service: ServiceIx(0),
                revision: RevisionIx(0),
                zone: ZoneIx(*zone),
                number: ordinal as u32,
                state: *state,
                views: vec![View::new(*opinion)],
            })
            .collect();
        routable(&targets, 0, scope, attributes)
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

    fn in_zone(opinions: &[Opinion], zone: u16) -> Vec<(TargetState, Opinion, u16)> {
        opinions.iter().map(|it| (TargetState::Healthy, *it, zone)).collect()
    }

    #[test]
    fn below_either_threshold_a_node_sends_to_all_and_at_it_to_the_healthy_ones() {
        use Opinion::*;
        // Two of five are healthy: not below a count of 2 or 40 %, but below 3 and below 41 %.
        let targets = in_zone(&[Healthy, Healthy, Unhealthy, Unhealthy, Unhealthy], 0);
        for (count, percentage, taken) in [
            (Some(2), None, 2),
            (Some(3), None, 5),
            (None, Some(40), 2),
            (None, Some(41), 5),
            (Some(2), Some(41), 5),
        ] {
            let minimum = MinimumHealthy { count, percentage };
            let attributes = TargetGroupAttributes {
                unhealthy_state_routing: minimum,
                dns_failover: minimum,
                ..Default::default()
            };
            let routes = routes(&targets, Scope::AllBut(None), &attributes);
            assert_eq!(routes.targets.len(), taken, "{minimum:?}");
            assert_eq!(routes.fails_over, taken == 5, "{minimum:?}");
        }
    }

    #[test]
    fn a_node_without_cross_zone_balancing_counts_and_takes_its_own_zones_targets() {
        use Opinion::*;
        let mut targets = in_zone(&[Healthy, Unhealthy], 0);
        targets.extend(in_zone(&[Unhealthy, Unhealthy], 1));
        let attributes = TargetGroupAttributes::default();
        let here = routes(&targets, Scope::Only(ZoneIx(0)), &attributes);
        assert_eq!((here.targets.len(), here.fails_over), (1, false));
        let there = routes(&targets, Scope::Only(ZoneIx(1)), &attributes);
        assert_eq!(
            (there.targets.len(), there.fails_over),
            (2, true),
            "both, for want of a healthy one"
        );
        let nowhere = routes(&targets, Scope::Only(ZoneIx(2)), &attributes);
        assert_eq!((nowhere.targets.len(), nowhere.fails_over), (0, true));
        let together = routes(&targets, Scope::AllBut(None), &attributes);
        assert_eq!((together.targets.len(), together.fails_over), (1, false));
        let shifted = routes(&targets, Scope::AllBut(Some(ZoneIx(0))), &attributes);
        assert_eq!((shifted.targets.len(), shifted.fails_over), (2, true));
    }

    #[test]
    fn a_group_without_targets_takes_no_zone_out_of_dns() {
        let attributes = TargetGroupAttributes::default();
        assert!(!routes(&[], Scope::AllBut(None), &attributes).fails_over);
    }

    #[test]
    fn targets_that_are_all_initial_are_sent_nothing() {
        assert_eq!(routed(&[(TargetState::Initial, Opinion::Initial)]), [0u32; 0]);
    }
}
