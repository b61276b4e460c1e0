//! Bills that a reader can write by hand.

use super::*;
use crate::aws::instance_types;
use crate::blueprint::fixture::{empty, load_balancer, scaled_service, target_tracking};
use crate::blueprint::{
    Agent, AutoScalingGroup, GroupIx, LoadBalancerIx, RevisionIx, ScalingMetric, ServiceIx, ZoneIx,
};
use crate::engine::dist::Dist;
use crate::sim::signal::LoadBalancerMeter;
use crate::units::{CpuUnits, MiB, Ratio};

fn at(seconds: f64) -> Instant {
    Instant::from_nanos((seconds * 1e9) as u64)
}

/// An hour after ten minutes of warm-up, one service, one balancer in two zones, one group of m6i.large.
fn blueprint() -> Blueprint {
    let mut blueprint = empty();
    blueprint.warm_up = Span::from_secs(600);
    blueprint.services.push(scaled_service("web", (1, 10), vec![]));
    blueprint.load_balancers.push(load_balancer("public", 2));
    blueprint.auto_scaling_groups.push(AutoScalingGroup {
        name: "nodes".into(),
        instance_type: instance_types::find("m6i.large").unwrap(),
        zones: vec![ZoneIx(0)],
        min_size: 0,
        desired_capacity: 1,
        max_size: 5,
        awsvpc_tasks: 2,
        launch_time: Dist::constant(0.0).unwrap(),
        pull_bandwidth: 100.0,
        agent: Agent::default(),
        credits: None,
        market: Market::OnDemand,
    });
    blueprint
}

/// One vCPU, 2 GiB, x86, On-Demand Fargate.
fn task(pull_started: f64, stopped: Option<f64>) -> TaskRecord {
    TaskRecord {
        task: 1,
        service: ServiceIx(0),
        revision: RevisionIx(0),
        provider: Provider::Fargate,
        instance: None,
        zone: ZoneIx(0),
        cpu: CpuUnits(1024),
        memory: MiB(2048),
        extra_storage_gib: 0,
        architecture: Architecture::X86_64,
        created: at(0.0),
        pull_started: Some(at(pull_started)),
        running: None,
        healthy: None,
        stopping: None,
        stopped: stopped.map(at),
        stop_code: "",
        stop_reason: String::new(),
        exit_codes: String::new(),
    }
}

fn instance(launched: f64, terminated: Option<f64>) -> InstanceRecord {
    InstanceRecord {
        instance: 1,
        group: GroupIx(0),
        zone: ZoneIx(0),
        launched: at(launched),
        registered: None,
        terminated: terminated.map(at),
        reason: String::new(),
    }
}

fn bill(blueprint: &Blueprint, observations: Vec<Observation>) -> Vec<CostLine> {
    let mut probe = CostProbe::new(blueprint);
    observations.iter().for_each(|observation| probe.observe(observation));
    probe.finish(blueprint.horizon())
}

/// Quantity and dollars of an item.
fn line(lines: &[CostLine], item: &str) -> Option<(f64, f64)> {
    let line = lines.iter().find(|line| line.item == item)?;
    Some((line.quantity, line.amount.usd()))
}

fn seconds_billed(record: TaskRecord) -> f64 {
    let lines = bill(&blueprint(), vec![Observation::TaskEnded(record)]);
    line(&lines, "fargate_vcpu").map_or(0.0, |(quantity, _)| (quantity * 3600.0 * 1e6).round() / 1e6)
}

#[test]
fn a_fargate_hour_costs_the_published_price() {
    // One vCPU at 0.04048 and 2 GB at 0.004445 an hour.
    let lines = bill(&blueprint(), vec![Observation::TaskEnded(task(0.0, None))]);
    assert_eq!(line(&lines, "fargate_vcpu"), Some((1.0, 0.04048)));
    assert_eq!(line(&lines, "fargate_memory"), Some((2.0, 0.00889)));
    assert_eq!(lines[0].subject, "web");
}

#[test]
fn only_measured_time_is_billed() {
    // Measured from 600 s to 4,200 s.
    assert_eq!(seconds_billed(task(0.0, Some(500.0))), 0.0);
    assert_eq!(seconds_billed(task(0.0, Some(700.0))), 100.0);
    assert_eq!(seconds_billed(task(4_000.0, Some(9_000.0))), 200.0);
    assert_eq!(seconds_billed(task(4_300.0, None)), 0.0);
}

#[test]
fn fargate_bills_whole_seconds_and_at_least_a_minute() {
    assert_eq!(seconds_billed(task(1_000.0, Some(1_010.0))), 60.0);
    assert_eq!(seconds_billed(task(1_000.0, Some(1_100.2))), 101.0);
    assert_eq!(
        seconds_billed(task(4_190.0, Some(4_195.0))),
        10.0,
        "the minute is cut off by the horizon"
    );
}

#[test]
fn a_task_that_never_pulled_costs_nothing() {
    let mut record = task(0.0, Some(2_000.0));
    record.pull_started = None;
    assert_eq!(seconds_billed(record.clone()), 0.0);
    record.running = Some(at(1_000.0));
    assert_eq!(
        seconds_billed(record),
        1_000.0,
        "one that stood from the start is billed from RUNNING"
    );
}

#[test]
fn arm_and_spot_have_prices_of_their_own() {
    let mut arm = task(0.0, None);
    arm.architecture = Architecture::Arm64;
    let mut spot = task(0.0, None);
    spot.provider = Provider::FargateSpot;
    let mut blueprint = blueprint();
    blueprint.prices.fargate = Ratio::new(0.2).unwrap();
    let lines = bill(
        &blueprint,
        vec![Observation::TaskEnded(arm), Observation::TaskEnded(spot)],
    );
    assert_eq!(
        line(&lines, "fargate_arm_vcpu"),
        Some((1.0, 0.025904)),
        "0.03238 less 20 %"
    );
    assert_eq!(
        line(&lines, "fargate_spot_vcpu"),
        Some((1.0, 0.012144)),
        "0.3 × 0.04048, no discount"
    );
    assert_eq!(line(&lines, "fargate_vcpu"), None);
}

#[test]
fn storage_beyond_twenty_gib_is_billed() {
    let mut record = task(0.0, None);
    record.extra_storage_gib = 30;
    let lines = bill(&blueprint(), vec![Observation::TaskEnded(record)]);
    assert_eq!(line(&lines, "fargate_storage"), Some((30.0, 0.00333)));
}

#[test]
fn instances_are_billed_whatever_runs_on_them() {
    // 1,800 s of 0.096 USD an hour less 25 %; the task on it costs nothing more.
    let mut on_ec2 = task(0.0, None);
    on_ec2.provider = Provider::Group(GroupIx(0));
    let mut blueprint = blueprint();
    blueprint.prices.ec2 = Ratio::new(0.25).unwrap();
    let observations = vec![
        Observation::TaskEnded(on_ec2),
        Observation::InstanceEnded(instance(1_000.0, Some(2_800.0))),
    ];
    let lines = bill(&blueprint, observations);
    assert_eq!(line(&lines, "ec2_instance"), Some((0.5, 0.036)));
    assert_eq!(line(&lines, "fargate_vcpu"), None);
}

#[test]
fn spot_instances_cost_a_share_of_the_list_price_whatever_is_taken_off_it() {
    // 1,800 s of 0.3 × 0.096 USD an hour.
    let mut blueprint = blueprint();
    blueprint.prices.ec2 = Ratio::new(0.25).unwrap();
    blueprint.auto_scaling_groups[0].market = Market::Spot;
    let lines = bill(
        &blueprint,
        vec![Observation::InstanceEnded(instance(1_000.0, Some(2_800.0)))],
    );
    assert_eq!(line(&lines, "ec2_spot_instance"), Some((0.5, 0.0144)));
    assert_eq!(line(&lines, "ec2_instance"), None);
}

/// Minutes of a balancer from instant 0 to the horizon.
fn minutes(count: u64, meter: impl Fn(u64) -> LoadBalancerMeter) -> Vec<Observation> {
    let minute = |number| Observation::BalancerMinute {
        load_balancer: LoadBalancerIx(0),
        ended: at(60.0 * (number + 1) as f64),
        meter: meter(number),
    };
    (0..count).map(minute).collect()
}

#[test]
fn a_balancer_costs_its_hours_and_its_nodes_public_addresses() {
    let lines = bill(&blueprint(), vec![]);
    assert_eq!(line(&lines, "alb_hour"), Some((1.0, 0.0225)));
    assert_eq!(
        line(&lines, "public_ipv4"),
        Some((2.0, 0.01)),
        "a node in each of two zones"
    );
    let mut internal = blueprint();
    internal.load_balancers[0].internet_facing = false;
    assert_eq!(line(&bill(&internal, vec![]), "public_ipv4"), None);
}

#[test]
fn an_hour_is_billed_by_its_largest_dimension() {
    // 50 requests/s are 2 LCU of new connections; 12,000 in flight are 4 LCU of active connections; 16 rules a request
    // are 6 beyond the free ones: 300/s or 0.3 LCU. The warm-up's ten minutes do not count.
    let busy = LoadBalancerMeter {
        requests: 3_000,
        connections: 3_000,
        rule_evaluations: 48_000,
        ..LoadBalancerMeter::default()
    };
    let lcu = |meter: LoadBalancerMeter| {
        let lines = bill(
            &blueprint(),
            minutes(70, |minute| {
                if minute < 10 {
                    LoadBalancerMeter {
                        connections: 900_000,
                        ..meter
                    }
                } else {
                    meter
                }
            }),
        );
        line(&lines, "alb_lcu").map(|(quantity, usd)| ((quantity * 1e9).round() / 1e9, usd))
    };
    assert_eq!(lcu(busy), Some((2.0, 0.016)));
    assert_eq!(lcu(LoadBalancerMeter { active: 12_000, ..busy }), Some((4.0, 0.032)));
    assert_eq!(
        lcu(LoadBalancerMeter {
            rule_evaluations: 3_000 * 60,
            ..busy
        }),
        Some((2.5, 0.02)),
        "50 × 50 a second"
    );
}

#[test]
fn each_hour_has_its_own_largest_dimension() {
    // Hour 1: 4 LCU of connections (100/s), 1 of active. Hour 2: 1 and 3. The maximum of sums would be 5, not 7.
    let mut blueprint = blueprint();
    blueprint.warm_up = Span::ZERO;
    blueprint.duration = Span::from_secs(7_200);
    let meter = |minute| match minute < 60 {
        true => LoadBalancerMeter {
            connections: 6_000,
            active: 3_000,
            ..LoadBalancerMeter::default()
        },
        false => LoadBalancerMeter {
            connections: 1_500,
            active: 9_000,
            ..LoadBalancerMeter::default()
        },
    };
    let (quantity, _) = line(&bill(&blueprint, minutes(120, meter)), "alb_lcu").unwrap();
    assert!((quantity - 7.0).abs() < 1e-9, "{quantity}");
}

#[test]
fn each_dimension_says_what_it_alone_would_have_come_to() {
    // Hour 1: 4 LCU of connections, 1 of active; hour 2: 1 and 3. Billed are 4 + 3, and the lines that say so cost nothing.
    let mut blueprint = blueprint();
    blueprint.warm_up = Span::ZERO;
    blueprint.duration = Span::from_secs(7_200);
    let meter = |minute| LoadBalancerMeter {
        connections: if minute < 60 { 6_000 } else { 1_500 },
        active: if minute < 60 { 3_000 } else { 9_000 },
        ..LoadBalancerMeter::default()
    };
    let lines = bill(&blueprint, minutes(120, meter));
    let rounded = |item| line(&lines, item).map(|(quantity, usd)| ((quantity * 1e9).round() / 1e9, usd));
    assert_eq!(rounded("alb_lcu_of_new_connections"), Some((5.0, 0.0)));
    assert_eq!(rounded("alb_lcu_of_active_connections"), Some((4.0, 0.0)));
    assert_eq!(rounded("alb_lcu_of_processed_bytes"), None);
    assert_eq!(rounded("alb_lcu"), Some((7.0, 0.056)));
}

#[test]
fn a_reservation_is_paid_whether_it_is_used_or_not() {
    // 100 units: an hour with 2 costs 100, one with 150 costs 150.
    let mut blueprint = blueprint();
    blueprint.warm_up = Span::ZERO;
    blueprint.duration = Span::from_secs(7_200);
    blueprint.load_balancers[0].attributes.reserved_units = 100;
    let meter = |minute| LoadBalancerMeter {
        connections: if minute < 60 { 3_000 } else { 225_000 },
        ..LoadBalancerMeter::default()
    };
    let (quantity, _) = line(&bill(&blueprint, minutes(120, meter)), "alb_lcu").unwrap();
    assert!((quantity - 250.0).abs() < 1e-6, "{quantity}");
}

#[test]
fn a_short_last_hour_counts_by_its_length() {
    let mut blueprint = blueprint();
    blueprint.duration = Span::from_secs(5_400);
    let lines = bill(
        &blueprint,
        minutes(100, |_| LoadBalancerMeter {
            connections: 3_000,
            ..LoadBalancerMeter::default()
        }),
    );
    let (quantity, _) = line(&lines, "alb_lcu").unwrap();
    assert!(
        (quantity - 3.0).abs() < 1e-9,
        "2 LCU for one and a half hours: {quantity}"
    );
}

#[test]
fn alarms_are_billed_by_metric_and_share_of_a_month() {
    // Two policies have two alarms each: 4 × 1/730 of a month at 0.10 USD.
    let mut blueprint = blueprint();
    let policy = || target_tracking(ScalingMetric::Cpu, 60.0);
    blueprint.services[0].auto_scaling.as_mut().unwrap().policies = vec![policy(), policy()];
    let (quantity, usd) = line(&bill(&blueprint, vec![]), "cloudwatch_alarm").unwrap();
    assert!((quantity - 4.0 / 730.0).abs() < 1e-12);
    assert_eq!(usd, 0.000548);
}

#[test]
fn a_run_that_ended_early_is_billed_until_then() {
    let blueprint = blueprint();
    let mut probe = CostProbe::new(&blueprint);
    minutes(40, |_| LoadBalancerMeter {
        connections: 3_000,
        ..LoadBalancerMeter::default()
    })
    .iter()
    .for_each(|minute| probe.observe(minute));
    probe.observe(&Observation::TaskEnded(task(0.0, None)));
    probe.observe(&Observation::InstanceEnded(instance(0.0, None)));
    let lines = probe.finish(at(600.0 + 1_800.0));
    assert_eq!(line(&lines, "fargate_vcpu"), Some((0.5, 0.02024)));
    assert_eq!(line(&lines, "ec2_instance"), Some((0.5, 0.048)));
    assert_eq!(line(&lines, "alb_hour"), Some((0.5, 0.01125)));
    let (quantity, _) = line(&lines, "alb_lcu").unwrap();
    assert!((quantity - 1.0).abs() < 1e-9, "2 LCU for half an hour: {quantity}");
}

#[test]
fn the_order_of_observations_changes_nothing() {
    let mut observations: Vec<Observation> = (0..50)
        .map(|n| Observation::TaskEnded(task(600.0 + 7.3 * f64::from(n), Some(1_200.0 + 31.7 * f64::from(n)))))
        .collect();
    let forwards = bill(&blueprint(), observations.clone());
    observations.reverse();
    assert_eq!(forwards, bill(&blueprint(), observations));
}

#[test]
fn what_goes_from_zone_to_zone_is_paid_at_both_ends() {
    let lines = bill(&blueprint(), vec![Observation::CrossedZones(250_000_000_000)]);
    assert_eq!(line(&lines, "transfer_between_zones"), Some((250.0, 5.0)));
    assert_eq!(line(&bill(&blueprint(), vec![]), "transfer_between_zones"), None);
}
