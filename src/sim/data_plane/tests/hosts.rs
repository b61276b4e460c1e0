//! Tasks that share an instance's CPU, to the millisecond.

use super::stage::*;
use crate::aws::instance_types;
use crate::blueprint::*;
use crate::cluster::{Instance, Task};
use crate::engine::arena::{Arena, Id};
use crate::sim::signal::{CpuLeft, HostStands, OnHost, Order};
use crate::units::{CpuUnits, Span};

/// Two services on one instance of two vCPUs; requests of each at these milliseconds, of so much CPU.
fn neighbours(arrivals: [&[u64]; 2], work: [f64; 2]) -> Blueprint {
    let mut blueprint = requests_at(arrivals[0], vec![Step::Cpu(constant(work[0]))], Runtime::Unbounded);
    blueprint.programs[1] = Program {
        steps: vec![Step::Cpu(constant(work[1]))],
    };
    blueprint.services.push(service("api", 2, Runtime::Unbounded));
    more_traffic(&mut blueprint, arrivals[1], None);
    blueprint.traffic[1].to = Destination::Service {
        service: ServiceIx(1),
        balancing: Balancing::RoundRobin,
    };
    let instance_type = instance_types::find("m6i.large").expect("the table has it");
    blueprint.auto_scaling_groups = vec![AutoScalingGroup {
        name: "group".into(),
        instance_type,
        zones: vec![ZoneIx(0)],
        min_size: 1,
        desired_capacity: 1,
        max_size: 1,
        awsvpc_tasks: 10,
        launch_time: constant(0.0),
        pull_bandwidth: 100.0,
        agent: Agent::default(),
        credits: None,
        market: Market::OnDemand,
    }];
    blueprint.task_definitions = vec![TaskDefinition {
        name: "shares".into(),
        cpu: CpuUnits(1024),
        cpu_limit: CpuLimit::Shares,
        memory: crate::units::MiB(1024),
        network_mode: NetworkMode::Bridge,
        architecture: Architecture::X86_64,
        extra_storage_gib: 0,
        containers: vec![],
    }];
    for service in &mut blueprint.services {
        service.capacity = vec![CapacityShare {
            provider: Provider::Group(GroupIx(0)),
            base: 0,
            weight: 1,
        }];
    }
    blueprint
}

/// How a task stands on the instance.
#[derive(Clone, Copy)]
struct Stand {
    shares: u32,
    limit: CpuLimit,
    /// Reserved, and with a quota also its limit.
    vcpus: f64,
    /// What a container beside the server uses all the time.
    beside: f64,
}

const fn shares(shares: u32) -> Stand {
    Stand {
        shares,
        limit: CpuLimit::Shares,
        vcpus: 2.0,
        beside: 0.0,
    }
}

const fn quota(vcpus: f64) -> Stand {
    Stand {
        shares: 1024,
        limit: CpuLimit::Quota,
        vcpus,
        beside: 0.0,
    }
}

fn units(vcpus: f64) -> CpuUnits {
    CpuUnits((vcpus * 1024.0) as u32)
}

/// The instance with a task of each service.
fn stage<'b>(blueprint: &'b Blueprint, stands: [Stand; 2]) -> (Stage<'b>, Id<Instance>, Vec<Id<Task>>) {
    let mut stage = Stage::with_tasks(blueprint, 0);
    let instance: Id<Instance> = Id::from_raw(Arena::<()>::new().insert(()).raw());
    stage.order(Order::HostStands(HostStands {
        instance,
        group: GroupIx(0),
        ordinal: 0,
    }));
    let tasks = stands.iter().enumerate().map(|(service, stand)| {
        let task = stage.start_with(service, units(stand.vcpus), |spec| {
            spec.host = Some(OnHost {
                instance,
                shares: stand.shares,
                limit: stand.limit,
            });
            spec.host_vcpus = 2;
            spec.left = CpuLeft {
                server: units(stand.vcpus),
                beside: units(stand.beside),
                shares: [1024, 1024],
            };
        });
        stage.publish(service, vec![task]);
        task
    });
    let tasks = tasks.collect();
    (stage, instance, tasks)
}

/// When requests arrived and what they took, in order of their end.
fn took(blueprint: &Blueprint, stands: [Stand; 2]) -> Vec<(f64, f64)> {
    let (mut stage, ..) = stage(blueprint, stands);
    stage.run();
    let rows = stage.seen();
    rows.iter().map(|row| (row.0, (row.2 * 1e4).round() / 1e4)).collect()
}

#[test]
fn tasks_with_shares_have_the_instance_in_proportion_while_both_want_it() {
    // 256 to 768 shares of two vCPUs: a half and one and a half. Each task has two threads' work of 300 ms. The second is
    // done after 600/1.5 = 400 ms; the first has then done 200 of 600 and has both vCPUs for the rest: 200 ms more.
    let blueprint = neighbours([&[0, 0], &[0, 0]], [0.3, 0.3]);
    assert_eq!(
        took(&blueprint, [shares(256), shares(768)]),
        [(0.0, 400.0), (0.0, 400.0), (0.0, 600.0), (0.0, 600.0)]
    );
}

#[test]
fn what_a_neighbour_leaves_idle_is_borrowed_until_he_wakes() {
    // Alone the first task has both vCPUs, whatever its shares: two threads of 300 ms, 100 ms done of each at 100 ms. Then
    // the neighbour wakes with two of 150 ms and gets 1.5 vCPUs: done at 300 ms. Meanwhile the first has done 50 ms of each
    // (0.5 vCPU for 200 ms) and has 150 ms left, at full speed again: 450 ms.
    let blueprint = neighbours([&[0, 0], &[100, 100]], [0.3, 0.15]);
    assert_eq!(
        took(&blueprint, [shares(256), shares(768)]),
        [(100.0, 200.0), (100.0, 200.0), (0.0, 450.0), (0.0, 450.0)]
    );
}

#[test]
fn a_thread_has_no_more_than_a_vcpu_and_leaves_the_rest_to_the_others() {
    // The neighbour has 768 shares and one thread: one vCPU of its one and a half. The other is the first task's.
    let blueprint = neighbours([&[0, 0], &[0]], [0.3, 0.3]);
    assert_eq!(
        took(&blueprint, [shares(256), shares(768)]),
        [(0.0, 300.0), (0.0, 450.0), (0.0, 450.0)]
    );
}

#[test]
fn a_neighbour_with_a_quota_takes_no_more_than_that_whatever_is_idle() {
    // Half a vCPU as a fluid share: 150 ms of work take 300 ms. The first task has 1.5 vCPUs meanwhile, 450 of its 600 ms
    // of work; the rest with both: 75 ms.
    let mut blueprint = neighbours([&[0, 0], &[0]], [0.3, 0.15]);
    assert_eq!(
        took(&blueprint, [shares(256), quota(0.5)]),
        [(0.0, 300.0), (0.0, 375.0), (0.0, 375.0)]
    );
    // As a quota of 50 ms in periods of 100 ms from 0: one thread runs 0 to 50, 100 to 150 and 200 to 250 ms. The first task
    // has one vCPU for these 150 ms and two else: 250 + 100 = 350 ms of work until 250 ms, and 250 more take 125 ms.
    blueprint.services[1].revisions[0].cpu_model = CpuModel::CfsQuota;
    let (mut stage, _, tasks) = stage(&blueprint, [shares(256), quota(0.5)]);
    // Its phase is drawn: put the period's beginning where the arithmetic above wants it.
    let server = stage.plane.servers.get_mut(tasks[1]).expect("it lives");
    server.cpu = crate::cluster::cpu::Cpu::new(
        crate::cluster::cpu::CpuSpec {
            model: CpuModel::CfsQuota,
            shared: Some(CpuLimit::Quota),
            share: CpuUnits(512),
            threads: 2,
            period: Span::from_millis(100),
            phase: Span::ZERO,
        },
        ms(0),
    );
    stage.run();
    let took: Vec<f64> = stage.seen().iter().map(|row| (row.2 * 1e4).round() / 1e4).collect();
    assert_eq!(took, [250.0, 375.0, 375.0]);
}

#[test]
fn what_runs_beside_the_server_takes_its_part_of_the_instance() {
    // A neighbour that computes on two vCPUs all the time, with as many shares: each has one. Two threads of 300 ms take
    // 600 ms; alone they would take 300.
    let blueprint = neighbours([&[0, 0], &[]], [0.3, 0.3]);
    let noise = Stand {
        beside: 2.0,
        ..shares(512)
    };
    assert_eq!(took(&blueprint, [shares(512), noise]), [(0.0, 600.0), (0.0, 600.0)]);
    // With a quota of half a vCPU it leaves one and a half: 400 ms.
    let tamed = Stand {
        beside: 0.5,
        ..quota(0.5)
    };
    assert_eq!(took(&blueprint, [shares(1024), tamed]), [(0.0, 400.0), (0.0, 400.0)]);
}

#[test]
fn the_cpu_that_a_task_borrows_counts_as_used() {
    // Reserved is half a vCPU, used are two for 300 ms: CloudWatch would show 400 %.
    let blueprint = neighbours([&[0, 0], &[]], [0.3, 0.3]);
    let lender = Stand {
        vcpus: 0.5,
        ..shares(512)
    };
    let (mut stage, ..) = stage(&blueprint, [lender, lender]);
    stage.run_until(ms(300));
    let sample = stage.sample();
    assert_eq!(
        (sample.services[0].cpu_used, sample.services[0].cpu_reserved),
        (600_000_000, 150_000_000)
    );
}

#[test]
fn who_dies_leaves_the_cpu_to_the_others() {
    // Equal shares, two threads each: one vCPU each until the neighbour is killed at 100 ms; 500 ms of work are left, 250 ms.
    let blueprint = neighbours([&[0, 0], &[0, 0]], [0.3, 0.3]);
    let (mut stage, _, tasks) = stage(&blueprint, [shares(512), shares(512)]);
    stage.run_until(ms(100));
    stage.kill(tasks[1]);
    stage.run();
    let served: Vec<f64> = (stage.seen().iter())
        .filter(|row| row.1 == crate::sim::observation::Outcome::Served)
        .map(|row| row.2)
        .collect();
    assert_eq!(served, [350.0, 350.0]);
}

/// A t3.medium, two vCPUs of which 0.4 are its baseline, with so many credits and a sharp end.
fn on_credits(mut blueprint: Blueprint, mode: CreditMode, at_start: f64) -> Blueprint {
    let medium = instance_types::find("t3.medium").expect("the table has it");
    let burstable = crate::aws::credits::of(medium).expect("it is burstable");
    blueprint.auto_scaling_groups[0].instance_type = medium;
    blueprint.auto_scaling_groups[0].credits = Some(Credits {
        burstable,
        mode,
        at_start,
    });
    blueprint.model.ec2.credit_ramp = Span::ZERO;
    blueprint
}

#[test]
fn credits_last_for_the_balance_over_use_less_baseline() {
    // Two threads use two vCPUs, 1.6 more than is earned: 4 credits last for 150 s. Of 200 s of work each 150 are done by
    // then, and the rest goes at a fifth of a vCPU each: 250 s.
    let blueprint = on_credits(neighbours([&[0, 0], &[]], [200.0, 1.0]), CreditMode::Standard, 4.0);
    // The baseline is rounded down to 2⁻²⁰ vCPU, 2.4 millionths of it: less than a millisecond of 250 s.
    for (_, millis) in took(&blueprint, [shares(512), shares(512)]) {
        assert!((400_000.0..400_001.0).contains(&millis), "{millis}");
    }
    // Who uses less than he earns needs none: a quarter of a vCPU.
    let blueprint = on_credits(neighbours([&[0], &[]], [200.0, 1.0]), CreditMode::Standard, 0.0);
    assert_eq!(took(&blueprint, [quota(0.25), shares(512)]), [(0.0, 800_000.0)]);
}

#[test]
fn unlimited_goes_on_at_full_speed_and_owes_what_it_borrows() {
    let blueprint = on_credits(neighbours([&[0, 0], &[]], [200.0, 1.0]), CreditMode::Unlimited, 4.0);
    let (mut stage, ..) = stage(&blueprint, [shares(512), shares(512)]);
    stage.run_until(ms(200_000));
    let credits = stage.sample().credits[0];
    // 200 s of 1.6 vCPUs above the baseline are 5.333 credits, 4 of them saved ones.
    assert!((credits.owed - 4.0 / 3.0).abs() < 1e-6, "{credits:?}");
    assert!((credits.used - 20.0 / 3.0).abs() < 1e-6, "{credits:?}");
    assert_eq!((credits.balance, credits.ceiling), (0.0, 2.0));
    let took: Vec<f64> = stage.seen().iter().map(|row| row.2).collect();
    assert_eq!(took, [200_000.0, 200_000.0]);
}
