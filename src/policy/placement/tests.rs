//! Placement by hand: what fits where, and which of those is taken.

use super::*;
use crate::blueprint::Provider;
use crate::units::{CpuUnits, MiB};

fn free(cpu: u32, memory: u64, enis: u32) -> Resources {
    Resources {
        cpu: CpuUnits(cpu),
        memory: MiB(memory),
        enis,
        ports_taken: Vec::new(),
    }
}

fn view(free: &Resources, zone: u16) -> InstanceView<'_> {
    InstanceView {
        free,
        zone: ZoneIx(zone),
        instance_type: "m6i.large",
        agent: Agent::Connected,
        tasks_of_service: 0,
        tasks_in_zone: 0,
    }
}

fn needs(cpu: u32, memory: u64) -> Needs {
    Needs {
        cpu: CpuUnits(cpu),
        memory: MiB(memory),
        enis: 1,
        ports: Vec::new(),
    }
}

fn key() -> Key {
    Key::root(1, 1, 1)
}

#[test]
fn a_task_goes_only_where_cpu_memory_interface_and_port_are_free_and_the_agent_is_heard() {
    let (small, low, full, whole) = (
        free(100, 999, 9),
        free(999, 100, 9),
        free(999, 999, 0),
        free(999, 999, 9),
    );
    let taken = Resources {
        ports_taken: vec![80],
        ..whole.clone()
    };
    let mut silent = view(&whole, 0);
    silent.agent = Agent::Disconnected;
    let needs = Needs {
        ports: vec![80],
        ..needs(512, 512)
    };
    let views = [view(&small, 0), view(&low, 0), view(&full, 0), view(&taken, 0), silent];
    let refusal = instance(&views, &needs, &[], &[], key()).expect_err("none fits");
    let expected = Refusal {
        instances: 5,
        agent_disconnected: 1,
        cpu: 1,
        memory: 1,
        ports: 1,
        enis: 1,
        constraints: 0,
        closest: Some((0, Obstacle::Cpu)),
    };
    assert_eq!(refusal, expected);
    assert_eq!(
        refusal.told(),
        "5 instances: 1 agent disconnected, 1 insufficient CPU units, 1 insufficient memory, 1 host port in use, \
         1 no network interface left"
    );
    assert_eq!(instance(&[views[0], view(&whole, 0)], &needs, &[], &[], key()), Ok(1));
}

#[test]
fn the_closest_instance_is_the_first_of_those_that_fail_fewest_requirements() {
    let (both, memory, other) = (free(100, 100, 9), free(999, 100, 9), free(999, 200, 9));
    let views = [view(&both, 0), view(&memory, 0), view(&other, 0)];
    let refusal = instance(&views, &needs(512, 512), &[], &[], key()).expect_err("none fits");
    assert_eq!(refusal.closest, Some((1, Obstacle::Memory)));
    assert_eq!(
        (refusal.cpu, refusal.memory),
        (1, 2),
        "each is counted for what it fails first"
    );
}

#[test]
fn strategies_apply_in_order_spread_over_zones_then_binpack_on_memory() {
    let (roomy, tight) = (free(2048, 8192, 9), free(2048, 1024, 9));
    let mut views = [view(&roomy, 0), view(&roomy, 1), view(&tight, 1)];
    views[0].tasks_in_zone = 1;
    let spread_then_pack = [PlacementStrategy::SpreadZone, PlacementStrategy::BinpackMemory];
    assert_eq!(instance(&views, &needs(256, 512), &[], &spread_then_pack, key()), Ok(2));
    let pack_then_spread = [PlacementStrategy::BinpackMemory, PlacementStrategy::SpreadZone];
    views[0].free = &tight;
    assert_eq!(
        instance(&views, &needs(256, 512), &[], &pack_then_spread, key()),
        Ok(2),
        "1 and 2 pack equally"
    );
}

#[test]
fn random_placement_reaches_every_instance_that_fits() {
    let room = free(2048, 8192, 9);
    let views = [view(&room, 0), view(&room, 1), view(&room, 2)];
    let mut reached = [false; 3];
    for draw in 0..100 {
        let at = instance(
            &views,
            &needs(1, 1),
            &[],
            &[PlacementStrategy::Random],
            key().child(draw),
        );
        reached[at.expect("all fit")] = true;
    }
    assert_eq!(reached, [true; 3]);
}

#[test]
fn constraints_filter_by_distinct_instance_zone_and_type() {
    let room = free(2048, 8192, 9);
    let mut views = [view(&room, 0), view(&room, 1)];
    views[0].tasks_of_service = 1;
    let place = |views: &[InstanceView<'_>], constraint| instance(views, &needs(1, 1), &[constraint], &[], key());
    assert_eq!(place(&views, PlacementConstraint::DistinctInstance), Ok(1));
    assert_eq!(place(&views, PlacementConstraint::Zones(0b01)), Ok(0));
    views[0].instance_type = "c5.large";
    assert_eq!(place(&views, PlacementConstraint::InstanceType("m6i.large")), Ok(1));
    let none = place(&views, PlacementConstraint::Zones(0b100)).expect_err("there is no third zone");
    assert_eq!(none.constraints, 2);
}

#[test]
fn fargate_spreads_over_zones_and_shuns_those_where_launches_failed() {
    let zone_view = |at, has, standing| ZoneView {
        zone: ZoneIx(at),
        has,
        standing,
    };
    use Standing::*;
    assert_eq!(
        zone(&[zone_view(0, 2, Good), zone_view(1, 1, Good), zone_view(2, 1, Good)]),
        Some(ZoneIx(1))
    );
    assert_eq!(
        zone(&[zone_view(0, 2, Good), zone_view(1, 0, Avoided)]),
        Some(ZoneIx(0))
    );
    assert_eq!(
        zone(&[zone_view(0, 2, Avoided), zone_view(1, 0, Avoided)]),
        Some(ZoneIx(1))
    );
}

#[test]
fn capacity_shares_fill_the_base_first_and_then_keep_the_weights() {
    let share = |provider, base, weight| CapacityShare { provider, base, weight };
    let shares = [share(Provider::Fargate, 2, 1), share(Provider::FargateSpot, 0, 3)];
    let mut tasks = [0, 0];
    let mut order = Vec::new();
    for _ in 0..10 {
        let next = provider(&shares, &tasks);
        tasks[next] += 1;
        order.push(next);
    }
    // Two of the base; of the other eight, a quarter and three quarters.
    assert_eq!(&order[..2], [0, 0]);
    assert_eq!(tasks, [4, 6]);
}
