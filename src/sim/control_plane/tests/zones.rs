//! Zones of a balancer: cross-zone balancing off, thresholds of health, zonal shifts.

use super::harness::{Health, Stage, fleet};
use crate::blueprint::*;
use crate::sim::control_plane::ShiftStep;
use crate::sim::observation::EventKind;
use crate::sim::signal::Order;
use crate::units::Span;

/// A fleet over two zones, each with a node: task 0 in the first zone, task 1 in the second, and so on. Checks at 5, 15,
/// 25 … and nobody replaces what is unhealthy.
fn in_two_zones(desired: u32, cross_zone: CrossZone) -> Blueprint {
    let mut blueprint = fleet(desired);
    blueprint.load_balancers[0].zones = vec![ZoneIx(0), ZoneIx(1)];
    blueprint.services[0].health_check_grace_period = Span::from_secs(3600);
    blueprint.target_groups[0].attributes.cross_zone = cross_zone;
    blueprint
}

/// (second, targets) of what a node was told.
fn published(stage: &Stage<'_>, at: u16) -> Vec<(f64, usize)> {
    let told = stage.orders.iter().filter_map(|(second, order)| match order {
        Order::PublishTargets { node, targets, .. } if *node == at => Some((*second, targets.len())),
        _ => None,
    });
    told.collect()
}

/// (second, zones that DNS leaves out).
fn left_out(stage: &Stage<'_>) -> Vec<(f64, Vec<u16>)> {
    let told = stage.orders.iter().filter_map(|(second, order)| match order {
        Order::PublishZones { out, .. } => Some((*second, out.iter().map(|zone| zone.0).collect())),
        _ => None,
    });
    told.collect()
}

#[test]
fn with_cross_zone_off_a_node_is_told_its_own_zones_targets() {
    let blueprint = in_two_zones(5, CrossZone::Off);
    let stage = Stage::new(&blueprint);
    assert_eq!(published(&stage, 0), [(0.0, 3)]);
    assert_eq!(published(&stage, 1), [(0.0, 2)]);
    assert_eq!(left_out(&stage), []);
}

#[test]
fn a_zone_without_targets_leaves_dns_when_cross_zone_is_off() {
    let blueprint = in_two_zones(1, CrossZone::Off);
    let stage = Stage::new(&blueprint);
    assert_eq!(left_out(&stage), [(0.0, vec![1])]);
}

#[test]
fn a_zone_below_its_threshold_leaves_dns_and_when_all_are_below_all_stay() {
    let blueprint = in_two_zones(2, CrossZone::Off);
    let mut stage = Stage::new(&blueprint);
    // The first zone's task is ill from 12 s on: failures at 15 and 25. The second's from 27 s on: at 35 and 45.
    stage.run_until(12.0);
    stage.of_task.insert(0, Health::Status(503));
    stage.run_until(27.0);
    stage.of_task.insert(1, Health::Status(503));
    stage.run_until(52.0);
    assert_eq!(left_out(&stage), [(25.0, vec![0]), (45.0, vec![])]);
    // Meanwhile each node sends to its only target, ill as it is.
    assert_eq!(published(&stage, 0), [(0.0, 1)]);
    let told = stage.happened(EventKind::LoadBalancer);
    let told: Vec<_> = told.iter().map(|(second, _, to)| (*second, to.as_str())).collect();
    assert_eq!(told, [(25.0, "not in DNS"), (45.0, "in DNS")]);
}

#[test]
fn with_cross_zone_on_the_threshold_counts_all_zones_together() {
    let mut blueprint = in_two_zones(4, CrossZone::On);
    let minimum = MinimumHealthy {
        count: Some(3),
        percentage: None,
    };
    blueprint.target_groups[0].attributes.unhealthy_state_routing = minimum;
    blueprint.target_groups[0].attributes.dns_failover = minimum;
    let mut stage = Stage::new(&blueprint);
    stage.run_until(12.0);
    stage.of_task.insert(0, Health::Status(503));
    stage.run_until(27.0);
    stage.of_task.insert(1, Health::Status(503));
    stage.run_until(52.0);
    // Three are enough; with two, both nodes send to all four. Both zones are below at once, so both stay.
    for node in 0..2 {
        assert_eq!(published(&stage, node), [(0.0, 4), (25.0, 3), (45.0, 4)]);
    }
    // Between the two nodes' checks at 45 s one zone is out for no time at all.
    assert_eq!(left_out(&stage), [(45.0, vec![0]), (45.0, vec![])]);
}

#[test]
fn a_zonal_shift_takes_the_zone_out_of_dns_and_with_cross_zone_on_its_targets_from_all_nodes() {
    for (cross_zone, meanwhile) in [(CrossZone::On, Some(2)), (CrossZone::Off, None)] {
        let blueprint = in_two_zones(4, cross_zone);
        let mut stage = Stage::new(&blueprint);
        let shift = ZonalShift {
            away_from: ZoneIx(0),
            load_balancers: vec![LoadBalancerIx(0)],
            lasting: Span::from_secs(60),
        };
        stage.run_until(100.0);
        stage.act(|control, cx| control.shift_zone(cx, &shift, ShiftStep::Begins));
        stage.run_until(160.0);
        stage.act(|control, cx| control.shift_zone(cx, &shift, ShiftStep::Ends));
        stage.run_until(200.0);
        assert_eq!(left_out(&stage), [(100.0, vec![0]), (160.0, vec![])]);
        for node in 0..2 {
            match meanwhile {
                Some(count) => assert_eq!(published(&stage, node), [(0.0, 4), (100.0, count), (160.0, 4)]),
                None => assert_eq!(
                    published(&stage, node),
                    [(0.0, 2)],
                    "clients with an old address are still served"
                ),
            }
        }
    }
}
